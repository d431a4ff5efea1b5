/**
 * IP addresses and ranges as numbers, so that ranges are compiled and compared without text. Pure. An IPv4 address
 * written as IPv6 (::ffff:192.0.2.1) is the IPv4 address, so that no client escapes a rule by its notation.
 */

/** An address: one 32-bit word for IPv4, four for IPv6. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** Unsigned, most significant first. */
  readonly words: readonly number[];
}

/** Addresses that agree with `address` in the first `bits`. */
export interface IpRange extends IpAddress {
  readonly bits: number;
}

/** Words 0 to 2 of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2). */
const MAPPED_THIRD_WORD = 0xffff;
const MAPPED_BITS = 96;

/** Bits of an address of a family. */
export function bitsOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Reads an address; null when the text is none. No port, no brackets, no zone, no leading zeros in IPv4. */
export function parseIpAddress(text: string): IpAddress | null {
  if (!text.includes(":")) {
    const word = parseFour(text);
    return word === null ? null : { family: 4, words: [word] };
  }
  const words = parseSix(text);
  if (words === null) return null;
  const last = words[3] ?? 0;
  const isMapped = words[0] === 0 && words[1] === 0 && words[2] === MAPPED_THIRD_WORD;
  return isMapped ? { family: 4, words: [last] } : { family: 6, words };
}

/**
 * The range of an address and a number of bits counted as the address is written; null when they do not fit together.
 */
export function ipRange(text: string, bits: number): IpRange | null {
  const address = parseIpAddress(text);
  if (address === null || !Number.isInteger(bits)) return null;
  const isMapped = address.family === 4 && text.includes(":");
  const own = isMapped ? bits - MAPPED_BITS : bits;
  if (own < 0 || own > bitsOf(address.family)) return null;
  return { ...address, bits: own };
}

/** Reads `10.0.0.0/8`, or a single address, which is a range of one; null when the text is neither. */
export function parseIpRange(text: string): IpRange | null {
  const slash = text.indexOf("/");
  const address = slash < 0 ? parseIpAddress(text) : null;
  if (address !== null) return { ...address, bits: bitsOf(address.family) };
  const bits = slash < 0 ? "" : text.slice(slash + 1);
  return /^(?:0|[1-9][0-9]{0,2})$/.test(bits) ? ipRange(text.slice(0, slash), Number(bits)) : null;
}

/** The one way to write an address: dotted for IPv4, RFC 5952 for IPv6. */
export function ipAddressText({ family, words }: IpAddress): string {
  if (family === 4) return [24, 16, 8, 0].map((shift) => ((words[0] ?? 0) >>> shift) & 0xff).join(".");
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  let start = 0;
  let length = 1;
  for (let from = 0; from < groups.length; from++) {
    let to = from;
    while (groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** True when the range has the address. */
export function inRange(address: IpAddress, range: IpRange): boolean {
  if (address.family !== range.family) return false;
  let left = range.bits;
  for (let at = 0; left > 0; at++, left -= 32) {
    const shift = left >= 32 ? 0 : 32 - left;
    if ((address.words[at] ?? 0) >>> shift !== (range.words[at] ?? 0) >>> shift) return false;
  }
  return true;
}

function parseFour(text: string): number | null {
  const parts = text.split(".", 5);
  if (parts.length !== 4) return null;
  let word = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return null;
    word = word * 256 + Number(part);
  }
  return word;
}

function parseSix(text: string): number[] | null {
  if (text.length > 45) return null;
  const halves = text.split("::", 3);
  if (halves.length > 2) return null;
  const [head = "", tail] = halves;
  const first = groups(head, tail === undefined);
  const second = tail === undefined ? [] : groups(tail, true);
  if (first === null || second === null) return null;
  const missing = 8 - first.length - second.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const all = [...first, ...new Array<number>(missing).fill(0), ...second];
  return [0, 2, 4, 6].map((at) => (all[at] ?? 0) * 0x10000 + (all[at + 1] ?? 0));
}

/** 16-bit groups; only the last ones may be written as IPv4. */
function groups(text: string, mayEndInFour: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const found: number[] = [];
  for (const [at, part] of parts.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      found.push(Number.parseInt(part, 16));
      continue;
    }
    const word = mayEndInFour && at === parts.length - 1 ? parseFour(part) : null;
    if (word === null) return null;
    found.push(Math.floor(word / 0x10000), word % 0x10000);
  }
  return found;
}
