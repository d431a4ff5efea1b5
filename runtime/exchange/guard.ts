/**
 * What a request must be before anything of a bundle sees it: framing, Host and target form for every request, RFC 6455
 * section 4.2.1 for upgrades. It judges heads; it writes no answer and changes nothing.
 */
import { isIPv6 } from "node:net";
import { isBase64Text, isHostName, listHas, sameName, tokenList } from "../message/field-grammar.ts";
import type { CoreFaultCode } from "../fault.ts";
import type { Limits } from "../limits.ts";
import { absoluteAuthority } from "./path.ts";
import { extensionNames } from "../upgrade/extension-list.ts";

/** What the guards look at; node's IncomingMessage has all of it. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly httpVersion: string;
  readonly url?: string | undefined;
  /** Name, value, name, value ... as received. */
  readonly rawHeaders: readonly string[];
}

/** A request that goes no further. */
export interface Refusal {
  readonly status: number;
  readonly code: CoreFaultCode;
  /** For the answer's body and the log; quotes nothing of the request. */
  readonly reason: string;
  /** True when the connection must close behind the answer, because where the request ends is in doubt. */
  readonly close: boolean;
  /** Header lines the answer needs, name and value in turn. */
  readonly extraHeaders: readonly string[];
}

/** Every guard by its name. */
export const guards = {
  versionUnsupported: row(505, "only HTTP/1.1 and HTTP/1.0 are spoken here", true),
  targetTooLong: row(414, "request target is too long", false, { code: "protocol.http.TooBigLine" }),
  targetForm: row(400, "request target is neither a path nor an http URL", false),
  headersTooMany: row(431, "too many header lines", true, { code: "protocol.http.TooBigHeaders" }),
  hostMissing: row(400, "Host is missing", true),
  hostRepeated: row(400, "Host", true, { code: "protocol.http.DuplicateHeader" }),
  hostInvalid: row(400, "Host is not a host and port", true),
  authorityDiffers: row(400, "request target and Host name different authorities", true),
  lengthAndEncoding: row(400, "Content-Length and Transfer-Encoding stand together", true),
  lengthRepeated: row(400, "Content-Length", true, { code: "protocol.http.DuplicateHeader" }),
  lengthInvalid: row(400, "Content-Length is not a number", true),
  encodingInHttp10: row(400, "Transfer-Encoding needs HTTP/1.1", true),
  encodingUnknown: row(501, "Transfer-Encoding is not exactly chunked", true),
  authorizationRepeated: row(400, "Authorization", false, { code: "protocol.http.DuplicateHeader" }),
  contentTypeRepeated: row(400, "Content-Type", false, { code: "protocol.http.DuplicateHeader" }),
  originRepeated: row(400, "Origin", false, { code: "protocol.http.DuplicateHeader" }),
  expectationUnknown: row(417, "Expect is not 100-continue", false),
  upgradeMethod: row(400, "a WebSocket upgrade is a GET", true),
  upgradeVersion: row(400, "a WebSocket upgrade needs HTTP/1.1", true),
  upgradeToken: row(400, "Upgrade is not exactly websocket", false),
  upgradeConnection: row(400, "Connection does not name upgrade", false),
  upgradeBody: row(400, "a WebSocket upgrade has no body", true),
  webSocketVersionRepeated: row(400, "Sec-WebSocket-Version is repeated", false),
  webSocketVersion: row(426, "only version 13 is spoken here", false, {
    code: "protocol.websocket.UnsupportedVersion",
    // RFC 9110 section 15.5.22 asks for Upgrade, section 7.8 for Connection beside it.
    extraHeaders: ["Sec-WebSocket-Version", "13", "Upgrade", "websocket", "Connection", "Upgrade"],
  }),
  keyMissing: row(400, "Sec-WebSocket-Key is missing", false),
  keyRepeated: row(400, "Sec-WebSocket-Key is repeated", false),
  keyInvalid: row(400, "Sec-WebSocket-Key is not 16 bytes in base64", false),
  protocolsInvalid: row(400, "Sec-WebSocket-Protocol is not a list of distinct tokens", false),
  extensionsInvalid: row(400, "Sec-WebSocket-Extensions breaks its grammar", false),
} as const satisfies Record<string, Refusal>;

/**
 * True when a request asks for a WebSocket, rightly or wrongly: some element of Upgrade names the protocol `websocket`.
 * For node's `shouldUpgradeCallback`; every other upgrade token is ignored, as RFC 9110 section 7.8 permits.
 */
