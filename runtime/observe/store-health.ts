/** What logs and metrics say of a distant store and of revocations that may go unheard. A local store says nothing. */
import type { GatewayProgram } from "../program.ts";
import type { StoreReport } from "../state/store.ts";
import type { LagParts, RevocationLag } from "../upgrade/revocation-lag.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** Writes lines when a store comes and goes, counts what failed, and keeps a gauge. */
export function storeReport(log: Log, metrics: Metrics): StoreReport {
  let isUp = false;
  return {
    connected: () => {
      isUp = true;
      metrics.observe({ storeUp: () => isUp });
      log.event("store_connected", {});
    },
    lost: (reason) => {
      isUp = false;
      log.event("store_lost", { detail: reason }, "error");
    },
    failed: () => metrics.count("storeFailures"),
  };
}

/** Watches the lag where the program has one, with a line at each end of it and a gauge. */
export function watchHearing(
  program: GatewayProgram["lag"],
  parts: Omit<LagParts, "onChange">,
  log: Log,
  metrics: Metrics,
): RevocationLag | null {
  if (program === null) return null;
  const { maxLagMs, onLag, watch } = program;
  const onChange: LagParts["onChange"] = (isOver, lagMs) => {
    const fields = { lag_ms: Math.round(lagMs), on_lag: onLag };
    if (isOver) log.event("revocation_lag", fields, "error");
    else log.event("revocation_lag_over", fields);
  };
  const lag = watch({ maxLagMs, onLag }, { ...parts, onChange });
  metrics.observe({ revocationLagMs: () => lag.lagMs() });
  return lag;
}
