/** Expressions for values that the gateway reads when it starts, and for those that a bundle writes out. */
import type { FromEnv, SecretSource } from "../ir/model.ts";
import type { Plan } from "../ir/plan.ts";
import { settingKey } from "../setting-key.ts";
import { code, identifier, literal, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";

type Kind = Plan["settings"][number]["kind"];
type Source = string | number | FromEnv | SecretSource;

/** Writes expressions for values that may come from the environment. */
export class SettingValues {
  readonly #plan: Plan;
  readonly #file: FileWriter;

  constructor(plan: Plan, file: FileWriter) {
    this.#plan = plan;
    this.#file = file;
  }

  /** A string expression; null for what is not written. */
  text(source: Source | undefined, kind: Exclude<Kind, "port">): Code {
    if (source === undefined) return literal(null);
    if (typeof source !== "object") return literal(String(source));
    return this.#reference(source, kind);
  }

  /** A number expression. */
  port(source: number | FromEnv): Code {
    if (typeof source === "number") return literal(source);
    return code`Number(${this.#reference(source, "port")})`;
  }

  #reference(source: object, kind: Kind): Code {
    const key = settingKey(source, kind);
    const found = this.#plan.settings.find((setting) => setting.key === key);
    if (found === undefined) throw new TypeError("invariant: settings are registered by the analysis");
    return code`${this.#file.import("./settings.ts", "settings", "value")}.${identifier(found.id)}`;
  }
}
