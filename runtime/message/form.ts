/**
 * Forms: bodies of the type application/x-www-form-urlencoded. Their pairs are read and edited as those of a query
 * (query.ts). What edits a body that is no form makes one of it.
 */
import type { Message } from "./message.ts";
import { addQueryParam, copiedParams, removeQueryParam, setQueryParam } from "./query.ts";

const FORM = "application/x-www-form-urlencoded";

/** True for a message whose Content-Type says that its body is urlencoded. */
export function isForm(message: Message): boolean {
  const type = message.headerLine("content-type");
  if (type === null || type.length < FORM.length) return false;
  const end = type.indexOf(";");
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase() === FORM;
}

/** Gives a parameter exactly one value. */
export function setFormParam(message: Message, name: string, value: string): void {
  message.content = setQueryParam(madeForm(message), name, value);
}

/** Adds a value to a parameter. */
export function addFormParam(message: Message, name: string, value: string): void {
  message.content = addQueryParam(madeForm(message), name, value);
}

/** Removes every value of a parameter; what is no form is left alone. */
export function removeFormParam(message: Message, name: string): void {
  if (isForm(message)) message.content = removeQueryParam(message.content, name) ?? "";
}

/** Removes all parameters; what is no form is left alone. */
export function removeFormParams(message: Message): void {
  if (isForm(message)) message.content = "";
}

/** Copies parameters, all or those with these names, in place of the destination's. */
export function copyFormParams(from: Message | null, to: Message, names: readonly string[] | null): void {
  if (from === null || from === to || !isForm(from)) return;
  const present = isForm(to) ? to.content : null;
  const copied = copiedParams(from.content, present, names);
  if (copied === present) return;
  if (!isForm(to)) to.setHeader("Content-Type", FORM);
  to.content = copied;
}

/** The form of a message; another body gives way to an empty one. */
function madeForm(message: Message): string {
  if (isForm(message)) return message.content ?? "";
  message.setHeader("Content-Type", FORM);
  return "";
}