export function isWebSocketUpgrade(request: { readonly rawHeaders: readonly string[] }): boolean {
  const lines = request.rawHeaders;
  for (let at = 0; at < lines.length; at += 2) {
    const name = lines[at] ?? "";
    if (name.length === 7 && sameName(name, "upgrade") && namesWebSocket(lines[at + 1] ?? "")) return true;
  }
  return false;
}

/** The first guard that stops this request, null when all let it pass. */
export function guardRequest(request: RequestHead, limits: Limits): Refusal | null {
  const target = request.url ?? "";
  const version = request.httpVersion;
  if (version !== "1.1" && version !== "1.0") return guards.versionUnsupported;
  if (target.length > limits.requestTargetBytesMax) return guards.targetTooLong;
  if (request.rawHeaders.length > 2 * limits.requestHeadersMax) return guards.headersTooMany;
  const head = readGuarded(request.rawHeaders);
  if (head.host === null) return guards.hostMissing;
  if (head.hosts > 1) return guards.hostRepeated;
  if (!isHost(head.host)) return guards.hostInvalid;
  if (target.charCodeAt(0) !== 0x2f) {
    const authority = absoluteAuthority(target);
    if (authority === null) return guards.targetForm;
    if (authority.toLowerCase() !== head.host.toLowerCase()) return guards.authorityDiffers;
  }
  const framing = guardFraming(head, version);
  if (framing !== null) return framing;
  if (head.authorizations > 1) return guards.authorizationRepeated;
  if (head.contentTypes > 1) return guards.contentTypeRepeated;
  if (head.origins > 1) return guards.originRepeated;
  // RFC 9110 section 10.1.1: of an HTTP/1.0 client it means nothing.
  const expects = version === "1.1" && head.expect !== null;
  if (expects && !listHas(head.expect ?? "", "100-continue")) return guards.expectationUnknown;
  return head.upgrade !== null && namesWebSocket(head.upgrade) ? guardUpgrade(request, head, limits) : null;
}

/** RFC 9112 section 6.1 and 6.3: nothing about where the body ends may be open. */
function guardFraming(head: GuardedHead, version: string): Refusal | null {
  if (head.length === null && head.encoding === null) return null;
  if (head.length !== null && head.encoding !== null) return guards.lengthAndEncoding;
  if (head.lengths > 1) return guards.lengthRepeated;
  if (head.length !== null) return contentLength(head.length) < 0 ? guards.lengthInvalid : null;
  if (version !== "1.1") return guards.encodingInHttp10;
  return head.encoding !== null && sameName(head.encoding, "chunked") ? null : guards.encodingUnknown;
}

function guardUpgrade(request: RequestHead, head: GuardedHead, limits: Limits): Refusal | null {
  if (request.method !== "GET") return guards.upgradeMethod;
  if (request.httpVersion !== "1.1") return guards.upgradeVersion;
  if (head.upgrade === null || !sameName(head.upgrade, "websocket")) return guards.upgradeToken;
  if (head.connection === null || !listHas(head.connection, "upgrade")) return guards.upgradeConnection;
  if (head.encoding !== null) return guards.upgradeBody;
  if (head.length !== null && contentLength(head.length) !== 0) return guards.upgradeBody;
  if (head.versions > 1) return guards.webSocketVersionRepeated;
  if (head.version !== "13") return guards.webSocketVersion;
  if (head.key === null) return guards.keyMissing;
  if (head.keys > 1) return guards.keyRepeated;
  if (!isWebSocketKey(head.key)) return guards.keyInvalid;
  if (head.protocols !== null && !areProtocols(head.protocols, limits)) return guards.protocolsInvalid;
  if (head.extensions !== null && extensionNames(head.extensions, limits.handshakeTokensMax) === null) {
    return guards.extensionsInvalid;
  }
  return null;
}

/**
 * The number of a Content-Length, -1 when it is none: digits only, no sign, no list, and exact as a number
 * (RFC 9110 section 8.6).
 */
export function contentLength(value: string): number {
  if (value.length === 0 || value.length > 16) return -1;
  let bytes = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    bytes = 10 * bytes + digit;
  }
  return Number.isSafeInteger(bytes) ? bytes : -1;
}

