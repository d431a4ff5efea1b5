/**
 * Reading and editing a raw query string. Pairs that an edit does not name keep every byte; names are compared after
 * decoding, so that an escaped spelling of a name hides nothing from a policy. Forms are read here as well, and may be
 * large: nothing here takes more than one pass for all names.
 */
import { Buffer, isUtf8 } from "node:buffer";

/** The first value of a parameter, decoded (`+` is a space, broken escapes stay as they are); null when absent. */
export function queryParam(query: string | null, name: string): string | null {
  if (query === null) return null;
  for (let start = 0; start <= query.length; ) {
    const end = pairEnd(query, start);
    const value = valueOf(query, start, end, name);
    if (value !== null) return value;
    start = end + 1;
  }
  return null;
}

/** Every value of a parameter in order, decoded; empty when absent. */
export function queryParamValues(query: string | null, name: string): string[] {
  const values: string[] = [];
  if (query === null) return values;
  for (let start = 0; start <= query.length; ) {
    const end = pairEnd(query, start);
    const value = valueOf(query, start, end, name);
    if (value !== null) values.push(value);
    start = end + 1;
  }
  return values;
}

/** The names that occur, decoded, each once, in order of first appearance. */
export function queryNames(query: string | null): string[] {
  const names = new Set<string>();
  if (query === null) return [];
  for (let start = 0; start <= query.length; ) {
    const end = pairEnd(query, start);
    if (end > start) names.add(decodeQuery(query.slice(start, nameEnd(query, start, end))));
    start = end + 1;
  }
  return [...names];
}

/** Gives a parameter exactly one value, at the place of its first occurrence, else at the end. */
export function setQueryParam(query: string | null, name: string, value: string): string {
  if (query === null || query === "") return pair(name, value);
  const kept: string[] = [];
  let placed = false;
  for (let start = 0; start <= query.length; ) {
    const end = pairEnd(query, start);
    if (valueOf(query, start, end, name) === null) kept.push(query.slice(start, end));
    else if (!placed) {
      kept.push(pair(name, value));
      placed = true;
    }
    start = end + 1;
  }
  if (!placed) kept.push(pair(name, value));
  return kept.join("&");
}

/** Gives the n-th value (from 1) of a parameter another text; beyond the last one is added. */
export function setQueryValue(query: string | null, name: string, index: number, value: string): string {
  if (query === null || query === "") return pair(name, value);
  let count = 0;
  for (let start = 0; start <= query.length; ) {
    const end = pairEnd(query, start);
    if (valueOf(query, start, end, name) !== null && ++count === index) {
      return query.slice(0, start) + pair(name, value) + query.slice(end);
    }
    start = end + 1;
  }
  return addQueryParam(query, name, value);
}

/** Adds a value behind everything that is there. */
export function addQueryParam(query: string | null, name: string, value: string): string {
  return query === null || query === "" ? pair(name, value) : `${query}&${pair(name, value)}`;
}

/** Removes every occurrence of a parameter, however its name is spelled; null when nothing remains. */
export function removeQueryParam(query: string | null, name: string): string | null {
  if (query === null) return null;
  let kept: string | null = null;
  let removed = false;
  for (let start = 0; start <= query.length; ) {
    const end = pairEnd(query, start);
    if (valueOf(query, start, end, name) === null) {
      const pairText = query.slice(start, end);
      kept = kept === null ? pairText : `${kept}&${pairText}`;
    } else removed = true;
    start = end + 1;
  }
  if (!removed) return query;
  return kept === "" ? null : kept;
}

/**
 * Puts the parameters of one query into another, all or those with these names, in place of those of the same names:
 * behind everything else, by name in order of first appearance.
 */
