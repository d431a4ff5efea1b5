/** Lists of address ranges as settings have them. It parses and looks up; whom a list is about is others' business. */
import { inRange, parseIpRange, type IpAddress, type IpRange } from "../language/ip-address.ts";

/** Text where ranges belong is no such thing: a gateway does not start with fewer guards than it was given. */
export class RangeProblem extends Error {
  constructor(text: string) {
    super(`trustedProxies: ${JSON.stringify(text.slice(0, 64))} is no IP address or range`);
    this.name = "RangeProblem";
  }
}

/**
 * Ranges from a setting: addresses and ranges, parted by commas or spaces, or the word `none`. Throws a RangeProblem
 * that names the part which is wrong.
 */
export function ipRanges(text: string): readonly IpRange[] {
  if (text.trim() === "none") return [];
  return text.split(/[\s,]+/).filter((part) => part !== "").map((part) => {
    const range = parseIpRange(part);
    if (range === null) throw new RangeProblem(part);
    return range;
  });
}

/** True when one of the ranges has the address. */
export function inRanges(address: IpAddress, ranges: readonly IpRange[]): boolean {
  for (const range of ranges) if (inRange(address, range)) return true;
  return false;
}
