/**
 * All Debug sessions of one gateway (apigee-core section 8.1): how many there are, how many bytes they keep, when they
 * are forgotten. Nothing of them outlives the process. Linked only where a bundle has an admin listener and traced
 * twins.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Gateway } from "../gateway.ts";
import type { Limits } from "../limits.ts";
import type { Tracing } from "../observe/tracing.ts";
import type { ProxyProgram } from "../program.ts";
import { debugSubject } from "../side/admin-debug.ts";
import type { AdminSubject } from "../side/admin-route.ts";
import type { Hidden } from "./mask.ts";
import type { MaskRules } from "./mask-rules.ts";
import type { hideInXml } from "./mask-xml.ts";
import { parseFilter, type FilterProblem } from "./filter.ts";
import { DebugSession, type DebugRequest } from "./debug-session.ts";
import type { Excerpts } from "./transaction.ts";

/** Why a session cannot be: `unknown`: no such deployment. `off`: it has no traced twins. `full`: too many sessions. */
export type DebugRefusal = "unknown" | "off" | "full" | { readonly problems: readonly FilterProblem[] };

/** What it needs of the gateway. */
export type DebugServices = Pick<Gateway, "clock" | "limits" | "deployed">;

/** What recordings show of the bundle, and must not show besides what no recording shows. */
export interface DebugHides {
  /** Values of the gateway's own that must stand nowhere. */
  readonly secrets: readonly string[];
  readonly masks?: readonly MaskRules[];
  /** Absent where no mask has an XPath. */
  readonly hideInXml?: typeof hideInXml;
  /** The YAML of steps; read with the first session. */
  readonly excerpts?: (() => Excerpts) | undefined;
}

/** Secrets of the gateway's own that are looked for; others are hidden where a name gives them away. */
const SECRETS_MAX = 20;

export class Debug {
  readonly limits: Limits;
  readonly #clock: Clock;
  readonly #tracing: Tracing;
  readonly #hides: DebugHides;
  readonly #programs: readonly ProxyProgram[];
  /** Oldest first. */
  readonly #sessions = new Map<string, { readonly session: DebugSession; readonly forget: Timer }>();
  #bytes = 0;
  #excerpts: Excerpts | null = null;

  constructor({ clock, limits, deployed }: DebugServices, tracing: Tracing, hides: DebugHides) {
    this.#hides = { ...hides, secrets: hides.secrets.slice(0, SECRETS_MAX) };
    this.limits = limits;
    this.#clock = clock;
    this.#tracing = tracing;
    this.#programs = [...deployed.keys()];
  }

  /** Begins to record. A full house makes room by forgetting the oldest session that is over. */
  create(request: DebugRequest): DebugSession | DebugRefusal {
    const programs = this.#programs.filter(({ proxy, environment }) => {
      return proxy === request.proxy && (request.environment ?? environment) === environment;
    });
    if (programs.length === 0) return "unknown";
    const traced = programs.filter((program) => program.traced !== null);
    if (traced.length === 0) return "off";
    const filter = request.filter === null ? null : parseFilter(request.filter, traced);
    if (filter !== null && !("means" in filter)) return { problems: filter };
    if (this.#sessions.size >= this.limits.debugSessionsMax && !this.#makeRoom()) return "full";
    const clock = this.#clock;
    const take = (bytes: number): boolean => this.#take(bytes);
    const hidden = (program: ProxyProgram): Hidden => this.#hidden(program);
    const excerpts = (this.#excerpts ??= this.#hides.excerpts?.() ?? {});
    const parts = { clock, limits: this.limits, tracing: this.#tracing, hidden, excerpts, take };
    const session = new DebugSession(parts, request, filter, traced);
    const keptMs = request.timeoutMs + this.limits.debugKeptMs;
    this.#sessions.set(session.id, { session, forget: clock.setTimer(() => void this.remove(session.id), keptMs) });
    return session;
  }

  /** Every session, oldest first. */
  list(): readonly DebugSession[] {
    return [...this.#sessions.values()].map(({ session }) => session);
  }

  get(id: string): DebugSession | null {
    return this.#sessions.get(id)?.session ?? null;
  }

  /** Ends and forgets a session. False: there is none. */
  remove(id: string): boolean {
    const found = this.#sessions.get(id);
    if (found === undefined) return false;
    this.#clock.clearTimer(found.forget);
    this.#sessions.delete(id);
    found.session.end("completed");
    this.#bytes -= found.session.bytes;
    return true;
  }

  /** What the admin listener answers for it. */
  get subject(): AdminSubject {
    return debugSubject(this);
  }

  #hidden({ environment, proxy }: ProxyProgram): Hidden {
    const { masks = [], secrets, hideInXml: hide } = this.#hides;
    const rules = masks.find((one) => one.environment === environment && one.proxy === proxy) ?? null;
    return { secrets, rules, hideInXml: hide };
  }

  #makeRoom(): boolean {
    const over = this.list().find(({ state }) => state !== "active");
    return over !== undefined && this.remove(over.id);
  }

  #take(bytes: number): boolean {
    if (bytes > this.limits.debugEntryBytesMax || this.#bytes + bytes > this.limits.debugBytesMax) return false;
    this.#bytes += bytes;
    return true;
  }
}

/** For programs whose admin listener may ask for Debug sessions. */
export function openDebug(gateway: DebugServices, tracing: Tracing, hides: DebugHides): Debug {
  return new Debug(gateway, tracing, hides);
}
