/** Metrics of a gateway in which everything has happened once: every family with every label that it can have. */
import type { Clock } from "#runtime/clock.ts";
import { counters, type CounterId } from "#runtime/observe/metric-slots.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import type { SessionRecord } from "#runtime/observe/record.ts";
import type { MetricTargets } from "#runtime/observe/target-metrics.ts";

const place = { environment: "prod", proxy: "chat" };

/** A session that has just ended. */
function endedSession(over: Partial<SessionRecord> = {}): SessionRecord {
  return {
    sessionId: "s", ...place, endpoint: "default", target: "backend", app: null, developer: null,
    product: null, keyFingerprint: null, clientAddress: "192.0.2.1", status: 101, startedAtMs: 0, endedAtMs: 0, handshakeMs: 0,
    durationMs: 5_000, closedBy: "client", reason: "clientClosed", code: 1000, text: "", forced: false, timer: null,
    bytesFromClient: 100, bytesFromTarget: 900, framesFromClient: 1, framesFromTarget: 1, renewals: 0, mark: null, ...over,
  };
}

/** Call `close` on it. */
export function fullMetrics(clock: Clock): Metrics {
  const proxy = { ...place, targets: ["backend"], policies: ["VK-Key"] };
  const metrics = new Metrics({ version: "1.0.0", build: "abc", node: "26.10.0" }, clock, [proxy]);
  for (const id of Object.keys(counters) as CounterId[]) metrics.count(id);
  metrics.httpStarted(place);
  metrics.httpFinished(place, "GET", 200, 12);
  metrics.handshake(place, 101, 3);
  metrics.sessionOpened(place);
  metrics.sessionClosed(endedSession());
  metrics.upstreamOpened(place, "backend");
  metrics.upstreamAnswered(place, "backend", 4);
  metrics.policyFault(place, "VK-Key");
  metrics.policyTimed(place, "VK-Key", 0.2);
  const state = { isUp: true, open: 1, failuresTotal: 1, retriesTotal: 1 };
  // No more of a target than what is counted of it.
  const targets: MetricTargets["targets"] = JSON.parse(
    JSON.stringify({ backend: { name: "backend", servers: [{ name: "one", state }] } }),
  );
  metrics.observe({
    connections: () => 1,
    accepted: () => 2,
    sessions: () => 1,
    draining: () => false,
    droppedLogLines: () => 0,
    revocationEpoch: () => 1,
    revocationLagMs: () => 1,
    storeUp: () => true,
    analytics: { written: 1, dropped: 0, pending: 0, isUp: true },
    backpressure: (add) => add(place, { fromClientMs: 1_500, fromTargetMs: 250 }),
    targets: () => [{ ...place, targets }],
  });
  return metrics;
}
