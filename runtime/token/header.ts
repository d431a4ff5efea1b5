/**
 * What a JOSE header must be before a key is looked for (RFC 7515 section 4.1): the algorithm is one of the policy's,
 * nothing critical is unknown. It trusts no member of it.
 */
import type { Algorithm } from "./algorithm.ts";
import { member, textMember } from "./compact.ts";
import type { JsonObject } from "./compact.ts";

/** What a policy says about headers. */
export interface HeaderRules {
  readonly algorithms: readonly Algorithm[];
  /** Lower-case `typ` that the header must have; null: any. */
  readonly type: string | null;
  readonly ignoreCriticalHeaders: boolean;
  /** Names that `crit` may have. */
  readonly knownHeaders: readonly string[];
}

/** Why a header is refused. Names are those of the `steps.jwt` faults. */
export type HeaderProblem =
  | "AlgorithmInTokenNotPresentInConfiguration"
  | "FailedToDecode"
  | "InvalidToken"
  | "NoAlgorithmFoundInHeader"
  | "UnhandledCriticalHeader";

/** The header's algorithm, which is one of the policy's. */
export function algorithmOf(header: JsonObject, rules: HeaderRules): { readonly name: Algorithm } | HeaderProblem {
  const named = textMember(header, "alg");
  if (named === null || named === "") return "NoAlgorithmFoundInHeader";
  const name = rules.algorithms.find((algorithm) => algorithm === named);
  return name === undefined ? "AlgorithmInTokenNotPresentInConfiguration" : { name };
}

/** Null when the rest of the header will do. */
export function headerProblem(
  header: JsonObject,
  rules: Omit<HeaderRules, "algorithms">,
): HeaderProblem | null {
  const kid = member(header, "kid");
  if (kid !== undefined && typeof kid !== "string") return "FailedToDecode";
  // A payload that is not base64url (RFC 7797) is refused, whatever `crit` says.
  if (member(header, "b64") !== undefined) return "UnhandledCriticalHeader";
  if (!handlesCritical(header, rules)) return "UnhandledCriticalHeader";
  if (rules.type === null) return null;
  const type = textMember(header, "typ")?.toLowerCase() ?? "";
  return type === rules.type || type === `application/${rules.type}` ? null : "InvalidToken";
}

/** RFC 7515 section 4.1.11: a list, not empty, of names that the header has. */
function handlesCritical(header: JsonObject, rules: Omit<HeaderRules, "algorithms">): boolean {
  const critical = member(header, "crit");
  if (critical === undefined) return true;
  if (!Array.isArray(critical) || critical.length === 0) return false;
  return critical.every((name: unknown) => {
    if (typeof name !== "string" || member(header, name) === undefined) return false;
    return rules.ignoreCriticalHeaders || rules.knownHeaders.includes(name);
  });
}

/** What jose may find in `crit`. */
export type CriticalNames = Record<string, boolean>;

/** The names in `crit`, which have passed the check before. */
export function criticalNames(header: JsonObject): CriticalNames {
  const names: CriticalNames = Object.create(null);
  const critical = member(header, "crit");
  if (Array.isArray(critical)) for (const name of critical) names[String(name)] = true;
  return names;
}
