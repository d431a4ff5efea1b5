/** The values that the gateway reads when it starts, each once, under a name of its own. */
import { settingKey } from "../setting-key.ts";
import type { FromEnv } from "../ir/model.ts";
import type { SettingPlan } from "../ir/plan.ts";
import type { Span } from "../source/positions.ts";

type Kind = SettingPlan["kind"];
/** A setting's source, or a literal, which is none. */
type Source = string | number | FromEnv | { readonly file: string | FromEnv } | undefined;

/** Collects settings; equal sources of one kind share one. */
export class Settings {
  readonly #byKey = new Map<string, SettingPlan>();
  readonly #ids = new Set<string>();

  /** In the order of first use. */
  get all(): readonly SettingPlan[] {
    return [...this.#byKey.values()];
  }

  /** Registers a source; literals need no reading, except the files that secrets and certificates stand in. */
  add(source: Source, kind: Kind, span: Span): void {
    if (source === undefined || typeof source === "number") return;
    if (typeof source === "string") return;
    const key = settingKey(source, kind);
    if (this.#byKey.has(key)) return;
    const request = { source, kind };
    this.#byKey.set(key, { id: this.#name(source), key, request, kind, span });
  }

  #name(source: Exclude<Source, string | number | undefined>): string {
    const raw = "env" in source ? source.env : typeof source.file === "string" ? source.file : source.file.env;
    const words = raw.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
    const camel = words.map((word, at) => (at === 0 ? lower(word) : capital(word))).join("");
    const base = /^[A-Za-z]/.test(camel) ? camel : `value${camel}`;
    let id = base;
    for (let count = 2; this.#ids.has(id); count++) id = `${base}${count}`;
    this.#ids.add(id);
    return id;
  }
}

function lower(word: string): string {
  return word === word.toUpperCase() ? word.toLowerCase() : word.charAt(0).toLowerCase() + word.slice(1);
}

function capital(word: string): string {
  const rest = word === word.toUpperCase() ? word.slice(1).toLowerCase() : word.slice(1);
  return word.charAt(0).toUpperCase() + rest;
}
