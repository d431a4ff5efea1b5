/**
 * What a case is made of and what comes of it: a request, the target's answer, and everything a client, a target or a
 * session could tell apart. Types only.
 */

/** A flow variable's value. */
export type Value = string | number | boolean | null;

/** Header lines in order. */
export type Lines = readonly (readonly [name: string, value: string])[];

/** What the target answers if the request reaches it. */
export interface TargetAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: Lines;
  /** Absent: empty. */
  readonly body?: string;
}

/** One request on its way through a project. */
export interface ParityRequest {
  /** Both clocks move by this before the request comes, milliseconds. */
  readonly advanceMs: number;
  readonly upgrade: boolean;
  readonly verb: string;
  readonly host: string;
  /** Canonical already. */
  readonly path: string;
  /** Without "?"; null: none. */
  readonly query: string | null;
  readonly headers: Lines;
  /** Absent: none. Upgrades have none. */
  readonly body?: string;
  readonly clientAddress: string;
  /** On 101 the switch counts as verified. */
  readonly answer: TargetAnswer;
}

/** A project as its files, and the requests in the order in which they come. */
export interface ParityCase {
  readonly files: Readonly<Record<string, string>>;
  readonly requests: readonly ParityRequest[];
}

/** Header values by lower-case name; the order of lines with different names means nothing. */
export type HeaderMap = Readonly<Record<string, readonly string[]>>;

/** The request that went to a target. */
export interface Sent {
  readonly target: string;
  /** `host:port`. */
  readonly server: string;
  readonly verb: string;
  /** Path and query. */
  readonly uri: string;
  readonly headers: HeaderMap;
  readonly body: string;
}

/** The answer that went to the client. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderMap;
  /** Text, or the body of a target that refused an upgrade, which nobody reads. */
  readonly body: { readonly text: string } | "of the target";
  /** False: it broke off behind its head, at an event that a flow failed for. */
  readonly isWhole: boolean;
}

/** A credential that admitted a session. */
export interface Admitted {
  readonly policy: string;
  readonly identities: readonly string[];
  readonly expiresAtMs: number | null;
}

/** Everything observable of one request. */
export interface Outcome {
  /** `environment/proxy/endpoint`, null where nothing is deployed. */
  readonly proxy: string | null;
  readonly route: string | null;
  readonly sent: Sent | null;
  readonly answer: Answer;
  readonly fault: { readonly code: string; readonly status: number; readonly text: string; readonly policy
    : string | null } | null;
  /** Names of the policies that failed, sorted, each once. */
  readonly failed: readonly string[];
  /** Custom variables that some step or condition reads; the others have no place. */
  readonly variables: Readonly<Record<string, Value>>;
  /** Credentials of an upgrade that got its 101; null: no session. */
  readonly session: readonly Admitted[] | null;
  /** Set when something was thrown that is no fault. */
  readonly defect: string | null;
}

/** Header lines by lower-case name. */
export function headerMap(lines: Iterable<readonly [string, string]>, without: readonly string[] = []): HeaderMap {
  const map = new Map<string, string[]>();
  for (const [name, value] of lines) {
    const lower = name.toLowerCase();
    if (!without.includes(lower)) map.set(lower, [...(map.get(lower) ?? []), value]);
  }
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Node's form of header lines: name, value, name, value. */
export function flatLines(lines: Lines): string[] {
  return lines.flatMap(([name, value]) => [name, value]);
}

/** The reverse of `flatLines`. */
export function pairedLines(flat: readonly string[]): [string, string][] {
  const lines: [string, string][] = [];
  for (let at = 0; at < flat.length; at += 2) lines.push([flat[at] ?? "", flat[at + 1] ?? ""]);
  return lines;
}
