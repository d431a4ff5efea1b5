/** Sessions that live on by another token: which may, which may not, and what ends them then; on one gateway and on two. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { changeRecord, eventNow } from "#runtime/access/change.ts";
import { digest } from "#runtime/access/digest.ts";
import { keyIdentity, sidIdentity, ticketIdentity } from "#runtime/access/identity.ts";
import { revokeJwts } from "#runtime/access/jwt-revocation.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { cuttable, type Cuttable } from "../../support/cuttable.ts";
import { fakeClock, type FakeClock } from "../../support/fake-clock.ts";
import { fakeTarget, type FakeTarget } from "../../support/fake-target.ts";
import { compileFiles, startModules, type TestGateway } from "../../support/gateway.ts";
import { startRedis, type RedisServer } from "../../support/redis-server.ts";
import { until } from "../../support/until.ts";
import { jwtOf, KEYS, post, ticketBundle, ticketEnv, ticketFor, tokenOf, upgradeStatus } from "../verify-ticket/ground.ts";
import { invalidateToken } from "../../support/access-records.ts";

const endpoints = `
  - name: renew
    basePath: /renew
    webSocket: deny
    flows:
      - { name: jwt, condition: 'proxy.pathsuffix = "/jwt"', request: [VJ-Token, RS-Query] }
      - { name: both, condition: 'proxy.pathsuffix = "/both"', request: [OA-Token, VJ-Second, RS-Form] }
      - { name: nobody, condition: 'proxy.pathsuffix = "/nobody"', request: [RS-Form] }
      - { name: own, condition: 'proxy.pathsuffix = "/own"', request: [OA-Token, RS-Quiet], response: [AM-Renewed] }
      - { name: form, condition: 'proxy.pathsuffix = "/form"', request: [OA-Token, RS-Form] }
    routeRules: [{ name: none }]
  - name: live
    basePath: /live
    webSocket: { sessionIdHeader: X-Session-Id }
    preFlow: { request: [OA-Token] }
  - name: graced
    basePath: /graced
    webSocket: { sessionIdHeader: X-Session-Id, renewalGrace: 10s }
    preFlow: { request: [OA-Token] }
  - name: signed
    basePath: /signed
    webSocket: { sessionIdHeader: X-Session-Id }
    preFlow: { request: [VJ-Token] }
  - name: keys
    basePath: /keys
    webSocket: { sessionIdHeader: X-Session-Id }
    preFlow: { request: [VK-Key] }`;
const policies = {
  "proxies/chat/policies/RS-Form.yaml": "kind: RenewSession",
  "proxies/chat/policies/RS-Query.yaml": "kind: RenewSession\nsession: { ref: request.queryparam.session }\noldToken: { ref: request.header.x-old-token }",
  "proxies/chat/policies/RS-Quiet.yaml": "kind: RenewSession\ngenerateResponse: { enabled: false }",
  "proxies/chat/policies/AM-Renewed.yaml": 'kind: AssignMessage\nactions: [{ set: { payload: "moved {renewsession.RS-Quiet.sessions}" } }]',
  "proxies/chat/policies/VJ-Second.yaml":
    "kind: VerifyJWT\nalgorithm: HS256\nsecretKey: { value: { env: JWT_SECRET } }\nsource: request.header.x-second",
};

let target: FakeTarget;
beforeAll(async () => {
  target = await fakeTarget({ "*": (connection) => connection.accept() });
});
afterAll(async () => target[Symbol.asyncDispose]());

interface Live {
  readonly id: string;
  readonly client: WsClient;
  /** Code and reason of the close frame. */
  readonly closed: Promise<string>;
}

