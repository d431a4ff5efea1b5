/**
 * What the gateway counts. Every series has a fixed slot in one typed array, laid out when the gateway starts, so
 * that an increment costs two map look-ups and an add. Labels come from the compiled configuration and closed tables
 * alone: never from a path, client or token.
 */
import type { Clock } from "../clock.ts";
import { closeReasons, type CloseReasonId } from "../upgrade/close-reason.ts";
import type { Backpressure } from "../upgrade/backpressure.ts";
import { MetricText, type Labels, type TextForm } from "./metric-text.ts";
import { ProcessSampler, writeProcess, type BuildInfo } from "./process-metrics.ts";
import type { SessionRecord } from "./record.ts";
import { writeTargetServers, type MetricTargets } from "./target-metrics.ts";

/** Where something is counted; a program, a session's route and a record all have these. Null: no proxy was found. */
export interface MetricPlace {
  readonly environment: string;
  readonly proxy: string;
}

/** A deployed proxy with the names that label its series. */
export interface MetricProxy extends MetricPlace {
  readonly targets: readonly string[];
  readonly policies: readonly string[];
}

/** Counters without labels. */
export const counters = {
  earlyBytes: ["apigw_early_bytes_dropped_total", "Bytes that followed a refused upgrade request and were dropped."],
  connectionsRefused: ["apigw_connections_refused_total", "Client connections beyond limits.connectionsMax."],
  badRequests: ["apigw_bad_requests_total", "Requests that were no valid HTTP, too large or too slow."],
  proxyHeadersRefused: ["apigw_proxy_headers_refused_total", "Connections without a valid PROXY protocol header."],
  tlsFailures: ["apigw_tls_handshake_failures_total", "TLS handshakes with clients that failed or took too long."],
  tlsReloads: ["apigw_tls_reloads_total", "Certificates read again and put to use."],
  tlsReloadFailures: ["apigw_tls_reload_failures_total", "Certificates read again and not usable; the old stay."],
  adminUnauthorized: ["apigw_admin_unauthorized_total", "Admin requests without a valid secret or certificate."],
  adminChanges: ["apigw_admin_changes_total", "Changes made over the admin API."],
  fleetQuestions: ["apigw_fleet_questions_total", "Questions asked of all replicas."],
  fleetSilent: ["apigw_fleet_silent_total", "Replicas that did not answer such a question in time."],
  storeFailures: ["apigw_store_failures_total", "Commands that a distributed store did not carry out."],
  securityEvents: ["apigw_security_events_total", "Security events taken, replays included."],
  securityEventsUnknown: ["apigw_security_events_unknown_total", "Security events whose subject is not known here."],
  securityEventsRefused: ["apigw_security_events_refused_total", "Security events refused."],
  keySetFetches: ["apigw_key_set_fetches_total", "Key sets of issuers that were fetched."],
  keySetFetchFailures: ["apigw_key_set_fetch_failures_total", "Fetches of key sets that failed; the last stays."],
  spansExported: ["apigw_spans_exported_total", "Spans that a collector has taken."],
  spansDropped: ["apigw_spans_dropped_total", "Spans that no collector got: too many, or it was slow or gone."],
  introspections: ["apigw_introspections_total", "Tokens that an introspection server was asked about and answered."],
  introspectionFailures: ["apigw_introspection_failures_total", "Questions that it did not answer."],
  renewals: ["apigw_ws_renewals_total", "Sessions of this process that live on by another token."],
  renewalsRefused: ["apigw_ws_renewals_refused_total", "Sessions of this process that another token did not prolong."],
  renewalsUnmatched: ["apigw_ws_renewals_unmatched_total", "Renewals asked of this process that found no session."],
  syslogSent: ["apigw_syslog_messages_total", "Messages of MessageLogging that were handed to a syslog connection."],
  syslogDropped: ["apigw_syslog_dropped_total", "Messages that no syslog receiver got: it was gone, or too slow."],
  clockSteps: ["apigw_clock_steps_total", "Steps of the wall clock that were noticed."],
} as const;
export type CounterId = keyof typeof counters;

