/**
 * Bearer tokens in HTTP (RFC 6750): where a token stands in a header's value, and the challenge that a refusal
 * carries. It judges no token.
 */

/** Characters of a token (RFC 6750 section 2.1), so that no other text reaches a look-up or a log. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * The token behind its prefix (letter case ignored, one or more spaces), or as it is when the prefix is empty; else
 * null.
 */
export function prefixedToken(value: string, prefix: string): string | null {
  if (prefix === "") return TOKEN.test(value) ? value : null;
  if (value.length <= prefix.length || value.charAt(prefix.length) !== " ") return null;
  if (!value.startsWith(prefix) && value.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return null;
  const token = value.slice(prefix.length).trim();
  return TOKEN.test(token) ? token : null;
}

/** The token in a variable's value; empty when there is none: a header without its prefix is no token. */
export function tokenIn(value: string, prefix: string): string {
  return prefix === "" ? value : (prefixedToken(value, prefix) ?? "");
}

/** What a challenge says. */
export interface Challenge {
  /** A proxy's name. */
  readonly realm: string;
  readonly error: "invalid_request" | "invalid_token" | "insufficient_scope";
  readonly description: string;
  readonly scope?: string;
}

/** Header lines with the challenge of a 401 or 403 (RFC 6750 section 3). */
export function challengeLines({ realm, error, description, scope }: Challenge): readonly string[] {
  const ofScope = scope === undefined ? "" : `,scope="${quotable(scope)}"`;
  const value = `Bearer realm="${quotable(realm)}",error="${error}",error_description="${quotable(description)}"`;
  return ["WWW-Authenticate", value + ofScope];
}

/** RFC 6750 allows no quote, backslash or control character in these values. */
function quotable(text: string): string {
  return text.replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, "'");
}
