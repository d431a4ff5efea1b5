/** Encrypted tokens in one gateway: what one proxy makes, another lets in, on real sockets; and what ships for it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { ecKey, jwks } from "../../support/jwt-forge.ts";
import { keyServer, text, type KeyServer } from "../../support/key-server.ts";
import { compileFiles, startGatewayFromBundle, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { plainRequest, rawClient, type Answer } from "../../support/raw-client.ts";

const proxy = (name: string, steps: string): string => `kind: ApiProxy
proxyEndpoints:
  - basePath: /${name}
    preFlow: { request: [${steps}], response: [AM-Show] }
    routeRules: [{ name: none }]`;
const made = "additionalClaims: [{ name: level, type: number, value: 3 }]\nsubject: ann\nexpiresIn: 5m";
const show = (value: string): string => `kind: AssignMessage
actions: [{ set: { headers: { x-show: "${value}" } } }]`;

const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }`,
  "proxies/nest/proxy.yaml": proxy("nest", "GJ-Made"),
  "proxies/nest/policies/GJ-Made.yaml": `kind: GenerateJWT
type: Encrypted
algorithms: { key: ECDH-ES+A256KW, content: A256CBC-HS512 }
publicKey: { jwks: { file: { env: RECIPIENTS } }, id: { ref: request.header.x-kid, value: gateway } }
nested: { algorithm: ES256, privateKey: { value: { env: SIGNER }, id: signer-1 } }
${made}`,
  "proxies/nest/policies/AM-Show.yaml": show("{jwt.GJ-Made.generated_jwt}"),
  "proxies/far/proxy.yaml": proxy("far", "GJ-Far"),
  "proxies/far/policies/GJ-Far.yaml": `kind: GenerateJWT
algorithms: { key: ECDH-ES+A256KW, content: A256CBC-HS512 }
publicKey: { jwks: { uri: { env: RECIPIENTS_URL } }, id: { ref: request.header.x-kid, value: gateway } }
nested: { algorithm: ES256, privateKey: { value: { env: SIGNER }, id: signer-1 } }
${made}`,
  "proxies/far/policies/AM-Show.yaml": show("{jwt.GJ-Far.generated_jwt}"),
  "proxies/away/proxy.yaml": proxy("away", "GJ-Away").replace(", response: [AM-Show]", ""),
  "proxies/away/policies/GJ-Away.yaml": `kind: GenerateJWT
algorithms: { key: RSA-OAEP-256, content: A256GCM }
publicKey: { jwks: { uri: "http://127.0.0.1:1/keys" }, id: gateway }
${made}`,
  "proxies/take/proxy.yaml": proxy("take", "VJ-Made"),
  "proxies/take/policies/VJ-Made.yaml": `kind: VerifyJWT
algorithms: { key: ECDH-ES+A256KW, content: A256CBC-HS512 }
privateKey: { value: { env: RECIPIENT }, password: { env: PASSWORD } }
nested: { algorithm: ES256, publicKey: { jwks: { file: { env: SIGNERS } } } }
requiredClaims: [level]`,
  "proxies/take/policies/AM-Show.yaml": show("{jwt.VJ-Made.claim.subject} {jwt.VJ-Made.header.kid}"),
  "proxies/plain/proxy.yaml": proxy("plain", "GJ-Plain, VJ-Plain"),
  "proxies/plain/policies/GJ-Plain.yaml": `kind: GenerateJWT
algorithms: { key: PBES2-HS512+A256KW, content: A128GCM }
passwordKey: { value: { env: PASSWORD }, saltLength: 16, pbkdf2Iterations: 2000 }
outputVariable: made
${made}`,
  "proxies/plain/policies/VJ-Plain.yaml": `kind: VerifyJWT
algorithms: { key: PBES2-HS512+A256KW, content: A128GCM }
passwordKey: { value: { env: PASSWORD }, pbkdf2Iterations: 2000 }
source: made`,
  "proxies/plain/policies/AM-Show.yaml": show("{jwt.VJ-Plain.claim.subject} {jwt.VJ-Plain.header.algorithm}"),
};

const signer = ecKey("signer-1");
const recipient = generateKeyPairSync("ec", { namedCurve: "P-256" });
const folder = mkdtempSync(join(tmpdir(), "apigw-keys-"));
let gateway: TestGateway;
let keys: KeyServer;

beforeAll(async () => {
  const [signers, recipients] = [join(folder, "signers.json"), join(folder, "recipients.json")];
  writeFileSync(signers, jwks(signer.jwk));
  const jwk = recipient.publicKey.export({ format: "jwk" });
  writeFileSync(recipients, jwks({ ...jwk, kid: "gateway", use: "enc" }));
  keys = await keyServer(text(jwks({ ...jwk, kid: "gateway", key_ops: ["deriveKey"] }, { ...jwk, kid: "signs", use: "sig" })));
  const pem = { type: "pkcs8", format: "pem" } as const;
  gateway = await startGatewayFromBundle(files, {
    env: {
      RECIPIENTS: recipients,
      RECIPIENTS_URL: keys.url,
      SIGNERS: signers,
      SIGNER: signer.privateKey.export(pem).toString(),
      RECIPIENT: recipient.privateKey.export({ ...pem, cipher: "aes-256-cbc", passphrase: "open sesame" }).toString(),
      PASSWORD: "open sesame",
    },
  });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function ask(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  using client = await rawClient(gateway.port);
  return await client.send(plainRequest(path, headers)).answer();
}

it("a signed token within an encrypted one goes from one proxy to the other", async () => {
  const token = (await ask("/nest")).headers.get("x-show") ?? "";
  expect(token.split(".").map(({ length }) => length > 0)).toEqual([true, true, true, true, true]);
  const taken = await ask("/take", { Authorization: `Bearer ${token}` });
  expect([taken.status, taken.headers.get("x-show")]).toEqual([200, "ann signer-1"]);
  const changed = await ask("/take", { Authorization: `Bearer ${token.slice(0, -4)}AAAA` });
  expect([changed.status, changed.body]).toEqual([401, expect.stringContaining("steps.jwt.InvalidToken")]);
});

it("a recipient that the set does not name is a fault", async () => {
  expect((await ask("/nest", { "X-Kid": "nobody" })).body).toContain("steps.jwt.NoMatchingPublicKey");
  expect((await ask("/nest")).status).toBe(200);
});

it("a recipient's key is fetched by its set's URL, and kept while the set cannot be had", async () => {
  const token = (await ask("/far")).headers.get("x-show") ?? "";
  expect((await ask("/take", { Authorization: `Bearer ${token}` })).headers.get("x-show")).toBe("ann signer-1");
  for (const kid of ["nobody", "signs"]) expect((await ask("/far", { "X-Kid": kid })).body).toContain("steps.jwt.NoMatchingPublicKey");
  keys.answer = text("gone", 500);
  expect((await ask("/far")).status).toBe(200);
  expect(gateway.lines({ event: "key_set_read" })).toMatchObject([{ keys: 1 }]);
  const away = await ask("/away");
  expect([away.status, away.body]).toEqual([503, expect.stringContaining("gateway.KeySetUnavailable")]);
});

it("claims under a password", async () => {
  const answer = await ask("/plain");
  expect([answer.status, answer.headers.get("x-show")]).toEqual([200, "ann PBES2-HS512+A256KW"]);
});

it("only what a bundle uses of it ships", async () => {
  const only = (path: string, text: string): BundleFiles => ({
    "gateway.yaml": "kind: Gateway\nlisteners: [{ port: 0 }]\nstore: { kind: memory }",
    "proxies/one/proxy.yaml": proxy("one", "P").replace(", response: [AM-Show]", ""),
    [`proxies/one/policies/${path}.yaml`]: text,
  });
  const shipped = async (text: string): Promise<string> => {
    const { inputs } = await bundleProgram(await compileFiles(only("P", text)), { minify: true });
    return inputs.map(({ path }) => path).join("\n");
  };
  const signed = await shipped("kind: VerifyJWT\nalgorithm: HS256\nsecretKey: { value: { env: S } }");
  expect(signed).toContain("runtime/token/jwt.ts");
  expect(signed).not.toMatch(/jwe|encrypt/);
  const encrypted = await shipped("kind: VerifyJWT\nalgorithms: { key: dir, content: A128GCM }\ndirectKey: { value: { env: S } }");
  expect(encrypted).toMatch(/runtime\/token\/encrypted-jwt\.ts/);
  expect(encrypted).not.toMatch(/jws|runtime\/token\/jwt\.ts|encrypting/);
});
