/**
 * One entry of X-Forwarded-For, or one element of Forwarded (RFC 7239), read from the right: what stands left of an
 * entry can be the client's invention and must not change how it is read. Pure; whom to believe is forwarded.ts's.
 */
import { parseIpAddress, type IpAddress } from "../language/ip-address.ts";

/** A hop as a proxy names it. */
export interface Hop {
  readonly address: IpAddress;
  /** Of Forwarded's `proto`; null when it does not say. */
  readonly scheme: "http" | "https" | null;
}

/** Where the last entry of `value` before `end` begins: entries that commas part, whatever they hold. */
export function listStart(value: string, end: number): number {
  return end === 0 ? 0 : value.lastIndexOf(",", end - 1) + 1;
}

/** The same where a quoted string may hold commas; a quote with an odd number of backslashes before it ends none. */
export function quotedListStart(value: string, end: number): number {
  let isQuoted = false;
  for (let at = end - 1; at >= 0; at--) {
    const char = value.charCodeAt(at);
    if (char === QUOTE && (!isQuoted || !isEscaped(value, at))) isQuoted = !isQuoted;
    else if (char === COMMA && !isQuoted) return at + 1;
  }
  return 0;
}

/** An entry of X-Forwarded-For; null when it names no address (`unknown`, nonsense). */
export function forHop(entry: string): Hop | null {
  const address = nodeAddress(entry);
  return address === null ? null : { address, scheme: null };
}

/** An element of Forwarded; null when it is malformed or its `for` names no address (`unknown`, `_hidden`, none). */
export function forwardedHop(element: string): Hop | null {
  let node: string | null = null;
  let proto: string | null = null;
  for (let at = 0; at < element.length; ) {
    PAIR.lastIndex = at;
    const found = PAIR.exec(element);
    if (found === null) return null;
    at = PAIR.lastIndex;
    const [, name = "", token, quoted = ""] = found;
    const value = token ?? quoted.replaceAll(/\\(.)/g, "$1");
    // No parameter may stand twice (RFC 7239 section 4).
    if (name.toLowerCase() === "for") {
      if (node !== null) return null;
      node = value;
    } else if (name.toLowerCase() === "proto") {
      if (proto !== null) return null;
      proto = value;
    }
  }
  const address = node === null ? null : nodeAddress(node);
  return address === null ? null : { address, scheme: proto === null ? null : schemeOf(proto) };
}

/** The scheme that a proxy names; null when it is neither. Some say `wss` for upgrades. */
export function schemeOf(text: string): "http" | "https" | null {
  switch (text.trim().toLowerCase()) {
    case "http":
    case "ws":
      return "http";
    case "https":
    case "wss":
      return "https";
    default:
      return null;
  }
}

/** An address with or without port, IPv6 with or without brackets; a zone is another machine's business. */
function nodeAddress(text: string): IpAddress | null {
  const [, six, other] = NODE.exec(text) ?? [];
  if (six !== undefined) return six.includes(":") ? parseIpAddress(six) : null;
  return other === undefined ? null : parseIpAddress(FOUR_WITH_PORT.exec(other)?.[1] ?? other);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** `for=192.0.2.43`, `for="[2001:db8::1]:4711"`, or nothing, up to a semicolon (RFC 7239 section 4). */
const PAIR = /[ \t]*(?:([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[^"\\]|\\.)*)")[ \t]*)?(?:;|$)/y;
/** `[address]:port`, or an address with anything behind it; ports may be obfuscated (RFC 7239 section 6.2). */
const NODE =
  /^[ \t]*(?:\[([\da-fA-F:.]{2,45})(?:%[\w.-]+)?\](?::(?:\d{1,5}|_[\w.-]+))?|([^\s[\]%]{2,80})(?:%[\w.-]+)?)[ \t]*$/;
const FOUR_WITH_PORT = /^([0-9.]{7,15}):(?:\d{1,5}|_[\w.-]+)$/;

function isEscaped(value: string, at: number): boolean {
  let backslashes = 0;
  while (value.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}
