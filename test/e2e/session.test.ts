import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { putProduct, setAppStatus, setDeveloperStatus, setKeyStatus } from "#runtime/access/change.ts";
import { digest } from "#runtime/access/digest.ts";
import { invalidateToken, issueToken } from "#runtime/access/tokens.ts";
import { StoreFailure } from "#runtime/state/store.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import { fakeTarget, type FakeTarget, type TargetConnection } from "../support/fake-target.ts";
import { closing, endless, frame, fromClient, fromTarget, MASK, readClose } from "../support/frames.ts";
import { compileFiles, startModules, type LogLine, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, rawSocket, upgradeRequest, type RawClient } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { API_KEY, API_SECRET, bundle, bundleEnv } from "./bundle.ts";
import { HeldStore } from "./held-store.ts";

const files = bundle("", {
  "proxies/short/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /short, webSocket: { idleTimeout: 30s, maxDuration: 60s, close: { lifetime: { code: 4000, reason: long enough } } } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/both/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /both, preFlow: { request: [VK-Key, OA-Verify] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/both/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
  "proxies/both/policies/OA-Verify.yaml": "kind: OAuthV2\noperation: VerifyAccessToken",
  "proxies/late/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /late
    preFlow: { request: [OA-Verify] }
    postFlow: { response: [{ name: RF-No, condition: 'request.header.x-refuse = "yes"' }, AM-More] }
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/late/policies/OA-Verify.yaml": "kind: OAuthV2\noperation: VerifyAccessToken",
  "proxies/late/policies/RF-No.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 409, payload: not this one } }]",
  "proxies/late/policies/AM-More.yaml": "kind: AssignMessage\nactions: [{ set: { headers: { X-Session: \"{messageid}\" } } }]",
  // TLS that a test never finishes: a connection that stays under way.
  "proxies/slow/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /slow, preFlow: { request: [OA-Verify] } }]
targetEndpoints: [{ url: { env: SLOW_URL } }]`,
  "proxies/slow/policies/OA-Verify.yaml": "kind: OAuthV2\noperation: VerifyAccessToken",
});

let modules: Awaited<ReturnType<typeof compileFiles>>;
let target: FakeTarget;
let env: Readonly<Record<string, string>>;
/** Accepts connections and says nothing, not even TLS. */
const mute = createServer((socket) => socket.on("error", () => undefined).resume());

beforeAll(async () => {
  target = await fakeTarget({ "/silent": () => undefined, "*": (connection) => connection.accept() });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const address = mute.address();
  const slowPort = typeof address === "object" && address !== null ? address.port : 0;
  env = { ...bundleEnv(target.url, await refusedPort()), SLOW_URL: `https://127.0.0.1:${slowPort}/` };
  modules = await compileFiles(files);
});

afterAll(async () => {
  await target[Symbol.asyncDispose]();
  mute.close();
});

let serial = 0;
const fresh = (): string => `/s${serial++}`;

interface Pair {
  readonly client: RawClient;
  readonly connection: TargetConnection;
  readonly id: string;
}

/** A session through that base path, both ends in hand. */
async function open(gateway: TestGateway, base: string, lines: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const path = fresh();
  const query = base === "/key" || base === "/both" ? `?apikey=${API_KEY}` : "";
  const client = await rawSocket(gateway.port, `${base}${path}${query}`, lines);
  const connection = await target.request(path);
  const line = await gateway.line({ event: "upgrade", "url.path": `${base}${path}` });
  return { client, connection, id: String(line["apigw.session_id"]) };
}

async function tokenFor(gateway: TestGateway, expiresInMs: number | null = null): Promise<string> {
  const client = { id: API_KEY, secret: API_SECRET };
  const issued = await issueToken(gateway.gateway, client, { scopes: [], expiresInMs, grantType: "client_credentials" });
  if (typeof issued === "string") throw new Error(issued);
  return issued.token;
}

const bearer = (token: string): Readonly<Record<string, string>> => ({ Authorization: `Bearer ${token}` });

/** The close frame that a client is sent next, and nothing before it. */
async function closeFrame(client: RawClient): Promise<{ code: number; text: string }> {
  const head = await client.bytes(2);
  const { code, text } = readClose(Buffer.concat([head, await client.bytes(head[1] ?? 0)]));
  return { code, text };
}

