import { request as httpRequest } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fingerprint } from "#runtime/access/digest.ts";
import { resolveKey, resolveToken } from "#runtime/access/resolve.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { ListenAt, Listener } from "#runtime/listen.ts";
import { Log, type LogOutput } from "#runtime/observe/log.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import { adminSecretProblem, openAdmin, type AdminGateway } from "#runtime/side/admin.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { Revocations } from "#runtime/upgrade/revocation.ts";
import { CALL, DEVELOPER, fillStore, KEY, KEY_RECORD, SECRET, TOKEN, TOKEN_RECORD } from "../../../support/access-records.ts";
import { credential, SessionFixture } from "../../../support/session-fixture.ts";

const ADMIN_SECRET = "an-admin-secret-of-some-length";
const limits = { ...defaultLimits, adminBodyBytesMax: 2_000, adminPageMax: 3 };

let x: SessionFixture;
let store: MemoryStore;
let gateway: AdminGateway & { draining: boolean };
let listener: Listener;
let revocations: Revocations;
let text = "";
let drains = 0;
let defects: unknown[] = [];

beforeEach(async () => {
  x = new SessionFixture();
  store = new MemoryStore(x.clock, limits);
  await fillStore(store);
  revocations = new Revocations(store, x.sessions, limits, { isStillGood: () => true });
  await revocations.start();
  text = "";
  drains = 0;
  defects = [];
  const output: LogOutput = { write: (chunk) => (text += chunk) !== "", writableLength: 0, on: () => undefined };
  gateway = {
    analytics: null,
    clock: x.clock,
    defect: (thrown) => void defects.push(thrown),
    deployed: new Map(),
    draining: false,
    limits,
    log: new Log({ output, clock: x.clock, limits, level: "error", access: false }),
    metrics: new Metrics({ version: "1", build: "b", node: "n" }, x.clock, []),
    sessions: x.sessions,
    store,
  };
  listener = await open({ host: "127.0.0.1", port: 0, reusePort: false });
});
afterEach(async () => {
  await close(listener);
  revocations.close();
  await store.close();
});

function open(at: ListenAt, secret: string | null = ADMIN_SECRET): Promise<Listener> {
  return openAdmin(at, gateway, { drain: () => (drains += 1) }, secret, { hostnames: ["admin.example.com"] });
}