/** Numbers read when somebody asks for them. */
export interface MetricSources {
  /** Client connections open now. */
  readonly connections?: () => number;
  /** Client connections accepted since the start. */
  readonly accepted?: () => number;
  readonly sessions?: () => number;
  readonly draining?: () => boolean;
  readonly droppedLogLines?: () => number;
  readonly revocationEpoch?: () => number;
  /** Time for which a revocation may have passed unheard; absent where none can. */
  readonly revocationLagMs?: () => number;
  /** Whether commands to a distant store go through; absent where it is local. */
  readonly storeUp?: () => boolean;
  /** Rows of analytics; absent where none are kept. */
  readonly analytics?: AnalyticsNumbers;
  /** Programs whose targets may have load balancers. */
  readonly targets?: () => Iterable<MetricTargets>;
  /** Calls `add` for each program with what its sessions waited; several endpoints of one proxy add up. */
  readonly backpressure?: (add: (place: MetricPlace, waited: Pick<Backpressure, "fromClientMs" | "fromTargetMs">) => void) => void;
  /**
   * Calls `add` for each live session with the bytes it has carried so far; keeps byte counters from jumping at its
   * end.
   */
  readonly liveBytes?: (add: (place: MetricPlace, fromClient: number, fromTarget: number) => void) => void;
}

export interface AnalyticsNumbers {
  readonly written: number;
  readonly dropped: number;
  readonly pending: number;
  readonly isUp: boolean;
}

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "other"] as const;
const classes = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
/** Results of handshakes: the statuses that the gateway's tables know, and `other`. */
const results = [101, 400, 401, 403, 404, 405, 408, 414, 426, 429, 431, 499, 500, 502, 503, 504] as const;
/** Close codes that are told apart; those between 3000 and 4999 belong to applications, and any peer may send one. */
const closeCodes = [
  "1000", "1001", "1002", "1003", "1005", "1006", "1007", "1008", "1009", "1010", "1011", "1012", "1013", "1014",
  "3000", "3003", "3008", "3xxx", "4xxx", "other",
] as const;
const reasonIds = /* @__PURE__ */ Object.keys(closeReasons) as CloseReasonId[];
const exchangeBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const sessionBounds = [1, 10, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400] as const;
/** Buckets, the one without bound, and the sum. */
const EXCHANGE_SLOTS = exchangeBounds.length + 2;
const SESSION_SLOTS = sessionBounds.length + 2;

/** Offsets of one proxy's series from its base. */
const REQUESTS = 0;
const IN_FLIGHT = REQUESTS + methods.length * classes.length;
const DURATION = IN_FLIGHT + 1;
const HANDSHAKES = DURATION + EXCHANGE_SLOTS;
const HANDSHAKE_TIME = HANDSHAKES + results.length + 1;
const ACTIVE = HANDSHAKE_TIME + EXCHANGE_SLOTS;
const OPENED = ACTIVE + 1;
const CLOSED = OPENED + 1;
const SESSION_TIME = CLOSED + reasonIds.length;
const CODES = SESSION_TIME + SESSION_SLOTS;
const BYTES_IN = CODES + closeCodes.length;
const BYTES_OUT = BYTES_IN + 1;
const PROXY_SLOTS = BYTES_OUT + 1;