async function connect(gateway: TestGateway, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Live> {
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}${path}`, { headers });
  let id = "";
  client.on("upgrade", (response) => (id = String(response.headers["x-session-id"])));
  const closed = once(client, "close").then(([code, reason]) => `${String(code)} ${String(reason)}`);
  await once(client, "open");
  return { client, id, closed };
}

const bearer = (token: string): { Authorization: string } => ({ Authorization: `Bearer ${token}` });

/** The answer to a renewal: `n/m` for sessions moved and refused, or the fault. */
async function renew(gateway: TestGateway, token: string | null, form: string, path = "/renew/form", headers = {}): Promise<string> {
  const lines = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": String(form.length), ...headers };
  const { status, body } = await post(gateway, path, token, lines, form);
  const answer = JSON.parse(body);
  return status === 200 ? `${answer.sessions}/${answer.refused}` : `${status} ${answer.fault.faultstring}`;
}

describe("a session on one gateway", () => {
  let modules: Awaited<ReturnType<typeof compileFiles>>;
  let gateway: TestGateway;
  let clock: FakeClock;
  beforeAll(async () => {
    modules = await compileFiles(ticketBundle("{ kind: memory }", endpoints, policies));
  });
  beforeEach(async () => {
    clock = fakeClock();
    gateway = await startModules(modules, { env: ticketEnv(target.url), clock });
  });
  afterEach(async () => {
    expect(gateway.lines({ event: "defect" })).toEqual([]);
    expect(gateway.lines({ event: "renewal_failed" })).toEqual([]);
    await gateway[Symbol.asyncDispose]();
  });

  it("ends with its token, and says so; named by its id it lives on until the other one expires", async () => {
    const [old, next] = [await tokenOf(gateway, { expiresInMs: 60_000 }), await tokenOf(gateway, { expiresInMs: 180_000 })];
    const [left, kept] = [await connect(gateway, "/live/a", bearer(old)), await connect(gateway, "/live/b", bearer(old))];
    expect(kept.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await renew(gateway, next, `session=${kept.id}`)).toBe("1/0");
    clock.advance(60_000);
    expect(await left.closed).toBe("3000 token expired");
    expect(kept.client.readyState).toBe(WsClient.OPEN);
    clock.advance(120_000);
    expect(await kept.closed).toBe("3000 token expired");
    const line = await gateway.line({ event: "session", "apigw.session_id": kept.id });
    expect(line).toMatchObject({ "apigw.ws.renewals": 1, "apigw.ws.close_reason": "token_expired" });
    expect(await gateway.line({ event: "renewal" })).toMatchObject({ sessions: 1, refused: 0 });
    expect(gateway.metric("apigw_ws_renewals_total")).toBe(1);
    for (const token of [old, next]) expect(JSON.stringify(gateway.lines())).not.toContain(token);
  });

  it("can be named by its old token, with all the others of that token, and again by the first one later", async () => {
    const [first, second, third] = [await tokenOf(gateway), await tokenOf(gateway), await tokenOf(gateway)];
    const lives = [await connect(gateway, "/live/a", bearer(first)), await connect(gateway, "/live/b", bearer(first))];
    const other = await connect(gateway, "/live/c", bearer(second));
    expect(await renew(gateway, second, `old_token=${first}`)).toBe("2/0");
    expect(await renew(gateway, third, `old_token=${first}`)).toBe("2/0");
    await invalidateToken(gateway.gateway, second);
    expect(await Promise.all([...lives, other].map(({ closed }) => closed))).toEqual(Array(3).fill("3003 token revoked"));
  });

  it("still ends when the first of its tokens is revoked, and when the last is", async () => {
    const tokens = [await tokenOf(gateway), await tokenOf(gateway), await tokenOf(gateway)];
    for (const revoked of [0, 2]) {
      const live = await connect(gateway, "/live/a", bearer(tokens[0] ?? ""));
      for (const next of tokens.slice(1)) expect(await renew(gateway, next, `session=${live.id}`)).toBe("1/0");
      await invalidateToken(gateway.gateway, tokens[revoked] ?? "");
      expect(await live.closed).toBe("3003 token revoked");
      tokens[0] = await tokenOf(gateway);
    }
  });

  it("with a grace waits for a renewal that is late, and no longer", async () => {
    const [old, next] = [await tokenOf(gateway, { expiresInMs: 60_000 }), await tokenOf(gateway)];
    const [left, kept] = [await connect(gateway, "/graced/a", bearer(old)), await connect(gateway, "/graced/b", bearer(old))];
    clock.advance(69_000);
    expect([left, kept].map(({ client }) => client.readyState)).toEqual([WsClient.OPEN, WsClient.OPEN]);
    expect(await renew(gateway, next, `session=${kept.id}`)).toBe("1/0");
    clock.advance(1_000);
    expect(await left.closed).toBe("3000 token expired");
    expect(kept.client.readyState).toBe(WsClient.OPEN);
    expect(await upgradeStatus(gateway, "/graced/c", bearer(old))).toBe(401);
    kept.client.terminate();
  });

  it("that a ticket admitted is named by the ticket's id", async () => {
    const [old, next] = [await tokenOf(gateway, { expiresInMs: 60_000 }), await tokenOf(gateway)];
    const ticket = await ticketFor(gateway, old);
    const live = await connect(gateway, `/socket/t?ticket=${ticket.ticket}`);
    expect(await renew(gateway, next, `session=${ticket.id}`)).toBe("1/0");
    clock.advance(60_000);
    expect(live.client.readyState).toBe(WsClient.OPEN);
    expect(await renew(gateway, next, `session=${ticket.id}`)).toBe("1/0");
    await invalidateToken(gateway.gateway, old);
    expect(await live.closed).toBe("3003 token revoked");
  });

  it("goes on being found by its ticket and its old token when its access data changes", async () => {
    const [old, next] = [await tokenOf(gateway), await tokenOf(gateway)];
    const ticket = await ticketFor(gateway, old);
    const live = await connect(gateway, `/socket/t?ticket=${ticket.ticket}`);
    expect(await renew(gateway, next, `session=${ticket.id}`)).toBe("1/0");
    // The app's key ends earlier now: the session takes that on.
    const { store } = gateway.gateway;
    const expiresAtMs = clock.wallMs() + 30_000;
    const key = digest(KEYS.API_KEY);
    await changeRecord(store, "key", key, (record) => ({
      record: { ...record, expiresAtMs },
      event: eventNow(clock, "changed", [keyIdentity(key)]),
    }));
    const [session] = gateway.gateway.sessions.find([ticketIdentity(ticket.id)]);
    expect(session?.credentials.map((credential) => credential.expiresAtMs)).toEqual([expiresAtMs]);
    await invalidateToken(gateway.gateway, old);
    expect(await live.closed).toBe("3003 token revoked");
  });

  it("of a JWT lives on by another one of the same subject", async () => {
    const exp = Math.floor(clock.wallMs() / 1000) + 60;
    const jwt = (more: object): string => jwtOf({ sub: "ann", exp, ...more });
    const live = await connect(gateway, "/signed/a", bearer(jwt({ jti: "one", sid: "login" })));
    expect(await renew(gateway, jwt({ exp: exp + 60 }), "", `/renew/jwt?session=${live.id}`)).toBe("1/0");
    clock.advance(60_000);
    expect(live.client.readyState).toBe(WsClient.OPEN);
    const late = jwt({ exp: exp + 90 });
    expect(await renew(gateway, late, "", "/renew/jwt", { "X-Old-Token": jwt({ jti: "one" }) })).toBe("1/0");
    await revokeJwts(gateway.gateway, sidIdentity("https://id.example", "login"), null);
    expect(await live.closed).toMatch(/^3003 /);
  });

  it("is nobody else's: another subject, another app, fewer scopes, a token of another kind, none at all", async () => {
    const exp = Math.floor(clock.wallMs() / 1000) + 600;
    const ann = await connect(gateway, "/live/a", bearer(await tokenOf(gateway, { subject: "ann" })));
    const bob = await tokenOf(gateway, { subject: "bob" });
    const nobody = await tokenOf(gateway);
    const second = await tokenOf(gateway, { subject: "ann", key: KEYS.KEY_2, secret: KEYS.SECRET_2 });
    const named = `session=${ann.id}`;
    for (const token of [bob, nobody]) {
      expect(await renew(gateway, token, named)).toBe("403 The session belongs to another subject");
    }
    expect(await renew(gateway, second, named)).toBe("403 The session belongs to another app");
    expect(await renew(gateway, jwtOf({ sub: "ann", exp }), "", `/renew/jwt?${named}`)).toBe("403 The session belongs to another app");
    const key = await connect(gateway, "/keys/a", { "X-Api-Key": KEYS.API_KEY });
    expect(await renew(gateway, nobody, `session=${key.id}`)).toBe("409 The session has no token that this one can follow");
    const carol = await connect(gateway, "/signed/a", bearer(jwtOf({ exp })));
    expect(await renew(gateway, jwtOf({ exp }), "", `/renew/jwt?session=${carol.id}`)).toBe("409 The session has no token that this one can follow");
    expect(gateway.metric("apigw_ws_renewals_refused_total")).toBe(6);
    expect(gateway.metric("apigw_ws_renewals_total")).toBe(0);
    for (const { client } of [ann, key, carol]) {
      expect(client.readyState).toBe(WsClient.OPEN);
      client.terminate();
    }
  });

  it("is not found when it has gone, never was, or is named by nonsense", async () => {
    const token = await tokenOf(gateway);
    const live = await connect(gateway, "/live/a", bearer(token));
    live.client.terminate();
    await gateway.line({ event: "session" });
    expect(await renew(gateway, token, `session=${live.id}`)).toBe("0/0");
    expect(await renew(gateway, token, "old_token=never-issued")).toBe("0/0");
    expect(gateway.metric("apigw_ws_renewals_unmatched_total")).toBe(2);
    for (const form of ["", "session=", "session=x", "session=%7Bapigw%7D", `old_token=${jwtOf({ sub: "no jti" })}`]) {
      expect(await renew(gateway, token, form)).toBe("400 No session is named");
    }
  });

  it("needs exactly one token for it that is good", async () => {
    const token = await tokenOf(gateway);
    const live = await connect(gateway, "/live/a", bearer(token));
    const named = `session=${live.id}`;
    expect(await renew(gateway, null, named)).toMatch(/^401 /);
    expect(await renew(gateway, "wrong", named)).toMatch(/^401 /);
    expect(await renew(gateway, null, named, "/renew/nobody")).toBe("401 No token to renew with");
    const second = jwtOf({ sub: "ann", exp: Math.floor(clock.wallMs() / 1000) + 60 });
    expect(await renew(gateway, token, named, "/renew/both", { "X-Second": second })).toBe("401 No token to renew with");
    expect((await post(gateway, `/renew/own`, token, { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": String(named.length) }, named)).body).toBe("moved 1");
    live.client.terminate();
  });
});

describe("a session on another gateway", () => {
  let modules: Awaited<ReturnType<typeof compileFiles>>;
  let server: RedisServer;
  let link: Cuttable;
  let here: TestGateway;
  let there: TestGateway;
  beforeAll(async () => {
    modules = await compileFiles(ticketBundle("{ kind: redis, url: { env: REDIS_URL }, commandTimeout: 1s, connectTimeout: 5s }", endpoints, policies));
    server = await startRedis();
    link = await cuttable(server.port);
    const env = (port: number) => ({ ...ticketEnv(target.url), REDIS_URL: `redis://127.0.0.1:${port}/0` });
    here = await startModules(modules, { env: env(server.port) });
    there = await startModules(modules, { env: env(link.port) });
  });
  afterAll(async () => {
    for (const each of [here, there]) expect(each.lines({ event: "defect" })).toEqual([]);
    await Promise.all([here, there].map((each) => each[Symbol.asyncDispose]()));
    await link[Symbol.asyncDispose]();
    await server.remove();
  });

  it("lives on by a token that this one was shown, whichever holds it, and ends with it", async () => {
    const [old, next] = [await tokenOf(here, { expiresInMs: 4_000 }), await tokenOf(here)];
    const lives = [await connect(there, "/live/a", bearer(old)), await connect(there, "/live/b", bearer(old)), await connect(here, "/live/c", bearer(old))];
    const left = await connect(there, "/live/d", bearer(await tokenOf(here, { expiresInMs: 4_000 })));
    expect(await renew(here, next, `session=${lives[0]?.id}`)).toBe("1/0");
    expect(await renew(here, next, `old_token=${old}`)).toBe("3/0");
    // Its token was issued last, and so the old one has expired too when it ends.
    expect(await left.closed).toBe("3000 token expired");
    for (const { client } of lives) expect(client.readyState).toBe(WsClient.OPEN);
    await invalidateToken(there.gateway, next);
    expect(await Promise.all(lives.map(({ closed }) => closed))).toEqual(Array(3).fill("3003 token revoked"));
  });

  it("is told of as soon as all gateways have answered, also where none has such a session", async () => {
    const [old, next] = [await tokenOf(here), await tokenOf(here)];
    const lives = [await connect(there, "/live/a", bearer(old)), await connect(here, "/live/b", bearer(old))];
    for (const [form, answer] of [[`old_token=${old}`, "2/0"], [`old_token=${next}x`, "0/0"], [`session=${randomUUID()}`, "0/0"]] as const) {
      const startMs = performance.now();
      expect(await renew(here, next, form)).toBe(answer);
      expect(performance.now() - startMs).toBeLessThan(defaultLimits.renewalWaitMs);
    }
    for (const { client } of lives) client.terminate();
  });

  it("is waited for until the end of the time where a gateway has died, and no longer when it has left the register", async () => {
    const [old, next] = [await tokenOf(here), await tokenOf(here)];
    const live = await connect(there, "/live/a", bearer(old));
    const { clock, store } = here.gateway;
    const dead = { id: "dead", pod: null, region: null, build: "b", startedAtMs: 0, isDraining: false };
    await store.put("replica", dead.id, dead, { expiresAtMs: clock.wallMs() + 30_000 });
    const startMs = performance.now();
    expect(await renew(here, next, `old_token=${old}`)).toBe("1/0");
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(defaultLimits.renewalWaitMs - 1);
    await store.remove("replica", dead.id);
    const againMs = performance.now();
    expect(await renew(here, next, `old_token=${old}`)).toBe("1/0");
    expect(performance.now() - againMs).toBeLessThan(defaultLimits.renewalWaitMs);
    live.client.terminate();
  });

  it("is refused to another subject, and says why", async () => {
    const live = await connect(there, "/live/a", bearer(await tokenOf(here, { subject: "ann" })));
    const bob = await tokenOf(here, { subject: "bob" });
    expect(await renew(here, bob, `session=${live.id}`)).toBe("403 The session belongs to another subject");
    live.client.terminate();
  });

  it("is not prolonged by a token that was revoked while its gateway was cut off", async () => {
    const [old, next] = [await tokenOf(here), await tokenOf(here)];
    const live = await connect(there, "/live/a", bearer(old));
    link.cut();
    await there.line({ event: "store_lost" });
    expect(await renew(here, next, `session=${live.id}`)).toBe("0/0");
    await invalidateToken(here.gateway, next);
    link.mend();
    expect(await there.line({ event: "renewal", why: "AccessDenied" })).toMatchObject({ sessions: 0, refused: 1 });
    expect(live.client.readyState).toBe(WsClient.OPEN);
    await invalidateToken(here.gateway, old);
    expect(await live.closed).toBe("3003 token revoked");
  });

  it("is not ended by a token that expired before its gateway heard of it", async () => {
    const live = await connect(there, "/live/a", bearer(await tokenOf(here)));
    link.cut();
    await there.line({ event: "store_lost" }, 2);
    const expiresAtMs = Date.now() + 1_500;
    expect(await renew(here, await tokenOf(here, { expiresInMs: 1_500 }), `session=${live.id}`)).toBe("0/0");
    await until(() => Date.now() > expiresAtMs + 100, () => "the token does not expire");
    link.mend();
    await there.line({ event: "renewal", why: "AccessDenied" }, 2);
    expect(live.client.readyState).toBe(WsClient.OPEN);
    live.client.terminate();
  });

  it("is not asked for while the store is gone: 503, and nothing moves", async () => {
    const [old, next] = [await tokenOf(here), await tokenOf(here)];
    const live = await connect(there, "/live/a", bearer(old));
    // Verified credentials keep working from the cache.
    expect(await renew(there, next, `session=${live.id}`)).toBe("1/0");
    link.cut();
    await there.line({ event: "store_lost" }, 3);
    expect(await renew(there, next, `session=${live.id}`)).toMatch(/^503 /);
    link.mend();
    live.client.terminate();
  });
});

it("lives on in the other process that has the same file, which is waited for while it is there", async () => {
  const file = join(tmpdir(), `apigw-renewal-${randomUUID()}.db`);
  const modules = await compileFiles(ticketBundle("{ kind: embedded, file: { env: STORE_FILE } }", endpoints, policies));
  const env = { ...ticketEnv(target.url), STORE_FILE: file };
  const here = await startModules(modules, { env });
  const there = await startModules(modules, { env });
  const [old, next] = [await tokenOf(here), await tokenOf(here)];
  const lives = [await connect(there, "/live/a", bearer(old)), await connect(here, "/live/b", bearer(old))];
  expect(await renew(here, next, `old_token=${old}`)).toBe("2/0");
  lives[0]?.client.terminate();
  await there[Symbol.asyncDispose]();
  expect(await renew(here, next, `old_token=${old}`)).toBe("1/0");
  lives[1]?.client.terminate();
  await here[Symbol.asyncDispose]();
  for (const end of ["", "-wal", "-shm"]) await rm(file + end, { force: true });
});
