/**
 * What the code that AssignMessage and RaiseFault turn into needs at run time: values checked before they become part
 * of a message. The edits themselves are emitted in place.
 */
import { Buffer } from "node:buffer";
import type { Value } from "../context.ts";
import { fault } from "../fault.ts";
import { fieldValueKind, isToken, VALUE_FORBIDDEN, VALUE_WIDE } from "../message/field-grammar.ts";
import { RequestMessage, ResponseMessage, type Message } from "../message/message.ts";
import { copiedParams } from "../message/query.ts";

const NO_BYTES: Buffer = /* @__PURE__ */ Buffer.alloc(0);

/** A template or ref met a variable without a value, and the policy does not ignore that. */
export function unresolved(policy: string, variable: string): never {
  const made = fault("steps.assignmessage.UnresolvedVariable", policy, policy);
  throw { ...made, text: `${made.text} ${variable}` };
}

/** A variable's value as it is; unresolved is a fault. */
export function needValue(value: Value, policy: string, variable: string): Value {
  return value ?? unresolved(policy, variable);
}

/** A variable's value as it is, else the fallback. */
export function valueOr(value: Value, fallback: Value): Value {
  return value ?? fallback;
}

/**
 * A header's value. Control characters (CR, LF, NUL above all) are refused, so that no value becomes a header of its
 * own; characters that do not fit into a byte are written as UTF-8.
 */
export function headerValue(policy: string, given: Value): string {
  const value = given === null ? "" : String(given);
  const kind = fieldValueKind(value);
  if (kind === VALUE_FORBIDDEN) throw fault("steps.assignmessage.SetVariableFailed", policy, policy);
  return kind === VALUE_WIDE ? Buffer.from(value, "utf8").toString("latin1") : value;
}

/** A final status: 200 to 599. */
export function statusCode(policy: string, value: string): number {
  const status = /^[2-5][0-9]{2}$/.test(value) ? Number(value) : 0;
  if (status === 0) throw fault("steps.assignmessage.SetVariableFailed", policy, policy);
  return status;
}

/** A method: an HTTP token, in upper case. */
export function requestMethod(policy: string, value: string): string {
  if (!isToken(value)) throw fault("steps.assignmessage.SetVariableFailed", policy, policy);
  return value.toUpperCase();
}

/** The answer to an upgrade that the target accepted can have neither another status nor a body. */
export function switchedProtocols(policy: string): never {
  throw fault("steps.assignmessage.SetVariableFailed", policy, policy);
}

/** Removes every header but those by which the gateway frames messages and upgrades. */
export function removeHeaders(message: Message): void {
  for (const name of new Set(message.names)) if (!isFraming(name)) message.removeHeader(name);
}

/** `createNew` without a name: of the flow's own message nothing stays but how the connection frames it. */
export function renewMessage(message: RequestMessage | ResponseMessage): void {
  removeHeaders(message);
  message.content = "";
  if (message instanceof ResponseMessage) {
    message.status = 200;
    message.reason = "";
  } else {
    message.verb = "GET";
    message.query = null;
  }
}

/** A request of a policy's own. */
export function newRequest(): RequestMessage {
  const message = new RequestMessage("GET", "/", null, "1.1", []);
  message.content = "";
  return message;
}

/** A response of a policy's own. */
export function newResponse(): ResponseMessage {
  const message = new ResponseMessage(200, "", []);
  message.content = "";
  return message;
}

/** `createNew: false`: the message must have been made before. */
export function needMessage<M extends Message>(message: M | null, policy: string): M {
  if (message === null) throw fault("steps.assignmessage.VariableOfNonMsgType", policy, policy);
  return message;
}

/** Copies the body; nothing where there is no source. */
export function copyPayload(from: Message | null, to: Message): void {
  if (from !== null && from !== to) to.rewrite(from.body ?? NO_BYTES);
}

/** Copies query parameters, all or those with these names, in place of the destination's. */
export function copyQueryParams(
  from: RequestMessage | null,
  to: RequestMessage,
  names: readonly string[] | null,
): void {
  if (from === null || from === to) return;
  to.query = copiedParams(from.query, to.query, names);
}

/**
 * Copies headers, all or those with these lower-case names, in place of the destination's; framing is never copied.
 */
export function copyHeaders(from: Message | null, to: Message, names: readonly string[] | null): void {
  if (from === null || from === to) return;
  for (const name of new Set(from.names)) {
    if (isFraming(name) || (names !== null && !names.includes(name))) continue;
    to.removeHeader(name);
    for (let at = 0; at < from.lines.length; at += 2) {
      if (from.names[at / 2] === name) to.addHeader(from.lines[at] ?? name, from.lines[at + 1] ?? "");
    }
  }
}

/**
 * Headers that belong to one connection or to the handshake, and Host, which the target decides. Lower-case names.
 */
function isFraming(name: string): boolean {
  switch (name) {
    case "connection":
    case "content-length":
    case "host":
    case "transfer-encoding":
    case "upgrade":
      return true;
    default:
      return name.startsWith("sec-websocket-");
  }
}
