/**
 * How the body of a target's answer ends (RFC 9112 section 6.3), strictly: what is in doubt is refused. It reads none.
 */
import { sameName } from "../message/field-grammar.ts";
import { contentLength } from "../exchange/guard.ts";
import type { ResponseMessage } from "../message/message.ts";

/** How an answer's body ends. `bytes` is null where only reading will tell. */
export interface AnswerFraming {
  readonly kind: "none" | "length" | "chunked" | "close";
  readonly bytes: number | null;
}

/** How the body of an answer ends, or text that says why that is in doubt. `isHead`: the request was a HEAD. */
export function answerFraming(head: ResponseMessage, version: string, isHead = false): AnswerFraming | string {
  const encoding = head.headerJoined("transfer-encoding");
  const length = head.headerJoined("content-length");
  if (encoding !== null && length !== null) return "answer has both Content-Length and Transfer-Encoding";
  if (encoding !== null && version !== "1.1") return "answer has Transfer-Encoding in HTTP/1.0";
  if (encoding !== null && !sameName(encoding, "chunked")) return "answer has an unknown Transfer-Encoding";
  const bytes = length === null ? null : contentLength(length);
  if (bytes !== null && bytes < 0) return "answer has an invalid or repeated Content-Length";
  if (isHead || head.status === 204 || head.status === 304) return { kind: "none", bytes: 0 };
  if (encoding !== null) return { kind: "chunked", bytes: null };
  if (bytes === null) return { kind: "close", bytes: null };
  return bytes === 0 ? { kind: "none", bytes } : { kind: "length", bytes };
}

/** True when a head that can have no body (1xx) announces one (RFC 9110 section 8.6, RFC 9112 section 6.1). */
export function announcesBody(head: ResponseMessage): boolean {
  return head.names.includes("content-length") || head.names.includes("transfer-encoding");
}
