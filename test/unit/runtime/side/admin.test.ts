import { request as httpRequest } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { adminSecretProblem } from "#runtime/side/admin.ts";
import { KEY, KEY_RECORD, TOKEN_RECORD } from "../../../support/access-records.ts";
import { ADMIN_SECRET, adminGround, type Told } from "../../../support/admin-ground.ts";
import { credential } from "../../../support/session-fixture.ts";

const ground = adminGround(["sessions", "fleet", "process", "description"]);

/** With header lines that fetch does not let through. */
function raw(head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: ground.listener.port, host: "127.0.0.1" });
    let answer = "";
    socket.setEncoding("latin1").on("data", (chunk) => (answer += String(chunk)));
    socket.on("close", () => resolve(answer)).on("error", reject);
    socket.write(`${head}\r\nConnection: close\r\n\r\n`);
  });
}

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
    ["an Origin elsewhere", `${get}\r\nHost: localhost:9091\r\nOrigin: http://evil.example\r\n${auth}`, 403],
    ["an Origin on another port", `${get}\r\nHost: localhost:9091\r\nOrigin: http://localhost:9092\r\n${auth}`, 403],
    ["an Origin that begins like ours", `${get}\r\nHost: localhost:9091\r\nOrigin: http://localhost:9091.evil.example\r\n${auth}`, 403],
    ["an Origin that ends like ours", `${get}\r\nHost: localhost:9091\r\nOrigin: http://evil@localhost:9091\r\n${auth}`, 403],
    ["an opaque Origin", `${get}\r\nHost: localhost:9091\r\nOrigin: null\r\n${auth}`, 403],
    ["our Origin, but another site", `${get}\r\nHost: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: cross-site\r\n${auth}`, 403],
    ["our own page without the secret", `${get}\r\nHost: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-origin`, 401],
    ["our own page", `${get}\r\nHost: localhost:9091\r\nOrigin: http://localhost:9091\r\nSec-Fetch-Site: same-origin\r\n${auth}`, 200],
    ["our own page behind TLS", `${get}\r\nHost: localhost:9091\r\nOrigin: https://localhost:9091\r\n${auth}`, 200],
    ["an address that somebody typed", `${get}\r\nHost: localhost\r\nSec-Fetch-Site: none\r\n${auth}`, 200],
    ["the page where there is none", `GET / HTTP/1.1\r\nHost: localhost\r\n${auth}`, 404],
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
    const told = await ground.ask("GET", "/v1/keys", undefined, { authorization: "Bearer wrong-wrong-wrong-wrong" });
    expect([told.status, told.body.error?.code, told.headers.get("www-authenticate")]).toEqual([401, "unauthorized", 'Bearer realm="apigw admin"']);
    expect(ground.counted("apigw_admin_unauthorized_total")).toBe(1);
    expect(ground.text).not.toContain("wrong-wrong");
  });

  it("is never opened without a lock", async () => {
    const at = { host: "127.0.0.1", port: 0, reusePort: false };
    await expect(ground.open(at, null)).rejects.toThrow("needs a secret");
    await expect(ground.open(at, "short")).rejects.toThrow("fewer than 16");
    expect(adminSecretProblem(ADMIN_SECRET)).toBeNull();
    expect(adminSecretProblem("sixteen chars but spaces")).not.toBeNull();
  });

  it("may be a Unix socket", async () => {
    const directory = mkdtempSync(join(tmpdir(), "apigw-admin-"));
    const unix = await ground.open({ socketPath: join(directory, "admin.sock") });
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
      await ground.close(unix);
      rmSync(directory, { recursive: true });
    }
  });
});

