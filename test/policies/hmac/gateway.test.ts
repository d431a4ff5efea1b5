/** HMAC on real sockets: a signed link opens, any other does not, and nothing says what would have been right. */
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { plainRequest, rawClient, type Answer } from "../../support/raw-client.ts";

const SECRET = "0f".repeat(32);
const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }`,
  "proxies/link/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /link
    preFlow: { request: [HM-Link], response: [AM-Show] }
    faultRules: [{ name: wrong, condition: 'hmac.HM-Link.failed', steps: [AM-Failed] }]
    routeRules: [{ name: none }]`,
  "proxies/link/policies/HM-Link.yaml": `kind: HMAC
algorithm: SHA-256
secretKey: { value: { env: LINK_SECRET }, encoding: hex }
message: "{request.path}|{request.queryparam.expires}"
verificationValue: { ref: request.queryparam.sig, encoding: base64url }
output: { encoding: hex }`,
  "proxies/link/policies/AM-Show.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-output: "{hmac.HM-Link.output}", x-message: "{hmac.HM-Link.message}" } } }]`,
  // Apigee's names of the same encodings.
  "proxies/names/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /names, preFlow: { request: [HM-Hex, HM-Text], response: [AM-Show] }, routeRules: [{ name: none }] }]`,
  "proxies/names/policies/HM-Hex.yaml": `kind: HMAC
algorithm: sha256
secretKey: { value: { env: LINK_SECRET }, encoding: base16 }
message: a
verificationValue: { ref: request.queryparam.sig, encoding: base16 }
output: { encoding: base16 }`,
  "proxies/names/policies/HM-Text.yaml": `kind: HMAC
algorithm: sha256
secretKey: { value: { env: LINK_SECRET }, encoding: utf8 }
message: a`,
  "proxies/names/policies/AM-Show.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-hex: "{hmac.HM-Hex.output}", x-text: "{hmac.HM-Text.output}" } } }]`,
  "proxies/link/policies/AM-Failed.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-failed: "{fault.name}" } } }]`,
};

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGatewayFromBundle(files, { env: { LINK_SECRET: SECRET } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
});

async function ask(path: string): Promise<Answer> {
  using client = await rawClient(gateway.port);
  return await client.send(plainRequest(path)).answer();
}

function signed(text: string): Buffer {
  return createHmac("sha256", Buffer.from(SECRET, "hex")).update(text).digest();
}

it("a signed link opens, and its variables can be read", async () => {
  const hash = signed("/link/a|9");
  const { status, headers } = await ask(`/link/a?expires=9&sig=${hash.toString("base64url")}`);
  expect(status).toBe(200);
  expect(headers.get("x-output")).toBe(hash.toString("hex"));
  expect(headers.get("x-message")).toBe("/link/a|9");
});

it.each([
  ["another path", `/link/b?expires=9&sig=${signed("/link/a|9").toString("base64url")}`, "HmacVerificationFailed"],
  ["no hash", "/link/a?expires=9", "EmptyVerificationValue"],
  ["a part of the message left out", `/link/a?sig=${signed("/link/a|").toString("base64url")}`, "UnresolvedVariable"],
])("%s: refused", async (_, path, code) => {
  const { status, headers, body } = await ask(path);
  expect(status).toBe(401);
  expect(headers.get("x-failed")).toBe(code);
  expect(body).toContain(`steps.hmac.${code}`);
  const told = body + JSON.stringify(gateway.lines());
  for (const secret of [SECRET, signed("/link/b|9").toString("base64url")]) expect(told).not.toContain(secret);
});

it("encodings have Apigee's names too", async () => {
  const hex = signed("a").toString("hex");
  const { headers, status } = await ask(`/names?sig=${hex}`);
  expect([status, headers.get("x-hex")]).toEqual([200, hex]);
  expect(headers.get("x-text")).toBe(createHmac("sha256", SECRET).update("a").digest("base64"));
});
