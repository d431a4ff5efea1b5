/** What lines of the log say where gateway.yaml chooses, what they never say, and an output that nobody reads. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { compileFiles, startModules } from "../support/gateway.ts";
import { plainRequest, rawClient, rawSocket, upgradeRequest } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { API_KEY, bundle, bundleEnv } from "./bundle.ts";
import { buildArtifact, type Artifact } from "./spawned.ts";

let target: FakeTarget;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  target = await fakeTarget({
    "/plain": ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nX-Served-By: a\r\nX-Served-By: b\"\tx\r\nContent-Length: 2\r\n\r\nok"),
    "*": (connection) => connection.accept("X-Served-By: c\r\n"),
  });
  env = bundleEnv(target.url, await refusedPort());
});
afterAll(async () => target[Symbol.asyncDispose]());

const logs = `observability:
  logs:
    fields: [http.request.method, url.path, http.response.status_code, apigw.session_id, apigw.ws.close_reason, error.type]
    queryParams: [room, apikey, "a b"]
    requestHeaders: [x-request-id, authorization]
    responseHeaders: [x-served-by]`;

describe("lines of one session", () => {
  it("tell the same of its handshake", async () => {
    await using gateway = await startModules(await compileFiles(bundle("")), { env });
    const session = await rawSocket(gateway.port, `/key/live?apikey=${API_KEY}`);
    session.socket.resetAndDestroy();
    const [upgrade, ended] = [await gateway.line({ event: "upgrade" }), await gateway.line({ event: "session" })];
    expect(upgrade["apigw.handshake_ms"]).toBeGreaterThan(0);
    expect(ended["apigw.handshake_ms"]).toBe(upgrade["apigw.handshake_ms"]);
  });
});

describe("chosen fields", () => {
  it("are all that lines have, with named parameters and headers, and no credential", async () => {
    const gateway = await startModules(await compileFiles(bundle(logs)), { env });
    using client = await rawClient(gateway.port);
    const query = `apikey=${API_KEY}&room=blue%20one&other=secret&a+b=1&room=two`;
    const headers = { "X-Request-Id": 'r1"}\\n', Authorization: "Bearer hidden-token", "User-Agent": "probe" };
    expect((await client.send(plainRequest(`/key/plain?${query}`, headers)).answer()).status).toBe(200);
    expect((await client.send(upgradeRequest("/key/live?apikey=wrong-key&room=red")).answer()).status).toBe(401);
    const session = await rawSocket(gateway.port, `/key/live?apikey=${API_KEY}`, { "X-Request-Id": "r2" });
    session.socket.resetAndDestroy();
    await gateway.line({ event: "session" });
    await gateway.calm(1);
    const always = { time: expect.any(String), level: "info" };
    expect(gateway.lines({ event: "http" })).toEqual([
      {
        ...always, event: "http", "http.request.method": "GET", "url.path": "/key/plain", "http.response.status_code": 200,
        "url.query": "room=blue%20one&a+b=1&room=two", "http.request.header.x-request-id": ['r1"}\\n'],
        "http.response.header.x-served-by": ["a", 'b"\tx'],
      },
      {
        ...always, event: "http", "http.request.method": "GET", "url.path": "/key/live", "http.response.status_code": 401,
        "error.type": "oauth.v2.InvalidApiKey", "url.query": "room=red",
      },
    ]);
    const [upgrade] = gateway.lines({ event: "upgrade" });
    const id = upgrade?.["apigw.session_id"];
    expect(upgrade).toEqual({
      ...always, event: "upgrade", "http.request.method": "GET", "url.path": "/key/live", "http.response.status_code": 101,
      "apigw.session_id": id, "http.request.header.x-request-id": ["r2"], "http.response.header.x-served-by": ["c"],
    });
    expect(gateway.lines({ event: "session" })).toEqual([
      {
        ...always, event: "session", "http.response.status_code": 101, "apigw.session_id": id,
        "apigw.ws.close_reason": "client_lost", "error.type": "client_lost",
      },
    ]);
    expect(JSON.stringify(gateway.lines())).not.toMatch(/hidden-token|wrong-key|the-key-of|secret|probe/);
    await gateway[Symbol.asyncDispose]();
  });
});

describe("an output that nobody reads", () => {
  let artifact: Artifact | null = null;
  afterEach(() => artifact?.remove());

  it("costs lines, which are counted and told, and no request", async () => {
    artifact = await buildArtifact(bundle("limits: { logBacklog: 64KiB }\nops: { port: 0 }"));
    const generation = await artifact.start(env);
    const [port, ops] = [await generation.port("public"), await generation.port("ops")];
    generation.process.stdout?.pause();
    using client = await rawClient(port);
    // More than the kernel's pipe and the backlog hold.
    const requests = 3_000;
    let answered = 0;
    for (let sent = 0; sent < requests; sent += 50) {
      client.send(plainRequest("/nowhere", { "User-Agent": "x".repeat(200) }).repeat(50));
      for (let at = 0; at < 50; at++) answered += (await client.answer()).status === 404 ? 1 : 0;
    }
    expect(answered).toBe(requests);
    const dropped = async (): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();
      return Number(/^apigw_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
    };
    const lost = await dropped();
    expect(lost).toBeGreaterThan(0);
    const read = (): number => generation.lines.filter((line) => line["event"] === "http").length;
    const told = (): number => generation.lines.reduce((sum, line) => sum + (line["event"] === "log lines dropped" ? Number(line["lines"]) : 0), 0);
    generation.process.stdout?.resume();
    await until(() => read() + lost >= requests, () => `${read()} lines read, ${lost} lost`);
    expect((await client.send(plainRequest("/nowhere")).answer()).status).toBe(404);
    await until(() => told() === lost, () => `${told()} of ${lost} lost lines told`);
    client.socket.destroy();
    generation.signal("SIGTERM");
    generation.signal("SIGTERM");
    await generation.ended();
    expect(generation.errors).toBe("");
  });
});
