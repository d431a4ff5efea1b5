/** A gateway without listeners: the real store, cache, revocations and sessions, a clock that the test moves. */
import { resolveBasis } from "#runtime/access/resolve.ts";
import { seedAccess } from "#runtime/access/seed.ts";
import { VerifiedCache } from "#runtime/access/verified-cache.ts";
import type { Deployed, Gateway } from "#runtime/gateway.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { andThen } from "#runtime/maybe.ts";
import type { GatewayProgram, ProxyProgram } from "#runtime/program.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import type { Store } from "#runtime/state/store.ts";
import { Revocations } from "#runtime/upgrade/revocation.ts";
import { fakeClock, type FakeClock } from "../../support/fake-clock.ts";
import { recording } from "../../support/recording.ts";
import { ROUTE, SessionFixture } from "../../support/session-fixture.ts";

/** `plain` and `traced` answer at once; behind `late` every look-up is a promise. */
export type Form = "plain" | "traced" | "late";

export interface TestedGateway {
  readonly gateway: Gateway;
  readonly clock: FakeClock;
  /** What was reported as a defect since the last look. */
  defects: string[];
}

/** Starts a program's services. */
export async function gatewayOf(program: GatewayProgram, form: Form): Promise<TestedGateway> {
  program.makeTargets(defaultLimits);
  const clock = fakeClock();
  const { sessions, scheduler, services } = new SessionFixture();
  const memory = new MemoryStore(clock, defaultLimits);
  await seedAccess(memory, program.access());
  const store = form === "late" ? lateStore(memory) : memory;
  const uncached = { ...defaultLimits, verifiedCacheTtlMs: 0 };
  const revocations = new Revocations(store, sessions, defaultLimits, {
    isStillGood: (basis) => andThen(resolveBasis(store, clock, basis), (found) => typeof found !== "string"),
  });
  await revocations.start();
  const tested: { defects: string[] } = { defects: [] };
  const deployed = new Map<ProxyProgram, Deployed>();
  for (const { program: proxy } of program.routes) {
    deployed.set(proxy, { program: proxy, session: ROUTE, splice: Object.freeze({ ...proxy.webSocket }), clientIp: null });
  }
  const parts: Partial<Gateway> & { readonly metrics: unknown } = {
    organization: program.organization,
    clock,
    limits: defaultLimits,
    router: program.route,
    deployed,
    sessionServices: { ...services, clock },
    spans: null,
    tracing: form === "traced" ? recording(clock, deployed.keys()) : null,
    store,
    // A cache would answer the second call at once: the late form is to wait each time.
    verified: new VerifiedCache(store, revocations, clock, form === "late" ? uncached : defaultLimits),
    sessions,
    revocations,
    scheduler,
    counters: new Map(),
    heldBytes: 0,
    metrics: { policyFault: () => undefined } as unknown as Gateway["metrics"],
    defect: (thrown) => void tested.defects.push(thrown instanceof Error ? (thrown.stack ?? thrown.message)
      : String(thrown)),
  };
  return Object.assign(tested, { gateway: parts as Gateway, clock });
}

/** The store behind promises that are kept soon. */
function lateStore(store: Store): Store {
  return {
    get: async (kind, id) => store.get(kind, id),
    put: async (kind, id, record, options) => store.put(kind, id, record, options),
    remove: async (kind, id, event) => store.remove(kind, id, event),
    take: async (kind, id) => store.take(kind, id),
    list: async (kind, page) => store.list(kind, page),
    append: async (event) => store.append(event),
    events: async (after, limit) => store.events(after, limit),
    lastEvent: async () => store.lastEvent(),
    watch: (listener) => store.watch(listener),
    heardUntilMs: () => store.heardUntilMs(),
    ready: async () => store.ready(),
    close: async () => store.close(),
  };
}