/** What the target got behind `before` bytes: one masked close frame. */
async function targetClose(connection: TargetConnection, before = 0): Promise<{ masked: boolean; code: number }> {
  const { masked, code } = readClose((await connection.got(before + 8)).subarray(before));
  return { masked, code };
}

/** The one record of a session. */
async function record(gateway: TestGateway, id: string): Promise<LogLine> {
  const line = await gateway.line({ event: "session", "apigw.session_id": id });
  expect(gateway.lines({ event: "session", "apigw.session_id": id })).toHaveLength(1);
  return line;
}

/** A client in order: it answers the close frame. */
async function obey(client: RawClient, code: number): Promise<void> {
  client.send(closing(code, "", MASK));
  await client.end();
  client.socket.end();
}

const ends = (reason: string, code: number, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  "apigw.ws.close_reason": reason,
  "apigw.ws.close_code": code,
  "apigw.ws.closed_by": "gateway",
  "apigw.ws.forced": false,
  ...more,
});

async function atRest(gateway: TestGateway): Promise<void> {
  try {
    await gateway.calm();
    await until(() => target.open === 0, () => `${target.open} connections at the target`);
    expect(gateway.lines({ event: "defect" })).toEqual([]);
  } finally {
    for (const { socket } of target.connections) socket.destroy();
  }
}

