/**
 * Message heads on their way through: what may not pass is taken out when a head comes in, and heads that go out are
 * written from checked text only, with the hop's own lines made here. It opens and writes to no socket.
 */
import { STATUS_CODES } from "node:http";
import {
  fieldValueKind, isToken, isVisible, sameName, VALUE_FORBIDDEN, VALUE_PLAIN, VALUE_WIDE,
} from "./field-grammar.ts";
import { fateOf, isNominable, NAME_FORWARDED, NAME_KEPT } from "./header-ownership.ts";
import type { HeaderOwnership } from "./header-ownership.ts";
import type { HeaderLines, Message, RequestMessage, ResponseMessage } from "./message.ts";

/** A head that was not written, because a part of it would have become something else on the wire. */
export interface HeadRefusal {
  /** Names the part, never its value. */
  readonly refused: string;
}

/** What a client offers in its upgrade, as it spelled it; lists that spanned lines are joined. */
export interface UpgradeOffer {
  readonly key: string;
  readonly protocols: string | null;
  readonly extensions: string | null;
}

/** Where a request came from, for the X-Forwarded headers. */
export interface Forwarded {
  /** The peer's address; added behind what the message has. */
  readonly for: string;
  /** "http" or "https"; used when the message has none. */
  readonly proto: string;
  /** Host as the client sent it; used when the message has none. */
  readonly host: string;
}

/** What the gateway adds to a request's own lines. */
export interface RequestHeadParts {
  /** Host of the target. */
  readonly host: string;
  /** Null for an ordinary request: then Connection says nothing. */
  readonly upgrade: UpgradeOffer | null;
  readonly forwarded: Forwarded | null;
  /** Lower-case names of the headers that go on; absent: all. */
  readonly retained?: ReadonlySet<string> | undefined;
}

/** A request to a target that may go out as it is. */
export interface OutgoingRequest {
  readonly verb: string;
  /** Path and query. */
  readonly target: string;
  readonly lines: HeaderLines;
}

/** What a verified 101 agreed on. */
export interface UpgradeAgreement {
  readonly accept: string;
  readonly protocol: string | null;
  readonly extensions: string | null;
}

/**
 * Takes out of a client's head what must not pass: hop-by-hop headers, those that Connection nominates, what belongs to
 * the gateway in any spelling, and forwarding headers unless this peer is trusted with them. An upgrade keeps
 * `Upgrade: websocket` and `Connection: Upgrade`, so that conditions can read them; they are written anew all the same.
 */
export function hygieneRequest(
  message: RequestMessage,
  ownership: HeaderOwnership,
  isUpgrade: boolean,
  trustsForwarding = false,
): void {
  const names = message.names;
  let dropped: string[] | null = null;
  for (let at = 0; at < names.length; at++) {
    const name = names[at] ?? "";
    const fate = fateOf(name, ownership);
    if (fate === NAME_KEPT || (fate === NAME_FORWARDED && trustsForwarding)) continue;
    if (isUpgrade && name === "upgrade") continue;
    if (name === "connection") {
      const value = message.lines[2 * at + 1] ?? "";
      if (isUpgrade && sameName(value, "upgrade")) continue;
      dropped = nominated(value, dropped);
      if (isUpgrade) continue;
    }
    (dropped ??= []).push(name);
  }
  if (dropped === null) return;
  for (const name of dropped) if (!isUpgrade || name !== "upgrade") message.removeHeader(name);
  if (isUpgrade) message.setHeader("Connection", "Upgrade");
}

/** The same for a target's head: hop-by-hop headers and those that Connection nominates. Framing headers stay. */
export function hygieneResponse(message: ResponseMessage): void {
  const names = message.names;
  let named: string[] | null = null;
  let hops = 0;
  for (let at = 0; at < names.length; at++) {
    const name = names[at] ?? "";
    if (!isResponseHop(name)) continue;
    hops++;
    const value = message.lines[2 * at + 1] ?? "";
    if (name === "connection" && !sameName(value, "upgrade")) named = nominated(value, named);
  }
  if (hops > 0) message.removeWhere(isResponseHop);
  if (named !== null) for (const name of named) message.removeHeader(name);
}

/** The headers that Connection names and may take away, added to `dropped`. */
function nominated(connection: string, dropped: string[] | null): string[] | null {
  for (const element of connection.toLowerCase().split(",")) {
    const name = element.trim();
    if (name !== "" && isNominable(name)) (dropped ??= []).push(name);
  }
  return dropped;
}

