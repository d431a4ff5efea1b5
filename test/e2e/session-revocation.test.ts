import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setAppStatus, setDeveloperStatus, setKeyStatus } from "#runtime/access/change.ts";
import { digest } from "#runtime/access/digest.ts";
import { StoreFailure } from "#runtime/state/store.ts";
import { fromClient } from "../support/frames.ts";
import { startModules, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { API_KEY } from "./bundle.ts";
import { HeldStore } from "./held-store.ts";
import { atRest, bearer, closeFrame, ends, env, fresh, modules, mute, obey, open, record, target, targetClose, tokenFor } from "./session-ground.ts";
import { invalidateToken, putProduct } from "../support/access-records.ts";

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
