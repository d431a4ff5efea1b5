/**
 * Trusted proxies: who the client is when the peer is one of them. Linked only when a listener names some. The chain of
 * one header is walked from its right, where the proxies wrote, up to the first address that is not trusted; nothing
 * further left is ever looked at, because the client may have written it.
 */
import type { Client, ForwardedClient, Forwarding } from "./client.ts";
import { sameName } from "../message/field-grammar.ts";
import { forHop, forwardedHop, listStart, quotedListStart, schemeOf, type Hop } from "./forwarded-header.ts";
import { inRanges } from "./ip-ranges.ts";
import { ipAddressText, parseIpAddress, type IpRange } from "../language/ip-address.ts";
import { defaultLimits } from "../limits.ts";
import type { RequestMessage } from "../message/message.ts";

/** What a listener says of the proxies in front of it. */
export interface ForwardedSettings {
  /** The header in which they name clients; the other one is dropped, because nobody may have watched over it. */
  readonly header: "x-forwarded-for" | "forwarded";
  readonly trustedProxies: readonly IpRange[];
}

/** Reads forwarding headers of trusted peers. */
export function trustedProxies(settings: ForwardedSettings): Forwarding {
  return new TrustedProxies(settings);
}

class TrustedProxies implements Forwarding {
  readonly #ranges: readonly IpRange[];
  readonly #isForwarded: boolean;
  /** The last peer and the verdict on it: proxies are few and send much. */
  #lastPeer = "";
  #isLastTrusted = false;

  constructor({ header, trustedProxies: ranges }: ForwardedSettings) {
    this.#ranges = ranges;
    this.#isForwarded = header === "forwarded";
  }

  client(peer: string, lines: readonly string[]): ForwardedClient | null {
    if (!this.#isTrusted(peer)) return null;
    const hops = this.#hops(lines);
    const last = hops.at(-1);
    const address = last === undefined ? peer : ipAddressText(last.address);
    return { address, scheme: this.#isForwarded ? (last?.scheme ?? null) : protoOf(lines) };
  }

  tidy(request: RequestMessage, client: Client): void {
    if (!this.#isForwarded) {
      request.removeHeader("forwarded");
      // What the target would read of it must be what we read of it.
      const protos = request.countLines("x-forwarded-proto");
      if (protos > 1 || (protos === 1 && schemeOf(request.headerLine("x-forwarded-proto") ?? "") === null)) {
        request.removeHeader("x-forwarded-proto");
      }
      return;
    }
    const chain = this.#hops(request.lines).map(({ address }) => ipAddressText(address)).reverse();
    request.removeWhere((name) => name === "x-real-ip" || name.startsWith("x-forwarded-"));
    // Targets that know only X-Forwarded-For get the part of the chain that was believed.
    if (chain.length > 0) request.setHeader("X-Forwarded-For", chain.join(", "));
    const before = request.headerJoined("forwarded");
    const node = client.peer.includes(":") ? `for="[${client.peer}]"` : `for=${client.peer}`;
    request.setHeader("Forwarded", before === null ? node : `${before}, ${node}`);
  }

  /**
   * The hops that are believed, nearest first; the last of them is the client. Ends behind the first that is not
   * trusted, and before what names no address.
   */
  #hops(lines: readonly string[]): readonly Hop[] {
    const name = this.#isForwarded ? "forwarded" : "x-forwarded-for";
    const startOf = this.#isForwarded ? quotedListStart : listStart;
    const hops: Hop[] = [];
    for (let at = lines.length - 2; at >= 0; at -= 2) {
      if (!sameName(lines[at] ?? "", name)) continue;
      const value = lines[at + 1] ?? "";
      for (let end = value.length, start = end; end >= 0; end = start - 1) {
        start = startOf(value, end);
        const entry = value.slice(start, end);
        // A list may have empty elements (RFC 9110 section 5.6.1).
        if (entry.trim() === "") continue;
        const hop = this.#isForwarded ? forwardedHop(entry) : forHop(entry);
        if (hop === null) return hops;
        hops.push(hop);
        if (hops.length === defaultLimits.forwardedHopsMax || !inRanges(hop.address, this.#ranges)) return hops;
      }
    }
    return hops;
  }

  #isTrusted(peer: string): boolean {
    if (peer !== this.#lastPeer) {
      const address = parseIpAddress(peer);
      this.#isLastTrusted = address !== null && inRanges(address, this.#ranges);
      this.#lastPeer = peer;
    }
    return this.#isLastTrusted;
  }
}

/** X-Forwarded-Proto of a trusted peer; null without it, and when it is repeated or says anything else. */
function protoOf(lines: readonly string[]): "http" | "https" | null {
  let found: string | null = null;
  for (let at = 0; at < lines.length; at += 2) {
    const name = lines[at] ?? "";
    if (name.length !== 17 || !sameName(name, "x-forwarded-proto")) continue;
    if (found !== null) return null;
    found = lines[at + 1] ?? "";
  }
  return found === null ? null : schemeOf(found);
}
