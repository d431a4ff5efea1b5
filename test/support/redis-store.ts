/** Settings of distributed stores for tests. */
import type { RedisSettings } from "#runtime/state/redis-settings.ts";
import type { StoreReport } from "#runtime/state/store.ts";

/** Settings that time out soon, changed as said. */
export function redisSettings(changes: Partial<RedisSettings>): RedisSettings {
  const keyPrefix = changes.keyPrefix ?? "{apigw}";
  return {
    url: null,
    cluster: null,
    sentinel: null,
    username: null,
    password: null,
    tls: null,
    connectTimeoutMs: 2_000,
    commandTimeoutMs: 1_000,
    ...changes,
    keyPrefix,
    channel: `${keyPrefix}:wake`,
  };
}

/** Says nothing. */
export const silentReport: StoreReport = { connected: () => undefined, lost: () => undefined, failed: () => undefined };

/** Counts. */
export function recordingReport(): StoreReport & { readonly losses: string[]; failures: number; connections: number } {
  const report = {
    losses: [] as string[],
    failures: 0,
    connections: 0,
    connected: () => void report.connections++,
    lost: (reason: string) => void report.losses.push(reason),
    failed: () => void report.failures++,
  };
  return report;
}