describe("a deadline", () => {
  let gateway: TestGateway;
  let clock: FakeClock;
  beforeEach(async () => {
    clock = fakeClock();
    gateway = await startModules(modules, { env, clock });
  });
  afterEach(async () => {
    await atRest(gateway);
    await gateway[Symbol.asyncDispose]();
  });

  it("of a token ends the session when it expires mid-stream, and nothing passes any more", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    client.send(fromClient("before"));
    await connection.got(12);
    clock.advance(9_999);
    connection.socket.write(fromTarget("still here"));
    expect(await client.bytes(12)).toEqual(fromTarget("still here"));
    clock.advance(30);
    expect(await closeFrame(client)).toEqual({ code: 3000, text: "token expired" });
    expect(await targetClose(connection, 12)).toEqual({ masked: true, code: 1001 });
    client.send(fromClient("after"));
    connection.socket.write(fromTarget("after"));
    await obey(client, 3000);
    await connection.gone();
    expect(client.pending.length).toBe(0);
    expect(connection.received.length).toBe(12 + 8 + "token expired".length);
    expect(await record(gateway, id)).toMatchObject(
      ends("token_expired", 3000, { "apigw.ws.timer": "credential", "apigw.app": "web", "apigw.frames_in": 1, "apigw.frames_out": 1 }),
    );
  });

  it("of the wall clock follows its steps", async () => {
    const { client, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 3_600_000)));
    clock.stepWall(3_600_000);
    clock.advance(1_100);
    expect((await closeFrame(client)).code).toBe(3000);
    await obey(client, 3000);
    expect(await record(gateway, id)).toMatchObject(ends("token_expired", 3000));
    await gateway.line({ event: "clock_step" });
  });

  it("of the first of two credentials counts", async () => {
    const { client, id } = await open(gateway, "/both", bearer(await tokenFor(gateway, 5_000)));
    clock.advance(5_030);
    expect((await closeFrame(client)).code).toBe(3000);
    await obey(client, 3000);
    expect(await record(gateway, id)).toMatchObject(ends("token_expired", 3000));
  });

  it("idle: any byte in either direction counts, control frames too", async () => {
    const { client, connection, id } = await open(gateway, "/short");
    clock.advance(20_000);
    client.send(frame({ opcode: 9, mask: MASK }));
    await connection.got(6);
    clock.advance(20_000);
    expect(client.pending.length).toBe(0);
    clock.advance(10_030);
    expect(await closeFrame(client)).toEqual({ code: 3008, text: "idle timeout" });
    await obey(client, 3008);
    expect(await record(gateway, id)).toMatchObject(ends("idle", 3008, { "apigw.ws.timer": "idle", "apigw.duration_ms": expect.closeTo(50_000, -2) }));
  });

  it("maximum duration: traffic does not move it, and the proxy chooses code and text", async () => {
    const { client, connection, id } = await open(gateway, "/short");
    for (let n = 1; n <= 3; n++) {
      clock.advance(20_010);
      if (n === 3) break;
      connection.socket.write(fromTarget("x"));
      await client.bytes(3);
    }
    expect(await closeFrame(client)).toEqual({ code: 4000, text: "long enough" });
    await obey(client, 4000);
    expect(await record(gateway, id)).toMatchObject(ends("lifetime", 4000, { "apigw.ws.timer": "maxDuration" }));
  });

  it("of a token may come while the target has not answered: 401, and the target's connection goes", async () => {
    const token = await tokenFor(gateway, 5_000);
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest("/token/silent", bearer(token)));
    const connection = await target.request("/silent", target.connections.filter(({ path }) => path === "/silent").length + 1);
    clock.advance(5_030);
    const { status, body } = await client.answer();
    expect([status, JSON.parse(body)]).toEqual([401, expect.objectContaining({ fault: expect.anything() })]);
    await connection.gone();
    expect(gateway.lines({ event: "session" })).toEqual([]);
    // The connection is usable afterwards.
    expect((await client.send(plainRequest("/nowhere")).answer()).status).toBe(404);
  });

  it("of a token with a frame of 2^40 bytes from the client in flight: the target is reset, the client told", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    client.send(endless(MASK));
    const got = (await connection.got(1_014)).length;
    clock.advance(10_030);
    await connection.gone();
    expect((await closeFrame(client)).code).toBe(3000);
    client.send(Buffer.alloc(5_000, "y"));
    clock.advance(5_100);
    await client.gone();
    expect(connection.received.length).toBe(got);
    expect(await record(gateway, id)).toMatchObject(ends("token_expired", 3000, { "apigw.ws.forced": true }));
  });

  it("of a token with a frame of 2^40 bytes from the target in flight: the client is reset after closeGrace", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    connection.staysOpen = true;
    connection.socket.write(endless(null));
    const got = await client.bytes(1_010);
    clock.advance(10_030);
    expect(await targetClose(connection)).toEqual({ masked: true, code: 1001 });
    connection.socket.write(Buffer.alloc(5_000, "y"));
    expect(client.closed).toBe(false);
    clock.advance(1_030);
    await client.gone();
    expect([got.length, client.pending.length, client.error]).toEqual([1_010, 0, "ECONNRESET"]);
    clock.advance(5_000);
    expect(await record(gateway, id)).toMatchObject(ends("token_expired", 1006, { "apigw.ws.forced": true }));
    connection.socket.destroy();
  });

  it("of a token, and the client reads nothing: both connections are gone after closeTimeout", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    client.socket.pause();
    flood(connection);
    await stalled(connection);
    clock.advance(10_030);
    clock.advance(5_100);
    await connection.gone();
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "token_expired", "apigw.ws.forced": true });
    client.socket.destroy();
  });

  it("of a token, and the target reads nothing: both connections are gone after closeTimeout", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    connection.socket.pause();
    floodFromClient(client);
    await until(() => client.socket.writableLength > 500_000, () => "the client to be held back");
    clock.advance(10_030);
    clock.advance(5_100);
    await client.gone();
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "token_expired", "apigw.ws.forced": true });
    connection.socket.destroy();
  });

  it("write stall: a client that reads nothing is ended after writeStallTimeout", async () => {
    const { client, connection, id } = await open(gateway, "/open");
    client.socket.pause();
    flood(connection);
    await stalled(connection);
    for (let n = 0; n < 10; n++) clock.advance(15_000);
    await connection.gone();
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "write_stall", "apigw.ws.timer": "writeStall", "apigw.ws.forced": true });
    client.socket.destroy();
  });

  it("half-close: a target that says nothing after the client's FIN has halfCloseTimeout", async () => {
    const { client, connection, id } = await open(gateway, "/open");
    connection.staysOpen = true;
    client.socket.end();
    await until(() => connection.ended, () => "the FIN to travel on");
    connection.socket.write(fromTarget("late"));
    expect(await client.bytes(6)).toEqual(fromTarget("late"));
    clock.advance(30_030);
    expect((await closeFrame(client)).code).toBe(3008);
    await client.end();
    connection.socket.destroy();
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "half_close", "apigw.ws.timer": "halfClose" });
  });
});

