/**
 * Bodies and queries of the admin API: bounded, strict, every unknown field an error. It is the door where untrusted
 * JSON becomes values of known types.
 */
import type { IncomingMessage } from "node:http";
import { badRequest, errorAnswer, type Answer } from "./answer.ts";

const TEXT_CHARS_MAX = 1_024;
const LIST_MAX = 100;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)$/;

/** The body's fields, or the answer that refuses. Rejects when the client goes away. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Fields | Answer> {
  if (!/^application\/json(?:; *charset="?utf-8"?)?$/i.test(request.headers["content-type"] ?? "")) {
    return errorAnswer(415, "content_type", "Content-Type must be application/json", { Connection: "close" });
  }
  if (request.headers["content-encoding"] !== undefined) {
    return errorAnswer(415, "content_encoding", "Content-Encoding is not supported", { Connection: "close" });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving early must not destroy the connection: the answer still has to go over it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) return errorAnswer(413, "too_large", "The body is too large", { Connection: "close" });
    chunks.push(chunk);
  }
  return parseBody(Buffer.concat(chunks).toString("utf8"));
}

/** The fields of a JSON object. */
function parseBody(text: string): Fields | Answer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return errorAnswer(400, "bad_json", "The body is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return errorAnswer(400, "bad_json", "The body must be a JSON object");
  }
  return new Fields(new Map(Object.entries(value)));
}

/** The fields of a query string; of a repeated one the last counts as an error. */
export function parseQuery(target: string | undefined): Fields {
  const at = (target ?? "").indexOf("?");
  const fields = new Fields(new Map());
  const query = new URLSearchParams(at < 0 ? "" : (target ?? "").slice(at + 1));
  for (const [name, value] of query) fields.addOnce(name, value);
  return fields;
}

/** Reads fields one by one; what was wrong is asked once, at the end. */
export class Fields {
  readonly #values: Map<string, unknown>;
  /** Put before the names of fields in messages: where a nested object stands. */
  readonly #place: string;
  readonly #asked = new Set<string>();
  readonly #nested: Fields[] = [];
  readonly #problems: string[] = [];

  constructor(values: Map<string, unknown>, place = "") {
    this.#values = values;
    this.#place = place;
  }

  /** Names of the fields that were asked for: what a description must tell. */
  get asked(): ReadonlySet<string> {
    return this.#asked;
  }

  /** True when it was given, be it null. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  addOnce(name: string, value: string): void {
    if (this.#values.has(name)) this.#problems.push(`${name} is given twice`);
    this.#values.set(name, value);
  }

  /** Null when absent. */
  text(name: string): string | null {
    const value = this.#take(name);
    if (value === undefined) return null;
    if (typeof value === "string" && value !== "" && value.length <= TEXT_CHARS_MAX) return value;
    return this.#problem(`${name} must be text of 1 to ${TEXT_CHARS_MAX} characters`);
  }

  /** As text, and missing is a problem too. */
  neededText(name: string): string {
    const value = this.text(name);
    if (value === null && !this.#values.has(name)) this.#problem(`${name} is missing`);
    return value ?? "";
  }

  /** Also as text, for queries. False when absent. */
  flag(name: string): boolean {
    const value = this.#take(name);
    if (value === undefined || value === false || value === "false") return false;
    if (value === true || value === "true") return true;
    return this.#problem(`${name} must be true or false`) ?? false;
  }

  /** One of these texts; null when absent. */
  choice<T extends string>(name: string, choices: readonly T[]): T | null {
    const value = this.#take(name);
    if (value === undefined) return null;
    return choices.find((choice) => choice === value) ?? this.#problem(`${name} must be one of ${choices.join(", ")}`);
  }

  /** As a choice, and missing is a problem too. */
  neededChoice<T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.choice(name, choices);
    if (value === null && !this.#values.has(name)) this.#problem(`${name} is missing`);
    return value ?? choices[0];
  }

  /** An instant of RFC 3339 as wall clock; null when it is null or absent. */
  instant(name: string): number | null {
    const value = this.#take(name);
    if (value === undefined || value === null) return null;
    const wallMs = typeof value === "string" && INSTANT.test(value) ? Date.parse(value) : NaN;
    return Number.isNaN(wallMs)
      ? this.#problem(`${name} must be an instant such as 2030-01-31T12:00:00Z, or null`)
      : wallMs;
  }

  /** A whole number within bounds; also as decimal text, for queries. Null when absent. */
  integer(name: string, min: number, max: number): number | null {
    const value = this.#take(name);
    if (value === undefined) return null;
    const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number === "number" && Number.isInteger(number) && number >= min && number <= max) return number;
    return this.#problem(`${name} must be a whole number from ${min} to ${max}`);
  }

