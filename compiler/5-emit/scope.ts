/** Where an expression stands: which file, which message is the current one, what names mean. */
import type { Condition } from "#runtime/language/condition.ts";
import type { Value } from "#runtime/language/operators.ts";
import type { FlowVariable } from "../flow-variable.ts";
import type { Code } from "./code.ts";
import type { FileWriter } from "./file.ts";

export interface Scope {
  readonly file: FileWriter;
  /** The message that `message.*` means here. */
  readonly messageKind: "request" | "response";
  variable(name: string): FlowVariable;
  /** What a variable is sure to hold here; undefined when that is not known. */
  known(name: string): Value | undefined;
  /** What a policy makes under a name. */
  messageType(name: string): "request" | "response" | null;
  /** The place of a message that a policy makes. */
  namedMessage(name: string): Code;
  /** An expression for a variable's value. */
  read(name: string): Code;
  /** The name of a condition that was decided before; null for others. */
  shared?(ast: Condition): Code | null;
  /** A statement that writes a variable for a policy, which is named when the value does not fit. */
  write(name: string, value: Code, policy: string): Code;
}
