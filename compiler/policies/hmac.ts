/** HMAC at compile time. */
import type { SecretEncoding } from "#runtime/token/secret.ts";
import type { HashEncoding, HmacConfig } from "#runtime/policies/hmac.ts";
import { code, literal, unbracketed, type Code } from "../5-emit/code.ts";
import type { PolicyModel, SecretSource } from "../ir/model.ts";
import type { PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import { assignedCode, assignsVariable } from "./parts/assigned-variable.ts";
import { checksCredential } from "./parts/credential.ts";
import { readsTemplate, templateValue } from "./parts/template-value.ts";
import { frozen, textCode, type Ref } from "./parts/values.ts";

/** Apigee has two names for one. */
type WrittenHash = HashEncoding | "base16";

export interface HmacModel extends PolicyModel {
  readonly kind: "HMAC";
  readonly algorithm: string;
  readonly secretKey: { readonly encoding?: SecretEncoding | "utf8" | "base16"; readonly value?: SecretSource; readonly ref?: string };
  readonly message: string | Ref;
  readonly output?: string | { readonly value?: string; readonly encoding?: WrittenHash };
  readonly verificationValue?:
    | string
    | { readonly ref?: string; readonly value?: string; readonly encoding?: WrittenHash };
  readonly ignoreUnresolvedVariables?: boolean;
}

export const hmac = {
  kind: "HMAC",
  basename: "hmac",
  phases: ["request", "response", "fault"],
  failedPrefix: "hmac",
  variablePrefixes: ["hmac"],
  timing: () => "sync",
  analyze(step) {
    const { secretKey, message } = step.model;
    const { value, ref } = secretKey;
    if (value !== undefined) step.setting({ source: value, kind: "secret" }, ["secretKey", "value"]);
    if (ref !== undefined) readsSecret(step, ref);
    readsTemplate(step, message, ["message"]);
    const output = outputVariable(step.model);
    const at = typeof step.model.output === "object" ? ["output", "value"] : ["output"];
    if (output !== null) assignsVariable(step, output, at);
    analyzeVerification(step);
  },
  emit(e) {
    const { model } = e;
    const config = e.constant("hmac", frozen(literal({ ...configOf(e) })));
    const message = templateValue(e, model.message, model.ignoreUnresolvedVariables === true ? "empty" : "null");
    const texts = code`${unbracketed(message)}, ${unbracketed(expectedCode(e))}`;
    const call = code`${e.symbol("calculateHmac")}(${e.x}, ${config}, ${secretCode(e)}, ${texts})`;
    const output = outputVariable(model);
    const assigned = output === null ? code`` : assignedCode(e, output, call);
    e.line(assigned.text === "" ? code`${call};` : assigned);
  },
} satisfies PolicyDefinition<HmacModel>;

/** Only what is masked wherever variables are shown may hold a secret (apigee-policies section 1.5). */
function readsSecret(step: PolicyAnalysis<HmacModel>, variable: string): void {
  step.reads(variable, ["secretKey", "ref"]);
  if (variable.startsWith("private.")) return;
  const expected = "the variable of a secret has a name that begins with private.";
  step.report("AGW3105", ["secretKey", "ref"], { what: "ref", value: JSON.stringify(variable), expected });
}

/** A hash that a request brings is a credential of its client; one of a response is not. */
function analyzeVerification(step: PolicyAnalysis<HmacModel>): void {
  const { verificationValue } = step.model;
  if (typeof verificationValue !== "object" || verificationValue.ref === undefined) return;
  const at = ["verificationValue", "ref"];
  if (step.phase === "request") checksCredential(step, verificationValue.ref, at, "signature");
  else step.reads(verificationValue.ref, at);
}

function configOf({ name, model, isRead }: PolicyEmit<HmacModel>): HmacConfig {
  const { secretKey, output, verificationValue } = model;
  const expected = typeof verificationValue === "object" ? verificationValue.encoding : undefined;
  return {
    name,
    algorithm: digestName(model.algorithm),
    keyEncoding: keyEncoding(secretKey.encoding ?? "utf-8"),
    outputEncoding: hashEncoding((typeof output === "object" ? output.encoding : undefined) ?? "base64"),
    verificationEncoding: verificationValue === undefined ? null : hashEncoding(expected ?? "base64"),
    keep: isRead(`hmac.${name}.`),
  };
}

function keyEncoding(written: NonNullable<HmacModel["secretKey"]["encoding"]>): SecretEncoding {
  if (written === "utf8") return "utf-8";
  return written === "base16" ? "hex" : written;
}

function hashEncoding(written: WrittenHash): HashEncoding {
  return written === "base16" ? "hex" : written;
}

/** `SHA-256` as Node spells it. */
function digestName(algorithm: string): HmacConfig["algorithm"] {
  const name = algorithm.toLowerCase().replace("-", "");
  const found = DIGESTS.find((digest) => digest === name);
  if (found === undefined) throw new TypeError("invariant: the schema lists the algorithms");
  return found;
}

const DIGESTS = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] as const;

function secretCode(e: PolicyEmit<HmacModel>): Code {
  const { value, ref = "" } = e.model.secretKey;
  return value === undefined ? e.variable(ref) : e.setting({ source: value, kind: "secret" });
}

function expectedCode(e: PolicyEmit<HmacModel>): Code {
  const { verificationValue } = e.model;
  if (verificationValue === undefined) return literal(null);
  if (typeof verificationValue === "string") return literal(verificationValue);
  const { ref, value = "" } = verificationValue;
  if (ref === undefined) return literal(value);
  return textCode(e, verificationValue.value === undefined ? { ref } : { ref, value });
}

function outputVariable({ output }: HmacModel): string | null {
  return typeof output === "string" ? output : (output?.value ?? null);
}
