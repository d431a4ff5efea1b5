/**
 * Signs what policies generate, in compact form (RFC 7515 section 7.1). The algorithm is fixed when the bundle is
 * compiled and bound to the kind of key. It decides no content, and keys are read once.
 */
import type { KeyObject } from "node:crypto";
import { JOSEError } from "jose/errors";
import { CompactSign } from "jose/jws/compact/sign";
import type { Exchange } from "../context.ts";
import { keyMisfit } from "./algorithm.ts";
import type { Algorithm } from "./algorithm.ts";
import { readKeys } from "./keys.ts";
import type { KeyProblem } from "./keys.ts";
import { addMembers, noMembers } from "./members.ts";
import type { MadeHeader } from "./members.ts";
import { readPrivateKey } from "./private-key.ts";
import type { KeyText } from "./private-key.ts";
import type { SecretEncoding } from "./secret.ts";

/** What a policy's key text is. */
export type SigningForm =
  | { readonly form: "private" }
  | { readonly form: "secret"; readonly encoding: SecretEncoding };

/** What a policy signs with. */
export interface SigningRules {
  /** Name of the policy, and what tells it from others of its proxy. */
  readonly name: string;
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly keyForm: SigningForm;
  /** Headers that receivers must understand; each is among the additional ones. */
  readonly critical: readonly string[];
}

/** What can be wrong with a key that was read at start. */
type SignerProblem = Exclude<KeyProblem, "KeySetUnavailable">;

/** Why nothing was signed. Names are those of the `steps.jwt` and `steps.jws` faults. */
export type SigningProblem = SignerProblem | "GenerationFailed" | "SigningFailed";

/** Signs a payload's bytes. `type` is the header's `typ`; null: none. */
export async function signCompact(
  x: Exchange,
  rules: SigningRules,
  key: KeyText,
  { kid, headers = [] }: MadeHeader,
  { payload, type }: { readonly payload: Uint8Array; readonly type: string | null },
): Promise<{ readonly token: string } | SigningProblem> {
  const signer = signerOf(x, rules, key);
  if (typeof signer === "string") return signer;
  const { algorithm, critical } = rules;
  const header = noMembers();
  header["alg"] = algorithm;
  if (type !== null) header["typ"] = type;
  if (kid !== undefined && kid !== null) header["kid"] = kid;
  const problem = addMembers(header, headers);
  if (problem !== null) return problem;
  const present = critical.filter((name) => header[name] !== undefined);
  if (present.length > 0) header["crit"] = present;
  const crit = Object.fromEntries(present.map((name) => [name, true]));
  try {
    const signing = new CompactSign(payload).setProtectedHeader({ ...header, alg: algorithm });
    return { token: await signing.sign(signer, { crit }) };
  } catch (cause) {
    if (cause instanceof JOSEError) return "SigningFailed";
    throw cause;
  }
}

/** What a policy keeps while the gateway runs. */
interface State {
  readonly kind: "signer";
  readonly key: KeyObject | SignerProblem;
}

function signerOf(x: Exchange, rules: SigningRules, key: KeyText): KeyObject | SignerProblem {
  const { counters } = x.gateway;
  const at = `signer ${x.program.environment} ${x.program.proxy} ${rules.id}`;
  const present = counters.get(at);
  if (isState(present)) return present.key;
  const state: State = { kind: "signer", key: readSigner(rules, key) };
  counters.set(at, state);
  return state.key;
}

function isState(value: unknown): value is State {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "signer" && "key" in value;
}

function readSigner({ algorithm, keyForm }: SigningRules, key: KeyText): KeyObject | SignerProblem {
  const read = keyForm.form === "private" ? readPrivateKey(key) : readSecretKey(key.text, keyForm.encoding);
  if (typeof read === "string") return read;
  const misfit = keyMisfit(read, algorithm, "private");
  if (misfit === null) return read;
  return misfit === "kind" ? "AlgorithmMismatch" : "InsufficientKeyLength";
}

function readSecretKey(text: string, encoding: SecretEncoding): KeyObject | SignerProblem {
  const keys = readKeys(text, { form: "secret", encoding }, 1);
  if (typeof keys !== "string") return keys.form === "one" ? keys.key : "KeyParsingFailed";
  return keys === "KeySetUnavailable" ? "KeyParsingFailed" : keys;
}