/**
 * True for a header that goes on where only those of a list do: one of them, or one without which a body or a handshake
 * means something else. Names are lower-case.
 */
export function isRetained(name: string, retained: ReadonlySet<string>): boolean {
  if (retained.has(name)) return true;
  switch (name) {
    case "content-type":
    case "content-encoding":
    case "content-range":
    case "content-length":
    case "connection":
    case "upgrade":
      return true;
    default:
      return name.startsWith("sec-websocket-");
  }
}

/** What an upgrade offers; null without a key. Take it before policies run, for it is the client's. */
export function upgradeOffer(message: Message): UpgradeOffer | null {
  const key = message.headerLine("sec-websocket-key");
  if (key === null) return null;
  return {
    key,
    protocols: message.headerJoined("sec-websocket-protocol"),
    extensions: message.headerJoined("sec-websocket-extensions"),
  };
}

/**
 * The request to a target as it goes out: everything checked, the hop's own lines and those that frame a body left out.
 * {@link writeRequestHead} makes text of it.
 */
export function outgoingRequest(message: RequestMessage, parts: RequestHeadParts): OutgoingRequest | HeadRefusal {
  const { upgrade, forwarded, host, retained } = parts;
  const { query } = message;
  const target = query === null ? message.path : `${message.path}?${query}`;
  // An upgrade is a GET, whatever flows made of it (RFC 6455 section 4.1).
  const verb = upgrade === null ? message.verb : "GET";
  if (!isToken(verb)) return { refused: "method" };
  if (!isVisible(target) || target.charCodeAt(0) !== 0x2f) return { refused: "request target" };
  if (!isVisible(host)) return { refused: "Host" };
  const out: HeaderLines = ["Host", host];
  const { lines, names } = message;
  let forwardedFor: string | null = null;
  let hasProto = false;
  let hasHost = false;
  for (let at = 0; at < names.length; at++) {
    const name = names[at] ?? "";
    if (isWrittenHere(name)) continue;
    const value = lines[2 * at + 1] ?? "";
    if (forwarded !== null && name.startsWith("x-forwarded-")) {
      if (name === "x-forwarded-for") {
        forwardedFor = forwardedFor === null ? value : `${forwardedFor}, ${value}`;
        continue;
      }
      hasProto ||= name === "x-forwarded-proto";
      hasHost ||= name === "x-forwarded-host";
    } else if (retained !== undefined && !isRetained(name, retained)) continue;
    if (!addLine(out, lines[2 * at] ?? "", value)) return { refused: headerLabel(name) };
  }
  if (forwarded === null) return { verb, target, lines: out };
  const chain = forwardedFor === null ? forwarded.for : `${forwardedFor}, ${forwarded.for}`;
  const isAdded = addLine(out, "X-Forwarded-For", chain)
    && (hasProto || addLine(out, "X-Forwarded-Proto", forwarded.proto))
    && (hasHost || addLine(out, "X-Forwarded-Host", forwarded.host));
  return isAdded ? { verb, target, lines: out } : { refused: "X-Forwarded-For" };
}

/**
 * The whole head of a request, empty line included. Write it as latin1. `framing`: the lines that frame a body, written
 * by the gateway itself.
 */
export function writeRequestHead(
  message: RequestMessage,
  parts: RequestHeadParts,
  framing: HeaderLines = [],
): string | HeadRefusal {
  const request = outgoingRequest(message, parts);
  if ("refused" in request) return request;
  const { lines } = request;
  let head = `${request.verb} ${request.target} HTTP/1.1\r\n`;
  for (let at = 0; at < lines.length; at += 2) head += `${lines[at] ?? ""}: ${lines[at + 1] ?? ""}\r\n`;
  for (let at = 0; at < framing.length; at += 2) head += `${framing[at] ?? ""}: ${framing[at + 1] ?? ""}\r\n`;
  return parts.upgrade === null ? `${head}\r\n` : `${head}${offerLines(parts.upgrade)}\r\n`;
}

/** The whole head of a response, empty line included; an empty reason becomes the standard one. Write it as latin1. */
export function writeResponseHead(status: number, reason: string, lines: HeaderLines): string | HeadRefusal {
  if (fieldValueKind(reason) !== VALUE_PLAIN) return { refused: "reason phrase" };
  const fields = fieldLines(lines);
  if (typeof fields !== "string") return fields;
  return `HTTP/1.1 ${status} ${reason === "" ? (STATUS_CODES[status] ?? "") : reason}\r\n${fields}\r\n`;
}

