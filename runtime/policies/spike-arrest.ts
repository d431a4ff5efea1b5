/**
 * SpikeArrest: smooths bursts. Counters live in this process, one for each identifier, and forget on restart.
 *
 * Smoothing (the default): 5ps is one call every 200 ms, 30pm one every 2 s; a call of weight w takes w such slots.
 * Effective count: as many calls as the rate says in any window of its length, which lets short bursts through; the
 * window slides in the usual approximation by the counts of this and the last fixed window.
 */
import { digest } from "../access/digest.ts";
import type { Exchange, Value } from "../context.ts";
import { faultIn } from "../fault.ts";
import { rateFaults } from "../fault/rate.ts";

export interface SpikeArrestConfig {
  readonly name: string;
  /** Tells the policy from others of its proxy. */
  readonly id: string;
  /** Variable of the rate and of the weight, for faults. */
  readonly rateVariable: string;
  readonly effectiveCount: boolean;
  /** Somebody reads `ratelimit.<policy>.*`. */
  readonly keep: boolean;
}

/** What the request says, read from flow variables. */
export interface SpikeArrestCall {
  /** `<number>ps` or `<number>pm`. */
  readonly rate: Value;
  /** Null: one counter for all. */
  readonly identifier: Value;
  /** A positive whole number. */
  readonly weight: Value;
}

/** Characters of an identifier that is kept as it is. */
const IDENTIFIER_CHARS_MAX = 128;

/** A rate taken apart. */
interface Rate {
  readonly calls: number;
  readonly periodMs: number;
}

interface Counter {
  /** Smoothing: when the next call may pass. Monotonic. */
  freeAtMs: number;
  /** Effective count: number of the fixed window, and weights in it and in the one before. */
  window: number;
  current: number;
  previous: number;
}

/** Counters of one policy; the identifier that was let through longest ago comes first. */
interface Counters {
  readonly kind: "spike";
  readonly byIdentifier: Map<string, Counter>;
}

/** Variables of a call. */
interface RateVariables {
  readonly kind: "rate";
  readonly allowed: number;
  readonly available: number;
  readonly exceeded: number;
}

/** Throws `SpikeArrestViolation` (429) for a call that comes too soon. */
export function spikeArrest(x: Exchange, config: SpikeArrestConfig, call: SpikeArrestCall): void {
  const rateText = call.rate === null ? "" : String(call.rate);
  const rate = parseRate(rateText);
  if (rate === null) {
    const detail = `${config.rateVariable} in SpikeArrest policy ${config.name}`;
    throw faultIn(rateFaults, "policies.ratelimit.FailedToResolveSpikeArrestRate", detail, config.name);
  }
  const weight = call.weight === null ? Number.NaN : Number(call.weight);
  if (!Number.isSafeInteger(weight) || weight < 1) {
    throw faultIn(rateFaults, "policies.ratelimit.InvalidMessageWeight", String(call.weight ?? ""), config.name);
  }
  const { byIdentifier } = countersOf(x, config);
  const identifier = call.identifier === null ? "" : counterKey(String(call.identifier));
  const counter = byIdentifier.get(identifier) ?? { freeAtMs: 0, window: 0, current: 0, previous: 0 };
  const nowMs = x.gateway.clock.monotonicMs();
  const used = config.effectiveCount ? usedInWindow(counter, rate, nowMs) : usedSlots(counter, nowMs);
  const allowed = config.effectiveCount ? rate.calls : 1;
  const passes = config.effectiveCount ? used + weight <= allowed : used === 0;
  const available = Math.max(0, Math.floor(allowed - used - (passes ? weight : 0)));
  const exceeded = passes ? 0 : 1;
  if (config.keep) x.keep(config.name, { kind: "rate", allowed, available, exceeded } satisfies RateVariables);
  if (!passes) throw faultIn(rateFaults, "policies.ratelimit.SpikeArrestViolation", rateText, config.name);
  take(counter, config, rate, weight, nowMs);
  byIdentifier.delete(identifier);
  if (byIdentifier.size >= x.gateway.limits.spikeArrestIdentifiersMax) dropOldest(byIdentifier);
  byIdentifier.set(identifier, counter);
}

/** `ratelimit.<policy>.<name>` after the policy ran: `allowed.count`, `available.count`, `exceed.count`. */
export function rateVariable(x: Exchange, policy: string, name: string): Value {
  const kept = x.results?.[policy];
  if (!isRate(kept)) return null;
  switch (name) {
    case "allowed.count":
      return kept.allowed;
    case "available.count":
      return kept.available;
    case "exceed.count":
      return kept.exceeded;
    default:
      return null;
  }
}

/** A long identifier stands for itself by its digest, so that a counter's size is not its caller's choice. */
function counterKey(identifier: string): string {
  return identifier.length > IDENTIFIER_CHARS_MAX ? digest(identifier) : identifier;
}

function take(counter: Counter, config: SpikeArrestConfig, rate: Rate, weight: number, nowMs: number): void {
  if (config.effectiveCount) counter.current += weight;
  else counter.freeAtMs = nowMs + (weight * rate.periodMs) / rate.calls;
}

function usedSlots(counter: Counter, nowMs: number): number {
  return nowMs < counter.freeAtMs ? 1 : 0;
}

/** Weights of the last period, counting the last fixed window by the share of it that still lies in the period. */
function usedInWindow(counter: Counter, rate: Rate, nowMs: number): number {
  const window = Math.floor(nowMs / rate.periodMs);
  if (window !== counter.window) {
    counter.previous = window === counter.window + 1 ? counter.current : 0;
    counter.current = 0;
    counter.window = window;
  }
  const share = 1 - (nowMs % rate.periodMs) / rate.periodMs;
  return counter.current + counter.previous * share;
}

function parseRate(text: string): Rate | null {
  const [, calls, unit] = /^\s*([1-9][0-9]{0,8})(ps|pm)\s*$/.exec(text) ?? [];
  return calls === undefined ? null : { calls: Number(calls), periodMs: unit === "ps" ? 1_000 : 60_000 };
}

function countersOf(x: Exchange, config: SpikeArrestConfig): Counters {
  const at = `spike ${x.program.environment} ${x.program.proxy} ${config.id}`;
  const present = x.gateway.counters.get(at);
  if (isCounters(present)) return present;
  const made: Counters = { kind: "spike", byIdentifier: new Map() };
  x.gateway.counters.set(at, made);
  return made;
}

function dropOldest(byIdentifier: Map<string, Counter>): void {
  for (const oldest of byIdentifier.keys()) {
    byIdentifier.delete(oldest);
    return;
  }
}

function isCounters(value: unknown): value is Counters {
  return typeof value === "object" && value !== null && "byIdentifier" in value;
}

function isRate(value: unknown): value is RateVariables {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "rate" && "exceeded" in value;
}
