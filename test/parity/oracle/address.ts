/** IP addresses as strings of bits, and whether one lies in a range. */

/** The bits of an address, null when the text is none. IPv4 written as IPv6 is IPv4. */
export function bitsOf(text: string): string | null {
  if (!text.includes(":")) return fourBits(text);
  const bits = sixBits(text);
  if (bits === null) return null;
  const mapped = "0".repeat(80) + "1".repeat(16);
  return bits.startsWith(mapped) ? bits.slice(96) : bits;
}

/** True when an address lies in a range; null when the range is none. */
export function inRange(address: string, range: string, mask: number): boolean | null {
  const bits = bitsOf(range);
  if (bits === null || !Number.isInteger(mask)) return null;
  const length = range.includes(":") && bits.length === 32 ? mask - 96 : mask;
  if (length < 0 || length > bits.length) return null;
  const own = bitsOf(address);
  return own !== null && own.length === bits.length && own.slice(0, length) === bits.slice(0, length);
}

function fourBits(text: string): string | null {
  if (!/^(0|[1-9]\d*)(\.(0|[1-9]\d*)){3}$/.test(text)) return null;
  const bytes = text.split(".").map(Number);
  return bytes.some((byte) => byte > 255) ? null : bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
}

function sixBits(text: string): string | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head = "", tail] = halves.map((half) => groupBits(half));
  if (head === null || tail === null) return null;
  if (tail === undefined) return head.length === 128 ? head : null;
  const missing = 128 - head.length - tail.length;
  return missing < 16 ? null : head + "0".repeat(missing) + tail;
}

function groupBits(text: string): string | null {
  if (text === "") return "";
  let bits = "";
  for (const group of text.split(":")) {
    const part = group.includes(".") ? fourBits(group) : hexBits(group);
    if (part === null) return null;
    bits += part;
  }
  return bits;
}

function hexBits(group: string): string | null {
  return /^[0-9A-Fa-f]{1,4}$/.test(group) ? Number.parseInt(group, 16).toString(2).padStart(16, "0") : null;
}