/** Writes frames until the connection takes no more. */
function flood(connection: TargetConnection): void {
  const block = frame({ opcode: 2, payload: Buffer.alloc(60_000) });
  const more = (): void => {
    if (connection.socket.writableLength < 1_000_000 && !connection.socket.destroyed) {
      connection.socket.write(block);
      setImmediate(more);
    }
  };
  more();
}

function floodFromClient(client: RawClient): void {
  const block = frame({ opcode: 2, payload: Buffer.alloc(60_000), mask: MASK });
  const more = (): void => {
    if (client.socket.writableLength < 1_000_000 && !client.socket.destroyed) {
      client.send(block);
      setImmediate(more);
    }
  };
  more();
}

async function stalled(connection: TargetConnection): Promise<void> {
  await until(() => connection.socket.writableLength > 500_000, () => "the target to be held back");
}

describe("a revocation", () => {
  let gateway: TestGateway;
  let store: HeldStore;
  beforeEach(async () => {
    const holder: HeldStore[] = [];
    gateway = await startModules(modules, {
      env,
      wrapStore: (inner) => {
        const held = new HeldStore(inner);
        holder.push(held);
        return held;
      },
    });
    const [held] = holder;
    if (held === undefined) throw new Error("no store");
    store = held;
  });
  afterEach(async () => {
    await atRest(gateway);
    await gateway[Symbol.asyncDispose]();
  });

  it("by policy ends exactly the sessions of that token, at once", async () => {
    const [token, other] = [await tokenFor(gateway), await tokenFor(gateway)];
    const first = await open(gateway, "/token", bearer(token));
    const second = await open(gateway, "/token", bearer(token));
    const third = await open(gateway, "/token", bearer(other));
    using http = await rawClient(gateway.port);
    const body = `token=${token}`;
    const lines = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": String(body.length) };
    const startMs = performance.now();
    expect((await http.send(plainRequest("/oauth/revoke", lines, "POST") + body).answer()).status).toBe(200);
    for (const { client, connection, id } of [first, second]) {
      expect(await closeFrame(client)).toEqual({ code: 3003, text: "token revoked" });
      expect(performance.now() - startMs).toBeLessThan(1_000);
      expect(await targetClose(connection)).toEqual({ masked: true, code: 1001 });
      await obey(client, 3003);
      expect(await record(gateway, id)).toMatchObject(ends("token_revoked", 3003));
    }
    third.client.send(fromClient("alive"));
    expect(await third.connection.got(11)).toEqual(fromClient("alive"));
    expect((await http.send(upgradeRequest("/token/x", bearer(token))).answer()).status).toBe(401);
    third.client.socket.destroy();
  });

  it.each<readonly [what: string, reason: string, code: number, act: (of: TestGateway) => unknown]>([
    ["of the key", "access_revoked", 3003, ({ gateway: of }) => setKeyStatus(of, digest(API_KEY), "revoked")],
    ["of the app", "access_revoked", 3003, ({ gateway: of }) => setAppStatus(of, "web", "revoked")],
    ["of the developer", "access_revoked", 3003, ({ gateway: of }) => setDeveloperStatus(of, "apigw@@@ann@example.com", "inactive")],
    ["of the product's reach", "access_changed", 3003, async ({ gateway: of }) => {
      const product = await of.store.get("product", "all");
      if (product !== null) await putProduct(of, { ...product, proxies: ["other"] });
    }],
  ])("%s ends sessions by key and by token", async (_what, reason, code, act) => {
    const sessions = [await open(gateway, "/key"), await open(gateway, "/token", bearer(await tokenFor(gateway)))];
    const bystander = await open(gateway, "/open");
    await act(gateway);
    for (const { client, id } of sessions) {
      expect((await closeFrame(client)).code).toBe(code);
      await obey(client, code);
      expect(await record(gateway, id)).toMatchObject(ends(reason, code));
    }
    expect(bystander.client.pending.length).toBe(0);
    bystander.client.socket.destroy();
  });

  it("a change that takes nothing away ends nothing", async () => {
    const { client, connection } = await open(gateway, "/key");
    const product = await gateway.gateway.store.get("product", "all");
    if (product !== null) await putProduct(gateway.gateway, { ...product, displayName: "renamed" });
    client.send(fromClient("alive"));
    await connection.got(11);
    client.socket.destroy();
  });

  it.each(["token", "key", "app", "developer", "product"] as const)("while the store is asked for the %s: no 101", async (kind) => {
    const token = await tokenFor(gateway);
    const before = target.connections.length;
    using client = await rawClient(gateway.port);
    store.hold(kind);
    client.send(upgradeRequest(`/token${fresh()}`, bearer(token)));
    await until(() => store.waiting > 0, () => "the look-up");
    store.passNew();
    await invalidateToken(gateway.gateway, token);
    store.release();
    const { status } = await client.answer();
    expect(status).toBe(401);
    await gateway.calm(1);
    for (const connection of target.connections.slice(before)) await connection.gone();
    expect(gateway.lines({ event: "upgrade" })).toEqual([]);
    // The control: with a token that stands, the same wait ends in a 101.
    const good = await tokenFor(gateway);
    store.hold(kind);
    client.send(upgradeRequest(`/token${fresh()}`, bearer(good)));
    await until(() => store.waiting > 0, () => "the look-up");
    store.release();
    expect((await client.answer()).status).toBe(101);
  });

  it("of the key while the store is asked for the token behind it: no 101", async () => {
    const token = await tokenFor(gateway);
    using client = await rawClient(gateway.port);
    store.hold("token");
    client.send(upgradeRequest(`/both${fresh()}?apikey=${API_KEY}`, bearer(token)));
    await until(() => store.waiting > 0, () => "the look-up");
    store.passNew();
    await setKeyStatus(gateway.gateway, digest(API_KEY), "revoked");
    // The handshake hears of it while it waits.
    expect((await client.answer()).status).toBe(401);
    store.release();
    await gateway.calm(1);
    expect(gateway.lines({ event: "upgrade" })).toEqual([]);
  });

  it("while the connection to the target is under way: 401", async () => {
    const token = await tokenFor(gateway);
    const arrived = once(mute, "connection");
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest(`/slow${fresh()}`, bearer(token)));
    const [socket] = await arrived;
    await invalidateToken(gateway.gateway, token);
    expect((await client.answer()).status).toBe(401);
    await until(() => Reflect.get(Object(socket), "destroyed") === true, () => "the target's connection to close");
  });

  it("while the target has not answered: 401, and its connection goes", async () => {
    const token = await tokenFor(gateway);
    const path = fresh();
    let accept = (): void => undefined;
    target.on(path, (connection) => (accept = () => connection.accept()));
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest(`/token${path}`, bearer(token)));
    const connection = await target.request(path);
    await invalidateToken(gateway.gateway, token);
    accept();
    const { status, body } = await client.answer();
    expect([status, body]).toEqual([401, expect.stringContaining("token revoked")]);
    await connection.gone();
    await gateway.calm(1);
    expect(gateway.lines({ event: "session" })).toEqual([]);
  });

  it("while the response flow waits: 401 for the client, 1001 for the target, and a record", async () => {
    const token = await tokenFor(gateway);
    const held = holdResponseFlow(gateway, "/late");
    const path = fresh();
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest(`/late${path}`, bearer(token)));
    const connection = await target.request(path);
    await until(() => held.waiting, () => "the response flow");
    await invalidateToken(gateway.gateway, token);
    expect((await client.answer()).status).toBe(401);
    held.release();
    expect(await targetClose(connection)).toEqual({ masked: true, code: 1001 });
    await connection.gone();
    const line = await gateway.line({ event: "session" });
    expect(line).toMatchObject({ "apigw.ws.close_reason": "token_revoked", "apigw.ws.closed_by": "gateway", "apigw.bytes_in": 0 });
    await gateway.calm(1);
    expect(gateway.lines({ event: "session" })).toHaveLength(1);
    expect(gateway.lines({ event: "upgrade" })).toEqual([]);
  });

  it("a target that goes while the response flow waits: 502 and a record that says so", async () => {
    const held = holdResponseFlow(gateway, "/late");
    const path = fresh();
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest(`/late${path}`, bearer(await tokenFor(gateway))));
    const connection = await target.request(path);
    await until(() => held.waiting, () => "the response flow");
    connection.socket.resetAndDestroy();
    expect((await client.answer()).status).toBe(502);
    held.release();
    expect(await gateway.line({ event: "session" })).toMatchObject({ "apigw.ws.close_reason": "upstream_lost" });
    await gateway.calm(1);
    expect(gateway.lines({ event: "session" })).toHaveLength(1);
  });

  it("a client that goes while the response flow waits: the target is told, and the record says so", async () => {
    const held = holdResponseFlow(gateway, "/late");
    const path = fresh();
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest(`/late${path}`, bearer(await tokenFor(gateway))));
    const connection = await target.request(path);
    await until(() => held.waiting, () => "the response flow");
    client.socket.resetAndDestroy();
    expect(await targetClose(connection)).toEqual({ masked: true, code: 1001 });
    held.release();
    expect(await gateway.line({ event: "session" })).toMatchObject({ "apigw.ws.close_reason": "client_lost", "apigw.ws.closed_by": "client" });
    await gateway.calm();
    expect(gateway.lines({ event: "session" })).toHaveLength(1);
  });

  it("a change of access data while the response flow waits is checked before the 101, and again while that waits", async () => {
    const token = await tokenFor(gateway);
    const held = holdResponseFlow(gateway, "/late");
    const path = fresh();
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest(`/late${path}`, bearer(token)));
    await target.request(path);
    await until(() => held.waiting, () => "the response flow");
    const product = await gateway.gateway.store.get("product", "all");
    if (product !== null) await putProduct(gateway.gateway, { ...product, displayName: "renamed" });
    store.hold("token");
    held.release();
    await until(() => store.waiting > 0, () => "the check before the 101");
    store.passNew();
    await invalidateToken(gateway.gateway, token);
    store.release();
    expect((await client.answer()).status).toBe(401);
    await gateway.calm(1);
    expect(gateway.lines({ event: "upgrade" })).toEqual([]);
  });

  it("a store that fails: 503, nobody is let in, and the connection stays usable", async () => {
    const token = await tokenFor(gateway);
    using client = await rawClient(gateway.port);
    store.hold("token");
    client.send(upgradeRequest("/token/x", bearer(token)));
    await until(() => store.waiting > 0, () => "the look-up");
    store.release(new StoreFailure("unavailable", "gone"));
    const { status, body } = await client.answer();
    expect([status, body]).toEqual([503, expect.stringContaining("gateway.StoreUnavailable")]);
    expect((await client.send(upgradeRequest("/token/x", bearer(token))).answer()).status).toBe(101);
  });

  it("a client that leaves while the store is asked: nothing is left, and the target hears nothing", async () => {
    const before = target.connections.length;
    using client = await rawClient(gateway.port);
    store.hold("token");
    client.send(upgradeRequest("/token/x", bearer(await tokenFor(gateway))));
    await until(() => store.waiting > 0, () => "the look-up");
    client.socket.resetAndDestroy();
    await gateway.calm();
    store.release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(target.connections.length).toBe(before);
    expect(await gateway.line({ event: "http", "http.response.status_code": 499 })).toBeDefined();
  });

  it("bytes sent while the store is asked end the connection when the upgrade is refused", async () => {
    using client = await rawClient(gateway.port);
    store.hold("token");
    client.send(upgradeRequest("/token/x", bearer("no-such-token")));
    await until(() => store.waiting > 0, () => "the look-up");
    client.send(plainRequest("/open/smuggled"));
    await until(() => gateway.gateway.handshakes.count === 1, () => "the handshake");
    await new Promise((resolve) => setTimeout(resolve, 20));
    store.release();
    const answer = await client.answer();
    expect([answer.status, answer.headers.get("connection")]).toEqual([401, "close"]);
    expect((await client.end()).length).toBe(0);
    expect(gateway.metric("apigw_early_bytes_dropped_total")).toBe(plainRequest("/open/smuggled").length);
    expect(target.connections.map(({ path }) => path)).not.toContain("/smuggled");
  });

  it("a response flow that refuses: HTTP for the client, 1001 for the target, one record", async () => {
    const path = fresh();
    using client = await rawClient(gateway.port);
    const answer = await client.send(upgradeRequest(`/late${path}`, { ...bearer(await tokenFor(gateway)), "X-Refuse": "yes" })).answer();
    expect([answer.status, answer.body]).toEqual([409, "not this one"]);
    const connection = await target.request(path);
    expect(await targetClose(connection)).toEqual({ masked: true, code: 1001 });
    await connection.gone();
    const line = await gateway.line({ event: "session" });
    expect(line).toMatchObject({ "apigw.ws.close_reason": "refused", "apigw.ws.close_text": "refused by policy", "apigw.app": "web" });
    expect(gateway.metric("apigw_ws_connections_opened_total")).toBe(0);
    expect(gateway.metric("apigw_ws_handshakes_total", 'result="101"')).toBe(0);
  });

  it("a response flow may write headers of the 101", async () => {
    const path = fresh();
    using client = await rawClient(gateway.port);
    const { status, headers } = await client.send(upgradeRequest(`/late${path}`, bearer(await tokenFor(gateway)))).answer();
    const line = await gateway.line({ event: "upgrade" });
    expect([status, headers.get("x-session")]).toEqual([101, line["apigw.session_id"]]);
  });
});

