import { expect, test } from "vitest";
import { generateJws, type GenerateJwsModel } from "#compiler/policies/generate-jws.ts";
import { generateJws as runtimeStep } from "#runtime/policies/generate-jws.ts";
import type { GenerateJwsConfig, JwsContent } from "#runtime/policies/generate-jws.ts";
import { verifyJws } from "#runtime/policies/verify-jws.ts";
import { issuedVariable } from "#runtime/token/issued.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const CONFIG: GenerateJwsConfig = {
  name: "GS",
  id: "GS",
  algorithm: "HS256",
  keyForm: { form: "secret", encoding: "utf-8" },
  critical: [],
  detach: false,
  ignoreUnresolved: false,
  keep: true,
};
const x = new PolicyFixture().exchange();

async function make(content: JwsContent, config: Partial<GenerateJwsConfig> = {}, text = SECRET): Promise<string> {
  await runtimeStep(x, { ...CONFIG, ...config, id: text }, { text, password: null }, content, null);
  return String(issuedVariable(x, "GS", "generated_jws"));
}

/** VerifyJWS takes what GenerateJWS made. */
async function verifies(jws: string, content: string | null): Promise<void> {
  const rules = { name: "VS", id: "VS", algorithms: ["HS256"], openKeys: localKeys, keyForm: { form: "secret", encoding: "utf-8" } } as const;
  const form = { type: null, prefix: "", isDetached: content !== null, ignoreUnresolved: false, keep: false };
  const headers = { ignoreCriticalHeaders: false, knownHeaders: ["v"] };
  await verifyJws(x, { ...rules, ...form, ...headers }, SECRET, { jws, content }, {});
}

test("signs any text, in it or beside it", async () => {
  const payload = "caf\u00e9 {}\n";
  await verifies(await make({ payload }), null);
  const detached = await make({ payload, kid: "k" }, { detach: true });
  expect(detached).toMatch(/^[\w-]+\.\.[\w-]{43}$/);
  await verifies(detached, payload);
});

test("has the headers that are asked for, and no typ", async () => {
  const headers = [{ name: "v", type: "number", isArray: false, value: "1" }] as const;
  const jws = await make({ payload: "x", kid: "k", headers }, { critical: ["v"] });
  const header: unknown = JSON.parse(Buffer.from(jws.split(".")[0] ?? "", "base64url").toString());
  expect(header).toEqual({ alg: "HS256", kid: "k", v: 1, crit: ["v"] });
  await verifies(jws, null);
});

test.each<[string, JwsContent, string, string]>([
  ["a payload without a value", { payload: null }, SECRET, "FailedToResolveVariable"],
  ["a kid without a value", { payload: "x", kid: null }, SECRET, "FailedToResolveVariable"],
  ["an empty payload", { payload: "" }, SECRET, "MissingPayload"],
  ["a short secret", { payload: "x" }, "short", "InsufficientKeyLength"],
  [
    "a header of another type",
    { payload: "x", headers: [{ name: "v", type: "number", isArray: false, value: "?" }] },
    SECRET,
    "GenerationFailed",
  ],
])("%s is a fault", async (_, content, secret, code) => {
  const raised = await faultOf(() => make(content, {}, secret));
  expect(raised).toMatchObject({ code: `steps.jws.${code}`, status: 401, policy: "GS" });
});

test("at compile time: one call that writes its variable", () => {
  const model: GenerateJwsModel = {
    kind: "GenerateJWS",
    algorithm: "HS256",
    secretKey: { value: { env: "S" }, id: "k" },
    payload: "{request.path}",
    detachContent: true,
    outputVariable: "request.header.x-signature",
  };
  const found = analyzed(generateJws, model);
  expect([found.reports, found.reads, found.writes]).toEqual([[], ["request.path"], ["request.header.x-signature"]]);
  expect(emitted(generateJws, model)).toEqual([
    'const generateJws = { name: "P-1", id: "P-1", algorithm: "HS256", ' +
      'keyForm: { form: "secret", encoding: "utf-8" }, critical: [], ignoreUnresolved: false, keep: false, detach: true } as const',
    'wait generateJws(x, generateJws, { text: settings("{\\"env\\":\\"S\\"}", "secret"), password: null }, ' +
      '{ kid: "k", payload: get("request.path") === null ? null : template("{request.path}") }, ' +
      '(token) => { set("request.header.x-signature", headerValue("P-1", token)); })',
  ]);
});
