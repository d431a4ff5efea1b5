/**
 * The one canonical form of a request target, for matching, policies and the target alike. It resolves and normalises
 * what has one meaning (RFC 3986 section 6.2.2) and refuses what servers are known to read in different ways; it never
 * guesses.
 */

/** A target in canonical form. */
export interface CanonicalTarget {
  /** Path: begins with "/", no dot segments, escapes in upper case, nothing escaped that need not be. */
  readonly path: string;
  /** Query as received, without "?"; null when there was none. */
  readonly query: string | null;
  /** Authority of an absolute-form target (RFC 9112 section 3.2.2), which must equal Host; null in origin-form. */
  readonly authority: string | null;
}

/** Why a target was refused. `path` is null, which tells a refusal from a canonical target. */
export interface TargetRefusal {
  readonly path: null;
  /** What was wrong, for the answer and the log; quotes nothing of the request. */
  readonly reason: string;
}

const PLAIN = 1;
const SEPARATOR = 2;
const DOT = 3;
const ESCAPE = 4;
const QUERY = 5;
/** Visible characters that RFC 3986 wants escaped in a path and clients send raw all the same. */
const UNWISE = 6;
const FORBIDDEN = 0;

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const DOT_SIGN = 0x2e;

/** One entry for each ASCII code: what the character does in a path. */
const roles: Uint8Array = /* @__PURE__ */ pathRoles();

/** Brings a request target into canonical form, or refuses it. A clean path comes back as it is after one scan. */
export function canonicalPath(target: string): CanonicalTarget | TargetRefusal {
  return target.charCodeAt(0) === SLASH ? originForm(target, 0, null) : absoluteForm(target);
}

function absoluteForm(target: string): CanonicalTarget | TargetRefusal {
  const authority = absoluteAuthority(target);
  if (authority === null) return refusal("request target is neither a path nor an http URL");
  const start = target.indexOf("//") + 2 + authority.length;
  if (target.charCodeAt(start) === SLASH) return originForm(target, start, authority);
  return originForm(`/${target.slice(start)}`, 0, authority);
}

/**
 * The authority of an absolute-form request target, null when the target has another form, names another scheme, or has
 * user information (RFC 9110 section 4.2.4).
 */
export function absoluteAuthority(target: string): string | null {
  const scheme = target.slice(0, 8).toLowerCase();
  const start = scheme === "https://" ? 8 : scheme.startsWith("http://") ? 7 : 0;
  if (start === 0) return null;
  let end = start;
  for (; end < target.length; end++) {
    const code = target.charCodeAt(end);
    if (code === SLASH || code === 0x3f || code === 0x23 || code === 0x5c) break;
    if (code === 0x40) return null;
  }
  return end === start ? null : target.slice(start, end);
}

/** Scans from the slash at `start`; leaves for the slow form at the first character that may need work. */
function originForm(target: string, start: number, authority: string | null): CanonicalTarget | TargetRefusal {
  let clean = true;
  let before = 0;
  let end = start;
  for (; end < target.length; end++) {
    const code = target.charCodeAt(end);
    const role = code < 0x80 ? (roles[code] ?? FORBIDDEN) : FORBIDDEN;
    if (role === PLAIN) {
      before = PLAIN;
      continue;
    }
    if (role === QUERY) break;
    if (role === FORBIDDEN) return forbidden(code);
    if (role !== SEPARATOR && role !== DOT) clean = false;
    else if (before === SEPARATOR) clean = false;
    before = role;
  }
  const query = end < target.length ? target.slice(end + 1) : null;
  if (query !== null && !isQuery(query)) return refusal("query holds a character that must be escaped");
  if (!clean) return normalised(target.slice(start + 1, end), query, authority);
  const path = start === 0 && query === null ? target : target.slice(start, end);
  return { path, query, authority };
}