/** What the guards need of the header lines, found in one pass. Lists that may span lines are joined. */
interface GuardedHead {
  host: string | null;
  hosts: number;
  length: string | null;
  lengths: number;
  encoding: string | null;
  upgrade: string | null;
  connection: string | null;
  expect: string | null;
  version: string | null;
  versions: number;
  key: string | null;
  keys: number;
  protocols: string | null;
  extensions: string | null;
  authorizations: number;
  contentTypes: number;
  origins: number;
}

function readGuarded(lines: readonly string[]): GuardedHead {
  const head: GuardedHead = {
    host: null, hosts: 0, length: null, lengths: 0, encoding: null, upgrade: null, connection: null,
    expect: null, version: null, versions: 0, key: null, keys: 0, protocols: null, extensions: null,
    authorizations: 0, contentTypes: 0, origins: 0,
  };
  for (let at = 0; at < lines.length; at += 2) {
    readLine(head, lines[at] ?? "", lines[at + 1] ?? "");
  }
  return head;
}

/** The length of a name tells nearly all apart, so that most lines cost one comparison of numbers. */
function readLine(head: GuardedHead, name: string, value: string): void {
  switch (name.length) {
    case 4:
      if (!sameName(name, "host")) return;
      head.hosts++;
      head.host ??= value;
      return;
    case 6:
      if (sameName(name, "origin")) head.origins++;
      else if (sameName(name, "expect")) head.expect = joined(head.expect, value);
      return;
    case 7:
      if (sameName(name, "upgrade")) head.upgrade = joined(head.upgrade, value);
      return;
    case 10:
      if (sameName(name, "connection")) head.connection = joined(head.connection, value);
      return;
    case 12:
      if (sameName(name, "content-type")) head.contentTypes++;
      return;
    case 13:
      if (sameName(name, "authorization")) head.authorizations++;
      return;
    case 14:
      if (!sameName(name, "content-length")) return;
      head.lengths++;
      head.length ??= value;
      return;
    case 17:
      if (sameName(name, "transfer-encoding")) head.encoding = joined(head.encoding, value);
      else if (sameName(name, "sec-websocket-key")) {
        head.keys++;
        head.key ??= value;
      }
      return;
    case 21:
      if (!sameName(name, "sec-websocket-version")) return;
      head.versions++;
      head.version ??= value;
      return;
    case 22:
      if (sameName(name, "sec-websocket-protocol")) head.protocols = joined(head.protocols, value);
      return;
    case 24:
      if (sameName(name, "sec-websocket-extensions")) head.extensions = joined(head.extensions, value);
  }
}

function joined(before: string | null, value: string): string {
  return before === null ? value : `${before},${value}`;
}

/** Host and optional port (RFC 9110 section 7.2), narrower than the URI grammar: no escapes, no user information. */
function isHost(text: string): boolean {
  const bracket = text.charCodeAt(0) === 0x5b ? text.indexOf("]") : -1;
  const colon = text.indexOf(":", bracket + 1);
  const name = colon < 0 ? text : text.slice(0, colon);
  if (colon >= 0 && !isPort(text.slice(colon + 1))) return false;
  if (bracket < 0) return isHostName(name) && name.length <= 255;
  return bracket === name.length - 1 && name.indexOf("%") < 0 && isIPv6(name.slice(1, -1));
}

function isPort(text: string): boolean {
  const port = contentLength(text);
  return port >= 0 && port <= 65_535 && text.length <= 5;
}

function namesWebSocket(upgrade: string): boolean {
  if (sameName(upgrade, "websocket")) return true;
  for (const element of upgrade.toLowerCase().split(",")) {
    const protocol = element.trim();
    if (protocol === "websocket" || protocol.startsWith("websocket/")) return true;
  }
  return false;
}

/** 22 characters and two of padding. The last one's four spare bits are free: WebSocket servers take them so. */
function isWebSocketKey(key: string): boolean {
  return key.length === 24 && key.endsWith("==") && isBase64Text(key.slice(0, 22));
}

function areProtocols(list: string, limits: Limits): boolean {
  const tokens = tokenList(list, limits.handshakeTokensMax);
  return tokens !== null && (tokens.length === 1 || new Set(tokens).size === tokens.length);
}

/* @__NO_SIDE_EFFECTS__ */ function row(
  status: number,
  reason: string,
  close: boolean,
  { code = "protocol.http.BadRequest", extraHeaders = [] }: Partial<Pick<Refusal, "code" | "extraHeaders">> = {},
): Refusal {
  return { status, code, reason, close, extraHeaders };
}
