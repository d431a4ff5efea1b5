/**
 * A flow variable that a policy fills by name: who owns the header that it may be, and the check of what becomes a line
 * of a message. It decides no value.
 */
import type { Template } from "#runtime/language/template.ts";
import { code, literalText, type Code } from "../../5-emit/code.ts";
import type { PolicyModel } from "../../ir/model.ts";
import type { Path, PolicyAnalysis, PolicyEmit } from "../definition.ts";

/** A header of the request by its variable, with or without the number of a part. */
const HEADER_VARIABLE = /^(request|message)\.header\.(.+?)(\.[1-9][0-9]*)?$/;
/** Variables that are a line of a message. */
const LINE_VARIABLE = /^(request|response|message|error)\.(header\..+|reason\.phrase)$/;
const GATEWAY_HEADERS: readonly string[] = ["connection", "content-length", "host", "transfer-encoding", "upgrade"];

/**
 * Notes that the step writes a variable; of a header of the request, that clients cannot send it. `text`: what it
 * becomes, if a template.
 */
export function assignsVariable<M extends PolicyModel>(
  step: PolicyAnalysis<M>,
  name: string,
  at: Path,
  text: Template | null = null,
): void {
  step.writes(name, at, text);
  const [, message, header] = HEADER_VARIABLE.exec(name) ?? [];
  if (message === undefined || header === undefined) return;
  const isOwn = reportOwn(step, header, at);
  if (!isOwn && (message === "request" || step.phase === "request")) step.ownsHeader(header.toLowerCase());
}

/** The statement that writes `value`; empty where nobody reads the variable. */
export function assignedCode<M extends PolicyModel>(e: PolicyEmit<M>, name: string, value: Code): Code {
  return e.assign(name, LINE_VARIABLE.test(name) ? lineValue(e, value) : value);
}

/** A value that becomes a line: checked when it runs, unless it is a literal of tab and visible Latin-1. */
export function lineValue<M extends PolicyModel>(e: PolicyEmit<M>, value: Code): Code {
  const text = literalText(value);
  if (text !== null && /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text)) return value;
  return code`${e.symbol("headerValue")}(${e.name}, ${value})`;
}

/** True for headers that connections and handshakes are made of; lower-case or not. */
export function isGatewayHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return GATEWAY_HEADERS.includes(lower) || lower.startsWith("sec-websocket-");
}

/** Reports a header that only the gateway writes; true when it is one. */
export function reportOwn<M extends PolicyModel>(step: PolicyAnalysis<M>, name: string, at: Path): boolean {
  if (!isGatewayHeader(name)) return false;
  step.report("AGW3101", at, { name });
  return true;
}
