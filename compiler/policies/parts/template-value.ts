/** Texts of policies that must tell an unresolved variable from an empty one: a template, or a variable. */
import { neededVariables } from "#runtime/language/template.ts";
import { code, join, type Code } from "../../5-emit/code.ts";
import type { PolicyModel } from "../../ir/model.ts";
import type { Path, PolicyAnalysis, PolicyEmit } from "../definition.ts";
import type { Ref } from "./values.ts";

/** Notes what a text reads. */
export function readsTemplate<M extends PolicyModel>(step: PolicyAnalysis<M>, given: string | Ref, at: Path): void {
  if (typeof given === "string") step.template(given, at);
  else step.reads(given.ref, [...at, "ref"]);
}

/** An expression for a text; null where a variable that it needs has no value, or empty text for that one. */
export function templateValue<M extends PolicyModel>(
  e: PolicyEmit<M>,
  given: string | Ref,
  unresolved: "null" | "empty",
): Code {
  if (typeof given !== "string") return unresolved === "null" ? e.text(given.ref) : code`(${e.text(given.ref)} ?? "")`;
  const template = e.parse(given);
  const text = e.template(template, "empty");
  const needed = neededVariables(template);
  if (unresolved === "empty" || needed.length === 0) return text;
  const missing = needed.map((names) => {
    const nulls = join(names.map((name) => code`${e.variable(name)} === null`), " && ");
    return names.length > 1 && needed.length > 1 ? code`(${nulls})` : nulls;
  });
  return code`(${join(missing, " || ")} ? null : ${text})`;
}
