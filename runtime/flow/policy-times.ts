/**
 * How long policies took (`apigee.metrics.policy.<name>.timeTaken`, apigee-core section 6.1). Generated code calls it
 * for the policies of which somebody reads that, and for no others.
 */
import type { Exchange } from "../context.ts";
import { isPending, type Maybe } from "../maybe.ts";

/** A policy begins. */
export function beginPolicy(x: Exchange, policy: string): void {
  x.policyTimes ??= new Map();
  x.policyTimes.set(policy, -x.gateway.clock.monotonicMs());
}

/** It is done. */
export function endPolicy(x: Exchange, policy: string): void {
  const beganMs = x.policyTimes?.get(policy) ?? 0;
  if (beganMs < 0) x.policyTimes?.set(policy, x.gateway.clock.monotonicMs() + beganMs);
}

/** It is done when what it waits for has come. */
export function endPolicyLater(x: Exchange, policy: string, wait: Maybe<void>): Maybe<void> {
  if (isPending(wait)) return wait.then(() => endPolicy(x, policy));
  endPolicy(x, policy);
}

/** Nanoseconds of its last run; null while it has not come to an end. */
export function policyTime({ policyTimes }: Exchange, policy: string): number | null {
  const ms = policyTimes?.get(policy) ?? -1;
  return ms < 0 ? null : Math.round(ms * 1_000_000);
}
