/** IntrospectToken against a real server on loopback: what is asked, what is believed and for how long, what ends. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { revokeJwts } from "#runtime/access/jwt-revocation.ts";
import { jtiIdentity } from "#runtime/access/identity.ts";
import { systemClock, type Clock } from "#runtime/clock.ts";
import type { Store } from "#runtime/state/store.ts";
import { fakeTarget, type FakeTarget } from "../../support/fake-target.ts";
import { compileFiles, startModules, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { rawSocket } from "../../support/raw-client.ts";
import { readClose } from "../../support/frames.ts";
import type { RawClient } from "../../support/raw-client.ts";

const SECRET = "s3cret/with+signs";
const TOKEN = "a-token-of-an-outside-server";
const policy = (more: string): string => `kind: IntrospectToken
endpoint: { env: ENDPOINT }
clientId: the gateway
clientSecret: { env: INTROSPECTION_SECRET }
timeout: 300ms
${more}`;

const proxy = (name: string): string => `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, preFlow: { request: [IT-Token] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`;

const files: BundleFiles = {
  "gateway.yaml": "kind: Gateway\nlisteners: [{ name: public, host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }",
  "proxies/plain/proxy.yaml": proxy("plain"),
  "proxies/plain/policies/IT-Token.yaml": policy("cache: { maxAge: 60s, negativeMaxAge: 2s }"),
  "proxies/stale/proxy.yaml": proxy("stale"),
  "proxies/stale/policies/IT-Token.yaml": policy("clientAuthentication: form\ncache: { maxAge: 10s, staleMaxAge: 30s }"),
  "proxies/strict/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /strict, preFlow: { request: [IT-Token, AM-User] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/strict/policies/IT-Token.yaml": policy("scope: chat admin\nissuer: https://id.example.com\naudience: chat"),
  "proxies/strict/policies/AM-User.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-user: "{introspection.IT-Token.sub} {introspection.IT-Token.aud}" } } }]`,
};

/** A clock that can be pushed ahead; its timers are the system's. */
function pushedClock(): Clock & { push(ms: number): void } {
  let aheadMs = 0;
  return {
    ...systemClock,
    wallMs: () => systemClock.wallMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    push: (ms) => void (aheadMs += ms),
  };
}

interface Asked {
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

/** What the server says to the next questions. */
let answer: (asked: Asked) => { status?: number; body: unknown } | "hang" | "break" | "redirect";
let asked: Asked[] = [];
let calls = 0;
let server: Server;
let target: FakeTarget;
let modules: Awaited<ReturnType<typeof compileFiles>>;
let gateway: TestGateway;
let clock: ReturnType<typeof pushedClock>;
let endpoint: string;

beforeAll(async () => {
  modules = await compileFiles(files);
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const question = { form: new URLSearchParams(text), authorization: request.headers.authorization };
      asked.push(question);
      const said = answer(question);
      if (said === "hang") return;
      if (said === "break") return void response.socket?.destroy();
      if (said === "redirect") return void response.writeHead(302, { Location: endpoint }).end();
      const body = typeof said.body === "string" ? said.body : JSON.stringify(said.body);
      response.writeHead(said.status ?? 200, { "Content-Type": "application/json" }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  endpoint = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/introspect`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await target[Symbol.asyncDispose]();
});

beforeEach(async () => {
  asked = [];
  calls = 0;
  clock = pushedClock();
  answer = () => ({ body: { active: true } });
  const env = { ENDPOINT: endpoint, INTROSPECTION_SECRET: SECRET, TARGET_URL: target.url };
  gateway = await startModules(modules, { env, clock, wrapStore: (store) => counting(store) });
});

afterEach(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  const lines = JSON.stringify(gateway.lines());
  for (const { form } of asked) expect(lines).not.toContain(form.get("token"));
  expect(lines).not.toContain(SECRET);
  await gateway[Symbol.asyncDispose]();
});

/** Counts what the gateway asks its store. */
function counting(store: Store): Store {
  return new Proxy(store, {
    get(of, name) {
      const member: unknown = Reflect.get(of, name);
      if (typeof member !== "function") return member;
      return (...parts: unknown[]): unknown => {
        if (name === "get" || name === "put" || name === "list") calls++;
        return Reflect.apply(member, of, parts);
      };
    },
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += String(piece);
  return text;
}

/** Status of an upgrade; the socket of one that was admitted is closed. */
async function status(path: string, token: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.port}${path}/http`, { headers: { authorization: `Bearer ${token}` } });
  await answer.arrayBuffer();
  return answer.status === 404 || answer.status === 502 ? 200 : answer.status;
}

const open = (path: string, token: string): Promise<RawClient> =>
  rawSocket(gateway.port, `${path}/ws`, { Authorization: `Bearer ${token}` });

async function closeOf(client: RawClient): Promise<{ code: number; text: string }> {
  const head = await client.bytes(2);
  const { code, text } = readClose(Buffer.concat([head, await client.bytes(head[1] ?? 0)]));
  return { code, text };
}

describe("the question", () => {
  it("has the token and the client's credentials, encoded", async () => {
    expect(await status("/plain", "abc.def+g")).toBe(200);
    expect(asked[0]?.form.get("token")).toBe("abc.def+g");
    expect(asked[0]?.form.get("token_type_hint")).toBe("access_token");
    expect(asked[0]?.form.has("client_secret")).toBe(false);
    const basic = Buffer.from(asked[0]?.authorization?.slice("Basic ".length) ?? "", "base64").toString();
    expect(basic).toBe("the+gateway:s3cret%2Fwith%2Bsigns");
  });

  it("has them in the form when told so", async () => {
    expect(await status("/stale", TOKEN)).toBe(200);
    expect([asked[0]?.form.get("client_id"), asked[0]?.form.get("client_secret")]).toEqual(["the gateway", SECRET]);
    expect(asked[0]?.authorization).toBeUndefined();
  });

  it("is asked once for many at the same time", async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => status("/plain", "same")));
    expect(new Set(all)).toEqual(new Set([200]));
    expect(asked.length).toBe(1);
  });
});

