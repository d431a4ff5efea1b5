/**
 * What the gateway counts. Every series has a fixed slot (metric-slots.ts), so that an increment costs two map look-ups
 * and an add. Labels come from the compiled configuration and closed tables alone: never from a path, client or token.
 */
import type { Clock } from "../clock.ts";
import { writeFamilies, type MetricSources } from "./metric-families.ts";
import {
  ACTIVE, BYTES_IN, BYTES_OUT, CLOSED, CODES, DURATION, EXCHANGE_SLOTS, HANDSHAKES, HANDSHAKE_TIME, IN_FLIGHT, OPENED,
  PROXY_SLOTS, REQUESTS, SESSION_TIME, classes, closeCodeLabel, closeCodes, counterIds, exchangeBounds, methods,
  reasonIds, results, sessionBounds, type CounterId, type MetricPlace, type MetricProxy, type Slots,
} from "./metric-slots.ts";
import { MetricText, type TextForm } from "./metric-text.ts";
import { ProcessSampler, writeProcess, type BuildInfo } from "./process-metrics.ts";
import type { SessionRecord } from "./record.ts";

export class Metrics {
  readonly #values: Float64Array;
  readonly #slots: readonly Slots[];
  readonly #unrouted: Slots;
  readonly #byPlace = new Map<string, Map<string, Slots>>();
  #lastEnvironment: string | null = null;
  #lastProxy: string | null = null;
  #lastSlots: Slots;
  readonly #plain: Float64Array;
  readonly #build: BuildInfo;
  readonly #clock: Clock;
  readonly #process = new ProcessSampler();
  #sources: MetricSources = {};

