/**
 * An HTTP message as flows see it: start line, header lines in order, and nothing of its body. It reads and edits; it never
 * writes to a socket (head.ts does).
 */

/** Header lines as node gives them: name, value, name, value ... in wire order and case. */
export type HeaderLines = string[];

/** What requests and responses share. Header names given to its methods are lower-case; values are single lines. */
export class Message {
  /** Header lines in wire order; edit them only through the methods. Shared with whoever gave them until the first edit. */
  lines: HeaderLines;
  #isShared = true;
  /** Lower-case names, one for each line, made when a name is first looked up. */
  #names: string[] | null = null;

  constructor(lines: HeaderLines) {
    this.lines = lines;
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
  /** Body that a policy or fault wrote; null while the body (if any) is the target's own stream. */
  content: string | null = null;

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
