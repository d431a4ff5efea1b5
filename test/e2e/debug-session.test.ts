/** Debug sessions from the admin API to what they recorded: for plain requests, refusals and WebSocket connections. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { closing, fromClient, MASK } from "../support/frames.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { rawSocket } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { API_KEY, bundle, bundleEnv } from "./bundle.ts";
import { AdminClient, ADMIN_SECRET, adminBundle } from "./admin-client.ts";

let modules: Awaited<ReturnType<typeof compileFiles>>;
let target: FakeTarget;
let env: Readonly<Record<string, string>>;
let gateway: TestGateway;
let admin: AdminClient;

beforeAll(async () => {
  target = await fakeTarget({
    "*": (connection) => {
      if (connection.head.startsWith("GET")) return connection.accept();
      connection.socket.write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    },
  });
  env = { ...bundleEnv(target.url, await refusedPort()), ADMIN_SECRET };
  modules = await compileFiles(bundle(adminBundle, {
    "proxies/dark/proxy.yaml": `kind: ApiProxy
observability: { debug: off }
proxyEndpoints: [{ basePath: /dark }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  }));
});
afterAll(() => target[Symbol.asyncDispose]());
beforeEach(async () => {
  gateway = await startModules(modules, { env });
  admin = new AdminClient(gateway);
});
afterEach(() => gateway[Symbol.asyncDispose]());

it("records a WebSocket connection as one transaction with status 101, and its close when it comes", async () => {
  const session = await admin.post("/v1/debugSessions", { proxy: "key" });
  expect(session).toMatchObject({ status: 201, body: { proxy: "key", state: "active", count: 10, timeout: 300, transactions: 0 } });
  const path = `/v1/debugSessions/${session.body["id"]}/transactions`;

  const client = await rawSocket(gateway.port, `/key/rooms?apikey=${API_KEY}`);
  const connection = await target.request("/rooms");
  const { body } = await admin.get(path);
  const [row] = body["transactions"] as Record<string, unknown>[];
  expect(row).toMatchObject({ kind: "websocket", status: 101, method: "GET", path: "/key/rooms", fault: null, close: null });

  client.send(fromClient("hello"));
  await connection.got(11);
  client.send(closing(4001, "bye", MASK));
  connection.socket.write(closing(4001, "bye", null));
  connection.socket.end();
  await client.end();
  client.socket.end();
  await gateway.line({ event: "session" });
  const whole = await admin.get(`${path}/${row?.["id"]}`);
  expect(whole.body).toMatchObject({
    id: row?.["id"],
    status: 101,
    route: "default",
    target: { endpoint: "default", failedServers: [] },
    close: { closedBy: "client", reason: "client", code: 4001, text: "bye", timer: null, framesFromClient: 2 },
    steps: [
      {
        policy: "VK-Key", type: "VerifyAPIKey", file: "proxies/key/policies/VK-Key.yaml", line: 1, flow: "PreFlow",
        condition: null, outcome: "ran", fault: null,
      },
      { policy: "AM-App", type: "AssignMessage", outcome: "ran" },
    ],
    sources: { "proxies/key/policies/VK-Key.yaml:1": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }" },
  });
  expect(Object.keys(whole.body["sources"] as object)).toHaveLength(2);
  expect(JSON.stringify(whole.body)).not.toContain(API_KEY);
});

it("records refusals with the step that refused, and those before any step", async () => {
  const { body } = await admin.post("/v1/debugSessions", { proxy: "key", environment: "default", count: 2 });
  const origin = await admin.post("/v1/debugSessions", { proxy: "origin", count: 1 });
  await expect(rawSocket(gateway.port, "/key/x?apikey=wrong")).rejects.toThrow("401");
  await expect(rawSocket(gateway.port, "/origin/x", { Origin: "https://evil.example" })).rejects.toThrow("403");
  const refused = await admin.recorded(body["id"], 1);
  expect(refused).toMatchObject([{
    kind: "websocket",
    status: 401,
    fault: { name: "InvalidApiKey", policy: "VK-Key", message: "Invalid ApiKey" },
    steps: [{ policy: "VK-Key", outcome: "fault", fault: { name: "InvalidApiKey" } }],
    close: null,
  }]);
  expect(await admin.recorded(origin.body["id"], 1)).toMatchObject([
    { kind: "websocket", status: 403, fault: { name: "OriginDenied", policy: null }, steps: [], target: null },
  ]);
});

it("shows both messages at both ends, and the variables of each step", async () => {
  const { body } = await admin.post("/v1/debugSessions", { proxy: "key" });
  const client = await rawSocket(gateway.port, `/key/a/b?room=7&apikey=${API_KEY}`, { "X-Hostile": '"}]<script>\u00e9' });
  const [entry] = await admin.recorded(body["id"], 1);
  const { messages, steps } = Object(entry) as Record<"messages" | "steps", never>;
  expect(messages).toMatchObject({
    request: { method: "GET", path: "/key/a/b", query: "room=7&apikey=******", version: "1.1", body: null },
    targetRequest: { method: "GET", path: "/a/b", query: "room=7", version: "1.1", body: null },
    targetResponse: { status: 101 },
    response: { status: 101, body: null },
  });
  const { request, targetRequest } = messages as Record<string, { readonly headers: readonly object[] }>;
  expect(request?.headers).toContainEqual({ name: "X-Hostile", value: '"}]<script>\u00e9' });
  expect(targetRequest?.headers).toContainEqual({ name: "X-App", value: "web" });
  expect(steps).toMatchObject([
    {
      reads: [{ name: "request.queryparam.apikey", value: "******" }],
      writes: [
        { name: "client_id" }, { name: "developer.app.name", value: "web" },
        { name: "developer.email", value: "ann@example.com" }, { name: "apiproduct.name", value: "all" },
      ],
    },
    {
      reads: [{ name: "developer.app.name", value: "web" }],
      writes: [{ name: "request.queryparam.apikey", value: null }, { name: "request.header.x-app", value: "web" }],
    },
  ]);
  client.socket.destroy();
});

it("tells conditions, and steps that did not run, of plain requests", async () => {
  const { body } = await admin.post("/v1/debugSessions", { proxy: "rules", count: 1 });
  const answer = await fetch(`http://127.0.0.1:${gateway.port}/rules/a`, { headers: { "x-fault": "request" } });
  await answer.arrayBuffer();
  expect(await admin.recorded(body["id"], 1)).toMatchObject([{
    kind: "http",
    status: 418,
    fault: { name: "RaiseFault", policy: "RF-Request" },
    steps: [
      { policy: "RF-Request", condition: { text: 'request.header.x-fault = "request"', result: true }, outcome: "fault" },
      { policy: "AM-Fault", flow: "raised", condition: null, outcome: "ran" },
      { policy: "AM-Always", outcome: "ran" },
    ],
  }]);
});

it("ends with its count, and what comes later takes the plain chains", async () => {
  const { body } = await admin.post("/v1/debugSessions", { proxy: "open", count: 1 });
  const get = async (): Promise<void> => void (await (await fetch(`http://127.0.0.1:${gateway.port}/open/a`)).arrayBuffer());
  await get();
  await admin.recorded(body["id"], 1);
  expect((await admin.get(`/v1/debugSessions/${body["id"]}`)).body).toMatchObject({ state: "completed", transactions: 1 });
  await get();
  expect(await admin.recorded(body["id"], 1)).toHaveLength(1);
  const open = [...gateway.gateway.deployed.keys()].find(({ proxy }) => proxy === "open");
  expect(open !== undefined && gateway.gateway.tracing?.watches(open)).toBe(false);
});

it("records what a filter means, of the request and of what became of it", async () => {
  const early = await admin.post("/v1/debugSessions", { proxy: "key", filter: 'proxy.pathsuffix MatchesPath "/rooms/*"' });
  const late = await admin.post("/v1/debugSessions", { proxy: "key", filter: 'fault.name = "InvalidApiKey"' });
  const named = await admin.post("/v1/debugSessions", { proxy: "key", filter: 'developer.app.name = "web"', count: 1 });
  const paths = [`/key/rooms/1?apikey=${API_KEY}`, `/key/halls/1?apikey=${API_KEY}`, "/key/halls/2?apikey=wrong"];
  for (const path of paths) await (await fetch(`http://127.0.0.1:${gateway.port}${path}`, { method: "DELETE" })).arrayBuffer();
  expect(await admin.recorded(early.body["id"], 1)).toMatchObject([{ path: "/key/rooms/1" }]);
  expect(await admin.recorded(late.body["id"], 1)).toMatchObject([{ path: "/key/halls/2", status: 401 }]);
  expect(await admin.recorded(named.body["id"], 1)).toMatchObject([{ path: "/key/rooms/1" }]);
  expect((await admin.get(`/v1/debugSessions/${early.body["id"]}`)).body).toMatchObject({ transactions: 1, filteredOut: 2 });
  const wrong = await admin.post("/v1/debugSessions", { proxy: "key", filter: 'proxy.pathsuffix = "/a" nd true' });
  expect(wrong).toMatchObject({ status: 400, body: { error: { code: "bad_filter", problems: [{ start: 24, end: 26 }] } } });
  expect(Object(wrong.body["error"])["message"]).toBe("filter, column 25: join two conditions with and, or");
});

it("refuses what cannot be recorded, and what asks for too much", async () => {
  const wrong = async (body: object): Promise<string> => {
    const answer = await admin.post("/v1/debugSessions", body);
    expect(answer.status).toBe(400);
    return String(Object(answer.body["error"])["message"]);
  };
  expect(await wrong({})).toBe("proxy is missing");
  expect(await wrong({ proxy: "nobody-knows" })).toBe("nobody-knows is not deployed");
  expect(await wrong({ proxy: "key", environment: "prod" })).toBe("key is not deployed in prod");
  expect(await wrong({ proxy: "dark" })).toContain("debug: off");
  expect(await wrong({ proxy: "key", count: 101, timeout: 601 })).toBe(
    "count must be a whole number from 1 to 100; timeout must be a whole number from 1 to 600",
  );
  expect(await wrong({ proxy: "key", count: 0 })).toContain("count must be");
  expect(await wrong({ proxy: "key", validity: 3 })).toContain('"validity" is not known here');
});
