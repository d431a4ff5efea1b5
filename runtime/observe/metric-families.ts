/** The metrics of the gateway as text, family by family: their names and which numbers they show. It counts nothing. */
import type { Backpressure } from "../upgrade/backpressure.ts";
import { closeReasons } from "../upgrade/close-reason.ts";
import {
  ACTIVE, BYTES_IN, BYTES_OUT, CLOSED, CODES, DURATION, HANDSHAKES, HANDSHAKE_TIME, IN_FLIGHT, OPENED, REQUESTS,
  SESSION_TIME, classes, closeCodes, counterIds, counters, exchangeBounds, methods, reasonIds, results, sessionBounds,
  type MetricPlace, type Slots,
} from "./metric-slots.ts";
import type { Labels, MetricText } from "./metric-text.ts";
import { writeTargetServers, type MetricTargets } from "./target-metrics.ts";

/** Time for which sides were not read. */
type Waited = Pick<Backpressure, "fromClientMs" | "fromTargetMs">;

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
  readonly backpressure?: (add: (place: MetricPlace, waited: Waited) => void) => void;
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

/** What was counted. */
export interface MetricNumbers {
  /** By slot. */
  readonly values: Float64Array;
  /** In the order of `counterIds`. */
  readonly plain: Float64Array;
  /** Of all proxies, and first of requests that found none. */
  readonly slots: readonly Slots[];
  readonly slotsOf: (place: MetricPlace) => Slots;
}

/** Writes every family but those of the process. Series of labels that never occurred are left out. */
export function writeFamilies(out: MetricText, numbers: MetricNumbers, sources: MetricSources): void {
  new FamilyWriter(out, numbers, sources).write();
}

class FamilyWriter {
  readonly #out: MetricText;
  readonly #plain: Float64Array;
  readonly #slots: readonly Slots[];
  readonly #slotsOf: MetricNumbers["slotsOf"];
  readonly #sources: MetricSources;
  readonly #values: Float64Array;

  constructor(out: MetricText, { plain, slots, slotsOf, values }: MetricNumbers, sources: MetricSources) {
    this.#out = out;
    this.#plain = plain;
    this.#slots = slots;
    this.#slotsOf = slotsOf;
    this.#sources = sources;
    this.#values = values;
  }

  write(): void {
    this.#writeHttp();
    this.#writeSessions();
    writeTargetServers(this.#out, this.#sources.targets?.() ?? []);
    this.#writePlain();
  }

  #writeHttp(): void {
    this.#out.family("apigw_http_requests_total", "counter", "HTTP exchanges that ended, upgrades left out.");
    for (const { labels, base } of this.#slots) {
      for (const [methodAt, method] of methods.entries()) {
        for (const [classAt, code] of classes.entries()) {
          const slot = base + REQUESTS + methodAt * classes.length + classAt;
          this.#touched([...labels, "method", method, "code", code], slot);
        }
      }
    }
    this.#gauge("apigw_http_requests_in_flight", "HTTP exchanges under way.", IN_FLIGHT);
    const took = "apigw_http_request_duration_seconds";
    this.#times(took, "From request head to end of answer.", DURATION, exchangeBounds);
    this.#out.family("apigw_upstream_connections", "gauge", "Connections to targets that are open.");
    for (const { labels, targets } of this.#slots) {
      for (const [target, base] of targets) this.#out.sample([...labels, "target", target], this.#values[base] ?? 0);
    }
    const answered = "apigw_upstream_request_duration_seconds";
    this.#out.family(answered, "histogram", "From request to the target until its answer head.");
    for (const { labels, targets } of this.#slots) {
      for (const [target, base] of targets) {
        this.#histogram([...labels, "target", target], base + 1, exchangeBounds);
      }
    }
    this.#out.family("apigw_policy_faults_total", "counter", "Faults raised by policies.");
    for (const { labels, policies } of this.#slots) {
      for (const [policy, slot] of policies) this.#touched([...labels, "policy", policy], slot);
    }
    const timed = "apigw_policy_duration_seconds";
    const ofSample = "Time of a policy, waiting included, in those exchanges that policyTimes chose.";
    this.#out.family(timed, "histogram", ofSample);
    for (const { labels, policies } of this.#slots) {
      for (const [policy, slot] of policies) {
        this.#histogram([...labels, "policy", policy], slot + 1, exchangeBounds);
      }
    }
  }

