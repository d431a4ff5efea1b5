/**
 * Message templates, taken apart and expanded piece by piece (apigee-policies 5.2, docs/differences.md). Of the functions
 * those that show how arguments resolve; what each function makes of its text has tests of its own.
 */
import { raised } from "./faults.ts";
import type { Transaction } from "./transaction.ts";
import { read } from "./variables.ts";

/** A variable with its default. */
interface Reference {
  readonly name: string;
  readonly fallback: string | null;
}

/** A quoted text or a number, or a variable. */
type Argument = string | Reference;

interface Call {
  readonly call: (...texts: readonly string[]) => string;
  readonly args: readonly Argument[];
  /** Only the first argument with a value counts. */
  readonly isFirst: boolean;
}

type Piece = string | Reference | Call;

const functions: Readonly<Record<string, Call["call"]>> = {
  toUpperCase: (text = "") => text.toUpperCase(),
  toLowerCase: (text = "") => text.toLowerCase(),
  encodeBase64: (text = "") => btoa(String.fromCharCode(...new TextEncoder().encode(text))),
  substring: (text = "", from = "", to = "") => text.slice(Number(from), to === "" ? undefined : Number(to)),
  firstnonnull: (text = "") => text,
};

const BRACES = /(\{[A-Za-z_][A-Za-z0-9_.-]*(?::[^{}"\r\n]*|\([^{}"]*\))?\})/;

/** Takes a template apart. */
function pieces(template: string): Piece[] {
  const isQuoted = template.length > 1 && /^"[^"]*"$/.test(template);
  const text = isQuoted ? template.slice(1, -1) : template;
  return text
    .split(BRACES)
    .map((part, at) => (at % 2 === 0 ? part : inBraces(part.slice(1, -1))))
    .filter((part) => part !== "");
}

function inBraces(text: string): Piece {
  const [, name = "", list = ""] = /^([A-Za-z0-9]+)\((.*)\)$/.exec(text) ?? [];
  const call = functions[name];
  if (call === undefined) return reference(text);
  const args = list.split(",").map((argument): Argument => {
    if (argument.startsWith("'")) return argument.slice(1, -1);
    return /^-?\d+$/.test(argument) ? argument : reference(argument);
  });
  return { call, args, isFirst: name === "firstnonnull" };
}

function reference(text: string): Reference {
  const [name = "", ...fallback] = text.split(":");
  return { name, fallback: fallback.length === 0 ? null : fallback.join(":") };
}

/** Names of the variables that a template reads; arguments of which nothing is ever seen are not read. */
export function readBy(template: string): string[] {
  return pieces(template).flatMap((piece) => {
    if (typeof piece === "string") return [];
    if ("name" in piece) return [piece.name];
    const isSettled = piece.isFirst && typeof piece.args[0] === "string";
    return isSettled ? [] : piece.args.flatMap((argument) => (typeof argument === "string" ? [] : [argument.name]));
  });
}

/** True when a template cannot be expanded as things are: a variable without a default has no value. */
export function isUnresolved(t: Transaction, template: string): boolean {
  return pieces(template).some((piece) => {
    if (typeof piece === "string") return false;
    if ("name" in piece) return valueOf(t, piece) === null;
    const values = piece.args.map((argument) => valueOf(t, argument));
    return piece.isFirst ? values.every((value) => value === null) : values.includes(null);
  });
}

/** A template's text. `strict`: an unresolved variable without a default is the policy's fault. */
export function expand(t: Transaction, template: string, strict: string | null): string {
  const text = (argument: Argument): string => needed(valueOf(t, argument), argument);
  const needed = (value: string | null, ...args: readonly Argument[]): string => {
    if (value !== null) return value;
    if (strict === null) return "";
    const names = args.flatMap((argument) => (typeof argument === "string" ? [] : [argument.name]));
    throw raised("steps.assignmessage.UnresolvedVariable", strict, strict, ` ${names.join(", ")}`);
  };
  return pieces(template)
    .map((piece) => {
      if (typeof piece === "string" || "name" in piece) return text(piece);
      if (!piece.isFirst) return piece.call(...piece.args.map(text));
      return needed(piece.args.map((argument) => valueOf(t, argument)).find((value) => value !== null) ?? null, ...piece.args);
    })
    .join("");
}

function valueOf(t: Transaction, argument: Argument): string | null {
  if (typeof argument === "string") return argument;
  const value = read(t, argument.name);
  return value === null ? argument.fallback : String(value);
}
