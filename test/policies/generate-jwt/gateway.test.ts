/** DecodeJWT, GenerateJWT and VerifyJWT in one gateway: what one proxy makes, another lets in, on real sockets. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { ecKey, forge, jwks } from "../../support/jwt-forge.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { plainRequest, rawClient, type Answer } from "../../support/raw-client.ts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const key = ecKey("backend-1");
const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }`,
  "proxies/make/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /make
    preFlow: { request: [DJ-Given, GJ-Made], response: [AM-Show] }
    routeRules: [{ name: none }]`,
  "proxies/make/policies/DJ-Given.yaml": "kind: DecodeJWT",
  "proxies/make/policies/GJ-Made.yaml": `kind: GenerateJWT
algorithm: ES256
privateKey: { value: { env: PRIVATE_KEY }, id: backend-1 }
subject: { ref: jwt.DJ-Given.claim.subject }
audience: backend
expiresIn: 5m
additionalClaims: [{ name: level, type: number, value: 3 }]`,
  "proxies/make/policies/AM-Show.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-token: "{jwt.GJ-Made.generated_jwt}" } } }]`,
  "proxies/take/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /take
    preFlow: { request: [VJ-Made], response: [AM-Subject] }
    routeRules: [{ name: none }]`,
  "proxies/take/policies/VJ-Made.yaml": `kind: VerifyJWT
algorithm: ES256
publicKey: { jwks: { file: { env: KEY_SET } } }
audience: backend
additionalClaims: [{ name: level, type: number, value: 3 }]`,
  "proxies/take/policies/AM-Subject.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-subject: "{jwt.VJ-Made.claim.subject}" } } }]`,
};

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), "apigw-keys-"));

beforeAll(async () => {
  const keySet = join(folder, "keys.json");
  writeFileSync(keySet, jwks(key.jwk));
  const pem = key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  gateway = await startGatewayFromBundle(files, { env: { PRIVATE_KEY: pem, KEY_SET: keySet } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function ask(path: string, token: string): Promise<Answer> {
  using client = await rawClient(gateway.port);
  return await client.send(plainRequest(path, { Authorization: `Bearer ${token}` })).answer();
}

it("a token that was made is let in, one that was only decoded is not", async () => {
  const stranger = forge({ alg: "ES256", kid: "backend-1" }, { sub: "ann", aud: "backend", level: 3 }, ecKey("x").privateKey);
  const made = (await ask("/make", stranger)).headers.get("x-token") ?? "";
  const taken = await ask("/take", made);
  expect([taken.status, taken.headers.get("x-subject")]).toEqual([200, "ann"]);
  const refused = await ask("/take", stranger);
  expect(refused.status).toBe(401);
  expect(refused.body).toContain("steps.jwt.InvalidToken");
  expect(JSON.stringify(gateway.lines())).not.toContain(made.slice(0, 30));
});
