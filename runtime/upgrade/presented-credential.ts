/**
 * Credentials that browsers can send with an upgrade: in a subprotocol, a cookie or a query parameter, beside
 * Authorization. It takes them out of the request before any flow sees it, so that neither target nor log can; it
 * judges none.
 */
import type { UpgradeAgreement } from "../message/head.ts";
import type { RequestMessage } from "../message/message.ts";
import { queryParamValues, removeQueryParam } from "../message/query.ts";
import { prefixedToken } from "../token/bearer.ts";

/** One place where a credential may stand. */
export type CredentialSource =
  | { readonly from: "authorization" | "subprotocol" }
  | { readonly from: "cookie" | "queryParam"; readonly name: string };

/** What a request carried. */
export interface PresentedCredential {
  /** The key, token or ticket; null when there was none. A secret. */
  readonly value: string | null;
  /** Where it stood; null when there was none. */
  readonly source: CredentialSource["from"] | null;
  /** Subprotocol that the 101 names where the target chose none; null: it names none. May hold the credential. */
  readonly echo: string | null;
}

/** Takes the credential out of a request, or says what is wrong with it, quoting nothing. */
export type TakeCredential = (request: RequestMessage, isUpgrade: boolean) => PresentedCredential | string;

/** What one source gave. `value` null: nothing stood there. */
interface Found {
  readonly value: string | null;
  readonly echo: string | null;
}

const PROTOCOLS = "sec-websocket-protocol";
/** What pages offer beside their credential so that the answer need not repeat it. */
const PLAIN_ECHO = "bearer";
const PLAIN_FORM = "bearer.";
/** As Kubernetes' API server takes it: base64url, so that every token fits a subprotocol's grammar. */
const ENCODED_FORM = "base64url.bearer.authorization.k8s.io.";
/** What a decoded credential may hold: visible ASCII. */
const VISIBLE = /^[\x21-\x7e]+$/;
const NOTHING: Found = { value: null, echo: null };
const NONE: PresentedCredential = { value: null, source: null, echo: null };

/**
 * A function that takes the credential of the first source that has one, and clears all of them. In plain requests
 * cookies and subprotocols do not count: a foreign page's form would bring the cookie along.
 */
export function credentialFrom(sources: readonly CredentialSource[]): TakeCredential {
  return (request, isUpgrade) => {
    let taken = NONE;
    let echo: string | null = null;
    for (const source of sources) {
      const found = takeFrom(source, request);
      if (typeof found === "string") return found;
      echo ??= found.echo;
      const counts = isUpgrade || source.from === "authorization" || source.from === "queryParam";
      if (counts && found.value !== null && taken.value === null) {
        taken = { value: found.value, source: source.from, echo: null };
      }
    }
    return echo === null ? taken : { ...taken, echo };
  };
}

function takeFrom(source: CredentialSource, request: RequestMessage): Found | string {
  switch (source.from) {
    case "authorization":
      return fromAuthorization(request);
    case "subprotocol":
      return fromProtocols(request);
    case "cookie":
      return fromCookie(request, source.name);
    case "queryParam":
      return fromQuery(request, source.name);
  }
}

/** Another scheme than Bearer is somebody else's. */
function fromAuthorization(request: RequestMessage): Found {
  const line = request.headerLine("authorization");
  const value = line === null ? null : prefixedToken(line, "Bearer");
  if (value === null) return NOTHING;
  request.removeHeader("authorization");
  return { value, echo: null };
}

/** The guards have seen to it that these are distinct tokens. */
function fromProtocols(request: RequestMessage): Found | string {
  const offered = request.headerJoined(PROTOCOLS);
  if (offered === null || !offered.includes(PLAIN_ECHO)) return NOTHING;
  const kept: string[] = [];
  let credential: string | null = null;
  let hasEcho = false;
  for (const part of offered.split(",")) {
    const protocol = part.trim();
    if (protocol.startsWith(PLAIN_FORM) || protocol.startsWith(ENCODED_FORM)) {
      if (credential !== null) return "two subprotocols carry a credential";
      credential = protocol;
    } else if (protocol === PLAIN_ECHO) hasEcho = true;
    else kept.push(protocol);
  }
  if (credential === null) return NOTHING;
  const value = decoded(credential);
  if (value === null) return "the credential in Sec-WebSocket-Protocol cannot be read";
  if (kept.length === 0) request.removeHeader(PROTOCOLS);
  else request.setHeader(PROTOCOLS, kept.join(", "));
  // A browser that offered any fails without an answer; one that offered others wants the target to choose.
  const echo = hasEcho ? PLAIN_ECHO : kept.length === 0 ? credential : null;
  return { value, echo };
}

/** Null for what is none: empty, or base64url that another text would decode to as well (RFC 4648 section 3.5). */
function decoded(protocol: string): string | null {
  if (protocol.startsWith(PLAIN_FORM)) return protocol.slice(PLAIN_FORM.length) || null;
  const encoded = protocol.slice(ENCODED_FORM.length);
  const bytes = Buffer.from(encoded, "base64url");
  const text = bytes.toString("latin1");
  return bytes.toString("base64url") === encoded && VISIBLE.test(text) ? text : null;
}

/** The other cookies stay as they are (RFC 6265 section 5.4). */
function fromCookie(request: RequestMessage, name: string): Found | string {
  const { names, lines } = request;
  if (!names.includes("cookie")) return NOTHING;
  const kept: string[] = [];
  let value: string | null = null;
  for (let at = names.indexOf("cookie"); at >= 0; at = names.indexOf("cookie", at + 1)) {
    for (const part of (lines[2 * at + 1] ?? "").split(";")) {
      const pair = part.trim();
      const equals = pair.indexOf("=");
      if (equals < 0 || pair.slice(0, equals).trimEnd() !== name) {
        if (pair !== "") kept.push(pair);
        continue;
      }
      // Another host of the same site can set a second one of that name: which of them counts must not be luck.
      if (value !== null) return "the cookie with the credential stands twice";
      value = unquoted(pair.slice(equals + 1).trimStart());
    }
  }
  if (value === null) return NOTHING;
  if (kept.length === 0) request.removeHeader("cookie");
  else request.setHeader("cookie", kept.join("; "));
  return value === "" ? NOTHING : { value, echo: null };
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function fromQuery(request: RequestMessage, name: string): Found | string {
  const values = queryParamValues(request.query, name);
  if (values.length === 0) return NOTHING;
  if (values.length > 1) return "the query parameter with the credential stands twice";
  request.query = removeQueryParam(request.query, name);
  const value = values[0] ?? "";
  return value === "" ? NOTHING : { value, echo: null };
}

/** What the client is told: a browser wants one of the subprotocols that it offered, its credential among them. */
export function agreedWith(agreement: UpgradeAgreement, presented: PresentedCredential | null): UpgradeAgreement {
  const echo = presented?.echo ?? null;
  return echo === null || agreement.protocol !== null ? agreement : { ...agreement, protocol: echo };
}
