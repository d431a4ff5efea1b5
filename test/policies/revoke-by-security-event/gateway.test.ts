/**
 * The ready proxy of templates/ for security events: two gateways on one Redis, an identity provider that tells one of
 * them, and the sessions on the other.
 */
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { fakeTarget, type FakeTarget } from "../../support/fake-target.ts";
import { compileFiles, startModules, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { ecKey, forge, jwks } from "../../support/jwt-forge.ts";
import { keyServer, text, type KeyServer } from "../../support/key-server.ts";
import { rawClient, upgradeRequest, type Answer } from "../../support/raw-client.ts";
import { startRedis, type RedisServer } from "../../support/redis-server.ts";

const ISSUER = "https://id.example.com";
const AUDIENCE = "https://gateway.example.com";
const CAEP = "https://schemas.openid.net/secevent/caep/event-type";
const LOGOUT = "http://schemas.openid.net/event/backchannel-logout";
const template = join(import.meta.dirname, "../../../templates/proxies/security-events");

function templateFiles(): BundleFiles {
  const paths = readdirSync(template, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(paths.map(({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [`proxies/security-events${path.slice(template.length)}`, readFileSync(path, "utf8")];
  }));
}

const files: BundleFiles = {
  ...templateFiles(),
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: redis, url: { env: REDIS_URL }, commandTimeout: 250ms, connectTimeout: 2s }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /chat, preFlow: { request: [VJ-Token] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/chat/policies/VJ-Token.yaml": `kind: VerifyJWT
algorithm: ES256
publicKey: { jwks: { uri: { env: IDENTITY_KEYS_URL } } }
issuer: ${ISSUER}
audience: chat`,
};

const key = ecKey("k1");
const stranger = ecKey("k1");
let modules: Awaited<ReturnType<typeof compileFiles>>;
let target: FakeTarget;
let issuer: KeyServer;
let server: RedisServer;
let database = 0;
let running: TestGateway[] = [];
let jti = 0;

beforeAll(async () => {
  modules = await compileFiles(files);
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  issuer = await keyServer(text(jwks(key.jwk)));
  server = await startRedis();
});
afterAll(async () => {
  await server.remove();
  await issuer[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});
beforeEach(() => void database++);
afterEach(async () => {
  for (const gateway of running) expect(gateway.lines({ event: "defect" })).toEqual([]);
  await Promise.all(running.map((gateway) => gateway[Symbol.asyncDispose]()));
  running = [];
});

async function started(): Promise<TestGateway> {
  const env = { TARGET_URL: target.url, REDIS_URL: `redis://127.0.0.1:${server.port}/${database}`, IDENTITY_KEYS_URL: issuer.url };
  const gateway = await startModules(modules, { env });
  running.push(gateway);
  return gateway;
}

const nowS = (): number => Math.floor(Date.now() / 1000);

function accessToken(claims: object = {}): string {
  const all = { iss: ISSUER, aud: "chat", sub: "ann", sid: "s1", jti: "t1", iat: nowS() - 10, exp: nowS() + 600, ...claims };
  return forge({ alg: "ES256", kid: "k1" }, all, key.privateKey);
}

async function connected(gateway: TestGateway, token: string): Promise<WsClient> {
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}/chat`, { headers: { Authorization: `Bearer ${token}` } });
  client.on("error", () => undefined);
  await once(client, "open");
  return client;
}

async function statusOf(gateway: TestGateway, token: string): Promise<number> {
  using client = await rawClient(gateway.port);
  return (await client.send(upgradeRequest("/chat", { Authorization: `Bearer ${token}` })).answer()).status;
}

async function post(gateway: TestGateway, path: string, type: string, body: string): Promise<Answer> {
  using client = await rawClient(gateway.port);
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return await client.send(head + body).answer();
}

const HEADER = { alg: "ES256", kid: "k1", typ: "secevent+jwt" };

function event(claims: object, header: object = HEADER, signer = key): string {
  const all = { iss: ISSUER, aud: AUDIENCE, iat: nowS(), jti: `e${++jti}`, ...claims };
  return forge(header, all, signer.privateKey);
}

const revoked = (subId: object, name = "session-revoked"): object => ({ sub_id: subId, events: { [`${CAEP}/${name}`]: {} } });
const push = (gateway: TestGateway, token: string): Promise<Answer> => post(gateway, "/security-events/push", "application/secevent+jwt", token);
const logout = (gateway: TestGateway, token: string): Promise<Answer> =>
  post(gateway, "/security-events/logout", "application/x-www-form-urlencoded", `logout_token=${token}`);

function logoutToken(claims: object, header: object = { alg: "ES256", kid: "k1", typ: "logout+jwt" }): string {
  const all = { iss: ISSUER, aud: "my-client", iat: nowS(), exp: nowS() + 60, jti: `l${++jti}`, events: { [LOGOUT]: {} }, ...claims };
  return forge(header, all, key.privateKey);
}

describe("an event that reaches one gateway ends sessions on the other", () => {
  it.each([
    ["a session", revoked({ format: "complex", session: { format: "opaque", id: "s1" }, user: { format: "iss_sub", iss: ISSUER, sub: "ann" } })],
    ["a subject", revoked({ format: "iss_sub", iss: ISSUER, sub: "ann" })],
    ["a subject, in the event itself", { events: { [`${CAEP}/session-revoked`]: { subject: { format: "iss_sub", iss: ISSUER, sub: "ann" } } } }],
    ["a subject, as RFC 8417 has it", { sub: "ann", events: { [`${CAEP}/session-revoked`]: {} } }],
    ["changed claims of a token", revoked({ format: "jwt_id", iss: ISSUER, jti: "t1" }, "token-claims-change")],
    ["one of several names", revoked({ format: "aliases", identifiers: [{ format: "email", email: "a@b" }, { format: "opaque", id: "ann" }] })],
  ])("%s", async (_, claims) => {
    const [here, there] = [await started(), await started()];
    const [bad, good] = [accessToken(), accessToken({ sub: "bob", sid: "s2", jti: "t2" })];
    const [meant, kept] = [await connected(there, bad), await connected(there, good)];
    const closed = once(meant, "close");
    const answer = await push(here, event(claims));
    expect([answer.status, answer.body]).toEqual([202, ""]);
    expect((await closed)[0]).toBe(3003);
    expect(kept.readyState).toBe(WsClient.OPEN);
    for (const gateway of [here, there]) expect([await statusOf(gateway, bad), await statusOf(gateway, good)]).toEqual([401, 101]);
    await here.line({ event: "security_event", issuer: ISSUER, revoked: 1, replayed: false });
  });

  it.each([
    ["a login", { sid: "s1", sub: "ann" }, accessToken({ sid: "s2", jti: "t2" })],
    ["a subject", { sub: "ann" }, accessToken({ sub: "bob", sid: "s2", jti: "t2" })],
  ])("a logout of %s", async (_, claims, good) => {
    const [here, there] = [await started(), await started()];
    const bad = accessToken();
    const [meant, kept] = [await connected(there, bad), await connected(there, good)];
    const closed = once(meant, "close");
    const answer = await logout(here, logoutToken(claims));
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect((await closed)[0]).toBe(3003);
    expect(kept.readyState).toBe(WsClient.OPEN);
    expect([await statusOf(there, bad), await statusOf(there, good)]).toEqual([401, 101]);
  });
});

it("a token that comes again changes nothing, on no replica", async () => {
  const [here, there] = [await started(), await started()];
  const again = event(revoked({ format: "iss_sub", iss: ISSUER, sub: "ann" }));
  expect((await push(here, again)).status).toBe(202);
  expect(await statusOf(there, accessToken({ sid: "s2", jti: "t2" }))).toBe(401);
  const events = await there.gateway.store.lastEvent();
  expect((await push(there, again)).status).toBe(202);
  expect(await there.gateway.store.lastEvent()).toBe(events);
  await there.line({ event: "security_event", revoked: 0, replayed: true });
});

it("events that say nothing about access, and subjects that nothing here has, are heard and change nothing", async () => {
  const gateway = await started();
  const good = accessToken();
  const session = await connected(gateway, good);
  const claims = [
    { events: { "https://schemas.openid.net/secevent/ssf/event-type/verification": { state: "x" } } },
    { sub: "ann", events: { [`${CAEP}/device-compliance-change`]: {} } },
    revoked({ format: "email", email: "ann@example.com" }),
    revoked({ format: "iss_sub", iss: "https://other.example.com", sub: "ann" }),
    revoked({ format: "complex", user: { format: "complex", user: { format: "opaque", id: "ann" } } }),
  ];
  for (const one of claims) expect((await push(gateway, event(one))).status).toBe(202);
  expect(gateway.lines({ event: "security_event", revoked: 0 })).toHaveLength(claims.length);
  expect([session.readyState, await statusOf(gateway, good)]).toEqual([WsClient.OPEN, 101]);
});

describe("what is refused revokes nothing", () => {
  const good = revoked({ format: "iss_sub", iss: ISSUER, sub: "ann" });
  const age = 8 * 86_400;
  it.each<readonly [string, string, string]>([
    ["no token", "", "invalid_request"],
    ["garbage", "a.b.c", "invalid_request"],
    ["another issuer", event({ ...good, iss: "https://other.example.com" }), "invalid_issuer"],
    ["another audience", event({ ...good, aud: "chat" }), "invalid_audience"],
    ["no audience", event({ ...good, aud: undefined }), "invalid_audience"],
    ["another's signature", event(good, HEADER, stranger), "authentication_failed"],
    ["another type", event(good, { ...HEADER, typ: "JWT" }), "authentication_failed"],
    ["an unknown key", event(good, { ...HEADER, kid: "k9" }), "invalid_key"],
    ["no kid", event(good, { alg: "ES256", typ: "secevent+jwt" }), "invalid_key"],
    ["alg none", `${Buffer.from('{"alg":"none","typ":"secevent+jwt"}').toString("base64url")}.e30.`, "invalid_request"],
    ["no jti", event({ ...good, jti: undefined }), "invalid_request"],
    ["a jti that is no text", event({ ...good, jti: 1 }), "invalid_request"],
    ["no iat", event({ ...good, iat: undefined }), "invalid_request"],
    ["of last week", event({ ...good, iat: nowS() - age }), "invalid_request"],
    ["of tomorrow", event({ ...good, iat: nowS() + 3600 }), "invalid_request"],
    ["expired", event({ ...good, exp: nowS() - 60 }), "invalid_request"],
    ["no events", event({ sub: "ann" }), "invalid_request"],
    ["empty events", event({ events: {} }), "invalid_request"],
    ["events that are a list", event({ events: [] }), "invalid_request"],
    ["an event that is no object", event({ events: { [`${CAEP}/session-revoked`]: true } }), "invalid_request"],
  ])("an event: %s", async (_, token, err) => {
    const gateway = await started();
    const answer = await push(gateway, token);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([400, "application/json"]);
    expect(JSON.parse(answer.body)).toEqual({ err, description: expect.any(String) });
    expect(await gateway.gateway.store.lastEvent()).toBe(0);
    if (token !== "") expect(JSON.stringify(gateway.lines())).not.toContain(token);
  });

  it.each<readonly [string, string]>([
    ["none", ""],
    ["an ID token", logoutToken({ sub: "ann", nonce: "n" })],
    ["without the event", logoutToken({ sub: "ann", events: {} })],
    ["an event of another form", logoutToken({ sub: "ann", events: { [LOGOUT]: 1 } })],
    ["nobody named", logoutToken({})],
    ["for another client", logoutToken({ sub: "ann", aud: "other" })],
    ["expired", logoutToken({ sub: "ann", exp: nowS() - 60 })],
    ["a security event", logoutToken({ sub: "ann" }, HEADER)],
    ["an access token", accessToken()],
  ])("a logout token: %s", async (_, token) => {
    const gateway = await started();
    const answer = await logout(gateway, token);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({ error: "invalid_request", error_description: expect.any(String) });
    expect(await gateway.gateway.store.lastEvent()).toBe(0);
  });

  it("another media type, method or path; a provider without keys is asked again later", async () => {
    const gateway = await started();
    const token = event(good);
    expect((await post(gateway, "/security-events/push", "application/json", token)).status).toBe(400);
    expect((await post(gateway, "/security-events/none", "application/secevent+jwt", token)).status).toBe(404);
    issuer.answer = text("", 503);
    const deaf = await started();
    expect((await push(deaf, token)).status).toBe(503);
    issuer.answer = text(jwks(key.jwk));
    expect(await gateway.gateway.store.lastEvent()).toBe(0);
  });
});
