/**
 * What Debug sessions show of variables: a table of those that steps read and write, and for each step which. Emitted
 * where a bundle has Debug sessions; the chains themselves do not change for it.
 */
import { conditionVariables } from "#runtime/language/condition.ts";
import { constantText } from "#runtime/language/template.ts";
import type { PlanStep, ProxyPlan } from "../ir/plan.ts";
import { code, join, literal, unbracketed, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";
import type { Scope } from "./scope.ts";

/** Variables that a credential policy fills for everybody (apigee-core section 6.6). */
const ADMITTED = ["client_id", "developer.app.name", "developer.email", "apiproduct.name"];

interface Uses {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

/** Collects while the traced chains of a proxy are written. */
export class TracedVariables {
  readonly #proxy: ProxyPlan;
  readonly #scope: (kind: "request" | "response") => Scope;
  readonly #isSecret: (variable: string) => boolean;
  readonly #rows: Code[] = [];
  /** Their indexes by their text. */
  readonly #places = new Map<string, number>();
  readonly #uses = new Map<number, Uses>();

  constructor(
    proxy: ProxyPlan,
    scope: (kind: "request" | "response") => Scope,
    isSecret: (variable: string) => boolean,
  ) {
    this.#proxy = proxy;
    this.#scope = scope;
    this.#isSecret = isSecret;
  }

  /** A step of a traced chain is written. */
  note(item: PlanStep, kind: "request" | "response"): void {
    if (this.#uses.has(item.index)) return;
    const { names, when } = item;
    const asked = when.kind === "test" ? conditionVariables(when.ast) : [];
    const reads = [...asked, ...readsOf(item)].map((name) => this.#row(name, item, kind));
    const writes = this.#written(item).map((name) => this.#row(names.get(name) ?? name, item, kind));
    this.#uses.set(item.index, { reads: [...new Set(reads)], writes: [...new Set(writes)] });
  }

  /** The table, as a constant of the file. */
  table(file: FileWriter, exchange: string): Code {
    const type = `readonly ${file.type("program.ts", "TracedVariable")}<${exchange}>[]`;
    const rows = this.#rows;
    return file.constant("variables", rows.length === 0 ? literal([]) : join([code`[`, ...rows, code`]`], "\n"), type);
  }

  /** By step, as a constant of the file. */
  uses(file: FileWriter): Code {
    const type = `readonly ${file.type("program.ts", "StepVariables")}[]`;
    const rows = this.#proxy.positions.map((_, at): Uses => this.#uses.get(at) ?? { reads: [], writes: [] });
    return file.constant("step variables", literal(rows.map(({ reads, writes }) => ({ reads, writes }))), type);
  }

  /** What the policy itself writes, what its actions do, and what others read of its results. */
  #written({ effects, step: { policy } }: PlanStep): readonly string[] {
    const { definition, model, name } = policy;
    const own = effects.flatMap((effect) => (effect.kind === "write" ? [effect.name] : []));
    const { variable } = this.#scope("request");
    const results = [...this.#proxy.reads].filter((read) => {
      const found = variable(read);
      const isResult = ["access", "issued", "jwt", "rate"].includes(found.kind);
      return isResult && "policy" in found && found.policy === name;
    });
    const admits = definition.variablePrefixes.some((prefix) => /^(?:verifyapikey|oauthv2accesstoken)$/.test(prefix));
    return [...own, ...(definition.touches?.(model) ?? []), ...results, ...(admits ? ADMITTED : [])];
  }

  #row(name: string, item: PlanStep, kind: "request" | "response"): number {
    const row = this.#code(name.replace(/^message\./, `${kind}.`), item, kind);
    const known = this.#places.get(row.text);
    if (known !== undefined) return known;
    this.#places.set(row.text, this.#rows.length);
    return this.#rows.push(row) - 1;
  }

  #code(name: string, { known, effects }: PlanStep, kind: "request" | "response"): Code {
    const scope = this.#scope(kind);
    const secret = this.#isSecret(name) ? [code`secret: true`] : [];
    const variable = scope.variable(name);
    const written = effects.find((effect) => effect.kind === "write" && effect.name === name);
    const text = written?.kind === "write" && written.text !== null ? constantText(written.text) : undefined;
    const value = known.get(name) ?? text;
    const hasPlace = variable.kind !== "custom" || this.#proxy.variables.includes(name);
    const read = hasPlace ? scope.read(name) : value === undefined ? null : literal(value);
    return code`{ ${join([code`name: ${name}`, ...secret, ...(read === null ? [] : [reader(read)])], ", ")} },`;
  }
}

/** What a step reads of others: behind a write of its own a name means what it wrote itself. */
function readsOf({ effects }: PlanStep): readonly string[] {
  const own = new Set<string>();
  return effects.flatMap(({ kind, name }) => {
    if (kind === "write") own.add(name);
    return kind === "read" && !own.has(name) ? [name] : [];
  });
}

/** How a value is read; what a string holds is no use of the exchange. */
function reader(read: Code): Code {
  const usesExchange = /\bx\b/.test(read.text.replace(/"(?:[^"\\]|\\.)*"/g, ""));
  return usesExchange ? code`read: (x) => ${unbracketed(read)}` : code`read: () => ${unbracketed(read)}`;
}