it("of one proxy says nothing to another whose policy has the same name", async () => {
  answer = () => ({ body: { active: true } });
  expect([await status("/plain", TOKEN), await status("/stale", TOKEN)]).toEqual([200, 200]);
  expect(asked.map(({ authorization }) => authorization !== undefined)).toEqual([true, false]);
});

describe("an answer", () => {
  it("is used again without asking server or store, until its age is over", async () => {
    expect(await status("/plain", TOKEN)).toBe(200);
    const before = calls;
    for (let time = 0; time < 3; time++) expect(await status("/plain", TOKEN)).toBe(200);
    expect([asked.length, calls - before]).toEqual([1, 0]);
    clock.push(60_000);
    expect(await status("/plain", TOKEN)).toBe(200);
    expect(asked.length).toBe(2);
  });

  it("is not used beyond the token's expiry", async () => {
    const exp = Math.floor(clock.wallMs() / 1000) + 20;
    answer = () => ({ body: { active: true, exp } });
    expect(await status("/plain", TOKEN)).toBe(200);
    clock.push(21_000);
    // The server has not noticed yet.
    expect(await status("/plain", TOKEN)).toBe(401);
    expect(asked.length).toBe(2);
  });

  it("that says no is kept briefly", async () => {
    answer = () => ({ body: { active: false } });
    expect(await status("/plain", TOKEN)).toBe(401);
    answer = () => ({ body: { active: true } });
    expect(await status("/plain", TOKEN)).toBe(401);
    expect(asked.length).toBe(1);
    clock.push(2_000);
    expect(await status("/plain", TOKEN)).toBe(200);
  });

  it.each<[string, unknown, number]>([
    ["not active yet", { active: true, nbf: 9_999_999_999 }, 401],
    ["expired", { active: true, exp: 5 }, 401],
    ["no JSON", "<html>", 503],
    ["a list", [], 503],
    ["without active", { exp: 9_999_999_999 }, 503],
    ["with a text for active", { active: "true" }, 503],
    ["with a text for exp", { active: true, exp: "never" }, 503],
    ["larger than allowed", { active: true, filler: "x".repeat(100_000) }, 503],
  ])("%s", async (_, body, expected) => {
    answer = () => ({ body });
    expect(await status("/plain", TOKEN)).toBe(expected);
  });
});

