/**
 * Trailer sections on their way through (RFC 9110 section 6.5): which fields may travel behind a body, and what the
 * heads say of them. What could pass for a header that somebody relies on stays behind.
 */
import type { IncomingHttpHeaders } from "node:http";
import { fieldValueKind, isToken, VALUE_PLAIN } from "./field-grammar.ts";
import { fateOf, NAME_KEPT, type HeaderOwnership } from "./header-ownership.ts";
import type { HeaderLines } from "./message.ts";

/**
 * Fields that frame, route, modify, authenticate or control a message, or say what its content is (RFC 9110 section
 * 6.5.1): who reads them behind the body has decided already.
 */
const neverTrailers: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "transfer-encoding", "content-length", "host", "connection", "keep-alive", "proxy-connection", "upgrade", "te",
  "trailer", "http2-settings", "cache-control", "expect", "max-forwards", "pragma", "range", "if-match",
  "if-none-match",
  "if-modified-since", "if-unmodified-since", "if-range", "authorization", "proxy-authenticate",
  "proxy-authorization", "www-authenticate", "authentication-info", "cookie", "set-cookie", "age", "expires", "date",
  "location", "retry-after",
  "vary", "warning", "content-encoding", "content-type", "content-range", "origin", "forwarded", "x-real-ip",
]);

/** Fields about the bytes of a body, which are others once it is encoded otherwise. Lower-case. */
export const digestNames: readonly string[] = ["content-md5", "digest", "content-digest", "repr-digest"];

/** The fields of a target's trailer section that go on to the client. */
export function answerTrailers(raw: HeaderLines, isRecoded: boolean): HeaderLines {
  return trailersThat(raw, (name) => mayTrail(name, isRecoded));
}

/** Those of a client's that go on to the target: none that a proxy owns in any spelling. */
export function requestTrailers(raw: HeaderLines, ownership: HeaderOwnership, isRecoded: boolean): HeaderLines {
  return trailersThat(raw, (name) => mayTrail(name, isRecoded) && fateOf(name, ownership) === NAME_KEPT);
}

/** What of a Trailer header goes on, null for nothing: the names that may come. */
export function announcedTrailers(announced: string | readonly string[] | undefined): string | null {
  if (announced === undefined) return null;
  const names = String(announced).split(",").map((name) => name.trim());
  const kept = names.filter((name) => isToken(name) && mayTrail(name.toLowerCase(), false));
  return kept.length === 0 ? null : kept.join(", ");
}

/** True when a request says that trailers are taken; Connection has to name TE (RFC 9110 section 10.1.4). */
export function takesTrailers({ te, connection }: IncomingHttpHeaders): boolean {
  return te !== undefined && lists(te, "trailers") && lists(connection, "te");
}

function lists(value: string | readonly string[] | undefined, element: string): boolean {
  return value !== undefined && String(value).split(",").some((part) => part.trim().toLowerCase() === element);
}

function mayTrail(name: string, isRecoded: boolean): boolean {
  if (neverTrailers.has(name) || name.startsWith("x-forwarded-") || name.startsWith("sec-websocket-")) return false;
  return !isRecoded || !digestNames.includes(name);
}

function trailersThat(raw: HeaderLines, isKept: (name: string) => boolean): HeaderLines {
  if (raw.length === 0) return raw;
  const kept: HeaderLines = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? "";
    const value = raw[at + 1] ?? "";
    if (isToken(name) && fieldValueKind(value) === VALUE_PLAIN && isKept(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