export function copiedParams(from: string | null, to: string | null, wanted: readonly string[] | null): string | null {
  const pairs = new Map<string, string[]>();
  if (from === null) return to;
  for (const name of wanted ?? []) pairs.set(name, []);
  for (let start = 0; start <= from.length; ) {
    const end = pairEnd(from, start);
    const stop = nameEnd(from, start, end);
    const name = end > start ? decodeQuery(from.slice(start, stop)) : null;
    if (name !== null && (wanted === null || pairs.has(name))) {
      const copied = pair(name, stop === end ? "" : decodeQuery(from.slice(stop + 1, end)));
      const others = pairs.get(name);
      if (others === undefined) pairs.set(name, [copied]);
      else others.push(copied);
    }
    start = end + 1;
  }
  for (const name of wanted ?? []) if (pairs.get(name)?.length === 0) pairs.delete(name);
  if (pairs.size === 0) return to;
  const kept = withoutParams(to, pairs);
  const copied = [...pairs.values()].flat().join("&");
  return kept === null || kept === "" ? copied : `${kept}&${copied}`;
}

/** The pairs with none of these names, each as it is spelled; null when none remains. */
function withoutParams(query: string | null, names: ReadonlyMap<string, unknown>): string | null {
  if (query === null) return null;
  const kept: string[] = [];
  for (let start = 0; start <= query.length; ) {
    const end = pairEnd(query, start);
    const name = end > start ? decodeQuery(query.slice(start, nameEnd(query, start, end))) : null;
    if (name === null || !names.has(name)) kept.push(query.slice(start, end));
    start = end + 1;
  }
  return kept.length === 0 ? null : kept.join("&");
}

/** The pairs with one of these names, each as it is spelled; null when none remains. */
export function keepQueryParams(query: string | null, names: ReadonlySet<string>): string | null {
  if (query === null) return null;
  const kept: string[] = [];
  for (let start = 0; start <= query.length; ) {
    const end = pairEnd(query, start);
    const name = decodeQuery(query.slice(start, nameEnd(query, start, end)));
    if (end > start && names.has(name)) kept.push(query.slice(start, end));
    start = end + 1;
  }
  return kept.length === 0 ? null : kept.join("&");
}

/** Decodes a name or value: `+` is a space, `%XX` a byte of UTF-8; what cannot be decoded stays as it is. */
export function decodeQuery(text: string): string {
  const plus = text.indexOf("+");
  const spaced = plus < 0 ? text : text.split("+").join(" ");
  return spaced.indexOf("%") < 0 ? spaced : spaced.replace(/(?:%[0-9A-Fa-f]{2})+/g, decodedRun);
}

/** Not decodeURIComponent, which throws: a body full of what cannot be decoded would take minutes. */
function decodedRun(run: string): string {
  const bytes = Buffer.from(run.split("%").join(""), "hex");
  return isUtf8(bytes) ? bytes.toString("utf8") : run;
}

/** Encodes a name or value so that only RFC 3986's unreserved characters stand for themselves. */
export function encodeQuery(text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed());
  return encoded.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function pair(name: string, value: string): string {
  return `${encodeQuery(name)}=${encodeQuery(value)}`;
}

function pairEnd(query: string, start: number): number {
  const end = query.indexOf("&", start);
  return end < 0 ? query.length : end;
}

/** Looks no further than the pair: the next "=" may be far away, and each pair before it would look for it again. */
function nameEnd(query: string, start: number, end: number): number {
  for (let at = start; at < end; at++) if (query.charCodeAt(at) === 0x3d) return at;
  return end;
}

/** The decoded value of the pair between `start` and `end` when it has that name, else null. */
function valueOf(query: string, start: number, end: number, name: string): string | null {
  if (end === start) return null;
  const stop = nameEnd(query, start, end);
  if (!isSpelled(query, start, stop, name) && !decodesTo(query, start, stop, name)) return null;
  return stop === end ? "" : decodeQuery(query.slice(stop + 1, end));
}

/** True when the raw name is the name, letter by letter, and needs no decoding. */
function isSpelled(query: string, start: number, stop: number, name: string): boolean {
  if (stop - start !== name.length || !query.startsWith(name, start)) return false;
  return name.indexOf("%") < 0 && name.indexOf("+") < 0;
}

function decodesTo(query: string, start: number, stop: number, name: string): boolean {
  // An encoded name is at least as long as what it stands for.
  if (stop - start < name.length) return false;
  const raw = query.slice(start, stop);
  return (raw.indexOf("%") >= 0 || raw.indexOf("+") >= 0) && decodeQuery(raw) === name;
}