interface Slots {
  readonly index: number;
  readonly labels: Labels;
  readonly base: number;
  readonly targets: ReadonlyMap<string, number>;
  readonly policies: ReadonlyMap<string, number>;
  /** By target, what to call when a connection to it closes. */
  readonly closers: ReadonlyMap<string, () => void>;
}

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
    this.#plain = new Float64Array(Object.keys(counters).length);
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
    this.#writeHttp(out);
    this.#writeSessions(out);
    writeTargetServers(out, this.#sources.targets?.() ?? []);
    this.#writePlain(out);
    writeProcess(out, this.#build, this.#process, this.#clock.monotonicMs());
    return out.end();
  }

  #writeHttp(out: MetricText): void {
    out.family("apigw_http_requests_total", "counter", "HTTP exchanges that ended, upgrades left out.");
    for (const { labels, base } of this.#slots) {
      for (const [methodAt, method] of methods.entries()) {
        for (const [classAt, code] of classes.entries()) {
          const slot = base + REQUESTS + methodAt * classes.length + classAt;
          this.#touched(out, [...labels, "method", method, "code", code], slot);
        }
      }
    }
    this.#gauge(out, "apigw_http_requests_in_flight", "HTTP exchanges under way.", IN_FLIGHT);
    const took = "apigw_http_request_duration_seconds";
    this.#times(out, took, "From request head to end of answer.", DURATION, exchangeBounds);
    out.family("apigw_upstream_connections", "gauge", "Connections to targets that are open.");
    for (const { labels, targets } of this.#slots) {
      for (const [target, base] of targets) out.sample([...labels, "target", target], this.#values[base] ?? 0);
    }
    const answered = "apigw_upstream_request_duration_seconds";
    out.family(answered, "histogram", "From request to the target until its answer head.");
    for (const { labels, targets } of this.#slots) {
      for (const [target, base] of targets) {
        this.#histogram(out, [...labels, "target", target], base + 1, exchangeBounds);
      }
    }
    out.family("apigw_policy_faults_total", "counter", "Faults raised by policies.");
    for (const { labels, policies } of this.#slots) {
      for (const [policy, slot] of policies) this.#touched(out, [...labels, "policy", policy], slot);
    }
    const timed = "apigw_policy_duration_seconds";
    out.family(timed, "histogram", "Time of a policy, waiting included, in those exchanges that policyTimes chose.");
    for (const { labels, policies } of this.#slots) {
      for (const [policy, slot] of policies) {
        this.#histogram(out, [...labels, "policy", policy], slot + 1, exchangeBounds);
      }
    }
  }

  #writeSessions(out: MetricText): void {
    out.family("apigw_ws_handshakes_total", "counter", "Upgrades by result: 101 or the status of the refusal.");
    for (const { labels, base } of this.#slots) {
      for (let at = 0; at <= results.length; at++) {
        this.#touched(out, [...labels, "result", String(results[at] ?? "other")], base + HANDSHAKES + at);
      }
    }
    const handshake = "apigw_ws_handshake_duration_seconds";
    this.#times(out, handshake, "From upgrade request to its answer.", HANDSHAKE_TIME, exchangeBounds);
    this.#gauge(out, "apigw_ws_connections_active", "WebSocket sessions open.", ACTIVE);
    out.family("apigw_ws_connections_opened_total", "counter", "WebSocket sessions that got their 101.");
    for (const { labels, base } of this.#slots) this.#touched(out, labels, base + OPENED);
    out.family("apigw_ws_connections_closed_total", "counter", "WebSocket sessions that ended, by reason.");
    for (const { labels, base } of this.#slots) {
      for (const [at, id] of reasonIds.entries()) {
        this.#touched(out, [...labels, "reason", closeReasons[id].label], base + CLOSED + at);
      }
    }
    out.family("apigw_ws_close_codes_total", "counter", "WebSocket sessions that ended, by close code.");
    for (const { labels, base } of this.#slots) {
      for (const [at, code] of closeCodes.entries()) this.#touched(out, [...labels, "code", code], base + CODES + at);
    }
    this.#times(out, "apigw_ws_connection_duration_seconds", "From the 101 to the end.", SESSION_TIME, sessionBounds);
    this.#writeBytes(out);
    this.#writeBackpressure(out);
  }

  #writeBytes(out: MetricText): void {
    const live = new Float64Array(2 * this.#slots.length);
    this.#sources.liveBytes?.((place, fromClient, fromTarget) => {
      const at = 2 * this.#of(place).index;
      this.#add(live, at, fromClient);
      this.#add(live, at + 1, fromTarget);
    });
    out.family("apigw_ws_bytes_total", "counter", "Bytes carried by WebSocket sessions, by the side they came from.");
    for (const { index, labels, base } of this.#slots) {
      const fromClient = (this.#values[base + BYTES_IN] ?? 0) + (live[2 * index] ?? 0);
      const fromTarget = (this.#values[base + BYTES_OUT] ?? 0) + (live[2 * index + 1] ?? 0);
      if (fromClient > 0) out.sample([...labels, "direction", "from_client"], fromClient);
      if (fromTarget > 0) out.sample([...labels, "direction", "from_target"], fromTarget);
    }
  }

  #writeBackpressure(out: MetricText): void {
    const waited = new Float64Array(2 * this.#slots.length);
    this.#sources.backpressure?.((place, { fromClientMs, fromTargetMs }) => {
      const at = 2 * this.#of(place).index;
      this.#add(waited, at, fromClientMs);
      this.#add(waited, at + 1, fromTargetMs);
    });
    const help = "Time for which sessions did not read a side because the other did not take its bytes.";
    out.family("apigw_ws_backpressure_seconds_total", "counter", help);
    for (const { index, labels } of this.#slots) {
      for (const [side, direction] of ["from_client", "from_target"].entries()) {
        const waitedMs = waited[2 * index + side] ?? 0;
        if (waitedMs > 0) out.sample([...labels, "direction", direction], waitedMs / 1_000);
      }
    }
  }

  #writePlain(out: MetricText): void {
    for (const [at, id] of counterIds.entries()) {
      const [name, help] = counters[id];
      out.family(name, "counter", help);
      out.sample([], this.#plain[at] ?? 0);
    }
    const { accepted, connections, draining, droppedLogLines, revocationEpoch, sessions } = this.#sources;
    const { revocationLagMs, storeUp } = this.#sources;
    const read = (name: string, type: "gauge" | "counter", help: string, source: (() => number) | undefined): void => {
      if (source === undefined) return;
      out.family(name, type, help);
      out.sample([], source());
    };
    read("apigw_connections_open", "gauge", "Client connections open.", connections);
    read("apigw_connections_opened_total", "counter", "Client connections accepted.", accepted);
    read("apigw_sessions", "gauge", "Sessions known, handshakes under way included.", sessions);
    read("apigw_draining", "gauge", "1 from the first signal to stop on.", draining && (() => (draining() ? 1 : 0)));
    read("apigw_log_lines_dropped_total", "counter", "Log lines that the output did not take.", droppedLogLines);
    read("apigw_revocation_epoch", "gauge", "Sequence number of the last revocation seen.", revocationEpoch);
    const lag = revocationLagMs && (() => revocationLagMs() / 1_000);
    read("apigw_revocation_lag_seconds", "gauge", "For how long a revocation may have passed unheard.", lag);
    const rows = this.#sources.analytics;
    read("apigw_analytics_rows_total", "counter", "Rows of analytics written.", rows && (() => rows.written));
    read("apigw_analytics_rows_dropped_total", "counter", "Rows that were lost.", rows && (() => rows.dropped));
    read("apigw_analytics_rows_pending", "gauge", "Rows that wait for the file.", rows && (() => rows.pending));
    read("apigw_analytics_up", "gauge", "1 while the file can be written.", rows && (() => (rows.isUp ? 1 : 0)));
    const up = storeUp && (() => (storeUp() ? 1 : 0));
    read("apigw_store_up", "gauge", "1 while commands to a distant store go through.", up);
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

  #touched(out: MetricText, labels: Labels, slot: number): void {
    const value = this.#values[slot] ?? 0;
    if (value !== 0) out.sample(labels, value);
  }

  #gauge(out: MetricText, name: string, help: string, offset: number): void {
    out.family(name, "gauge", help);
    for (const { labels, base } of this.#slots) out.sample(labels, this.#values[base + offset] ?? 0);
  }

  #times(out: MetricText, name: string, help: string, offset: number, bounds: readonly number[]): void {
    out.family(name, "histogram", help);
    for (const { labels, base } of this.#slots) this.#histogram(out, labels, base + offset, bounds);
  }

  #histogram(out: MetricText, labels: Labels, base: number, bounds: readonly number[]): void {
    const counts = this.#values.subarray(base, base + bounds.length + 1);
    if (counts.every((count) => count === 0)) return;
    out.histogram(labels, bounds, counts, this.#values[base + bounds.length + 1] ?? 0);
  }
}

const counterIds = /* @__PURE__ */ Object.keys(counters) as CounterId[];

function closeCodeLabel(code: number): (typeof closeCodes)[number] {
  const known = closeCodes.find((label) => label === String(code));
  if (known !== undefined) return known;
  if (code >= 3_000 && code <= 3_999) return "3xxx";
  return code >= 4_000 && code <= 4_999 ? "4xxx" : "other";
}

/** For targets that no series stands for. */
function nothingToClose(): void {}
