/**
 * `clientIpResolution` of an environment (apigee-core section 6.9): the client's address is one certain entry of one
 * header. It reads only what trusted proxies hand over; linked only when an environment says so.
 */
import type { ClientIpRule } from "./client.ts";
import { sameName } from "../message/field-grammar.ts";
import { forHop } from "./forwarded-header.ts";
import { ipAddressText } from "../language/ip-address.ts";

/**
 * Takes entry `index` of a header, over all its lines: from 0 counted from the left, below from the right (-1 is the
 * last). Null where there is none, or no address.
 */
export function clientIpFrom(header: string, index: number): ClientIpRule {
  return (lines) => {
    const entries: string[] = [];
    for (let at = 0; at < lines.length; at += 2) {
      if (sameName(lines[at] ?? "", header)) entries.push(...(lines[at + 1] ?? "").split(","));
    }
    const hop = forHop(entries.at(index) ?? "");
    return hop === null ? null : ipAddressText(hop.address);
  };
}
