/**
 * What compiled chains call between their steps: taking a route, going on after an error that is allowed, recording
 * steps in the traced twins. No policy lives here.
 */
import type { Exchange } from "../context.ts";
import { fault, isFault } from "../fault.ts";
import type { Maybe } from "../maybe.ts";
import { takeFault } from "./run.ts";

/** Takes a route rule: from here on the target endpoint's flows run. */
export function takeRoute(x: Exchange, rule: string, target: string): void {
  x.route = rule;
  x.target = x.program.targets[target] ?? null;
  if (x.target === null) throw new TypeError(`invariant: every environment makes target ${target}`);
  x.inTarget = true;
}

/** No route rule matched (apigee-core section 2.2). */
export function noRoute(): never {
  throw fault("messaging.runtime.RouteFailed");
}

/**
 * `continueOnError`: a fault of the step is noted and the flow goes on; anything else is a defect and passes through
 * (apigee-core section 3.7, rule 9).
 */
export function carryOn(x: Exchange, thrown: unknown, policy: string): void {
  if (!isFault(thrown)) throw thrown;
  x.trace?.end(x, thrown);
  x.noteFailed(policy, thrown);
  // A policy of the shared flow that this one called has failed as well.
  if (thrown.policy !== null && thrown.policy !== policy) x.noteFailed(thrown.policy, thrown);
}

/** The same for a step that may wait. */
export function carryOnLater(x: Exchange, policy: string, step: () => Maybe<void>): Maybe<void> {
  try {
    const wait = step();
    if (!(wait instanceof Promise)) return;
    return wait.catch((thrown: unknown) => carryOn(x, thrown, policy));
  } catch (thrown) {
    carryOn(x, thrown, policy);
  }
}

/**
 * `alwaysEnforce`: the default fault rule runs behind the others, also where a step of theirs failed, but not where one
 * raised a fault of its own choice (apigee-core section 3.7, rule 5).
 */
export function enforce<X extends Exchange>(x: X, rules: (x: X) => Maybe<void>, always: (x: X) => Maybe<void>): Maybe<void> {
  let wait: Maybe<void>;
  try {
    wait = rules(x);
  } catch (thrown) {
    failRule(x, thrown);
    return always(x);
  }
  if (!(wait instanceof Promise)) return always(x);
  return wait.catch((thrown: unknown) => failRule(x, thrown)).then(() => always(x));
}

function failRule(x: Exchange, thrown: unknown): void {
  if (!isFault(thrown) || thrown.code === "steps.raisefault.RaiseFault") throw thrown;
  takeFault(x, thrown);
}

/** A traced step begins. `condition` is its condition's value, null when it has none. */
export function traceStep(x: Exchange, step: number, condition: boolean | null): void {
  x.trace?.begin(x, step, condition);
}

/** The traced step has ended well, or its fault was carried on from. */
export function traceEnd(x: Exchange): void {
  x.trace?.end(x, null);
}

/** A traced step's condition did not hold. */
export function traceSkipped(x: Exchange, step: number): void {
  x.trace?.pass(x, step, "skipped");
}

/** A step that the compiler left out of the plain chain. */
export function traceFolded(x: Exchange, step: number): void {
  x.trace?.pass(x, step, "folded");
}
