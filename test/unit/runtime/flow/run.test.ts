import { expect, it } from "vitest";
import type { Exchange } from "#runtime/context.ts";
import { fault } from "#runtime/fault.ts";
import { accessFault } from "#runtime/fault/access.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { failExchange, runChain, type ChainOwner } from "#runtime/flow/run.ts";
import { PolicyFixture } from "../../../support/policy-fixture.ts";

/** An exchange whose fault rules, defects and connection a test looks at. */
function exchange(faultRules: () => Maybe<void> = () => undefined) {
  const x = new PolicyFixture().exchange();
  const seen = { ends: [] as string[], defects: [] as unknown[], destroyed: 0, ruleRuns: 0 };
  const fault = (): Maybe<void> => {
    seen.ruleRuns++;
    return faultRules();
  };
  Object.assign(x, { chains: { fault } });
  Object.assign(x.gateway, { defect: (thrown: unknown) => void seen.defects.push(thrown), metrics: { policyFault: () => undefined } });
  Object.assign(x.socket, { destroy: () => void seen.destroyed++ });
  const owner: ChainOwner = {
    chainDone: () => void seen.ends.push("done"),
    chainFaulted: () => void seen.ends.push(x.fault?.code ?? "none"),
  };
  return { x, seen, owner };
}

/** A chain that a test lets go on, or fail. */
function waiting() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { chain: (_x: Exchange) => promise, resolve, reject };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const timedOut = fault("flow.APITimedOut");
const refused = accessFault("oauth.v2.InvalidApiKey", "", "VK");

it("a chain that ends without waiting is heard at once", () => {
  const { x, seen, owner } = exchange();
  runChain(x, () => undefined, owner);
  expect(seen.ends).toEqual(["done"]);
});

it.each([["goes on", null], ["fails", refused]])("a chain that %s after a fault from elsewhere is not heard", async (_how, late) => {
  const { x, seen, owner } = exchange();
  const { chain, resolve, reject } = waiting();
  runChain(x, chain, owner);
  failExchange(x, timedOut, owner);
  if (late === null) resolve();
  else reject(late);
  await settled();
  expect(seen.ends).toEqual(["flow.APITimedOut"]);
  expect(seen.ruleRuns).toBe(1);
  expect(x.fault).toBe(timedOut);
});

it("a fault while fault rules wait goes straight into the answer", async () => {
  const rules = waiting();
  const { x, seen, owner } = exchange(() => rules.chain(x));
  failExchange(x, refused, owner);
  failExchange(x, timedOut, owner);
  rules.resolve();
  await settled();
  expect(seen.ends).toEqual(["flow.APITimedOut"]);
  expect(seen.ruleRuns).toBe(1);
});

it.each([
  ["chainDone", (x: Exchange, owner: ChainOwner) => runChain(x, () => undefined, owner)],
  ["chainDone", (x: Exchange, owner: ChainOwner) => runChain(x, () => Promise.resolve(), owner)],
  ["chainFaulted", (x: Exchange, owner: ChainOwner) => failExchange(x, refused, owner)],
])("an owner whose %s throws is a defect, and its client is not left waiting", async (_which, run) => {
  const { x, seen } = exchange();
  const broken = new TypeError("invariant: none");
  const fail = (): never => {
    throw broken;
  };
  run(x, { chainDone: fail, chainFaulted: fail });
  await settled();
  expect(seen.defects).toEqual([broken]);
  expect(seen.destroyed).toBe(1);
});