/** Makes the response flow behind a base path wait until it is released. */
function holdResponseFlow(gateway: TestGateway, base: string): { readonly waiting: boolean; release(): void } {
  const program = gateway.gateway.router("gateway.test", base);
  if (program === null) throw new Error(`nothing at ${base}`);
  const { plain } = program;
  const state = { waiting: false, release: (): void => undefined };
  const released = new Promise<void>((resolve) => (state.release = resolve));
  const response: typeof plain.response = (x) => {
    state.waiting = true;
    return released.then(() => plain.response(x));
  };
  Object.assign(program, { plain: { request: plain.request, fault: plain.fault, response } });
  return state;
}

describe("limits", () => {
  it("of sessions: 503 with Retry-After, and room again when one has ended", async () => {
    const gateway = await startModules(await compileFiles(bundle("limits: { sessionsMax: 2 }")), { env });
    const first = await open(gateway, "/open");
    const second = await open(gateway, "/open");
    using client = await rawClient(gateway.port);
    const { status, headers } = await client.send(upgradeRequest("/open/third")).answer();
    expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
    first.client.socket.resetAndDestroy();
    await record(gateway, first.id);
    expect((await client.send(upgradeRequest("/open/third")).answer()).status).toBe(101);
    second.client.socket.destroy();
    client.socket.destroy();
    await atRest(gateway);
    await gateway[Symbol.asyncDispose]();
  });

  it("of handshakes from one address: 503, and room again when one has ended", async () => {
    const gateway = await startModules(await compileFiles(bundle("limits: { handshakesPerAddressMax: 2 }")), { env });
    const waiting = [await rawClient(gateway.port), await rawClient(gateway.port)];
    for (const client of waiting) client.send(upgradeRequest("/open/silent"));
    await until(() => gateway.gateway.handshakes.count === 2, () => "two handshakes");
    using client = await rawClient(gateway.port);
    expect((await client.send(upgradeRequest("/open/x")).answer()).status).toBe(503);
    for (const other of waiting) other.socket.destroy();
    await gateway.calm(1);
    expect((await client.send(upgradeRequest("/open/x")).answer()).status).toBe(101);
    client.socket.destroy();
    await atRest(gateway);
    await gateway[Symbol.asyncDispose]();
  });
});

