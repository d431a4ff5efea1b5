/** One server-sent event under the oracle: what flows read of it and write (docs/differences.md "EventFlow"). */
import type { Value } from "../outcome.ts";
import type { Transaction } from "./transaction.ts";

/** Its data lines, joined; null where it has none. */
export function dataOf(content: string): string | null {
  const lines = linesOf(content).filter(isData);
  return lines.length === 0 ? null : lines.map((line) => line.replace(/^data:? ?/, "")).join("\n");
}

/** False for what is no part of an event. Outside of an EventFlow nothing happens. */
export function writeEvent({ event }: Transaction, name: string, value: Value): boolean {
  const [, part] = /^response\.event\.current\.(content|data)$/.exec(name) ?? [];
  if (part === undefined) return false;
  if (event === null) return true;
  const text = String(value ?? "");
  if (part === "content") event.content = linesOf(text).join("\n");
  else if (text !== dataOf(event.content)) event.content = withData(event.content, text);
  return true;
}

/** The data lines of `content` give way to those of `text`. */
function withData(content: string, text: string): string {
  const before = linesOf(content);
  const written = text.split(/\r\n|\r|\n/).map((line) => `data: ${line}`);
  const first = before.findIndex(isData);
  const others = before.filter((line) => !isData(line));
  return others.toSpliced(first < 0 ? others.length : first, 0, ...written).join("\n");
}

/** Lines that are not empty: an empty one would end the event. */
function linesOf(text: string): string[] {
  return text.split(/\r\n|\r|\n/).filter((line) => line !== "");
}

function isData(line: string): boolean {
  return /^data(:|$)/.test(line);
}
