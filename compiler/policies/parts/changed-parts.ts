/**
 * Which parts of messages the actions of AssignMessage change: for readers of conditions that want to know what stays.
 */
import { flowVariable } from "../../flow-variable.ts";
import type { MessagePart } from "../definition.ts";
import type { ActionModel, NamesModel } from "./message-model.ts";

/** Parts by name; null where it may be any: actions that are not of the simple kinds. */
export function changedParts(actions: readonly ActionModel[]): readonly MessagePart[] | null {
  const parts = actions.map(partsOf);
  return parts.includes(null) ? null : parts.flatMap((part) => part ?? []);
}

function partsOf({ set, add, remove, assignVariable, ...others }: ActionModel): readonly MessagePart[] | null {
  if (Object.keys(others).length > 0) return null;
  const keys = Object.keys({ ...set, ...add, ...remove }).filter((key) => key !== "headers");
  const parts = keys.map(partOf);
  const headers = [set?.headers, add?.headers, remove?.headers].flatMap(headersOf);
  const variable = assignVariable === undefined ? [] : [assigned(assignVariable.name)];
  const all = [...parts, ...variable];
  return all.includes(null) ? null : [...headers, ...all.flatMap((part) => part ?? [])];
}

/** Null: not one of those that are understood here. */
function partOf(key: string): readonly MessagePart[] | null {
  if (key === "queryParams") return ["query"];
  if (key === "verb") return ["verb"];
  if (key === "statusCode") return ["status"];
  return key === "reasonPhrase" ? [] : null;
}

function headersOf(names: NamesModel | Readonly<Record<string, string>> | undefined): readonly MessagePart[] {
  if (names === undefined) return [];
  if (names === true) return ["headers"];
  const list: readonly string[] = Array.isArray(names) ? names : Object.keys(names);
  return list.map((name): MessagePart => `header ${name.toLowerCase()}`);
}

function assigned(name: string): readonly MessagePart[] | null {
  const variable = flowVariable(name, () => false);
  if (variable.kind === "custom") return [];
  if (variable.kind === "header") return [`header ${variable.name}`];
  return variable.kind === "queryParam" ? ["query"] : null;
}