describe("close frames", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startModules(modules, { env });
  });
  afterEach(async () => atRest(gateway));
  afterAll(async () => gateway[Symbol.asyncDispose]());

  const codes: readonly (readonly [code: number | null, text: string])[] = [
    [1000, "bye"], [1001, ""], [1011, "broken"], [3000, "x".repeat(123)], [4999, "own"], [null, ""],
  ];

  it.each(codes)("of the client pass untouched: %s %s", async (code, text) => {
    const { client, connection, id } = await open(gateway, "/open");
    const sent = closing(code, text, MASK);
    client.send(sent);
    expect(await connection.got(sent.length)).toEqual(sent);
    const answer = closing(code, "", null);
    connection.socket.end(answer);
    expect(await client.bytes(answer.length)).toEqual(answer);
    client.socket.end();
    expect(await record(gateway, id)).toMatchObject({
      "apigw.ws.closed_by": "client", "apigw.ws.close_reason": "client", "apigw.ws.close_code": code ?? 1005, "apigw.ws.close_text": text, "apigw.ws.forced": false,
    });
  });

  it.each(codes)("of the target pass untouched: %s %s", async (code, text) => {
    const { client, connection, id } = await open(gateway, "/open");
    const sent = closing(code, text, null);
    connection.socket.write(sent);
    expect(await client.bytes(sent.length)).toEqual(sent);
    const answer = closing(code, "", MASK);
    client.send(answer);
    expect(await connection.got(answer.length)).toEqual(answer);
    connection.socket.end();
    await client.end();
    client.socket.end();
    expect(await record(gateway, id)).toMatchObject({
      "apigw.ws.closed_by": "target", "apigw.ws.close_reason": "upstream", "apigw.ws.close_code": code ?? 1005, "apigw.ws.close_text": text,
    });
  });

  it("a client that sends no frames at all is ended with 1002", async () => {
    const { client, connection, id } = await open(gateway, "/open");
    client.send("GET /admin HTTP/1.1\r\n\r\n");
    expect((await closeFrame(client)).code).toBe(1002);
    client.socket.destroy();
    await connection.gone();
    expect(connection.received.includes("admin")).toBe(false);
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "protocol_error", "error.type": "protocol_error" });
  });

  it("a client that does not mask is ended with 1002, and its frame does not pass", async () => {
    const { client, connection, id } = await open(gateway, "/open");
    client.send(fromTarget("unmasked"));
    expect((await closeFrame(client)).code).toBe(1002);
    client.socket.destroy();
    await connection.gone();
    expect(connection.received.includes("unmasked")).toBe(false);
    await record(gateway, id);
  });

  it("ten megabytes pass both ways at once, byte for byte", async () => {
    const { client, connection } = await open(gateway, "/open");
    const payload = Buffer.alloc(10 * 1024 * 1024, "0123456789abcdef");
    const up = frame({ opcode: 2, payload, mask: MASK });
    const down = frame({ opcode: 2, payload });
    client.send(up);
    connection.socket.write(down);
    const chunks: Buffer[] = [];
    let seen = 0;
    while (seen < down.length) {
      await until(() => client.pending.length > 0, () => "bytes for the client");
      const chunk = client.take();
      chunks.push(chunk);
      seen += chunk.length;
    }
    expect(Buffer.concat(chunks).equals(down)).toBe(true);
    expect((await connection.got(up.length)).equals(up)).toBe(true);
    client.socket.destroy();
  });
});

