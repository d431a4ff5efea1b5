/**
 * AccessControl: lets a client in or keeps it out by its IP address. The first rule that matches decides; of several
 * addresses each must be let in, and what is no address is kept out.
 */
import type { Exchange, Value } from "../context.ts";
import { faultIn } from "../fault.ts";
import { accessControlFaults } from "../fault/access-control.ts";
import { inRange, ipRange, parseIpAddress } from "../language/ip-address.ts";
import type { IpAddress, IpRange } from "../language/ip-address.ts";

type Action = "ALLOW" | "DENY";

/** A range written with variables: evaluated for each request. */
export interface DynamicRange {
  readonly address: string;
  readonly bits: string | number;
}

export interface AccessRule {
  readonly action: Action;
  readonly ranges: readonly (IpRange | DynamicRange)[];
}

export interface AccessControlConfig {
  readonly name: string;
  readonly noRuleMatchAction: Action;
  /** Which addresses of X-Forwarded-For count, when there is one; null: the client's, however that is known. */
  readonly basedOn: "ALL" | "FIRST" | "LAST" | null;
  /** Trusted proxies name the client in True-Client-IP, which then goes before X-Forwarded-For. */
  readonly trueClientIp?: boolean;
  /** Name of the variable that holds the address instead; null: none. */
  readonly variable: string | null;
}

/**
 * Throws `IPDeniedAccess` (403) unless the client is let in. `presented` is the variable's value, null without one.
 */
export function accessControl(
  x: Exchange,
  config: AccessControlConfig,
  rules: readonly AccessRule[],
  presented: Value,
): void {
  if (config.variable !== null) {
    const address = presented === null ? null : parseIpAddress(String(presented));
    if (address === null) throw faultIn(accessControlFaults, "accesscontrol.InvalidIPAddressInVariable", config.variable, config.name);
    return decide(config, rules, address, String(presented));
  }
  for (const text of clientAddresses(x, config)) decide(config, rules, parseIpAddress(text), text);
}

function decide(
  config: AccessControlConfig,
  rules: readonly AccessRule[],
  address: IpAddress | null,
  text: string,
): void {
  if (address !== null && actionFor(config, rules, address) === "ALLOW") return;
  throw faultIn(accessControlFaults, "accesscontrol.IPDeniedAccess", shown(text), config.name);
}

function actionFor(config: AccessControlConfig, rules: readonly AccessRule[], address: IpAddress): Action {
  for (const rule of rules) {
    for (const range of rule.ranges) if (inRange(address, compiled(config, range))) return rule.action;
  }
  return config.noRuleMatchAction;
}

function compiled(config: AccessControlConfig, range: IpRange | DynamicRange): IpRange {
  if (!("address" in range)) return range;
  const bits = range.bits === "" ? Number.NaN : Number(range.bits);
  const made = ipRange(range.address.trim(), bits);
  if (made === null) throw faultIn(accessControlFaults, "accesscontrol.InvalidRulePattern", `${range.address}/${range.bits}`, config.name);
  return made;
}

function clientAddresses(x: Exchange, { basedOn, trueClientIp }: AccessControlConfig): readonly string[] {
  if (trueClientIp === true && x.client.forwarding !== null) {
    const named = x.request.headerJoined("true-client-ip");
    if (named !== null) return [named.trim()];
  }
  const forwarded = basedOn === null ? null : x.request.headerJoined("x-forwarded-for");
  if (forwarded === null) return [x.clientAddress];
  const addresses = forwarded.split(",").map((address) => address.trim());
  if (basedOn === "FIRST") return addresses.slice(0, 1);
  return basedOn === "LAST" ? addresses.slice(-1) : addresses;
}

/** The address as it is told to the client: its own text, so nothing but what an address can hold. */
function shown(text: string): string {
  return text.replace(/[^0-9A-Fa-f.:]/g, "?").slice(0, 45);
}
