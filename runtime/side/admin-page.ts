/**
 * The admin listener's page: one static document that holds no data. It is linked only where a bundle has it, and
 * served under a policy that lets nothing but the page's own script and style run.
 */
import type { IncomingMessage } from "node:http";
import { errorAnswer, type Answer } from "./answer.ts";
import { html, scriptHash, styleHash } from "./page.generated.js";

/**
 * Nothing may be loaded, framed or sent elsewhere, and no text becomes markup: the page's script has no way to turn
 * strings into elements that the browser would let pass (Trusted Types).
 */
const securityPolicy = (): string =>
  [
    "default-src 'none'",
    `script-src '${scriptHash}'`,
    `style-src '${styleHash}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");

/** What the page's first element says of who asks: with a client certificate nobody has to type a secret. */
const SECRET_NEEDED = 'data-secret="needed"';

/** `GET /`. `isKnown`: the connection itself says who it is. */
export function adminPage(request: IncomingMessage, isKnown: boolean): Answer {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return errorAnswer(405, "method_not_allowed", "Only GET is allowed here", { Allow: "GET, HEAD" });
  }
  const text = isKnown ? html.replace(SECRET_NEEDED, 'data-secret="not-needed"') : html;
  const isZipped = /(?:^|[, ])gzip(?:$|[, ;])/.test(request.headers["accept-encoding"] ?? "");
  return {
    status: 200,
    contentType: "text/html; charset=utf-8",
    body: isZipped ? process.getBuiltinModule("node:zlib").gzipSync(text) : text,
    headers: {
      "Content-Security-Policy": securityPolicy(),
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Referrer-Policy": "no-referrer",
      Vary: "Accept-Encoding",
      ...(isZipped ? { "Content-Encoding": "gzip" } : {}),
    },
  };
}