describe("records", () => {
  const SESSIONS = 200;
  it(`are exactly one for each of ${SESSIONS} connections, however they end`, async () => {
    const gateway = await startModules(modules, { env });
    const token = await tokenFor(gateway);
    const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 100_000);
    const random = generator(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] ?? (items[0] as T);
    const endings: readonly ((pair: Pair) => void)[] = [
      ({ client }) => void client.socket.resetAndDestroy(),
      ({ client }) => void client.socket.destroy(),
      ({ client }) => void client.socket.end(closing(1000, "", MASK)),
      ({ client }) => void client.send(Buffer.from("nonsense")),
      ({ client }) => void client.socket.end(endless(MASK)),
      ({ connection }) => void connection.socket.resetAndDestroy(),
      ({ connection }) => void connection.socket.destroy(),
      ({ connection }) => void connection.socket.end(closing(1001, "", null)),
      ({ connection }) => void connection.socket.write("nonsense"),
      ({ client, connection }) => {
        client.send(closing(1000, "", MASK));
        connection.socket.write(closing(1001, "", null));
      },
      ({ client, connection }) => {
        client.socket.resetAndDestroy();
        connection.socket.resetAndDestroy();
      },
      () => undefined,
    ];
    const pairs: Pair[] = [];
    for (let n = 0; n < SESSIONS; n++) {
      const pair = await open(gateway, pick(["/open", "/token"]), bearer(token));
      pairs.push(pair);
      if (random() < 0.5) pair.client.send(fromClient("hello"));
      if (random() < 0.5) pair.connection.socket.write(fromTarget("hello"));
      pick(endings)(pair);
    }
    await invalidateToken(gateway.gateway, token);
    for (const { client } of pairs) client.socket.destroy();
    await atRest(gateway);
    const ids = gateway.lines({ event: "session" }).map((line) => String(line["apigw.session_id"])).sort();
    expect(ids, `seed ${seed}`).toEqual(pairs.map(({ id }) => id).sort());
    expect(gateway.metric("apigw_ws_connections_opened_total")).toBe(SESSIONS);
    expect(gateway.metric("apigw_ws_connections_closed_total")).toBe(SESSIONS);
    await gateway[Symbol.asyncDispose]();
  });
});

/** Numbers from 0 to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
