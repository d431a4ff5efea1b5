/** GenerateJWS, VerifyJWS and DecodeJWS in one gateway: a detached signature over a path, on real sockets. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { plainRequest, rawClient, type Answer } from "../../support/raw-client.ts";

const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }`,
  "proxies/make/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /make
    preFlow: { request: [GS-Path], response: [AM-Show] }
    routeRules: [{ name: none }]`,
  "proxies/make/policies/GS-Path.yaml": `kind: GenerateJWS
algorithm: HS256
secretKey: { value: { env: SECRET }, id: s1 }
payload: "{proxy.pathsuffix}"
detachContent: true`,
  "proxies/make/policies/AM-Show.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-jws: "{jws.GS-Path.generated_jws}" } } }]`,
  "proxies/take/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /take
    preFlow: { request: [DS-Seen, VS-Path], response: [AM-Kid] }
    faultRules: [{ name: refused, condition: 'jws.VS-Path.failed', steps: [AM-Kid] }]
    routeRules: [{ name: none }]`,
  "proxies/take/policies/DS-Seen.yaml": `kind: DecodeJWS
source: request.header.x-jws`,
  "proxies/take/policies/VS-Path.yaml": `kind: VerifyJWS
algorithm: HS256
secretKey: { value: { env: SECRET } }
source: request.header.x-jws
detachedContent: proxy.pathsuffix`,
  "proxies/take/policies/AM-Kid.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-kid: "{jws.DS-Seen.header.kid}", x-valid: "{jws.VS-Path.valid:no}" } } }]`,
};

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGatewayFromBundle(files, { env: { SECRET: "0123456789abcdef0123456789abcdef" } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
});

async function ask(path: string, jws = ""): Promise<Answer> {
  using client = await rawClient(gateway.port);
  return await client.send(plainRequest(path, { "X-Jws": jws })).answer();
}

it("a signature lets in the path that it was made for, and no other", async () => {
  const jws = (await ask("/make/rooms/1")).headers.get("x-jws") ?? "";
  const taken = await ask("/take/rooms/1", jws);
  expect([taken.status, taken.headers.get("x-kid"), taken.headers.get("x-valid")]).toEqual([200, "s1", "true"]);
  const refused = await ask("/take/rooms/2", jws);
  expect([refused.status, refused.headers.get("x-kid"), refused.headers.get("x-valid")]).toEqual([401, "s1", "no"]);
  expect(refused.body).toContain("steps.jws.InvalidSignature");
});
