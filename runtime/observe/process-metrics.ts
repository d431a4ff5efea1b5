/**
 * What is known about the process itself: event loop, CPU, memory, file descriptors, build. Read at each scrape; the
 * event loop's delay is sampled only from the first scrape on, so that an unwatched gateway does not wake up for it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { monitorEventLoopDelay, performance, type EventLoopUtilization } from "node:perf_hooks";
import type { MetricText } from "./metric-text.ts";

/** Labels of apigw_build_info. */
export interface BuildInfo {
  readonly version: string;
  /** Digest of the compiled input. */
  readonly build: string;
  readonly node: string;
}

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>;

/** What one process remembers between two scrapes. */
export class ProcessSampler {
  #delay: DelayHistogram | null = null;
  #utilization: EventLoopUtilization | undefined;
  #ratio = 0;
  #delayCount = 0;
  #delaySeconds = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #quantiles: readonly (readonly [string, number])[] = [];

  /** Share of the time that the event loop was busy between the last two scrapes that lay apart. */
  get utilization(): number {
    return this.#ratio;
  }

  /** Delay of the event loop in seconds over the same time, by quantile. */
  get delays(): readonly (readonly [string, number])[] {
    return this.#quantiles;
  }

  /** How many delays were measured since the first sample, and their sum in seconds. */
  get delayTotals(): { readonly count: number; readonly seconds: number } {
    return { count: this.#delayCount, seconds: this.#delaySeconds };
  }

  /** Takes a sample unless the last one is younger than WINDOW_MS: two scrapers then read the same numbers. */
  sample(nowMs: number): void {
    if (this.#delay === null) {
      this.#delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
      this.#delay.enable();
    }
    if (nowMs - this.#readAtMs < WINDOW_MS) return;
    this.#readAtMs = nowMs;
    const current = performance.eventLoopUtilization();
    this.#ratio = performance.eventLoopUtilization(current, this.#utilization).utilization;
    this.#utilization = current;
    const delay = this.#delay;
    if (delay.count > 0) {
      this.#delayCount += delay.count;
      this.#delaySeconds += delay.count * Math.max(0, delay.mean / 1e9 - DELAY_RESOLUTION_MS / 1e3);
    }
    if (delay.count > 0) this.#quantiles = QUANTILES.map((quantile) => [quantile, overshoot(delay, quantile)] as const);
    delay.reset();
  }

  /** Stops the sampling timer. */
  close(): void {
    this.#delay?.disable();
    this.#delay = null;
  }
}

const DELAY_RESOLUTION_MS = 50;
const WINDOW_MS = 5_000;
const QUANTILES = ["0.5", "0.9", "0.99", "1"] as const;

function overshoot(delay: DelayHistogram, quantile: string): number {
  const nanoseconds = quantile === "1" ? delay.max : delay.percentile(Number(quantile) * 100);
  return Math.max(0, nanoseconds / 1e9 - DELAY_RESOLUTION_MS / 1e3);
}

/** Writes the process's own families. */
export function writeProcess(out: MetricText, build: BuildInfo, sampler: ProcessSampler, nowMs: number): void {
  sampler.sample(nowMs);
  out.family("apigw_build_info", "gauge", "Always 1; the labels tell what runs.");
  out.sample(["version", build.version, "build", build.build, "node", build.node], 1);
  out.family("apigw_eventloop_utilization_ratio", "gauge", "Share of time that the event loop was busy.");
  out.sample([], sampler.utilization);
  out.family("apigw_eventloop_delay_seconds", "summary", "How late the event loop was, by quantile.");
  for (const [quantile, seconds] of sampler.delays) out.sample(["quantile", quantile], seconds);
  out.sample([], sampler.delayTotals.seconds, "_sum");
  out.sample([], sampler.delayTotals.count, "_count");
  const cpu = process.cpuUsage();
  const memory = process.memoryUsage();
  single(out, "process_cpu_user_seconds_total", "counter", "User CPU time.", cpu.user / 1e6);
  single(out, "process_cpu_system_seconds_total", "counter", "System CPU time.", cpu.system / 1e6);
  single(out, "process_cpu_seconds_total", "counter", "User and system CPU time.", (cpu.user + cpu.system) / 1e6);
  single(out, "process_resident_memory_bytes", "gauge", "Resident memory.", memory.rss);
  single(out, "process_heap_bytes", "gauge", "Memory of the JavaScript heap.", memory.heapTotal);
  single(out, "process_start_time_seconds", "gauge", "Start, seconds since 1970.", performance.timeOrigin / 1e3);
  single(out, "process_open_fds", "gauge", "Open file descriptors.", openDescriptors());
  single(out, "process_max_fds", "gauge", "Limit of file descriptors.", descriptorsMax());
}

function single(out: MetricText, name: string, type: "counter" | "gauge", help: string, value: number | null): void {
  if (value === null) return;
  out.family(name, type, help);
  out.sample([], value);
}

/** Null where there is no /proc, or no permission to read it. */
function openDescriptors(): number | null {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return null;
  }
}

function descriptorsMax(): number | null {
  try {
    const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    if (limit === undefined) return null;
    return limit === "unlimited" ? Infinity : Number(limit);
  } catch {
    return null;
  }
}
