/** VerifyJWT with the key set of an issuer's URL, on real sockets, over rotation and an outage. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { ecKey, forge, jwks, type TestKey } from "../../support/jwt-forge.ts";
import { compileFiles, startGatewayFromBundle, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { keyServer, text, type KeyServer } from "../../support/key-server.ts";
import { plainRequest, rawClient, type Answer } from "../../support/raw-client.ts";

const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }`,
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /chat
    preFlow: { request: [VJ-Token], response: [AM-Subject] }
    routeRules: [{ name: none }]`,
  "proxies/chat/policies/VJ-Token.yaml": `kind: VerifyJWT
algorithm: ES256
publicKey: { jwks: { uri: { env: JWKS_URL } } }`,
  "proxies/chat/policies/AM-Subject.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-subject: "{jwt.VJ-Token.claim.subject}" } } }]`,
};

const old = ecKey("k1");
const next = ecKey("k2");
let issuer: KeyServer;

beforeAll(async () => {
  issuer = await keyServer(text("", 503));
});

afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
});

function start(): Promise<TestGateway> {
  return startGatewayFromBundle(files, { env: { JWKS_URL: issuer.url } });
}

async function ask(gateway: TestGateway, key: TestKey, kid: string): Promise<Answer> {
  using client = await rawClient(gateway.port);
  const token = forge({ alg: "ES256", kid }, { sub: "ann" }, key.privateKey);
  return await client.send(plainRequest("/chat", { Authorization: `Bearer ${token}` })).answer();
}

it("no set yet: 503, and the log says why without the URL's query", async () => {
  issuer.answer = text("", 503);
  await using gateway = await start();
  const { status, body } = await ask(gateway, old, "k1");
  expect(status).toBe(503);
  expect(body).toContain("gateway.KeySetUnavailable");
  const line = await gateway.line({ event: "key_set_failed" });
  expect(line).toMatchObject({ detail: "status 503", kept: false, level: "warn" });
  expect(JSON.stringify(gateway.lines())).not.toContain("tenant=secret");
  expect(gateway.lines({ event: "defect" })).toEqual([]);
});

it("a set lets its tokens in and no others, also while its issuer is away", async () => {
  issuer.answer = text(jwks(old.jwk));
  await using gateway = await start();
  const first = await ask(gateway, old, "k1");
  expect([first.status, first.headers.get("x-subject")]).toEqual([200, "ann"]);
  issuer.answer = text("", 503);
  expect((await ask(gateway, old, "k1")).status).toBe(200);
  expect((await ask(gateway, next, "k1")).body).toContain("steps.jwt.InvalidToken");
  expect((await ask(gateway, next, "k2")).body).toContain("steps.jwt.NoMatchingPublicKey");
  expect(gateway.metric("apigw_key_set_fetches_total")).toBe(1);
  expect(gateway.lines({ event: "defect" })).toEqual([]);
});

it("what fetches sets is part of an artifact only where a policy names a URL", async () => {
  const policy = "proxies/chat/policies/VJ-Token.yaml";
  const fromFile = { ...files, [policy]: "kind: VerifyJWT\nalgorithm: ES256\npublicKey: { jwks: { file: keys.json } }" };
  const shipped = async (bundle: BundleFiles): Promise<string> => {
    const { inputs } = await bundleProgram(await compileFiles(bundle), { minify: true });
    return inputs.map(({ path }) => path).join("\n");
  };
  expect(await shipped(files)).toContain("runtime/token/remote-keys.ts");
  const [file, basic] = [await shipped(fromFile), await shipped({ ...files, [policy]: "kind: DecodeJWT" })];
  expect(file).toContain("node_modules/jose/");
  expect(file).not.toContain("remote-keys.ts");
  expect(basic).not.toContain("node_modules/jose/");
});
