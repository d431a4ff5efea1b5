/**
 * The servers that one exchange tries, one after the other: which comes first, what its answer or failure means for the
 * rotation, whether there is another. It sends nothing; target/http.ts and upgrade/target-attempts.ts do.
 */
import type { Exchange } from "../context.ts";
import { fault, type FaultCode } from "../fault.ts";
import { tellServerBack, tellServerOut } from "./server-event.ts";
import type { Target, TargetServer } from "./target.ts";

const NOBODY: readonly TargetServer[] = [];

/** The first server, noted on the exchange. Throws `NoActiveTargets` (503) when every server is out of rotation. */
export function firstServer(x: Exchange, target: Target, written: TargetServer | null): TargetServer {
  const { balancer } = target;
  const nowMs = balancer === null ? 0 : x.gateway.clock.monotonicMs();
  const server = written ?? (balancer === null ? target.servers[0] : balancer.pick(NOBODY, nowMs));
  if (server === undefined || server === null) throw fault("messaging.adaptors.http.flow.NoActiveTargets");
  x.server = server;
  return server;
}

/**
 * The server of the exchange has failed, in the words of `why`: counted, and told when that took it out of rotation.
 */
export function serverFailed(x: Exchange, target: Target, why: string): void {
  const { server, gateway } = x;
  if (server === null || server.state === null || target.balancer === null) return;
  (x.failedServers ??= []).push(server);
  const wentOut = target.balancer.failed(server.state, gateway.clock.monotonicMs());
  if (wentOut) tellServerOut(gateway.log, x.program, target, server, why);
}

/** Another server after a failure, noted on the exchange; null: there is none, or nobody wants one tried. */
export function nextServer(x: Exchange, target: Target): TargetServer | null {
  const { server, gateway } = x;
  const { balancer } = target;
  if (server === null || server.state === null || balancer === null || !balancer.retryEnabled) return null;
  const next = balancer.pick(x.failedServers ?? NOBODY, gateway.clock.monotonicMs());
  if (next === null) return null;
  server.state.retriesTotal++;
  x.server = next;
  return next;
}

/** The server has answered. True: with a status that counts as a failure, and it is counted. */
export function isUnhealthyAnswer(x: Exchange, target: Target, status: number): boolean {
  const { server } = x;
  if (server === null || server.state === null || target.balancer === null) return false;
  if (target.balancer.isUnhealthy(status)) {
    serverFailed(x, target, `status ${status}`);
    return true;
  }
  if (target.balancer.answered(server.state)) tellServerBack(x.gateway.log, x.program, target, server);
  return false;
}

/** A log line for a try that failed. */
export function logTargetFailure(x: Exchange, code: FaultCode, detail: string): void {
  const { target, server, gateway } = x;
  const which = server === null || server.state === null ? {} : { server: server.name };
  gateway.log.event("target_failed", { target: target?.name ?? "", ...which, fault: code, detail }, "warn");
}
