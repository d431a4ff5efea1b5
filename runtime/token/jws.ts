/**
 * Verifies signatures over any payload, in it or beside it (RFC 7515 section 7.1 and appendix F). Grammar, algorithm
 * and key are settled before jose sees the signature. Nothing is remembered: what is signed may be another thing each
 * time.
 */
import { Buffer } from "node:buffer";
import { JOSEError } from "jose/errors";
import { compactVerify } from "jose/jws/compact/verify";
import type { Exchange } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { parseJws, textMember } from "./compact.ts";
import type { CompactJws } from "./compact.ts";
import { algorithmOf, criticalNames, headerProblem } from "./header.ts";
import type { HeaderProblem, HeaderRules } from "./header.ts";
import type { KeySource, OpenKeys } from "./key-source.ts";
import type { KeyForm, KeyProblem } from "./keys.ts";

/** What a policy says about the signatures it takes. */
export interface JwsRules extends HeaderRules {
  /** Name of the policy, and what tells it from others of its proxy. */
  readonly name: string;
  readonly id: string;
  readonly keyForm: KeyForm;
  /** Opens the keys, once. */
  readonly openKeys: OpenKeys;
}

/** Why a signature does not verify. Names are those of the `steps.jws` faults. */
export type JwsProblem =
  | KeyProblem
  | Exclude<HeaderProblem, "InvalidToken">
  | "ContentIsNotDetached"
  | "InvalidSignature"
  | "MissingPayload";

/** Verifies a signature. `content` is the payload of a detached one; null: the payload must be in it. */
export function verifyJwsSignature(
  x: Exchange,
  rules: JwsRules,
  keyText: string,
  { jws, content }: { readonly jws: string; readonly content: string | null },
): Maybe<CompactJws | JwsProblem> {
  const parsed = parseJws(jws, x.gateway.limits.jwtCharsMax);
  if (parsed === null) return "FailedToDecode";
  const algorithm = algorithmOf(parsed.header, rules);
  if (typeof algorithm === "string") return algorithm === "InvalidToken" ? "InvalidSignature" : algorithm;
  const problem = headerProblem(parsed.header, rules);
  if (problem !== null) return problem === "InvalidToken" ? "InvalidSignature" : problem;
  if (content === null && parsed.payload.length === 0) return "MissingPayload";
  if (content !== null && parsed.payload.length > 0) return "ContentIsNotDetached";
  const payload = content === null ? parsed.payload : Buffer.from(content, "utf8");
  const whole = content === null ? jws : `${parsed.parts[0]}.${payload.toString("base64url")}.${parsed.parts[2]}`;
  const crit = criticalNames(parsed.header);
  return andThen(keysOf(x, rules, keyText).pick(algorithm.name, textMember(parsed.header, "kid")), (key) => {
    if (typeof key === "string") return key;
    return compactVerify(whole, key, { algorithms: [algorithm.name], crit }).then(
      (): CompactJws => ({ ...parsed, payload }),
      (cause: unknown): JwsProblem => {
        if (cause instanceof JOSEError) return "InvalidSignature";
        throw cause;
      },
    );
  });
}

/** What a policy keeps while the gateway runs. */
interface State {
  readonly kind: "jws";
  readonly keys: KeySource;
}

function keysOf(x: Exchange, rules: JwsRules, keyText: string): KeySource {
  const { counters } = x.gateway;
  const at = `jws ${x.program.environment} ${x.program.proxy} ${rules.id}`;
  const present = counters.get(at);
  if (isState(present)) return present.keys;
  const state: State = { kind: "jws", keys: rules.openKeys(x.gateway, rules.keyForm, keyText) };
  counters.set(at, state);
  return state.keys;
}

function isState(value: unknown): value is State {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "jws" && "keys" in value;
}