describe("a server that fails", () => {
  it.each<[string, ReturnType<typeof answer>]>([
    ["with a status", { status: 500, body: {} }],
    ["by refusing the gateway", { status: 401, body: {} }],
    ["by breaking off", "break"],
    ["by saying nothing", "hang"],
    ["by leading elsewhere", "redirect"],
  ])("%s: 503, and a line", async (_, said) => {
    answer = () => said;
    const answered = await fetch(`http://127.0.0.1:${gateway.port}/plain/x`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect([answered.status, await answered.text()]).toEqual([503, expect.stringContaining("gateway.IntrospectionUnavailable")]);
    await gateway.line({ event: "introspection_failed" });
    expect(asked.length).toBe(1);
    // Not asked again at once: it has enough to do.
    expect(await status("/plain", "other")).toBe(503);
    expect(asked.length).toBe(1);
    clock.push(1_000);
    answer = () => ({ body: { active: true } });
    expect(await status("/plain", "other")).toBe(200);
  });

  it("is stood in for by an older answer as long as the policy says", async () => {
    expect(await status("/stale", TOKEN)).toBe(200);
    answer = () => ({ status: 500, body: {} });
    clock.push(39_000);
    expect(await status("/stale", TOKEN)).toBe(200);
    expect(await status("/stale", "never-seen")).toBe(503);
    clock.push(2_000);
    expect(await status("/stale", TOKEN)).toBe(503);
  });

  it("is not stood in for where the policy says nothing, and never beyond the token's expiry", async () => {
    const exp = Math.floor(clock.wallMs() / 1000) + 12;
    answer = () => ({ body: { active: true, exp } });
    expect([await status("/plain", TOKEN), await status("/stale", TOKEN)]).toEqual([200, 200]);
    answer = () => ({ status: 500, body: {} });
    clock.push(11_000);
    expect(await status("/stale", TOKEN)).toBe(200);
    clock.push(2_000);
    expect(await status("/stale", TOKEN)).toBe(503);
    clock.push(60_000);
    expect(await status("/plain", TOKEN)).toBe(503);
  });
});

describe("what the policy demands", () => {
  const good = { active: true, scope: "chat", iss: "https://id.example.com", aud: ["chat", "other"], sub: "ann" };
  it.each<[string, object, number]>([
    ["is there", {}, 200],
    ["is there, one audience", { aud: "chat" }, 200],
    ["another audience", { aud: "chats" }, 401],
    ["no audience", { aud: undefined }, 401],
    ["another issuer", { iss: "https://id.example.com/" }, 401],
    ["no scope", { scope: undefined }, 403],
    ["another scope", { scope: "chats" }, 403],
  ])("%s", async (_, changes, expected) => {
    answer = () => ({ body: { ...good, ...changes } });
    expect(await status("/strict", TOKEN)).toBe(expected);
  });

  it("is told in variables", async () => {
    answer = () => ({ body: good });
    using socket = await open("/strict", TOKEN);
    expect(socket.socket.destroyed).toBe(false);
    const { head } = await target.request("/ws");
    expect(head).toContain("x-user: ann chat other");
  });
});

describe("a session", () => {
  it("ends when its token expires", async () => {
    const exp = Math.floor(systemClock.wallMs() / 1000) + 2;
    answer = () => ({ body: { active: true, exp } });
    using socket = await open("/plain", TOKEN);
    expect(await closeOf(socket)).toEqual({ code: 3000, text: "token expired" });
  });

  it("ends when its token is revoked here, and the token is refused", async () => {
    answer = () => ({ body: { active: true, iss: "https://id.example.com", jti: "7" } });
    using socket = await open("/plain", TOKEN);
    await revokeJwts(gateway.gateway, jtiIdentity("https://id.example.com", "7"), null);
    expect((await closeOf(socket)).code).toBe(3003);
    expect(await status("/plain", TOKEN)).toBe(401);
    clock.push(61_000);
    expect(await status("/plain", TOKEN)).toBe(401);
  });

  it("is refused without a token, and with one in another place", async () => {
    for (const headers of [{}, { authorization: "Basic x" }]) {
      const answered = await fetch(`http://127.0.0.1:${gateway.port}/plain/x`, { headers });
      expect(answered.status).toBe(401);
      expect(answered.headers.get("www-authenticate")).toContain('Bearer realm="plain"');
      await answered.arrayBuffer();
    }
    expect(asked.length).toBe(0);
  });
});