/** Segment by segment: escapes first, dot segments after, so that no escape can hide one. */
function normalised(path: string, query: string | null, authority: string | null): CanonicalTarget | TargetRefusal {
  const segments = path.split("/");
  const kept: string[] = [];
  for (let at = 0; at < segments.length; at++) {
    const isLast = at === segments.length - 1;
    const segment = canonicalSegment(segments[at] ?? "");
    if (typeof segment !== "string") return segment;
    if (segment === "." || segment === "..") {
      if (segment === ".." && kept.pop() === undefined) return refusal("path leads above its root");
      if (isLast) kept.push("");
      continue;
    }
    // Targets that merge slashes would see a path that no condition here has matched; at the start of a path URL
    // readers take what follows for a host.
    if (segment === "" && !isLast) return refusal(`path ${at === 0 ? "begins with" : "holds"} an empty segment`);
    if (isDotParameter(segment)) return refusal("path holds a dot segment with parameters");
    kept.push(segment);
  }
  const canonical = `/${kept.join("/")}`;
  return isUtf8(canonical) ? { path: canonical, query, authority } : refusal("path holds escapes that are not UTF-8");
}

function canonicalSegment(segment: string): string | TargetRefusal {
  let out = "";
  for (let at = 0; at < segment.length; at++) {
    const code = segment.charCodeAt(at);
    const role = roles[code] ?? FORBIDDEN;
    if (role === UNWISE) out += escaped(code);
    else if (role !== ESCAPE) out += segment[at];
    else {
      const value = hexPair(segment, at + 1);
      if (value < 0) return refusal("path holds a broken escape");
      const hidden = hiddenSign(value);
      if (hidden !== null) return refusal(`path holds an escaped ${hidden}`);
      at += 2;
      out += isUnreserved(value) ? String.fromCharCode(value) : escaped(value);
    }
  }
  return out;
}

/** What servers read in different ways when it is escaped; null for all else. */
function hiddenSign(value: number): string | null {
  if (value === SLASH) return "slash";
  if (value === BACKSLASH) return "backslash";
  if (value === DOT_SIGN) return "dot";
  return value < 0x20 || value === 0x7f ? "control character" : null;
}

/** "..;" and ".;", also with the semicolon escaped: servers that know path parameters resolve them as dot segments. */
function isDotParameter(segment: string): boolean {
  if (segment.charCodeAt(0) !== 0x2e) return false;
  const at = segment.charCodeAt(1) === 0x2e ? 2 : 1;
  return segment.charCodeAt(at) === 0x3b || segment.startsWith("%3B", at);
}

function isQuery(query: string): boolean {
  for (let at = 0; at < query.length; at++) {
    const code = query.charCodeAt(at);
    if (code < 0x21 || code > 0x7e || code === 0x23) return false;
  }
  return true;
}

/** Overlong forms of "." and "/" are the classic here; text in another encoding than UTF-8 has no canonical form. */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

function isUnreserved(code: number): boolean {
  if (code >= 0x80) return false;
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) ||
    code === 0x2d || code === 0x2e || code === 0x5f || code === 0x7e;
}

function escaped(code: number): string {
  return (code < 0x10 ? "%0" : "%") + code.toString(16).toUpperCase();
}

function hexPair(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function forbidden(code: number): TargetRefusal {
  if (code === 0x5c) return refusal("path holds a backslash");
  if (code === 0x23) return refusal("request target holds a fragment");
  return refusal(code > 0x7f ? "path holds a character that is not ASCII" : "path holds a control character");
}

function refusal(reason: string): TargetRefusal {
  return { path: null, reason };
}

function pathRoles(): Uint8Array {
  const table = new Uint8Array(128);
  const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*+,;=:@";
  for (const sign of plain) table[sign.charCodeAt(0)] = PLAIN;
  for (const sign of "\"<>[]^`{|}") table[sign.charCodeAt(0)] = UNWISE;
  table[SLASH] = SEPARATOR;
  table[0x2e] = DOT;
  table[0x25] = ESCAPE;
  table[0x3f] = QUERY;
  return table;
}
