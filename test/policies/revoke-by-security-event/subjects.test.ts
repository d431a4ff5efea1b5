/**
 * Subjects of events by e-mail address, phone number, account, issuer and opaque text, where a bundle says what they
 * are here: end users of opaque tokens, and developers.
 */
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { fakeTarget, type FakeTarget } from "../../support/fake-target.ts";
import { compileFiles, startModules, type TestGateway } from "../../support/gateway.ts";
import { ecKey, forge } from "../../support/jwt-forge.ts";
import { rawClient } from "../../support/raw-client.ts";
import { KEYS, ticketBundle, ticketEnv, tokenOf, upgradeStatus } from "../verify-ticket/ground.ts";

const ISSUER = "https://id.example.com";
const SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const key = ecKey("");
const take = `kind: RevokeBySecurityEvent
algorithm: ES256
publicKey: { value: { env: IDENTITY_KEY } }
issuer: ${ISSUER}
audience: gateway`;
const endpoints = `
  - name: events
    basePath: /events
    webSocket: deny
    flows:
      - { name: known, condition: 'proxy.pathsuffix = "/known"', request: [SE-Known] }
      - { name: plain, condition: 'proxy.pathsuffix = "/plain"', request: [SE-Plain] }
    routeRules: [{ name: none }]
  - { name: live, basePath: /live, preFlow: { request: [OA-Token] } }`;
const policies = {
  "proxies/chat/policies/SE-Known.yaml": `${take}
subjects:
  email: [endUser, developer]
  phoneNumber: [endUser]
  account: [endUser]
  issSub: [tokenSubject, endUser]
  opaque: [endUser]`,
  "proxies/chat/policies/SE-Plain.yaml": take,
};

let target: FakeTarget;
let modules: Awaited<ReturnType<typeof compileFiles>>;
let gateway: TestGateway;
beforeAll(async () => {
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  modules = await compileFiles(ticketBundle("{ kind: memory }", endpoints, policies));
});
afterAll(async () => target[Symbol.asyncDispose]());
beforeEach(async () => {
  gateway = await startModules(modules, { env: { ...ticketEnv(target.url), IDENTITY_KEY: key.pem } });
  return async () => {
    expect(gateway.lines({ event: "defect" })).toEqual([]);
    await gateway[Symbol.asyncDispose]();
  };
});

let jti = 0;
async function push(subject: object, path = "/events/known"): Promise<number> {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, aud: "gateway", iat, jti: `e${++jti}`, sub_id: subject, events: { [SESSION_REVOKED]: {} } };
  const body = forge({ alg: "ES256", typ: "secevent+jwt" }, claims, key.privateKey);
  using client = await rawClient(gateway.port);
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/secevent+jwt\r\nContent-Length: ${body.length}\r\n\r\n`;
  return (await client.send(head + body).answer()).status;
}

const bearer = (token: string): { Authorization: string } => ({ Authorization: `Bearer ${token}` });

async function connected(token: string): Promise<WsClient> {
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}/live/x`, { headers: bearer(token) });
  await once(client, "open");
  return client;
}

describe("a subject that is an end user here loses its tokens and sessions", () => {
  it.each([
    ["by e-mail address", { format: "email", email: "eve@example.org" }, "eve@example.org"],
    ["by e-mail address in other letters", { format: "email", email: "Eve@Example.org" }, "eve@example.org"],
    ["by phone number", { format: "phone_number", phone_number: "+12065550100" }, "+12065550100"],
    ["by account", { format: "account", uri: "acct:eve%2Badmin@example.org" }, "eve+admin@example.org"],
    ["by issuer and subject", { format: "iss_sub", iss: ISSUER, sub: "248289761001" }, "248289761001"],
    ["by an opaque text", { format: "opaque", id: "11112222333344445555" }, "11112222333344445555"],
    ["within a complex subject", { format: "complex", user: { format: "email", email: "eve@example.org" } }, "eve@example.org"],
  ])("%s", async (_, subject, endUser) => {
    const [meant, other] = [await tokenOf(gateway, { subject: endUser }), await tokenOf(gateway, { subject: "bob" })];
    const [client, kept] = [await connected(meant), await connected(other)];
    const closed = once(client, "close");
    expect(await push(subject)).toBe(202);
    expect((await closed)[0]).toBe(3003);
    expect([await upgradeStatus(gateway, "/live/x", bearer(meant)), kept.readyState]).toEqual([401, WsClient.OPEN]);
    kept.terminate();
  });
});

it("a developer loses the tokens of all apps, and keeps the keys", async () => {
  const token = await tokenOf(gateway);
  const client = await connected(token);
  const closed = once(client, "close");
  expect(await push({ format: "email", email: "ann@example.com" })).toBe(202);
  expect((await closed)[0]).toBe(3003);
  expect(await upgradeStatus(gateway, "/live/x", bearer(token))).toBe(401);
  expect(await gateway.gateway.store.list("key", { limit: 9 })).toHaveLength(Object.keys(KEYS).length - 1);
});

describe("is heard, answered and counted, and changes nothing", () => {
  it.each([
    ["where the bundle does not say what it is", "/events/plain", { format: "email", email: "eve@example.org" }],
    ["an end user, where subjects are those of the issuer's tokens", "/events/plain", { format: "opaque", id: "eve@example.org" }],
    ["of another issuer", "/events/known", { format: "iss_sub", iss: "https://other.example", sub: "eve@example.org" }],
    ["in a format that is none", "/events/known", { format: "did", url: "did:example:eve" }],
    ["without its name", "/events/known", { format: "email" }],
    ["with a name that is no text", "/events/known", { format: "phone_number", phone_number: ["eve@example.org"] }],
    ["an account that is none", "/events/known", { format: "account", uri: "https://example.org/eve" }],
    ["an account in broken escapes", "/events/known", { format: "account", uri: "acct:%E0%A4%A@example.org" }],
  ])("a subject %s", async (_, path, subject) => {
    const token = await tokenOf(gateway, { subject: "eve@example.org" });
    expect(await push(subject, path)).toBe(202);
    expect(await upgradeStatus(gateway, "/live/x", bearer(token))).toBe(101);
    const isMapped = "id" in subject;
    expect(gateway.metric("apigw_security_events_unknown_total")).toBe(isMapped ? 0 : 1);
    expect(gateway.lines({ event: "security_event" })).toMatchObject([{ revoked: isMapped ? 1 : 0, unknown: isMapped ? 0 : 1 }]);
  });
});
