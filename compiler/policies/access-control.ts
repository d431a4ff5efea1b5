/** AccessControl at compile time: literal ranges become numbers; what comes from variables stays text. */
import { bitsOf, ipRange, parseIpAddress, type IpRange } from "#runtime/language/ip-address.ts";
import { constantText, parseTemplate } from "#runtime/language/template.ts";
import { code, literal, type Code, type Embeddable } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { Path, PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import { frozen } from "./parts/values.ts";

interface AddressModel {
  readonly mask: number | string;
  readonly value: string;
}

export interface AccessControlModel extends PolicyModel {
  readonly kind: "AccessControl";
  readonly ipRules?: {
    readonly noRuleMatchAction: "ALLOW" | "DENY";
    readonly matchRules?: readonly {
      readonly action: "ALLOW" | "DENY";
      readonly sourceAddresses: readonly AddressModel[];
    }[];
  };
  readonly validateBasedOn?: keyof typeof BASED_ON;
  readonly clientIPVariable?: string;
  readonly ignoreTrueClientIPHeader?: boolean;
}

const BASED_ON = {
  X_FORWARDED_FOR_ALL_IP: "ALL",
  X_FORWARDED_FOR_FIRST_IP: "FIRST",
  X_FORWARDED_FOR_LAST_IP: "LAST",
} as const;

export const accessControl = {
  kind: "AccessControl",
  basename: "access-control",
  phases: ["request"],
  failedPrefix: "acl",
  variablePrefixes: ["acl"],
  timing: () => "sync",
  changes: () => [],
  analyze(step) {
    const { ipRules, validateBasedOn, clientIPVariable } = step.model;
    if (clientIPVariable !== undefined) step.reads(clientIPVariable, ["clientIPVariable"]);
    if (ipRules === undefined) {
      step.report("AGW3103", [], { what: "this policy", why: "it has no ipRules, so every client is let in" });
      return;
    }
    ipRules.matchRules?.forEach((rule, at) => {
      rule.sourceAddresses.forEach((address, index) => {
        analyzeAddress(step, address, ["ipRules", "matchRules", at, "sourceAddresses", index]);
      });
    });
    analyzeOrigin(step, ipRules.noRuleMatchAction);
  },
  emit(e) {
    const { ipRules, validateBasedOn, clientIPVariable } = e.model;
    if (ipRules === undefined) return;
    const config = literal({
      name: e.name,
      noRuleMatchAction: ipRules.noRuleMatchAction,
      basedOn: validateBasedOn === undefined ? null : BASED_ON[validateBasedOn],
      variable: clientIPVariable ?? null,
      ...(e.model.ignoreTrueClientIPHeader === false ? { trueClientIp: true } : {}),
    });
    const constant = e.constant("accessControl", frozen(config));
    const rules = rulesCode(e, ipRules.matchRules ?? []);
    const presented = clientIPVariable === undefined ? literal(null) : e.variable(clientIPVariable);
    e.line(code`${e.symbol("accessControl")}(${e.x}, ${constant}, ${rules}, ${presented});`);
  },
} satisfies PolicyDefinition<AccessControlModel>;

type MatchRules = NonNullable<NonNullable<AccessControlModel["ipRules"]>["matchRules"]>;

/** Says where an address that counts can be the client's own invention, and where none can be found. */
function analyzeOrigin(step: PolicyAnalysis<AccessControlModel>, action: "ALLOW" | "DENY"): void {
  const { validateBasedOn, clientIPVariable, ignoreTrueClientIPHeader } = step.model;
  if (clientIPVariable !== undefined) return;
  if (ignoreTrueClientIPHeader === false) {
    if (step.forwardedHeader === null) step.report("AGW3103", ["ignoreTrueClientIPHeader"], NOBODY_TRUSTED);
    else step.report("AGW4103", ["ignoreTrueClientIPHeader"], { what: "True-Client-IP" });
  }
  if (validateBasedOn === undefined) return;
  if (step.forwardedHeader === null) return step.report("AGW3103", ["validateBasedOn"], NOBODY_TRUSTED);
  const isOpen = BASED_ON[validateBasedOn] === "FIRST" || (BASED_ON[validateBasedOn] === "ALL" && action === "ALLOW");
  if (isOpen) step.report("AGW4103", ["validateBasedOn"], { what: "the first addresses of X-Forwarded-For" });
}

const NOBODY_TRUSTED = {
  what: "this",
  why: "no listener trusts the proxies in front of it (forwarded), so the address of the connection counts",
};

function analyzeAddress(step: PolicyAnalysis<AccessControlModel>, { mask, value }: AddressModel, at: Path): void {
  const address = step.template(value, [...at, "value"]);
  const bits = typeof mask === "number" ? null : step.template(mask, [...at, "mask"]);
  if (address === null || (bits === null && typeof mask !== "number")) return;
  const text = constantText(address);
  if (text === undefined) return;
  const parsed = parseIpAddress(text);
  if (parsed === null) {
    step.report("AGW3105", [...at, "value"], { what: "address", value: text, expected: "it is no IP address" });
    return;
  }
  if (typeof mask !== "number") return;
  if (ipRange(text, mask) === null) {
    const most = text.includes(":") ? bitsOf(6) : bitsOf(parsed.family);
    const expected = `an address of this kind has ${most} bits`;
    step.report("AGW3105", [...at, "mask"], { what: "mask", value: String(mask), expected });
    return;
  }
  if (mask !== 0 || parsed.words.every((word) => word === 0)) return;
  const expected = "0 bits mean every address, which is written 0.0.0.0 or ::";
  step.report("AGW3105", [...at, "mask"], { what: "mask", value: "0", expected });
}

/** A constant unless some address or mask comes from a variable. */
function rulesCode(e: PolicyEmit<AccessControlModel>, matchRules: MatchRules): Code {
  let isConstant = true;
  const rules = matchRules.map(({ action, sourceAddresses }) => ({
    action,
    ranges: sourceAddresses.map((address): Embeddable => {
      const range = constantRange(address);
      if (range !== null) return { family: range.family, words: range.words, bits: range.bits };
      isConstant = false;
      const { value, mask } = address;
      const bits = typeof mask === "number" ? literal(mask) : e.template(parseTemplate(mask), "empty");
      return { address: e.template(parseTemplate(value), "empty"), bits };
    }),
  }));
  return isConstant ? e.constant("accessRules", frozen(literal(rules))) : literal(rules);
}

function constantRange({ value, mask }: AddressModel): IpRange | null {
  const text = constantText(parseTemplate(value));
  return text === undefined || typeof mask !== "number" ? null : ipRange(text, mask);
}
