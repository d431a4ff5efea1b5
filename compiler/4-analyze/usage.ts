/** Which variables and headers the chains of one proxy read, write and own. */
import {
  flowPlaceVariables, flowVariable, isAbsent, isSentByBrowsers,
  type FlowPlaceVariable, type FlowVariable, type NamedMessage,
} from "../flow-variable.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { nearest } from "../diagnostics/nearest.ts";
import { conditionVariables } from "#runtime/language/condition.ts";
import type { ProgramEndpoint, ProgramProxy } from "../ir/program.ts";
import { conditionsOfProxy, policiesOfProxy } from "../program-walk.ts";
import type { Span } from "../source/positions.ts";

/** A part of a message, as `#place` names it. */
const PART = /^(.+)\.(header|queryparam|formparam)\.(.+)$/;

/** Collects while the chains of a proxy are walked. */
export class Usage {
  readonly ownedHeaders = new Set<string>();
  /** Variables about the running flow that are read anywhere, so that flows must announce themselves. */
  readonly flowPlaces: readonly FlowPlaceVariable[];
  /** Messages that policies make, the longer names first; what the first policy says of a name counts. */
  readonly messages: readonly NamedMessage[];
  readonly #policies: ReadonlySet<string>;
  readonly #reads = new Map<string, Span>();
  readonly #writes = new Set<string>();
  readonly #kept = new Set<string>();
  /** Variables that are filled from what browsers send by themselves. */
  readonly #ambient = new Set<string>();
  /** Variable -> those that its value is made of. */
  readonly #sources = new Map<string, Set<string>>();

  constructor(proxy: ProgramProxy) {
    this.#policies = new Set(proxy.policies.map((policy) => policy.name));
    this.messages = messagesOf(proxy);
    this.flowPlaces = flowPlaceVariables.filter((name) => mentions(proxy, name));
    for (const name of this.flowPlaces) this.write(name);
  }

