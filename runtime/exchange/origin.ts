/**
 * Which web pages may open a WebSocket: browsers send cookies along from any page and let scripts read the answer, so
 * Origin (RFC 6454 section 7) is all that tells a foreign page apart. It judges one request and knows nothing of
 * credentials.
 */
import type { RequestMessage } from "../message/message.ts";

/** What a proxy endpoint says about origins. */
export interface OriginRule {
  /** Lower-case origins, `*` for any and `null` for opaque ones; null: nothing was written. */
  readonly allowedOrigins: readonly string[] | null;
  /** True when a credential that admits travels by itself: then only pages of the own host may connect. */
  readonly ambientCredential: boolean;
}

/**
 * Why the page that asks may not connect, null when it may. A request without Origin comes from no browser and passes.
 * `scheme` is how the client spoke; behind TLS that ends at a proxy which nobody trusts, "http" for pages of either.
 */
export function originRefusal(request: RequestMessage, rule: OriginRule, scheme: "http" | "https"): string | null {
  const { allowedOrigins } = rule;
  if (allowedOrigins === null && !rule.ambientCredential) return null;
  const line = request.headerLine("origin");
  if (line === null) return null;
  const origin = line.toLowerCase();
  if (allowedOrigins !== null) {
    if (allowedOrigins.includes("*") || allowedOrigins.includes(origin)) return null;
    return "Origin is not among the allowed ones";
  }
  return isOwnHost(origin, request.headerLine("host") ?? "", scheme) ? null : "Origin is not the host's own";
}

/** Same host and port; and over TLS same scheme, because anybody on the way can write pages of the plain one. */
function isOwnHost(origin: string, host: string, scheme: "http" | "https"): boolean {
  const isSecure = origin.startsWith("https://");
  if (!isSecure && (scheme === "https" || !origin.startsWith("http://"))) return false;
  // Browsers leave out the port that the scheme implies; Host may name it.
  const implied = isSecure ? ":443" : ":80";
  return withoutPort(origin.slice(isSecure ? 8 : 7), implied) === withoutPort(host.toLowerCase(), implied);
}

function withoutPort(authority: string, port: string): string {
  return authority.endsWith(port) ? authority.slice(0, -port.length) : authority;
}