describe("requests", () => {
  it.each([
    ["GET", "/nope", 404, "not_found"],
    ["GET", "/v1/sessions/", 404, "not_found"],
    ["PUT", "/v1/sessions", 405, "method_not_allowed"],
    ["GET", "/v1/drain", 405, "method_not_allowed"],
    ["GET", "/v1/apps/%ff", 400, "bad_request"],
    ["GET", "/v1/sessions?nope=1", 400, "bad_request"],
    ["GET", "/v1/sessions?limit=0", 400, "bad_request"],
    ["GET", "/v1/sessions?limit=4", 400, "bad_request"],
    ["GET", "/v1/sessions?app=a&app=b", 400, "bad_request"],
    ["GET", "/v1/sessions?token=in-clear", 400, "bad_request"],
    ["GET", "/v1/sessions?issuer=x", 400, "bad_request"],
    ["POST", "/v1/drain?now=1", 400, "bad_request"],
  ])("%s %s gets %d %s", async (method, path, status, code) => {
    const told = await ground.ask(method, path);
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
    const told = await ground.ask("POST", "/v1/keys:revoke", body, headers);
    expect([told.status, told.body.error?.code]).toEqual([status, code]);
    expect(ground.store.get("key", KEY_RECORD.id)).toMatchObject({ status: "approved" });
    expect(ground.audits()).toEqual([]);
  });

  it("are answered 503 while the store cannot answer, and 500 on a defect, which is reported", async () => {
    await ground.store.close();
    expect(await ground.ask("POST", "/v1/keys:revoke", { key: KEY })).toMatchObject({ status: 503, body: { error: { code: "store_closed" } } });
    expect(ground.defects).toEqual([]);
    ground.gateway.sessions.list = () => {
      throw new TypeError("broken");
    };
    const told = await ground.ask("GET", "/v1/sessions");
    expect([told.status, told.body.error?.code, ground.defects.length]).toEqual([500, "internal", 1]);
    expect(JSON.stringify(told.body)).not.toContain("broken");
  });

  it("are told 413 although their body goes on", async () => {
    const chunk = `400\r\n${"x".repeat(1_024)}\r\n`;
    const head = `POST /v1/keys:revoke HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN_SECRET}`;
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ port: ground.listener.port, host: "127.0.0.1" });
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

  it("expect 100-continue or nothing", async () => {
    const head = `POST /v1/keys:revoke HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN_SECRET}\r\nContent-Type: application/json`;
    expect(await raw(`${head}\r\nContent-Length: 5\r\nExpect: a miracle`)).toMatch(/^HTTP\/1\.1 417 [^]*Connection: close/);
  });
});

describe("sessions", () => {
  beforeEach(() => {
    const labels = { app: "the-app", developer: "dev", product: "gold", keyFingerprint: KEY_RECORD.clientId };
    const key = credential([`key:${KEY_RECORD.id}`, "app:app", "developer:dev", "product:gold"], { kind: "key", labels });
    const token = credential([`token:${TOKEN_RECORD.id}`, "app:app", "subject:|ada"], { expiresAtMs: ground.x.clock.wallMs() + 60_000 });
    ground.x.open({}, key);
    ground.x.open({}, token);
    ground.x.open({ proxy: "other", proxyIdentity: "proxy:other" });
    ground.x.begin({}).addCredential(key);
  });

  const ids = (told: Told): string[] => (told.body["sessions"] as { id: string }[]).map(({ id }) => id.slice(-1));

  it("are listed in pages, handshakes included", async () => {
    const first = await ground.ask("GET", "/v1/sessions?limit=3");
    expect([ids(first), first.body["total"]]).toEqual([["1", "2", "3"], 4]);
    const second = await ground.ask("GET", `/v1/sessions?limit=3&after=${String(first.body["next"])}`);
    expect([ids(second), second.body["next"]]).toEqual([["4"], null]);
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
    expect(ids(await ground.ask("GET", `/v1/sessions?${query}`))).toEqual(expected);
  });

  it("of an unknown app are an error, not an empty list", async () => {
    expect((await ground.ask("GET", "/v1/sessions?app=nope")).status).toBe(404);
  });

  it("are shown and ended one by one, and elsewhere through the store", async () => {
    const id = "00000000-0000-4000-8000-000000000002";
    const { splice } = ground.x.open();
    expect((await ground.ask("GET", `/v1/sessions/${id}`)).body).toMatchObject({ id, state: "open" });
    expect(await ground.ask("DELETE", `/v1/sessions/${id}`)).toMatchObject({ status: 200, body: { matched: 1, ended: 1 } });
    expect((await ground.ask("GET", `/v1/sessions/${id}`)).body).toMatchObject({ state: "closing" });
    expect(splice.ends).toEqual([]);
    const elsewhere = "11111111-0000-4000-8000-000000000002";
    expect((await ground.ask("GET", `/v1/sessions/${elsewhere}`)).status).toBe(404);
    expect(await ground.ask("DELETE", `/v1/sessions/${elsewhere}`)).toMatchObject({ status: 202, body: { matched: 0 } });
    expect((await ground.ask("DELETE", "/v1/sessions/nope")).status).toBe(404);
    expect(ground.store.events(0, 10).events.map(({ event }) => [event.effect, event.identities])).toEqual([
      ["ended", [`session:${id}`]], ["ended", [`session:${elsewhere}`]],
    ]);
    expect(ground.audits()).toMatchObject([{ action: "session.end", actor: "secret", session_id: id, matched: 1 }, { session_id: elsewhere }]);
  });

  it("are counted by a dry run, then ended by filter, those in their handshake too", async () => {
    const body = { filter: { app: "the-app", product: "gold" }, reason: "abuse report 7" };
    expect((await ground.ask("POST", "/v1/sessions:end", { ...body, dryRun: true })).body).toEqual({ matched: 2, ended: 0 });
    expect(ground.x.sessions.find(["product:gold"]).map(({ state }) => state)).toEqual(["open", "handshake"]);
    expect(ground.audits()).toEqual([]);
    expect((await ground.ask("POST", "/v1/sessions:end", body)).body).toEqual({ matched: 2, ended: 2 });
    expect([...ground.x.sessions.all()].map(({ endReason }) => endReason)).toEqual(["ended", null, null, "ended"]);
    expect(ground.audits()).toMatchObject([{ action: "sessions.end", matched: 2, note: "abuse report 7", filter: "product:gold app:app" }]);
  });

  it("are all ended only when that is said", async () => {
    expect((await ground.ask("POST", "/v1/sessions:end", {})).status).toBe(400);
    expect((await ground.ask("POST", "/v1/sessions:end", { filter: {} })).status).toBe(400);
    expect((await ground.ask("POST", "/v1/sessions:end", { all: true, filter: { proxy: "chat" } })).status).toBe(400);
    expect((await ground.ask("POST", "/v1/sessions:end", { filter: { nope: "x" } })).status).toBe(400);
    for (const close of [{ code: 1005 }, { code: 2999 }, { code: 5000 }, { reason: "no code" }, { code: 4000, reason: "é".repeat(62) }, { code: 4000, x: 1 }]) {
      expect((await ground.ask("POST", "/v1/sessions:end", { filter: { proxy: "chat" }, close })).status).toBe(400);
    }
    expect((await ground.ask("POST", "/v1/sessions:end", { all: true, dryRun: true })).body).toEqual({ matched: 4, ended: 0 });
    expect([...ground.x.sessions.all()].every(({ endReason }) => endReason === null)).toBe(true);
  });
});

