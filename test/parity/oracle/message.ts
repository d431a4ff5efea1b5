/** Messages as plain lists: header lines, query pairs. Read and edited by walking through all of them. */
import type { Lines } from "../outcome.ts";

export interface Line {
  readonly name: string;
  readonly value: string;
}

/** Header lines. Names are compared without letter case. */
export class Headers {
  lines: Line[];

  constructor(lines: Lines) {
    this.lines = lines.map(([name, value]) => ({ name, value }));
  }

  values(name: string): string[] {
    return this.lines.filter((line) => same(line.name, name)).map((line) => line.value);
  }

  /** All values of a header as one list (RFC 9110 section 5.3); null when absent. */
  joined(name: string): string | null {
    const values = this.values(name);
    return values.length === 0 ? null : values.join(", ");
  }

  /** The parts between commas. */
  parts(name: string): string[] | null {
    return this.joined(name)?.split(",").map((part) => part.trim()) ?? null;
  }

  set(name: string, value: string): void {
    const first = this.lines.findIndex((line) => same(line.name, name));
    if (first < 0) return this.add(name, value);
    this.lines = this.lines
      .map((line, at) => (at === first ? { name, value } : line))
      .filter((line, at) => at === first || !same(line.name, name));
  }

  add(name: string, value: string): void {
    this.lines = [...this.lines, { name, value }];
  }

  remove(name: string): void {
    this.lines = this.lines.filter((line) => !same(line.name, name));
  }

  setPart(name: string, index: number, value: string): void {
    const parts = this.parts(name) ?? [];
    if (index > parts.length) parts.push(value);
    else parts[index - 1] = value;
    this.set(name, parts.join(", "));
  }

  names(): string[] {
    return [...new Set(this.lines.map((line) => line.name.toLowerCase()))];
  }

  pairs(): [string, string][] {
    return this.lines.map(({ name, value }) => [name, value]);
  }
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The pairs of a query as they are written. */
function rawPairs(query: string | null): string[] {
  return query === null ? [] : query.split("&");
}

/** Name and value of a pair, decoded; null for an empty pair. */
function decodedPair(raw: string): [string, string] | null {
  if (raw === "") return null;
  const [name = "", ...value] = raw.split("=");
  return [decode(name), decode(value.join("="))];
}

/** Values of a parameter in order. */
export function queryValues(query: string | null, name: string): string[] {
  return rawPairs(query).flatMap((raw) => {
    const pair = decodedPair(raw);
    return pair !== null && pair[0] === name ? [pair[1]] : [];
  });
}

/** Names in order of first appearance. */
export function queryNames(query: string | null): string[] {
  return [...new Set(rawPairs(query).flatMap((raw) => decodedPair(raw)?.[0] ?? []))];
}

export function setQuery(query: string | null, name: string, value: string): string {
  const raw = rawPairs(query === "" ? null : query);
  const first = raw.findIndex((pair) => decodedPair(pair)?.[0] === name);
  const written = encodedPair(name, value);
  if (first < 0) return [...raw, written].join("&");
  return raw
    .map((pair, at) => (at === first ? written : pair))
    .filter((pair, at) => at === first || decodedPair(pair)?.[0] !== name)
    .join("&");
}

export function addQuery(query: string | null, name: string, value: string): string {
  return [...rawPairs(query === "" ? null : query), encodedPair(name, value)].join("&");
}

export function removeQuery(query: string | null, name: string): string | null {
  const raw = rawPairs(query);
  const kept = raw.filter((pair) => decodedPair(pair)?.[0] !== name);
  if (kept.length === raw.length) return query;
  return kept.join("&") === "" ? null : kept.join("&");
}

function encodedPair(name: string, value: string): string {
  return `${encode(name)}=${encode(value)}`;
}

/** Everything but the unreserved characters of RFC 3986 as bytes of UTF-8. */
function encode(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

/** `+` is a space; runs of escapes that are no UTF-8 stay. */
function decode(text: string): string {
  return text.replaceAll("+", " ").replace(/(%[0-9A-Fa-f]{2})+/g, (run) => {
    const bytes = run.slice(1).split("%").map((hex) => Number.parseInt(hex, 16));
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
    } catch {
      return run;
    }
  });
}
