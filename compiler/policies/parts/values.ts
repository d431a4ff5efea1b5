/** Shapes of values that several policies share: a text or a variable with a fallback. */
import type { RefOr } from "../../ir/model.ts";
import { code, literal, type Code } from "../../5-emit/code.ts";
import type { Path, PolicyAnalysis, PolicyEmit } from "../definition.ts";
import type { PolicyModel } from "../../ir/model.ts";

/** `{ ref: variable }`. */
export interface Ref {
  readonly ref: string;
}

/** Notes what a value reads. */
export function readsValue<M extends PolicyModel>(
  step: PolicyAnalysis<M>,
  value: RefOr<string | number> | Ref | undefined,
  at: Path,
): void {
  if (typeof value === "object") step.reads(value.ref, [...at, "ref"]);
}

/** An expression for a value's text, null when its variable does not resolve and there is no fallback. */
export function textCode<M extends PolicyModel>(e: PolicyEmit<M>, value: RefOr<string>): Code {
  if (typeof value === "string") return literal(value);
  const known = e.known(value.ref);
  if (known !== undefined && known !== null) return literal(String(known));
  const text = e.text(value.ref);
  return value.value === undefined ? text : code`(${text} ?? ${value.value})`;
}

/** An object literal that keeps its literal types, for constants. */
export function frozen(value: Code): Code {
  return code`${value} as const`;
}