  /** What a name means in this proxy. */
  variable(name: string): FlowVariable {
    return flowVariable(name, (policy) => this.#policies.has(policy), this.messages);
  }

  read(name: string, span: Span): void {
    if (!this.#reads.has(name)) this.#reads.set(name, span);
  }

  write(name: string): void {
    this.#writes.add(name);
  }

  /** A variable that only code names which is kept although it decides nothing: it needs a place, no more. */
  keep(name: string): void {
    this.#kept.add(name);
  }

  /** The variable holds what browsers send by themselves. */
  fillAmbient(name: string): void {
    this.#ambient.add(this.#place(name));
  }

  /** The variable is made of others. */
  derive(name: string, sources: readonly string[]): void {
    const own = this.#place(name);
    const known = this.#sources.get(own) ?? new Set();
    for (const source of sources) known.add(this.#place(source));
    this.#sources.set(own, known);
  }

  /**
   * True for a variable in which, by whatever way, there may be what browsers send by themselves. `own`: one more that
   * holds such at the endpoint in question.
   */
  isAmbient(name: string, own: string | null = null): boolean {
    const reached = new Set([this.#place(name)]);
    for (const one of reached) {
      if (one === own || this.#ambient.has(one) || isSentByBrowsers(one)) return true;
      for (const source of this.#sources.get(one) ?? []) reached.add(source);
      // What was copied as a whole: a part is made of the same part.
      const [, message, kind, part] = PART.exec(one) ?? [];
      const wholes = this.#sources.get(`${message}.${kind}.*`) ?? [];
      for (const source of wholes) reached.add(source.replace(/\*$/, `${part}`));
    }
    return false;
  }

  /** One name for all spellings that reach the same value: the message's own name, no part of a value. */
  #place(name: string): string {
    const variable = this.variable(name);
    if (!("message" in variable)) return name;
    const { message } = variable;
    const of = typeof message === "object" ? message.name : message === "message" ? "request" : message;
    const { kind } = variable;
    const isPart = kind === "header" || kind === "queryParam" || kind === "formParam";
    return isPart ? `${of}.${kind.toLowerCase()}.${variable.name}` : name;
  }

  /** Every variable that is read. */
  get reads(): ReadonlySet<string> {
    return new Set(this.#reads.keys());
  }

  /** Custom variables that are read or written, in alphabetical order. */
  get customVariables(): readonly string[] {
    const names = new Set([...this.#reads.keys(), ...this.#kept, ...this.#writes]);
    return [...names].filter((name) => this.variable(name).kind === "custom").sort();
  }

  /** Warns of properties that are read and that some environment of the proxy has in no property set. */
  reportNoProperty({ properties }: ProgramProxy, diagnostics: Diagnostics): void {
    for (const [name, span] of this.#reads) {
      if (this.variable(name).kind !== "property") continue;
      const without = [...properties].flatMap(([environment, own]) => (own.has(name) ? [] : [environment]));
      if (without.length === 0) continue;
      const where = without.length === properties.size ? "" : ` in environment ${without.join(", ")}`;
      const known = new Set([...properties.values()].flatMap((own) => [...own.keys()]));
      const near = nearest(name, [...known]);
      const help = near === null || where !== "" ? {} : { help: `did you mean "${near}"?` };
      diagnostics.report("AGW3017", span, { name, where }, help);
    }
  }

  /**
   * Warns of custom variables that are read and that nothing writes. `relying`: endpoints whose policies take the
   * client's credential from `websocket.credential`.
   */
  reportNeverWritten(proxy: ProgramProxy, relying: readonly ProgramEndpoint[], diagnostics: Diagnostics): void {
    this.#reportNotTaken(proxy, relying, diagnostics);
    const prefixes = proxy.policies.flatMap((policy) => policy.definition.variablePrefixes.map((p) => `${p}.${policy.name}.`));
    for (const [name, span] of this.#reads) {
      if (this.variable(name).kind !== "custom" || this.#writes.has(name)) continue;
      if (prefixes.some((prefix) => name.startsWith(prefix))) continue;
      const near = nearest(name, [...this.#writes]);
      const absent = isAbsent(name) ? "Apigee sets it; this gateway does not" : null;
      diagnostics.report("AGW3016", span, { name }, { help: near === null ? absent : `did you mean "${near}"?` });
    }
  }

  /** Warns of `websocket.credential` where no endpoint, or not the one that relies on it, says where it stands. */
  #reportNotTaken(
    { endpoints }: ProgramProxy,
    relying: readonly ProgramEndpoint[],
    diagnostics: Diagnostics,
  ): void {
    const takes = ({ webSocket }: ProgramEndpoint): boolean => webSocket.credential.length > 0;
    const without = relying.filter((endpoint) => !takes(endpoint)).map((endpoint) => endpoint.name);
    if (endpoints.some(takes) && without.length === 0) return;
    const where = endpoints.some(takes) ? `the proxy endpoint "${without.join('", "')}"` : "the proxy endpoint";
    const help = `say where it stands: webSocket: { credential: [authorization, subprotocol] } at ${where}`;
    for (const [name, span] of this.#reads) {
      if (name.startsWith("websocket.credential")) diagnostics.report("AGW3016", span, { name }, { help });
    }
  }
}

/** What code reads that never runs and is kept all the same: names that need a place. It writes and owns nothing. */
export class DeadUsage extends Usage {
  readonly #live: Usage;

  constructor(proxy: ProgramProxy, live: Usage) {
    super(proxy);
    this.#live = live;
  }

  override read(name: string): void {
    this.#live.keep(name);
  }

  override keep(name: string): void {
    this.#live.keep(name);
  }
}

function messagesOf({ policies }: ProgramProxy): readonly NamedMessage[] {
  const messages = new Map<string, NamedMessage>();
  for (const { definition, model } of policies) {
    const made = definition.makes?.(model) ?? null;
    if (made !== null && !messages.has(made.name)) messages.set(made.name, made);
  }
  return [...messages.values()].sort((a, b) => b.name.length - a.name.length || (a.name < b.name ? -1 : 1));
}

/** A cheap over-approximation: any policy or condition of the proxy that names the variable. */
function mentions(proxy: ProgramProxy, name: FlowPlaceVariable): boolean {
  return (
    [...policiesOfProxy(proxy)].some((policy) => JSON.stringify(policy.model).includes(name)) ||
    conditionsOfProxy(proxy).some(({ ast }) => conditionVariables(ast).includes(name))
  );
}