  #writeSessions(): void {
    this.#out.family("apigw_ws_handshakes_total", "counter", "Upgrades by result: 101 or the status of the refusal.");
    for (const { labels, base } of this.#slots) {
      for (let at = 0; at <= results.length; at++) {
        this.#touched([...labels, "result", String(results[at] ?? "other")], base + HANDSHAKES + at);
      }
    }
    const handshake = "apigw_ws_handshake_duration_seconds";
    this.#times(handshake, "From upgrade request to its answer.", HANDSHAKE_TIME, exchangeBounds);
    this.#gauge("apigw_ws_connections_active", "WebSocket sessions open.", ACTIVE);
    this.#out.family("apigw_ws_connections_opened_total", "counter", "WebSocket sessions that got their 101.");
    for (const { labels, base } of this.#slots) this.#touched(labels, base + OPENED);
    this.#out.family("apigw_ws_connections_closed_total", "counter", "WebSocket sessions that ended, by reason.");
    for (const { labels, base } of this.#slots) {
      for (const [at, id] of reasonIds.entries()) {
        this.#touched([...labels, "reason", closeReasons[id].label], base + CLOSED + at);
      }
    }
    this.#out.family("apigw_ws_close_codes_total", "counter", "WebSocket sessions that ended, by close code.");
    for (const { labels, base } of this.#slots) {
      for (const [at, code] of closeCodes.entries()) this.#touched([...labels, "code", code], base + CODES + at);
    }
    this.#times("apigw_ws_connection_duration_seconds", "From the 101 to the end.", SESSION_TIME, sessionBounds);
    this.#writeBytes();
    this.#writeBackpressure();
  }

  #writeBytes(): void {
    const live = new Float64Array(2 * this.#slots.length);
    this.#sources.liveBytes?.((place, fromClient, fromTarget) => {
      const at = 2 * this.#slotsOf(place).index;
      add(live, at, fromClient);
      add(live, at + 1, fromTarget);
    });
    const carried = "Bytes carried by WebSocket sessions, by the side they came from.";
    this.#out.family("apigw_ws_bytes_total", "counter", carried);
    for (const { index, labels, base } of this.#slots) {
      const fromClient = (this.#values[base + BYTES_IN] ?? 0) + (live[2 * index] ?? 0);
      const fromTarget = (this.#values[base + BYTES_OUT] ?? 0) + (live[2 * index + 1] ?? 0);
      if (fromClient > 0) this.#out.sample([...labels, "direction", "from_client"], fromClient);
      if (fromTarget > 0) this.#out.sample([...labels, "direction", "from_target"], fromTarget);
    }
  }

  #writeBackpressure(): void {
    const waited = new Float64Array(2 * this.#slots.length);
    this.#sources.backpressure?.((place, { fromClientMs, fromTargetMs }) => {
      const at = 2 * this.#slotsOf(place).index;
      add(waited, at, fromClientMs);
      add(waited, at + 1, fromTargetMs);
    });
    const help = "Time for which sessions did not read a side because the other did not take its bytes.";
    this.#out.family("apigw_ws_backpressure_seconds_total", "counter", help);
    for (const { index, labels } of this.#slots) {
      for (const [side, direction] of ["from_client", "from_target"].entries()) {
        const waitedMs = waited[2 * index + side] ?? 0;
        if (waitedMs > 0) this.#out.sample([...labels, "direction", direction], waitedMs / 1_000);
      }
    }
  }

  #writePlain(): void {
    for (const [at, id] of counterIds.entries()) {
      const [name, help] = counters[id];
      this.#out.family(name, "counter", help);
      this.#out.sample([], this.#plain[at] ?? 0);
    }
    const { accepted, connections, draining, droppedLogLines, revocationEpoch, sessions } = this.#sources;
    const { revocationLagMs, storeUp } = this.#sources;
    const read = (name: string, type: "gauge" | "counter", help: string, source: (() => number) | undefined): void => {
      if (source === undefined) return;
      this.#out.family(name, type, help);
      this.#out.sample([], source());
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

  #touched(labels: Labels, slot: number): void {
    const value = this.#values[slot] ?? 0;
    if (value !== 0) this.#out.sample(labels, value);
  }

  #gauge(name: string, help: string, offset: number): void {
    this.#out.family(name, "gauge", help);
    for (const { labels, base } of this.#slots) this.#out.sample(labels, this.#values[base + offset] ?? 0);
  }

  #times(name: string, help: string, offset: number, bounds: readonly number[]): void {
    this.#out.family(name, "histogram", help);
    for (const { labels, base } of this.#slots) this.#histogram(labels, base + offset, bounds);
  }

  #histogram(labels: Labels, base: number, bounds: readonly number[]): void {
    const counts = this.#values.subarray(base, base + bounds.length + 1);
    if (counts.every((count) => count === 0)) return;
    this.#out.histogram(labels, bounds, counts, this.#values[base + bounds.length + 1] ?? 0);
  }
}

function add(values: Float64Array, at: number, by: number): void {
  values[at] = (values[at] ?? 0) + by;
}
