/**
 * An HTTP message as flows see it: start line, header lines in order, and its body where that is in memory. It reads
 * and edits; it never reads from or writes to a socket (body.ts and head.ts do).
 */

import type { Maybe } from "../maybe.ts";

/** Header lines as node gives them: name, value, name, value ... in wire order and case. */
export type HeaderLines = string[];

/** A body that was decoded for those who look into it. */
export interface EncodedBody {
  /** As its sender sent it; goes out again unless the body is rewritten. */
  readonly bytes: Buffer;
  /** Encodes another body in the same way. */
  again(body: Buffer): Promise<Buffer>;
}

/** What requests and responses share. Header names given to its methods are lower-case; values are single lines. */
export class Message {
  /** Header lines in wire order; edit them only through the methods. Shared with their giver until the first edit. */
  lines: HeaderLines;
  #isShared = true;
  /** Lower-case names, one for each line, made when a name is first looked up. */
  #names: string[] | null = null;
  #text: string | null = null;
  #body: Buffer | null = null;
  #encoded: EncodedBody | null = null;
  /** True when a policy wrote the body: what its sender said of its length holds no longer. */
  isRewritten = false;

  constructor(lines: HeaderLines) {
    this.lines = lines;
  }

  /** The body as text (UTF-8); null while it streams by unread. Writing it takes the place of the sender's. */
  get content(): string | null {
    if (this.#text === null && this.#body !== null) this.#text = this.#body.toString("utf8");
    return this.#text;
  }

  set content(text: string | null) {
    this.#text = text;
    this.#body = null;
    this.isRewritten = text !== null;
  }

  /** Writes the body in bytes. */
  rewrite(body: Buffer): void {
    this.#body = body;
    this.#text = null;
    this.isRewritten = true;
  }

  /** The body in bytes; null while it streams by unread. */
  get body(): Buffer | null {
    if (this.#body === null && this.#text !== null) this.#body = Buffer.from(this.#text, "utf8");
    return this.#body;
  }

  /** True when the body is in memory, as it came or as a policy wrote it. */
  get isHeld(): boolean {
    return this.#body !== null || this.#text !== null;
  }

  /** Keeps the body that its sender sent; `encoded` where that is not the body itself. */
  hold(body: Buffer, encoded: EncodedBody | null): void {
    this.#body = body;
    this.#text = null;
    this.#encoded = encoded;
    this.isRewritten = false;
  }

  /** Takes the body of another message over, as far as it is in memory. */
  takeBody(from: Message): void {
    this.#text = from.#text;
    this.#body = from.#body;
    this.#encoded = from.#encoded;
    this.isRewritten = from.isRewritten;
  }

  /**
   * The body as it goes out, null while it streams by: what its sender sent; else what a policy wrote, encoded as the
   * sender's was where that had been decoded. Takes Content-Encoding away where it holds no longer.
   */
  outgoingBody(): Maybe<Buffer | null> {
    const { body } = this;
    if (body === null || !this.isRewritten) return this.#encoded?.bytes ?? body;
    const isEncoded = body.length > 0 && this.names.includes("content-encoding");
    if (isEncoded && this.#encoded !== null) return this.#encoded.again(body);
    this.removeHeader("content-encoding");
    return body;
  }

  /** Lower-case names of the header lines, in order, repeated where a header repeats. */
  get names(): readonly string[] {
    return (this.#names ??= lowerCaseNames(this.lines));
  }

  /** The first value of a header as Apigee reads it: up to the first comma of its first line; null when absent. */
  header(name: string): string | null {
    const line = this.headerLine(name);
    if (line === null) return null;
    const comma = line.indexOf(",");
    return comma < 0 ? line : line.slice(0, comma).trimEnd();
  }

  /** The whole value of the first line with that name, null when absent. */
  headerLine(name: string): string | null {
    const at = this.names.indexOf(name);
    return at < 0 ? null : (this.lines[2 * at + 1] ?? null);
  }

  /** Every line's value with that name joined by ", " (RFC 9110 section 5.3), null when absent. */
  headerJoined(name: string): string | null {
    const names = this.names;
    let joined: string | null = null;
    for (let at = names.indexOf(name); at >= 0; at = names.indexOf(name, at + 1)) {
      const value = this.lines[2 * at + 1] ?? "";
      joined = joined === null ? value : `${joined}, ${value}`;
    }
    return joined;
  }

  /** The n-th (from 1) comma-separated part over all lines with that name, null when there are fewer. */
  headerPart(name: string, index: number): string | null {
    const joined = this.headerJoined(name);
    if (joined === null) return null;
    return joined.split(",")[index - 1]?.trim() ?? null;
  }

  /** How many comma-separated parts a header has over all its lines. */
  headerCount(name: string): number {
    const joined = this.headerJoined(name);
    return joined === null ? 0 : joined.split(",").length;
  }

  /** How many lines carry that name. */
  countLines(name: string): number {
    let count = 0;
    for (const other of this.names) if (other === name) count++;
    return count;
  }

  /** Replaces every line of a header by one, written with the name as given; `name` may have any case. */
  setHeader(name: string, value: string): void {
    const lower = name.toLowerCase();
    const at = this.names.indexOf(lower);
    if (at < 0) return this.addHeader(name, value);
    this.#own();
    this.lines[2 * at + 1] = value;
    for (let next = this.names.indexOf(lower, at + 1); next >= 0; next = this.names.indexOf(lower, at + 1)) {
      this.#removeAt(next);
    }
  }

  /** Adds a line behind those that are there; `name` may have any case. */
  addHeader(name: string, value: string): void {
    const lower = name.toLowerCase();
    const names = this.#ownNames();
    names.push(lower);
    this.lines.push(name, value);
  }

  /** Removes every line of a header; `name` is lower-case. */
  removeHeader(name: string): void {
    for (let at = this.names.indexOf(name); at >= 0; at = this.names.indexOf(name, at)) this.#removeAt(at);
  }

  /** Removes every line whose (lower-case) name is meant, in one pass. */
  removeWhere(isMeant: (name: string) => boolean): void {
    const names: string[] = [];
    const lines: HeaderLines = [];
    for (let at = 0; at < this.names.length; at++) {
      const name = this.names[at] ?? "";
      if (isMeant(name)) continue;
      names.push(name);
      lines.push(this.lines[2 * at] ?? "", this.lines[2 * at + 1] ?? "");
    }
    this.#isShared = false;
    this.#names = names;
    this.lines = lines;
  }

  /** Removes every header line. */
  removeHeaders(): void {
    this.#isShared = false;
    this.lines = [];
    this.#names = [];
  }

  #removeAt(at: number): void {
    this.#ownNames().splice(at, 1);
    this.lines.splice(2 * at, 2);
  }

  /** Node goes on reading the lines it gave (its agent looks for Keep-Alive in them), so edits work on a copy. */
  #own(): void {
    if (!this.#isShared) return;
    this.#isShared = false;
    this.lines = [...this.lines];
  }

  /** The names, with lines that may be edited. */
  #ownNames(): string[] {
    this.#own();
    return (this.#names ??= lowerCaseNames(this.lines));
  }
}

/** A request: what the client sent, then what the target will get. */
export class RequestMessage extends Message {
  /** Method in upper case as received. */
  verb: string;
  /** Canonical path without query (see path.ts). */
  path: string;
  /** Query without "?"; null when the target had none. */
  query: string | null;
  /** "1.1" or "1.0". */
  version: string;

  constructor(verb: string, path: string, query: string | null, version: string, lines: HeaderLines) {
    super(lines);
    this.verb = verb;
    this.path = path;
    this.query = query;
    this.version = version;
  }
}

/** A response: the target's, or one that the gateway makes. */
export class ResponseMessage extends Message {
  #status: number;
  /** Reason phrase; empty means the standard one. */
  reason: string;
  constructor(status: number, reason: string, lines: HeaderLines) {
    super(lines);
    this.#status = status;
    this.reason = reason;
  }

  /** Status code, 100 to 999. Another status takes the old one's reason phrase away. */
  get status(): number {
    return this.#status;
  }

  set status(status: number) {
    if (status !== this.#status) this.reason = "";
    this.#status = status;
  }
}

function lowerCaseNames(lines: HeaderLines): string[] {
  const names: string[] = [];
  for (let at = 0; at < lines.length; at += 2) names.push((lines[at] ?? "").toLowerCase());
  return names;
}