describe("draining", () => {
  it("begins once, however often it is asked for", async () => {
    expect(await ground.ask("POST", "/v1/drain")).toMatchObject({ status: 202, body: { draining: true } });
    ground.gateway.draining = true;
    expect((await ground.ask("POST", "/v1/drain", {})).status).toBe(202);
    expect(ground.drains).toBe(1);
    expect(ground.audits()).toMatchObject([{ action: "drain" }]);
  });
});

describe("a fleet of one", () => {
  it("is the process alone", async () => {
    const id = "00000000-0000-4000-8000-000000000001";
    ground.x.open({}, credential(["product:gold"]));
    ground.x.open({}, credential([]));
    const own = { id: "self", pod: "pod", sessions: 2, matched: 1, draining: false };
    expect((await ground.ask("GET", "/v1/fleet?product=gold")).body).toMatchObject({ total: 2, matched: 1, silent: [], replicas: [own] });
    const page = await ground.ask("GET", "/v1/fleet/sessions?limit=1");
    expect(page.body).toMatchObject({ sessions: [{ id, replica: "self" }] });
    const next = await ground.ask("GET", `/v1/fleet/sessions?limit=1&after=${String(page.body["next"])}`);
    expect(next.body).toMatchObject({ sessions: [{ state: "open" }], next: null });
    expect((await ground.ask("POST", "/v1/fleet/sessions:end", {})).status).toBe(400);
    expect((await ground.ask("POST", "/v1/fleet/sessions:end", { filter: { product: "gold" } })).body).toMatchObject({ matched: 1 });
    expect(ground.x.sessions.byId(id)?.endReason).toBe("ended");
  });
});

it("serves its own description", async () => {
  const { body, status } = await ground.ask("GET", "/v1/openapi.json");
  expect([status, body["openapi"]]).toEqual([200, "3.1.0"]);
  expect(Object.keys(body["paths"] as object)).toContain("/v1/openapi.json");
});