/** The head of the 101 to a client: the agreement written anew, every other end-to-end line kept. */
export function write101(message: ResponseMessage, agreement: UpgradeAgreement): string | HeadRefusal {
  let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${agreement.accept}\r\n`;
  if (agreement.protocol !== null) head += `Sec-WebSocket-Protocol: ${agreement.protocol}\r\n`;
  if (agreement.extensions !== null) head += `Sec-WebSocket-Extensions: ${agreement.extensions}\r\n`;
  const { lines, names } = message;
  for (let at = 0; at < names.length; at++) {
    const name = names[at] ?? "";
    if (isWrittenHere(name) || isResponseHop(name)) continue;
    const line = fieldLine(lines[2 * at] ?? "", lines[2 * at + 1] ?? "");
    if (line === null) return { refused: headerLabel(name) };
    head += line;
  }
  return `${head}\r\n`;
}

/** Both checked when they came in: key, protocols and extensions by the guards, so they are written as they are. */
function offerLines(offer: UpgradeOffer): string {
  let lines = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    `Sec-WebSocket-Key: ${offer.key}\r\n`;
  if (offer.protocols !== null) lines += `Sec-WebSocket-Protocol: ${offer.protocols}\r\n`;
  if (offer.extensions !== null) lines += `Sec-WebSocket-Extensions: ${offer.extensions}\r\n`;
  return lines;
}

/** Header lines as text, for heads that are no message's. */
export function fieldLines(lines: readonly string[]): string | HeadRefusal {
  let text = "";
  for (let at = 0; at < lines.length; at += 2) {
    const line = fieldLine(lines[at] ?? "", lines[at + 1] ?? "");
    if (line === null) return { refused: headerLabel(lines[at] ?? "") };
    text += line;
  }
  return text;
}

/** Adds a line that goes out, its value in single bytes. False: it would become something else on the wire. */
function addLine(out: HeaderLines, name: string, value: string): boolean {
  const kind = fieldValueKind(value);
  if (!isToken(name) || kind === VALUE_FORBIDDEN) return false;
  out.push(name, kind === VALUE_PLAIN ? value : singleBytes(value));
  return true;
}

/**
 * One header line, null when its name is no token or its value holds a control character. Characters above U+00FF,
 * which only policies can bring, go out as UTF-8.
 */
function fieldLine(name: string, value: string): string | null {
  if (!isToken(name)) return null;
  const kind = fieldValueKind(value);
  if (kind === VALUE_PLAIN) return `${name}: ${value}\r\n`;
  return kind === VALUE_FORBIDDEN ? null : `${name}: ${singleBytes(value)}\r\n`;
}

/** The value in characters that are one byte each: as it is, or its UTF-8 when it holds others. */
function singleBytes(value: string): string {
  return fieldValueKind(value) === VALUE_WIDE ? Buffer.from(value, "utf8").toString("latin1") : value;
}

function headerLabel(name: string): string {
  return isToken(name) ? `header ${name}` : "header name";
}

/** Lines of a message that never go out as they are (lower-case): the gateway writes its own, or none. */
function isWrittenHere(name: string): boolean {
  switch (name.length) {
    case 2: return name === "te";
    case 4: return name === "host";
    case 7: return name === "upgrade" || name === "trailer";
    case 10: return name === "connection" || name === "keep-alive";
    case 14: return name === "content-length" || name === "http2-settings";
    case 16: return name === "proxy-connection";
    case 17: return name === "transfer-encoding" || name === "sec-websocket-key";
    case 19: return name === "proxy-authorization";
    case 20: return name === "sec-websocket-accept";
    case 21: return name === "sec-websocket-version";
    case 22: return name === "sec-websocket-protocol";
    case 24: return name === "sec-websocket-extensions";
    default: return false;
  }
}

function isResponseHop(name: string): boolean {
  switch (name.length) {
    case 2: return name === "te";
    case 7: return name === "upgrade" || name === "trailer";
    case 10: return name === "connection" || name === "keep-alive";
    case 16: return name === "proxy-connection";
    case 17: return name === "transfer-encoding";
    default: return false;
  }
}
