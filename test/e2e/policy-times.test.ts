/** Times of policies are measured in one exchange of so many, and the others run the plain chains. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, rawSocket } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { API_KEY, bundle, bundleEnv } from "./bundle.ts";

let target: FakeTarget;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  target = await fakeTarget({
    "/plain": ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "*": (connection) => connection.accept(),
  });
  env = bundleEnv(target.url, await refusedPort());
});
afterAll(async () => target[Symbol.asyncDispose]());

async function started(more: string): Promise<TestGateway> {
  return startModules(await compileFiles(bundle(more)), { env });
}

async function ask(gateway: TestGateway, path: string): Promise<number> {
  using client = await rawClient(gateway.port);
  return (await client.send(plainRequest(path)).answer()).status;
}

const timed = (gateway: TestGateway, policy: string): number =>
  gateway.metric("apigw_policy_duration_seconds_count", `policy="${policy}"`);

describe("times of policies", () => {
  it("are those of every third exchange of each proxy, refused ones and upgrades included", async () => {
    const gateway = await started("observability: { policyTimes: 3 }");
    for (let at = 0; at < 6; at++) expect(await ask(gateway, `/key/plain?apikey=${API_KEY}`)).toBe(200);
    expect([timed(gateway, "VK-Key"), timed(gateway, "AM-App")]).toEqual([2, 2]);
    expect(await ask(gateway, "/key/plain?apikey=wrong")).toBe(401);
    expect([timed(gateway, "VK-Key"), timed(gateway, "AM-App")]).toEqual([3, 2]);
    for (let at = 0; at < 3; at++) {
      const client = await rawSocket(gateway.port, `/key/live?apikey=${API_KEY}`, {});
      client.socket.destroy();
    }
    await gateway.calm();
    expect([timed(gateway, "VK-Key"), timed(gateway, "AM-App")]).toEqual([4, 3]);
    expect(gateway.metric("apigw_policy_duration_seconds_sum", 'policy="VK-Key"')).toBeGreaterThan(0);
    await gateway[Symbol.asyncDispose]();
  });

  it("are told by step over the admin API, handshakes apart from plain exchanges", async () => {
    const secret = "an-admin-secret-of-some-length";
    const more = "observability: { policyTimes: 1 }\nadmin: { port: 0, secret: { env: ADMIN_SECRET } }";
    const gateway = await startModules(await compileFiles(bundle(more)), { env: { ...env, ADMIN_SECRET: secret } });
    const { address } = await gateway.line({ event: "listening", listener: "admin" });
    const told = async (query: string): Promise<{ exchanges: number; steps: { policy: string; count: number }[] }> => {
      const headers = { Authorization: `Bearer ${secret}` };
      const answer = await fetch(`http://${String(address)}/v1/policyTimes?${query}`, { headers });
      return (await answer.json()) as { exchanges: number; steps: { policy: string; count: number }[] };
    };
    const counts = async (query: string): Promise<Record<string, number>> => {
      const { steps } = await told(query);
      return Object.fromEntries(steps.map(({ policy, count }) => [policy, count]));
    };
    expect(await told("")).toMatchObject({ exchanges: 0, steps: [], stepsLeftOut: 0, every: 1 });
    for (let at = 0; at < 3; at++) await ask(gateway, `/key/plain?apikey=${API_KEY}`);
    await ask(gateway, "/key/plain?apikey=wrong");
    const client = await rawSocket(gateway.port, `/key/live?apikey=${API_KEY}`, {});
    client.socket.destroy();
    await gateway.calm();
    expect(await counts("kind=http")).toEqual({ "VK-Key": 4, "AM-App": 3 });
    expect(await counts("kind=handshake")).toEqual({ "VK-Key": 1, "AM-App": 1 });
    expect(await counts("")).toEqual({ "VK-Key": 5, "AM-App": 4 });
    expect(await told("proxy=other")).toMatchObject({ exchanges: 0, steps: [] });
    expect(await told("limit=1")).toMatchObject({ exchanges: 5, stepsLeftOut: 1 });
    expect((await told("kind=http")).steps[0]).toMatchObject({ file: expect.stringMatching(/\.yaml$/), line: 1, flow: "PreFlow" });
    await gateway[Symbol.asyncDispose]();
  });

  it.each([
    ["nobody asked", ""],
    ["no proxy has traced twins", "observability: { policyTimes: 1, debug: off }"],
  ])("are not measured where %s", async (_, more) => {
    const gateway = await started(more);
    expect(gateway.gateway.tracing).toBe(null);
    expect(await ask(gateway, `/key/plain?apikey=${API_KEY}`)).toBe(200);
    expect(timed(gateway, "VK-Key")).toBe(0);
    await gateway[Symbol.asyncDispose]();
  });
});