async function close(which: Listener): Promise<void> {
  which.destroyAll();
  await which.stopAccepting();
  await which.closed;
}

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { readonly error?: { readonly code: string; readonly message: string } };
}

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Told> {
  const response = await fetch(`http://${listener.address}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_SECRET}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Told["body"] };
}

/** With header lines that fetch does not let through. */
function raw(head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: listener.port, host: "127.0.0.1" });
    let answer = "";
    socket.setEncoding("latin1").on("data", (chunk) => (answer += String(chunk)));
    socket.on("close", () => resolve(answer)).on("error", reject);
    socket.write(`${head}\r\nConnection: close\r\n\r\n`);
  });
}

const audits = (): Record<string, unknown>[] =>
  text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line["event"] === "audit");
const counted = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(gateway.metrics.text("prometheus"))?.[1]);

describe("the door", () => {
  const auth = `Authorization: Bearer ${ADMIN_SECRET}`;
  const get = "GET /v1/sessions HTTP/1.1";

  it.each([
    ["no secret", `${get}\r\nHost: localhost`, 401],
    ["another secret", `${get}\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN_SECRET}x`, 401],
    ["a shorter secret", `${get}\r\nHost: localhost\r\nAuthorization: Bearer an-admin`, 401],
    ["another scheme", `${get}\r\nHost: localhost\r\nAuthorization: Basic ${ADMIN_SECRET}`, 401],
    ["the secret in the query", `GET /v1/sessions?secret=${ADMIN_SECRET} HTTP/1.1\r\nHost: localhost`, 401],
    ["an unknown path and no secret", "GET /nope HTTP/1.1\r\nHost: localhost", 401],
    ["a name that is not ours", `${get}\r\nHost: evil.example\r\n${auth}`, 403],
    ["a name that begins like ours", `${get}\r\nHost: localhost.evil.example\r\n${auth}`, 403],
    ["userinfo in Host", `${get}\r\nHost: localhost@evil.example\r\n${auth}`, 403],
    ["a web page elsewhere", `${get}\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n${auth}`, 403],
    ["a web page on another port", `${get}\r\nHost: localhost\r\nSec-Fetch-Site: same-site\r\n${auth}`, 403],
    ["an Origin", `${get}\r\nHost: localhost\r\nOrigin: http://localhost\r\n${auth}`, 403],
    ["an upgrade is a plain request", `${get}\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${auth}`, 200],
    ["loopback", `${get}\r\nHost: localhost:9091\r\n${auth}`, 200],
    ["an IPv4 address", `${get}\r\nHost: 127.0.0.1\r\n${auth}`, 200],
    ["an IPv6 address", `${get}\r\nHost: [::1]:9091\r\n${auth}`, 200],
    ["a configured name", `${get}\r\nHost: Admin.Example.com\r\n${auth}`, 200],
    ["the scheme in lower case", `${get}\r\nHost: localhost\r\nAuthorization: bearer ${ADMIN_SECRET}`, 200],
  ])("%s", async (_name, head, status) => {
    expect(await raw(head)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it("counts what has no valid secret, and says nothing about it", async () => {
    const told = await ask("GET", "/v1/keys", undefined, { authorization: "Bearer wrong-wrong-wrong-wrong" });
    expect([told.status, told.body.error?.code, told.headers.get("www-authenticate")]).toEqual([401, "unauthorized", 'Bearer realm="apigw admin"']);
    expect(counted("apigw_admin_unauthorized_total")).toBe(1);
    expect(text).not.toContain("wrong-wrong");
  });

  it("is never opened without a lock", async () => {
    const at = { host: "127.0.0.1", port: 0, reusePort: false };
    await expect(open(at, null)).rejects.toThrow("needs a secret");
    await expect(open(at, "short")).rejects.toThrow("fewer than 16");
    expect(adminSecretProblem(ADMIN_SECRET)).toBeNull();
    expect(adminSecretProblem("sixteen chars but spaces")).not.toBeNull();
  });

  it("may be a Unix socket", async () => {
    const directory = mkdtempSync(join(tmpdir(), "apigw-admin-"));
    const unix = await open({ socketPath: join(directory, "admin.sock") });
    try {
      const status = await new Promise((resolve, reject) => {
        const sent = httpRequest({ socketPath: unix.address, path: "/v1/sessions", headers: { authorization: `Bearer ${ADMIN_SECRET}` } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        sent.on("error", reject).end();
      });
      expect(status).toBe(200);
    } finally {
      await close(unix);
      rmSync(directory, { recursive: true });
    }
  });
});

describe("requests", () => {
  it.each([
    ["GET", "/nope", 404, "not_found"],
    ["GET", "/v1/sessions/", 404, "not_found"],
    ["PUT", "/v1/sessions", 405, "method_not_allowed"],
    ["GET", "/v1/tokens", 405, "method_not_allowed"],
    ["GET", "/v1/apps/%ff", 400, "bad_request"],
    ["GET", "/v1/sessions?nope=1", 400, "bad_request"],
    ["GET", "/v1/sessions?limit=0", 400, "bad_request"],
    ["GET", "/v1/sessions?limit=4", 400, "bad_request"],
    ["GET", "/v1/sessions?app=a&app=b", 400, "bad_request"],
    ["GET", "/v1/sessions?token=in-clear", 400, "bad_request"],
    ["GET", "/v1/sessions?issuer=x", 400, "bad_request"],
    ["POST", "/v1/drain?now=1", 400, "bad_request"],
  ])("%s %s gets %d %s", async (method, path, status, code) => {
    const told = await ask(method, path);
    expect([told.status, told.body.error?.code]).toEqual([status, code]);
    expect(told.headers.get("cache-control")).toBe("no-store");
  });

  it.each([
    ["no JSON", "{", {}, 400, "bad_json"],
    ["a JSON list", "[]", {}, 400, "bad_json"],
    ["JSON null", "null", {}, 400, "bad_json"],
    ["another type", "key=1", { "content-type": "application/x-www-form-urlencoded" }, 415, "content_type"],
    ["a type like ours", "{}", { "content-type": "application/jsonp" }, 415, "content_type"],
    ["compressed", "{}", { "content-encoding": "gzip" }, 415, "content_encoding"],
    ["too large", JSON.stringify({ key: "x".repeat(3_000) }), {}, 413, "too_large"],
    ["an unknown field", { key: KEY, extra: 1 }, {}, 400, "bad_request"],
    ["a prototype", '{"key":"a","__proto__":{"x":1}}', {}, 400, "bad_request"],
    ["no field", {}, {}, 400, "bad_request"],
    ["two ways to name a key", { key: KEY, digest: KEY_RECORD.id }, {}, 400, "bad_request"],
    ["a field of another type", { key: 5 }, {}, 400, "bad_request"],
    ["an empty field", { key: "" }, {}, 400, "bad_request"],
    ["a short fingerprint", { fingerprint: "abc" }, {}, 400, "bad_request"],
    ["an unknown key", { key: "nope" }, {}, 404, "not_found"],
  ])("a body with %s", async (_name, body, headers, status, code) => {
    const told = await ask("POST", "/v1/keys:revoke", body, headers);
    expect([told.status, told.body.error?.code]).toEqual([status, code]);
    expect(store.get("key", KEY_RECORD.id)).toMatchObject({ status: "approved" });
    expect(audits()).toEqual([]);
  });

  it("are answered 503 while the store cannot answer, and 500 on a defect, which is reported", async () => {
    await store.close();
    expect(await ask("POST", "/v1/keys:revoke", { key: KEY })).toMatchObject({ status: 503, body: { error: { code: "store_closed" } } });
    expect(defects).toEqual([]);
    gateway.sessions.list = () => {
      throw new TypeError("broken");
    };
    const told = await ask("GET", "/v1/sessions");
    expect([told.status, told.body.error?.code, defects.length]).toEqual([500, "internal", 1]);
    expect(JSON.stringify(told.body)).not.toContain("broken");
  });

  it("are told 413 although their body goes on", async () => {
    const chunk = `400\r\n${"x".repeat(1_024)}\r\n`;
    const head = `POST /v1/keys:revoke HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN_SECRET}`;
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ port: listener.port, host: "127.0.0.1" });
      let text = "";
      socket.setEncoding("latin1").on("data", (data) => (text += String(data)));
      socket.on("error", () => undefined).on("close", () => resolve(text));
      socket.write(`${head}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
      socket.once("data", () => socket.end());
      setImmediate(() => socket.write(chunk + chunk));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 [^]*Connection: close/);
  });

  it("keep their connection usable after a body was read, and lose it when one was not", async () => {
    const refused = await raw("POST /v1/keys:revoke HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5");
    expect(refused).toMatch(/^HTTP\/1\.1 401 [^]*Connection: close/);
  });
});

describe("sessions", () => {
  beforeEach(() => {
    const labels = { app: "the-app", developer: "dev", product: "gold", keyFingerprint: KEY_RECORD.clientId };
    const key = credential([`key:${KEY_RECORD.id}`, "app:app", "developer:dev", "product:gold"], { kind: "key", labels });
    const token = credential([`token:${TOKEN_RECORD.id}`, "app:app", "subject:|ada"], { expiresAtMs: x.clock.wallMs() + 60_000 });
    x.open({}, key);
    x.open({}, token);
    x.open({ proxy: "other", proxyIdentity: "proxy:other" });
    x.begin({}).addCredential(key);
  });

  const ids = (told: Told): string[] => (told.body["sessions"] as { id: string }[]).map(({ id }) => id.slice(-1));

  it("are listed in pages, handshakes included", async () => {
    const first = await ask("GET", "/v1/sessions?limit=3");
    expect([ids(first), first.body["total"]]).toEqual([["1", "2", "3"], 4]);
    const second = await ask("GET", `/v1/sessions?limit=3&after=${String(first.body["after"])}`);
    expect([ids(second), second.body["after"]]).toEqual([["4"], null]);
    expect((first.body["sessions"] as unknown[])[0]).toMatchObject({
      state: "open", environment: "prod", proxy: "chat", endpoint: "default", clientAddress: "192.0.2.1", app: "the-app",
      developer: "dev", product: "gold", keyFingerprint: KEY_RECORD.clientId, startedAt: "2030-01-01T12:00:00.000Z", ageMs: 0,
      credentials: [{ kind: "key", policy: "OA-Verify", expiresAt: null }], traffic: { bytesFromClient: 10 },
    });
    expect((second.body["sessions"] as unknown[])[0]).toMatchObject({ state: "handshake", traffic: null });
  });

  it.each([
    ["app=app", ["1", "2", "4"]],
    ["app=the-app", ["1", "2", "4"]],
    ["developer=dev", ["1", "4"]],
    ["developer=dev@example.com", ["1", "4"]],
    ["proxy=other", ["3"]],
    ["product=gold", ["1", "4"]],
    [`key=${KEY_RECORD.clientId}`, ["1", "4"]],
    [`key=${encodeURIComponent(KEY_RECORD.id)}`, ["1", "4"]],
    [`token=${encodeURIComponent(TOKEN_RECORD.id)}`, ["2"]],
    ["subject=ada", ["2"]],
    ["subject=ada&issuer=other", []],
    ["app=app&product=gold&proxy=chat", ["1", "4"]],
    ["app=app&proxy=other", []],
  ])("are filtered by %s", async (query, expected) => {
    expect(ids(await ask("GET", `/v1/sessions?${query}`))).toEqual(expected);
  });

  it("of an unknown app are an error, not an empty list", async () => {
    expect((await ask("GET", "/v1/sessions?app=nope")).status).toBe(404);
  });

  it("are shown and ended one by one, and elsewhere through the store", async () => {
    const id = "00000000-0000-4000-8000-000000000002";
    const { splice } = x.open();
    expect((await ask("GET", `/v1/sessions/${id}`)).body).toMatchObject({ id, state: "open" });
    expect(await ask("DELETE", `/v1/sessions/${id}`)).toMatchObject({ status: 200, body: { matched: 1, ended: 1 } });
    expect((await ask("GET", `/v1/sessions/${id}`)).body).toMatchObject({ state: "closing" });
    expect(splice.ends).toEqual([]);
    const elsewhere = "11111111-0000-4000-8000-000000000002";
    expect((await ask("GET", `/v1/sessions/${elsewhere}`)).status).toBe(404);
    expect(await ask("DELETE", `/v1/sessions/${elsewhere}`)).toMatchObject({ status: 202, body: { matched: 0 } });
    expect((await ask("DELETE", "/v1/sessions/nope")).status).toBe(404);
    expect(store.events(0, 10).events.map(({ event }) => [event.effect, event.identities])).toEqual([
      ["ended", [`session:${id}`]], ["ended", [`session:${elsewhere}`]],
    ]);
    expect(audits()).toMatchObject([{ action: "session.end", actor: "secret", session_id: id, matched: 1 }, { session_id: elsewhere }]);
  });

  it("are counted by a dry run, then ended by filter, those in their handshake too", async () => {
    const body = { filter: { app: "the-app", product: "gold" }, reason: "abuse report 7" };
    expect((await ask("POST", "/v1/sessions:end", { ...body, dryRun: true })).body).toEqual({ matched: 2, ended: 0 });
    expect(x.sessions.find(["product:gold"]).map(({ state }) => state)).toEqual(["open", "handshake"]);
    expect(audits()).toEqual([]);
    expect((await ask("POST", "/v1/sessions:end", body)).body).toEqual({ matched: 2, ended: 2 });
    expect([...x.sessions.all()].map(({ endReason }) => endReason)).toEqual(["ended", null, null, "ended"]);
    expect(audits()).toMatchObject([{ action: "sessions.end", matched: 2, note: "abuse report 7", filter: "product:gold app:app" }]);
  });

  it("are all ended only when that is said", async () => {
    expect((await ask("POST", "/v1/sessions:end", {})).status).toBe(400);
    expect((await ask("POST", "/v1/sessions:end", { filter: {} })).status).toBe(400);
    expect((await ask("POST", "/v1/sessions:end", { all: true, filter: { proxy: "chat" } })).status).toBe(400);
    expect((await ask("POST", "/v1/sessions:end", { filter: { nope: "x" } })).status).toBe(400);
    expect((await ask("POST", "/v1/sessions:end", { all: true, dryRun: true })).body).toEqual({ matched: 4, ended: 0 });
    expect([...x.sessions.all()].every(({ endReason }) => endReason === null)).toBe(true);
  });
});

describe("access", () => {
  it("a key is made, used, revoked by its fingerprint with its sessions, and approved again", async () => {
    const made = await ask("POST", "/v1/keys", { app: "the-app", products: ["gold"], ttlSeconds: 60, attributes: { a: "b" } });
    expect(made.status).toBe(201);
    const { digest, fingerprint: short, key, secret } = made.body as Record<string, string>;
    expect(resolveKey(store, x.clock, key ?? "", CALL)).toMatchObject({ app: { id: "app" } });
    const { session } = x.open({}, credential([`key:${digest}`], { kind: "key" }));
    expect(await ask("POST", "/v1/keys:revoke", { fingerprint: short })).toMatchObject({ status: 200, body: { status: "revoked" } });
    expect(session.endReason).toBe("accessRevoked");
    expect(resolveKey(store, x.clock, key ?? "", CALL)).toMatch(/ApiKeyNotApproved/);
    await ask("POST", "/v1/keys:approve", { digest });
    expect(resolveKey(store, x.clock, key ?? "", CALL)).toMatchObject({ app: { id: "app" } });
    await ask("POST", "/v1/keys:revoke", { key });
    expect(audits().map(({ action }) => action)).toEqual(["key.create", "key.revoked", "key.approved", "key.revoked"]);
    expect(counted("apigw_admin_changes_total")).toBe(4);
    for (const clear of [key, secret, ADMIN_SECRET]) expect(text).not.toContain(clear);
    const listed = await ask("GET", "/v1/keys");
    expect(JSON.stringify(listed.body)).not.toMatch(/secretDigest/);
    expect(listed.body["keys"]).toHaveLength(2);
  });

  it.each([
    [{ app: "nope", products: ["gold"] }, 404],
    [{ app: "app", products: ["nope"] }, 404],
    [{ app: "app", products: [] }, 400],
    [{ products: ["gold"] }, 400],
    [{ app: "app", products: ["gold"], ttlSeconds: 0 }, 400],
    [{ app: "app", products: "gold" }, 400],
    [{ app: "app", products: ["gold"], attributes: { a: 1 } }, 400],
  ])("a key is not made from %j", async (body, status) => {
    expect((await ask("POST", "/v1/keys", body)).status).toBe(status);
    expect(await store.list("key", { limit: 10 })).toHaveLength(1);
  });

  it("a token is made for a key, revoked with its session, and approved again", async () => {
    const made = await ask("POST", "/v1/tokens", { fingerprint: KEY_RECORD.clientId, ttlSeconds: 90, subject: "ada" });
    expect(made).toMatchObject({ status: 201, body: { tokenType: "Bearer", expiresAt: "2030-01-01T12:01:30.000Z", subject: "ada" } });
    const { digest, token } = made.body as Record<string, string>;
    expect(resolveToken(store, x.clock, token ?? "", CALL)).toMatchObject({ app: { id: "app" } });
    const { splice } = x.open({}, credential([`token:${digest}`]));
    expect((await ask("POST", "/v1/tokens:revoke", { token })).body).toMatchObject({ status: "revoked" });
    expect(splice.ends).toEqual([{ reason: "tokenRevoked", code: 3003, text: "token revoked" }]);
    expect((await ask("POST", "/v1/tokens:approve", { digest })).body).toMatchObject({ status: "approved" });
    expect((await ask("POST", "/v1/tokens:revoke", { token: "nope" })).status).toBe(404);
    expect((await ask("POST", "/v1/tokens:revoke", { digest: "nope" })).status).toBe(400);
    expect((await ask("POST", "/v1/tokens:revoke", { token, digest })).status).toBe(400);
    expect(text).not.toContain(token);
    expect(audits()[0]).toMatchObject({ action: "token.create", token_fingerprint: fingerprint(digest ?? "") });
  });

  it("a token is not made for a revoked key", async () => {
    await ask("POST", "/v1/keys:revoke", { key: KEY });
    expect(await ask("POST", "/v1/tokens", { key: KEY })).toMatchObject({ status: 409, body: { error: { code: "oauth.v2.ApiKeyNotApproved" } } });
  });

  it("a JWT is revoked with its session", async () => {
    const { session } = x.open({}, credential(["jti:https://issuer|7"], { kind: "jwt" }));
    expect((await ask("POST", "/v1/jwts:revoke", { issuer: "https://issuer", jti: "7", ttlSeconds: 60 })).status).toBe(200);
    expect(session.endReason).toBe("tokenRevoked");
  });

  it("JWTs are revoked by what names many of them: counted first, and taken back", async () => {
    const { session } = x.open({}, credential(["kid:https://issuer|k"], { kind: "jwt" }));
    const named = { issuer: "https://issuer", kid: "k" };
    expect((await ask("POST", "/v1/jwts:revoke", { ...named, dryRun: true })).body).toEqual({ ...named, sessions: 1, dryRun: true });
    expect(session.endReason).toBe(null);
    expect((await ask("POST", "/v1/jwts:revoke", named)).body).toMatchObject({ status: "revoked", sessions: 1 });
    expect(session.endReason).toBe("tokenRevoked");
    expect((await ask("POST", "/v1/jwts:approve", named)).body).toMatchObject({ status: "approved" });
    expect((await ask("POST", "/v1/jwts:approve", named)).status).toBe(404);
    for (const wrong of [{ issuer: "i" }, { kid: "k" }, { issuer: "i", kid: "k", jti: "1" }, { ...named, x: 1 }]) {
      expect((await ask("POST", "/v1/jwts:revoke", wrong)).status).toBe(400);
    }
    expect(audits().map(({ action, kid }) => [action, kid])).toEqual([["jwt.revoked", "k"], ["jwt.approved", "k"]]);
  });

  it("an app is revoked, approved and stripped of its tokens by name", async () => {
    const { session } = x.open({}, credential(["app:app"], { kind: "key" }));
    const other = x.open({}, credential(["app:other"], { kind: "key" })).session;
    expect((await ask("POST", "/v1/apps/the-app:revoke")).body).toMatchObject({ id: "app", status: "revoked" });
    expect([session.endReason, other.endReason]).toEqual(["accessRevoked", null]);
    expect((await ask("POST", "/v1/apps/app:approve", {})).body).toMatchObject({ status: "approved" });
    await ask("POST", "/v1/apps/app:revokeTokens");
    expect(resolveToken(store, x.clock, TOKEN, CALL)).toMatch(/access_token_not_approved/);
    expect(resolveKey(store, x.clock, KEY, CALL)).toMatchObject({ app: { id: "app" } });
    expect((await ask("POST", "/v1/apps/nope:revoke")).status).toBe(404);
    expect((await ask("POST", "/v1/apps/app:revoke", { x: 1 })).status).toBe(400);
    expect((await ask("GET", "/v1/apps/the-app")).body).toMatchObject({ id: "app" });
    expect(audits().map(({ action, app }) => [action, app])).toEqual([["app.revoked", "app"], ["app.approved", "app"], ["app.tokens.revoked", "app"]]);
  });

  it("a developer is deactivated and activated by email address", async () => {
    await store.put("developer", "a-first", { ...DEVELOPER, id: "a-first", email: "first@example.com" });
    const at = encodeURIComponent(DEVELOPER.email);
    expect((await ask("POST", `/v1/developers/${at}:deactivate`)).body).toMatchObject({ id: "dev", status: "inactive" });
    expect(resolveKey(store, x.clock, KEY, CALL)).toMatch(/DeveloperStatusNotActive/);
    expect((await ask("POST", "/v1/developers/dev:activate")).body).toMatchObject({ status: "active" });
    expect((await ask("POST", "/v1/developers/dev:revokeTokens")).status).toBe(200);
    expect((await ask("GET", `/v1/developers/${at}`)).body).toMatchObject({ id: "dev" });
    expect((await ask("GET", "/v1/developers/nope")).status).toBe(404);
  });

  it("records are listed in pages", async () => {
    for (const id of ["a", "b", "c"]) await store.put("developer", id, { ...DEVELOPER, id });
    const first = await ask("GET", "/v1/developers?limit=3");
    expect([(first.body["developers"] as { id: string }[]).map(({ id }) => id), first.body["after"]]).toEqual([["a", "b", "c"], "c"]);
    const second = await ask("GET", "/v1/developers?limit=3&after=c");
    expect([(second.body["developers"] as { id: string }[]).map(({ id }) => id), second.body["after"]]).toEqual([["dev"], null]);
    expect((await ask("GET", "/v1/apps")).body).toMatchObject({ apps: [{ id: "app" }] });
  });

  it("nothing that is shown holds a digest of a secret", async () => {
    const shown = JSON.stringify([(await ask("GET", "/v1/keys")).body, (await ask("POST", "/v1/keys:revoke", { key: KEY })).body]);
    expect(shown).toContain(KEY_RECORD.id);
    expect(shown).not.toContain(KEY_RECORD.secretDigest);
    expect(shown).not.toContain(SECRET);
  });
});

describe("draining", () => {
  it("begins once, however often it is asked for", async () => {
    expect(await ask("POST", "/v1/drain")).toMatchObject({ status: 202, body: { draining: true } });
    gateway.draining = true;
    expect((await ask("POST", "/v1/drain", {})).status).toBe(202);
    expect(drains).toBe(1);
    expect(audits()).toMatchObject([{ action: "drain" }]);
  });
});
