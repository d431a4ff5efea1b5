/** Three gateways on one Redis: their sessions counted, listed and ended over the admin API of one of them. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { answerCheck } from "../support/admin-document.ts";
import { cuttable, type Cuttable } from "../support/cuttable.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { refusedPort } from "../support/raw-target.ts";
import { startRedis, type RedisServer } from "../support/redis-server.ts";
import { AdminClient, ADMIN_SECRET, adminBundle, type AdminAnswer } from "./admin-client.ts";
import { API_KEY, bundle, bundleEnv } from "./bundle.ts";

const gatewayFile = `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: redis, url: { env: REDIS_URL }, commandTimeout: 250ms, connectTimeout: 2s }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }
${adminBundle}`;
const check = answerCheck();

let modules: Awaited<ReturnType<typeof compileFiles>>;
let target: FakeTarget;
let server: RedisServer;
/** Between the third gateway and Redis. */
let link: Cuttable;
let env: Readonly<Record<string, string>>;
let fleet: TestGateway[] = [];
let admin: AdminClient;
let clients: WsClient[] = [];

beforeAll(async () => {
  modules = await compileFiles(bundle("", { "gateway.yaml": gatewayFile }));
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  server = await startRedis();
  link = await cuttable(server.port);
  env = { ...bundleEnv(target.url, await refusedPort()), ADMIN_SECRET };
});
afterAll(async () => {
  await link[Symbol.asyncDispose]();
  await server.remove();
  await target[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await server.run("FLUSHALL");
  link.mend();
  const ports = [server.port, server.port, link.port];
  fleet = [];
  for (const [at, port] of ports.entries()) {
    const names = { APIGW_POD_NAME: `pod-${at}`, REDIS_URL: `redis://127.0.0.1:${port}` };
    fleet.push(await startModules(modules, { env: { ...env, ...names } }));
  }
  admin = new AdminClient(fleet[0]!);
  clients = [];
  for (const [at, count] of [3, 2, 1].entries()) {
    for (let n = 0; n < count; n++) await open(fleet[at]!, n === 0 ? "/open" : `/key?apikey=${API_KEY}`);
  }
});
afterEach(async () => {
  clients.forEach((client) => client.terminate());
  await Promise.all(fleet.map((gateway) => gateway[Symbol.asyncDispose]()));
});

async function open(gateway: TestGateway, path: string): Promise<void> {
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}${path}`);
  client.on("error", () => undefined);
  await once(client, "open");
  clients.push(client);
}

/** A successful answer that is as the API describes itself. */
async function good(method: "GET" | "POST", path: string, body: object = {}): Promise<AdminAnswer["body"]> {
  const told = method === "GET" ? await admin.get(path) : await admin.post(path, body);
  expect(check.problem(method, path, told.status, told.body)).toBe(null);
  expect(told.status).toBe(200);
  return told.body;
}

/** By pod: what its replica answered. */
const byPod = (body: AdminAnswer["body"]): readonly unknown[] =>
  (body["replicas"] as { pod: string; sessions: number; matched: number }[])
    .map(({ matched, pod, sessions }) => [pod, sessions, matched]).sort();

it("counts the sessions of all replicas, by filter too", async () => {
  const body = await good("GET", "/v1/fleet?proxy=key");
  expect(body).toMatchObject({ total: 6, matched: 3, silent: [] });
  expect(byPod(body)).toEqual([["pod-0", 3, 2], ["pod-1", 2, 1], ["pod-2", 1, 0]]);
});

it("lists them over pages, each once, with the replica that has it", async () => {
  const seen: string[] = [];
  const replicas = new Set<unknown>();
  for (let after = "", isLast = false; !isLast; ) {
    const body = await good("GET", `/v1/fleet/sessions?limit=4${after}`);
    for (const { id, replica } of body["sessions"] as { id: string; replica: string }[]) {
      seen.push(id);
      replicas.add(replica);
    }
    isLast = body["next"] === null;
    after = `&after=${String(body["next"])}`;
  }
  expect([seen.length, new Set(seen).size, replicas.size]).toEqual([6, 6, 3]);
  expect((await admin.get("/v1/fleet/sessions?after=nonsense")).status).toBe(400);
  expect((await admin.get("/v1/fleet/sessions?limit=101")).status).toBe(400);
});

it("ends them everywhere by filter, after a dry run that ends nobody", async () => {
  const wish = { filter: { proxy: "key" }, reason: "maintenance" };
  expect(await good("POST", "/v1/fleet/sessions:end", { ...wish, dryRun: true })).toMatchObject({ matched: 3, dryRun: true });
  expect(clients.every(({ readyState }) => readyState === WsClient.OPEN)).toBe(true);
  const ended = clients.filter(({ url }) => url.includes("/key")).map((client) => once(client, "close"));
  expect(await good("POST", "/v1/fleet/sessions:end", wish)).toMatchObject({ total: 6, matched: 3, silent: [], dryRun: false });
  await Promise.all(ended);
  expect(clients.filter(({ readyState }) => readyState === WsClient.OPEN).length).toBe(3);
  const audits = fleet[0]!.lines({ event: "audit" });
  expect(audits).toMatchObject([{ action: "fleet.sessions.end", actor: "secret", filter: "proxy:key", matched: 3, note: "maintenance" }]);
});

it("answers within its time while a replica is cut off, says so, and ends that one's sessions when it is back", async () => {
  link.cut();
  await fleet[2]!.line({ event: "store_lost" });
  const startMs = performance.now();
  const body = await good("POST", "/v1/fleet/sessions:end", { filter: { proxy: "open" } });
  expect(performance.now() - startMs).toBeLessThan(5_000);
  const silent = (body["replicas"] as { id: string; pod: string }[]).filter(({ pod }) => pod === "pod-2").map(({ id }) => id);
  expect(body).toMatchObject({ total: 5, matched: 2, silent });
  const closed = once(clients[5]!, "close");
  expect(clients[5]!.readyState).toBe(WsClient.OPEN);
  link.mend();
  await closed;
  expect(fleet.flatMap((gateway) => gateway.lines({ event: "defect" }))).toEqual([]);
});

it("lets a replica go that stops, at once", async () => {
  await fleet[1]![Symbol.asyncDispose]();
  const body = await good("GET", "/v1/fleet");
  expect(byPod(body)).toEqual([["pod-0", 3, 3], ["pod-2", 1, 1]]);
});

it("leaves no answers in the log and no revocation events", async () => {
  await good("GET", "/v1/fleet");
  expect(fleet.flatMap((gateway) => gateway.lines({ event: "revocation" }))).toEqual([]);
});

it("tells in dry runs how many sessions of all replicas a revocation concerns, and which did not say", async () => {
  const [app] = await fleet[0]!.gateway.store.list("app", { limit: 1 });
  const path = `/v1/apps/${encodeURIComponent(app!.id)}:revoke`;
  expect(await good("POST", path, { dryRun: true })).toMatchObject({ sessions: 3, silent: 0, dryRun: true });
  const key = { issuer: "https://id.example.com", kid: "2026-03", dryRun: true };
  expect(await good("POST", "/v1/jwts:revoke", key)).toMatchObject({ sessions: 0, silent: 0, status: "approved" });
  link.cut();
  await fleet[2]!.line({ event: "store_lost" });
  expect(await good("POST", path, { dryRun: true })).toMatchObject({ sessions: 3, silent: 1 });
  expect(clients.every(({ readyState }) => readyState === WsClient.OPEN)).toBe(true);
});