  /** As a whole number, and missing is a problem too. */
  neededInteger(name: string, min: number, max: number): number {
    const value = this.integer(name, min, max);
    if (value === null && !this.#values.has(name)) this.#problem(`${name} is missing`);
    return value ?? min;
  }

  /** A list of texts; empty when absent. */
  texts(name: string): readonly string[] {
    const value = this.#take(name);
    if (value === undefined) return [];
    if (Array.isArray(value) && value.length <= LIST_MAX && value.every(isText)) return value;
    return this.#problem(`${name} must be a list of at most ${LIST_MAX} texts`) ?? [];
  }

  /** Texts by name; empty when absent. */
  attributes(name: string): Readonly<Record<string, string>> {
    const value = this.#take(name);
    if (value === undefined) return {};
    const entries = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : null;
    if (entries === null || entries.length > LIST_MAX || !entries.every(isTextEntry)) {
      return this.#problem(`${name} must be a map of at most ${LIST_MAX} texts`) ?? {};
    }
    return Object.fromEntries(entries);
  }

  /** A nested object's fields; no fields when absent. */
  nested(name: string): Fields {
    const value = this.#take(name);
    return this.#fieldsOf(value ?? {}, name);
  }

  /** What is read from a nested object; null when it is null or absent. */
  nestedOrNull<T>(name: string, read: (fields: Fields) => T): T | null {
    const value = this.#take(name);
    return value === undefined || value === null ? null : read(this.#fieldsOf(value, name));
  }

  /** The fields of each object of a list; no objects when absent. A text stands for an object with just `short`. */
  objects(name: string, short?: string): readonly Fields[] {
    const value = this.#take(name);
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.length > LIST_MAX) {
      return this.#problem(`${name} must be a list of at most ${LIST_MAX} objects`) ?? [];
    }
    const whole = (item: unknown): unknown =>
      typeof item === "string" && short !== undefined ? { [short]: item } : item;
    return value.map((item: unknown, at) => this.#fieldsOf(whole(item), `${name}[${at}]`));
  }

  /** How many fields there are. */
  get size(): number {
    return this.#values.size;
  }

  /** The answer for everything that was wrong, unknown fields included; null when nothing was. */
  problem(): Answer | null {
    const problems = this.#found();
    return problems.length === 0 ? null : badRequest(problems.join("; "));
  }

  #found(): readonly string[] {
    const unknown = [...this.#values.keys()].filter((name) => !this.#asked.has(name));
    const strays = unknown.map((name) => `${JSON.stringify(name.slice(0, 64))} is not known here`);
    const own = [...this.#problems, ...strays];
    return [...own.map((text) => this.#place + text), ...this.#nested.flatMap((fields) => fields.#found())];
  }

  /** What is no object has one problem, and no fields. */
  #fieldsOf(value: unknown, name: string): Fields {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    const fields = new Fields(new Map(isObject ? Object.entries(value) : []), `${this.#place}${name}: `);
    if (isObject) this.#nested.push(fields);
    else this.#problem(`${name} must be an object`);
    return fields;
  }

  #take(name: string): unknown {
    this.#asked.add(name);
    return this.#values.get(name);
  }

  #problem(text: string): null {
    this.#problems.push(text);
    return null;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= TEXT_CHARS_MAX;
}

function isTextEntry(entry: readonly [string, unknown]): entry is [string, string] {
  return entry[0].length <= TEXT_CHARS_MAX && isText(entry[1]);
}