  constructor(build: BuildInfo, clock: Clock, proxies: readonly MetricProxy[]) {
    let next = 0;
    const take = (count: number): number => (next += count) - count;
    const slotsOf = (proxy: MetricProxy, index: number): Slots => ({
      index,
      labels: ["environment", proxy.environment, "proxy", proxy.proxy],
      base: take(PROXY_SLOTS),
      targets: new Map(proxy.targets.map((name) => [name, take(EXCHANGE_SLOTS + 1)])),
      policies: new Map(proxy.policies.map((name) => [name, take(1 + EXCHANGE_SLOTS)])),
      closers: new Map(proxy.targets.map((name) => [name, () => this.upstreamClosed(proxy, name)])),
    });
    this.#unrouted = slotsOf({ environment: "", proxy: "", targets: [], policies: [] }, 0);
    this.#lastSlots = this.#unrouted;
    const all = [this.#unrouted];
    for (const proxy of proxies) {
      const inEnvironment = this.#byPlace.get(proxy.environment) ?? new Map<string, Slots>();
      this.#byPlace.set(proxy.environment, inEnvironment);
      const slots = slotsOf(proxy, all.length);
      inEnvironment.set(proxy.proxy, slots);
      all.push(slots);
    }
    this.#slots = all;
    this.#values = new Float64Array(next);
    this.#plain = new Float64Array(counterIds.length);
    this.#build = build;
    this.#clock = clock;
  }

  /** Tells where the numbers come from that are read at each scrape. */
  observe(sources: MetricSources): void {
    this.#sources = { ...this.#sources, ...sources };
  }

  count(id: CounterId, by = 1): void {
    this.#add(this.#plain, counterIds.indexOf(id), by);
  }

  /** A plain HTTP exchange began. */
  httpStarted(place: MetricPlace | null): void {
    this.#add(this.#values, this.#of(place).base + IN_FLIGHT, 1);
  }

  /** It ended. `status` is what the client got, 499 when it left before. */
  httpFinished(place: MetricPlace | null, method: string, status: number, durationMs: number): void {
    const { base } = this.#of(place);
    const named = methods.indexOf(method as (typeof methods)[number]);
    const methodAt = named < 0 ? methods.length - 1 : named;
    const classAt = Math.min(Math.max(Math.trunc(status / 100), 1), classes.length) - 1;
    this.#add(this.#values, base + IN_FLIGHT, -1);
    this.#add(this.#values, base + REQUESTS + methodAt * classes.length + classAt, 1);
    this.#time(base + DURATION, exchangeBounds, durationMs);
  }

  /** An upgrade was decided: 101 or the status of its refusal. */
  handshake(place: MetricPlace | null, status: number, durationMs: number): void {
    const { base } = this.#of(place);
    const known = results.indexOf(status as (typeof results)[number]);
    this.#add(this.#values, base + HANDSHAKES + (known < 0 ? results.length : known), 1);
    this.#time(base + HANDSHAKE_TIME, exchangeBounds, durationMs);
  }

  /** The 101 left. */
  sessionOpened(place: MetricPlace): void {
    const { base } = this.#of(place);
    this.#add(this.#values, base + ACTIVE, 1);
    this.#add(this.#values, base + OPENED, 1);
  }

  /** A session that was opened has ended. Not for those that a response flow refused: they were never open. */
  sessionClosed(record: SessionRecord): void {
    const { base } = this.#of(record);
    this.#add(this.#values, base + ACTIVE, -1);
    this.#add(this.#values, base + CLOSED + reasonIds.indexOf(record.reason), 1);
    this.#add(this.#values, base + CODES + closeCodes.indexOf(closeCodeLabel(record.code)), 1);
    this.#add(this.#values, base + BYTES_IN, record.bytesFromClient);
    this.#add(this.#values, base + BYTES_OUT, record.bytesFromTarget);
    this.#time(base + SESSION_TIME, sessionBounds, record.durationMs);
  }

  /**
   * A connection to a target was opened. Returns what to call when it closes: one function for all connections of a
   * target, so that a listener keeps nothing of a handshake alive.
   */
  upstreamOpened(place: MetricPlace, target: string): () => void {
    const { targets, closers } = this.#of(place);
    const base = targets.get(target);
    if (base !== undefined) this.#add(this.#values, base, 1);
    return closers.get(target) ?? nothingToClose;
  }

  /** It closed. */
  upstreamClosed(place: MetricPlace, target: string): void {
    const base = this.#of(place).targets.get(target);
    if (base !== undefined) this.#add(this.#values, base, -1);
  }

  /** A target's answer head arrived that long after the request went out. */
  upstreamAnswered(place: MetricPlace, target: string, durationMs: number): void {
    const base = this.#of(place).targets.get(target);
    if (base !== undefined) this.#time(base + 1, exchangeBounds, durationMs);
  }

  /** A policy raised a fault. */
  policyFault(place: MetricPlace, policy: string): void {
    const slot = this.#of(place).policies.get(policy);
    if (slot !== undefined) this.#add(this.#values, slot, 1);
  }

  /** A policy of an exchange that was chosen for it took so long, waiting included. */
  policyTimed(place: MetricPlace, policy: string, durationMs: number): void {
    const slot = this.#of(place).policies.get(policy);
    if (slot !== undefined) this.#time(slot + 1, exchangeBounds, durationMs);
  }

  /** Lets go of the sampling timer. */
  close(): void {
    this.#process.close();
  }

  /** Everything, as text. Series of labels that never occurred are left out. */
  text(form: TextForm): string {
    const out = new MetricText(form);
    const slotsOf = (place: MetricPlace): Slots => this.#of(place);
    writeFamilies(out, { values: this.#values, plain: this.#plain, slots: this.#slots, slotsOf }, this.#sources);
    writeProcess(out, this.#build, this.#process, this.#clock.monotonicMs());
    return out.end();
  }

  #of(place: MetricPlace | null): Slots {
    if (place === null) return this.#unrouted;
    const { environment, proxy } = place;
    // Several counts in a row are for one place.
    if (environment === this.#lastEnvironment && proxy === this.#lastProxy) return this.#lastSlots;
    this.#lastEnvironment = environment;
    this.#lastProxy = proxy;
    return (this.#lastSlots = this.#byPlace.get(environment)?.get(proxy) ?? this.#unrouted);
  }

  #add(values: Float64Array, at: number, by: number): void {
    values[at] = (values[at] ?? 0) + by;
  }

  #time(base: number, bounds: readonly number[], durationMs: number): void {
    const seconds = durationMs / 1_000;
    let bucket = 0;
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket++;
    this.#add(this.#values, base + bucket, 1);
    this.#add(this.#values, base + bounds.length + 1, seconds);
  }
}

/** For targets that no series stands for. */
function nothingToClose(): void {}
