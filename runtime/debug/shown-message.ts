/** The messages of a recorded exchange, as the admin API shows them: without credentials, bodies cut. */
import type { Exchange } from "../context.ts";
import type { ResponseMessage } from "../message/message.ts";
import type { Trace } from "../observe/trace.ts";
import type { Mask } from "./mask.ts";
import type { MaskedBody } from "./mask-rules.ts";

/** Characters of a body that are kept (apigee-core section 8.1). */
const BODY_CHARS_MAX = 10 * 1024;
/** Characters of a body that are looked at: what begins in front of the cut may end behind it. */
const LOOKED_AT_CHARS_MAX = 4 * BODY_CHARS_MAX;
/** Characters of one header's value that are kept. */
const HEADER_CHARS_MAX = 1_024;

export interface ShownHeader {
  readonly name: string;
  readonly value: string;
}

export interface ShownRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly version: string;
  readonly headers: readonly ShownHeader[];
  /** Null: there was none, or it streamed by unread. */
  readonly body: string | null;
}

export interface ShownResponse {
  readonly status: number;
  readonly headers: readonly ShownHeader[];
  readonly body: string | null;
}

/** Both messages at both ends. */
export interface ShownMessages {
  /** As it came. */
  readonly request: ShownRequest;
  /** As the target got it last; null where none was asked. */
  readonly targetRequest: (ShownRequest & { readonly afterMs: number }) | null;
  /** As the target's came; null where none did. */
  readonly targetResponse: (ShownResponse & { readonly afterMs: number }) | null;
  /** As it left; null where the client had left before. */
  readonly response: ShownResponse | null;
}

/** A request as it was written for a target. */
interface WrittenRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly lines: readonly string[];
}

/** Teaches a mask what these messages give away; first of all, because what one shows another may repeat. */
export function learnMessages(mask: Mask, trace: Trace, x: Exchange): void {
  const { request, answer } = trace;
  const sent = trace.sent === null ? null : writtenRequest(trace.sent);
  for (const lines of [request.lines, sent?.lines, answer?.lines, x.response?.lines]) learnLines(mask, lines ?? []);
  const requests = [trace.requestBody, trace.sentBody];
  const responses = [trace.answerBody, x.response?.content];
  for (const text of requests) if (typeof text === "string") mask.withoutPaths(REQUEST, text);
  for (const text of responses) if (typeof text === "string") mask.withoutPaths(ofResponse(x), text);
  for (const text of [request.path, request.query, sent?.target, ...requests, ...responses]) {
    if (typeof text === "string") mask.learnText(text.slice(0, LOOKED_AT_CHARS_MAX));
  }
}

const REQUEST: readonly MaskedBody[] = ["request"];

/** Behind a fault the masks of both hold. */
function ofResponse({ fault }: Exchange): readonly MaskedBody[] {
  return fault === null ? ["response"] : ["response", "fault"];
}

/** The messages, without what the mask hides. */
export function shownMessages(mask: Mask, trace: Trace, x: Exchange): ShownMessages {
  const { verb, path, query, version, lines } = trace.request;
  return {
    request: {
      method: verb,
      path: mask.text(path),
      query: query === null ? null : mask.text(query),
      version,
      headers: shownHeaders(mask, lines),
      body: shownBody(mask, REQUEST, trace.requestBody),
    },
    targetRequest: targetRequest(mask, trace),
    targetResponse: trace.answer === null ? null : {
      status: trace.answer.status,
      headers: shownHeaders(mask, trace.answer.lines),
      body: shownBody(mask, ofResponse(x), trace.answerBody),
      afterMs: Math.round(trace.answer.afterMs * 1_000) / 1_000,
    },
    response: x.response === null ? null : shownResponse(mask, x, x.response),
  };
}

function targetRequest(mask: Mask, { sent, sentBody, sentAfterMs }: Trace): ShownMessages["targetRequest"] {
  if (sent === null) return null;
  const { method, target, version, lines } = writtenRequest(sent);
  const at = target.indexOf("?");
  return {
    method,
    path: mask.text(at < 0 ? target : target.slice(0, at)),
    query: at < 0 ? null : mask.text(target.slice(at + 1)),
    version,
    headers: shownHeaders(mask, lines),
    body: shownBody(mask, REQUEST, sentBody),
    afterMs: Math.round((sentAfterMs ?? 0) * 1_000) / 1_000,
  };
}

function shownResponse(mask: Mask, x: Exchange, { status, lines, content }: ResponseMessage): ShownResponse {
  return { status, headers: shownHeaders(mask, lines), body: shownBody(mask, ofResponse(x), content) };
}

function shownBody(mask: Mask, whose: readonly MaskedBody[], body: string | null): string | null {
  if (body === null) return null;
  const shown = mask.withoutPaths(whose, body);
  return cut(mask.document(shown, BODY_CHARS_MAX), BODY_CHARS_MAX, shown.length);
}

function shownHeaders(mask: Mask, lines: readonly string[]): readonly ShownHeader[] {
  const headers: ShownHeader[] = [];
  for (let at = 0; at < lines.length; at += 2) {
    const name = lines[at] ?? "";
    const value = mask.header(name, lines[at + 1] ?? "");
    headers.push({ name, value: cut(value, HEADER_CHARS_MAX) });
  }
  return headers;
}

/** The beginning of a text, with a note of what it is the beginning of. */
export function cut(text: string, charsMax: number, chars = text.length): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax).toWellFormed()}… (${chars} characters)`;
}

function learnLines(mask: Mask, lines: readonly string[]): void {
  for (let at = 0; at < lines.length; at += 2) mask.learnHeader(lines[at] ?? "", lines[at + 1] ?? "");
}

/** What the one writer of heads wrote (head.ts): there is nothing to doubt in it. */
function writtenRequest(head: string): WrittenRequest {
  const [first = "", ...rest] = head.split("\r\n");
  const [method = "", target = "", version = ""] = first.split(" ");
  const lines = rest.filter((line) => line !== "").flatMap((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
  });
  return { method, target, version: version.replace("HTTP/", ""), lines };
}
