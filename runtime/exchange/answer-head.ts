/**
 * What holds for the head of every answer to a client, whether node's server writes it or refusal-answer.ts: which
 * statuses have a body, what frames it, what a 426 says. It writes nothing.
 */
import { takesBody } from "../body/framing.ts";
import { fieldValueKind, VALUE_PLAIN } from "../message/field-grammar.ts";
import type { HeaderLines, ResponseMessage } from "../message/message.ts";

/**
 * The lines that go out: those of the message, then the length of its body where one is given, then what the status
 * asks for. `closes`: nothing follows on this connection.
 */
export function answerLines(response: ResponseMessage, bodyBytes: number | null, closes: boolean): HeaderLines {
  const lines = [...response.lines];
  if (bodyBytes !== null && takesBody(response.status)) lines.push("Content-Length", String(bodyBytes));
  if (response.status !== 426) return lines;
  // RFC 9110 section 15.5.22; a target's own Upgrade stood for its connection only.
  if (!response.names.includes("upgrade")) lines.push("Upgrade", "websocket");
  if (!closes) lines.push("Connection", "Upgrade");
  return lines;
}

/**
 * The reason phrase as it may be written; "" for the standard one. Node's reader lets a target's control characters in.
 */
export function plainReason({ reason }: ResponseMessage): string {
  return fieldValueKind(reason) === VALUE_PLAIN ? reason : "";
}
