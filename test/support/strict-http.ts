/**
 * An HTTP/1.1 reader for tests that takes one thing only: messages as RFC 9112 has them, byte for byte. It shares nothing with the
 * gateway or node, and throws at the first byte that leaves a choice.
 */
import { Buffer } from "node:buffer";

/** Names and values, as they stand. */
export type Fields = readonly (readonly [name: string, value: string])[];

export interface StrictMessage {
  /** The first line, split at its spaces; of a response the reason phrase is one part. */
  readonly start: readonly [string, string, string];
  readonly fields: Fields;
  readonly body: Buffer;
  readonly trailers: Fields;
  /** How its end was found. */
  readonly framing: "none" | "length" | "chunked" | "close";
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible characters, obs-text, and blanks only between them. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\/[\x21-\x7e]*) (HTTP\/1\.1)$/;
const STATUS_LINE = /^(HTTP\/1\.1) ([1-9][0-9]{2}) ([\t \x21-\x7e\x80-\xff]*)$/;

/** Reads messages off the front of what has come. */
export class StrictReader {
  readonly #kind: "request" | "response";
  #bytes: Buffer = Buffer.alloc(0);

  constructor(kind: "request" | "response") {
    this.#kind = kind;
  }

  /** What has come and was not read. */
  get left(): number {
    return this.#bytes.length;
  }

  push(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  /** The next message; null: it is not whole. `method`: what a response answers. `ended`: nothing more comes. */
  next(method = "GET", ended = false): StrictMessage | null {
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) return null;
    const [first = "", ...lines] = this.#bytes.toString("latin1", 0, end).split("\r\n");
    const match = (this.#kind === "request" ? REQUEST_LINE : STATUS_LINE).exec(first);
    if (match === null) throw new Error(`first line: ${JSON.stringify(first)}`);
    const start = [match[1] ?? "", match[2] ?? "", match[3] ?? ""] as const;
    const fields = fieldsOf(lines);
    const framing = this.#framing(fields, Number(start[1]), method);
    const from = end + 4;
    if (framing === "close" && !ended) return null;
    const content = framing === "chunked" ? this.#chunks(from) : this.#content(from, framing, lengthOf(fields));
    if (content === null) return null;
    this.#bytes = this.#bytes.subarray(content.end);
    return { start, fields, framing, body: content.body, trailers: content.trailers };
  }

  #framing(fields: Fields, status: number, method: string): StrictMessage["framing"] {
    const codings = values(fields, "transfer-encoding");
    const lengths = values(fields, "content-length");
    if (codings.length + lengths.length > 1) throw new Error(`framed ${[...codings, ...lengths].join(" and ")}`);
    if (codings.some((coding) => coding !== "chunked")) throw new Error(`coding ${codings.join()}`);
    if (lengths.some((length) => !/^(?:0|[1-9][0-9]*)$/.test(length))) throw new Error(`length ${lengths.join()}`);
    if (this.#kind === "response") {
      const isBare = status < 200 || status === 204;
      if (isBare && codings.length + lengths.length > 0) throw new Error(`${status} announces a body`);
      if (isBare || status === 304 || method === "HEAD") return "none";
    }
    if (codings.length > 0) return "chunked";
    if (lengths.length > 0) return "length";
    return this.#kind === "request" ? "none" : "close";
  }

  #content(from: number, framing: StrictMessage["framing"], length: number): Content | null {
    const end = framing === "close" ? this.#bytes.length : from + (framing === "length" ? length : 0);
    return this.#bytes.length < end ? null : { body: this.#bytes.subarray(from, end), trailers: [], end };
  }

  #chunks(from: number): Content | null {
    const parts: Buffer[] = [];
    for (let at = from; ; ) {
      const lineEnd = this.#bytes.indexOf("\r\n", at);
      if (lineEnd < 0) return null;
      const line = this.#bytes.toString("latin1", at, lineEnd);
      if (!/^[0-9a-fA-F]{1,8}$/.test(line)) throw new Error(`chunk size ${JSON.stringify(line)}`);
      const size = Number.parseInt(line, 16);
      if (size === 0) return this.#trailers(lineEnd, parts);
      const end = lineEnd + 2 + size;
      if (this.#bytes.length < end + 2) return null;
      if (this.#bytes.toString("latin1", end, end + 2) !== "\r\n") throw new Error("a chunk is longer than it says");
      parts.push(this.#bytes.subarray(lineEnd + 2, end));
      at = end + 2;
    }
  }

  /** `at`: where the line end of the last chunk begins, with which an empty trailer section ends. */
  #trailers(at: number, parts: readonly Buffer[]): Content | null {
    const end = this.#bytes.indexOf("\r\n\r\n", at);
    if (end < 0) return null;
    const lines = this.#bytes.toString("latin1", at, end).split("\r\n").slice(1);
    return { body: Buffer.concat(parts), trailers: fieldsOf(lines), end: end + 4 };
  }
}

interface Content {
  readonly body: Buffer;
  readonly trailers: Fields;
  readonly end: number;
}

/** The values of the fields with that lower-case name. */
export function values(fields: Fields, name: string): readonly string[] {
  return fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
}

function lengthOf(fields: Fields): number {
  return Number(values(fields, "content-length")[0] ?? "0");
}

function fieldsOf(lines: readonly string[]): Fields {
  return lines.map((line) => {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0));
    const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, "");
    if (!TOKEN.test(name) || !VALUE.test(value)) throw new Error(`field line ${JSON.stringify(line)}`);
    return [name, value];
  });
}
