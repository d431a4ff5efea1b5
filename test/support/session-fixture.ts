/**
 * Sessions for tests that need no sockets: real index, scheduler and sessions, a hand-moved clock, and a splice that
 * only writes down what it is told and ends when the test says so.
 */
import type { Credential } from "#runtime/access/credential.ts";
import { noLabels } from "#runtime/access/credential.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { SessionRecord } from "#runtime/observe/record.ts";
import type { CloseReasonId } from "#runtime/upgrade/close-reason.ts";
import { Scheduler } from "#runtime/scheduler.ts";
import { Session } from "#runtime/upgrade/session.ts";
import type { SessionAbort, SessionRoute, SessionServices, SessionSplice } from "#runtime/upgrade/session.ts";
import { Sessions } from "#runtime/upgrade/session-index.ts";
import type { SpliceCounters, SpliceEnd } from "#runtime/upgrade/splice.ts";
import { fakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";

/** A route without deadlines of its own. */
export const ROUTE: SessionRoute = {
  environment: "prod",
  proxy: "chat",
  endpoint: "default",
  proxyIdentity: "proxy:chat",
  idleTimeoutMs: Infinity,
  maxDurationMs: Infinity,
  renewalGraceMs: 0,
  closes: {},
};

const COUNTERS: SpliceCounters = { bytesFromClient: 10, bytesFromTarget: 20, framesFromClient: 1, framesFromTarget: 2 };

/** Writes down what the session tells its splice. */
export class FakeSplice implements SessionSplice {
  readonly #session: Session;
  lastActivityMs: number;
  dueMs = Infinity;
  readonly ends: { readonly reason: CloseReasonId; readonly code: number; readonly text: string }[] = [];
  readonly checks: number[] = [];

  constructor(session: Session, nowMs: number) {
    this.#session = session;
    this.lastActivityMs = nowMs;
  }

  counters(): SpliceCounters {
    return COUNTERS;
  }

  check(nowMs: number): void {
    this.checks.push(nowMs);
    this.dueMs = Infinity;
  }

  end(reason: CloseReasonId, code: number, text: string): void {
    this.ends.push({ reason, code, text });
  }

  /** Moves its own deadline earlier, as a stalled or closing splice does. */
  wants(dueMs: number): void {
    this.dueMs = dueMs;
    this.#session.spliceDue(this);
  }

  /** Both sockets are gone. */
  ended(end: Partial<SpliceEnd> = {}): void {
    const why = this.ends[0];
    this.#session.spliceEnded(this, {
      reason: why?.reason ?? "clientClosed",
      closedBy: why === undefined ? "client" : "gateway",
      code: why?.code ?? 1000,
      text: why?.text ?? "",
      forced: false,
      ...COUNTERS,
      ...end,
    });
  }
}

/** Everything around the sessions of one test. */
export class SessionFixture {
  readonly clock: FakeClock = fakeClock();
  readonly sessions = new Sessions({ sessionsMax: 100 });
  readonly steps: number[] = [];
  readonly scheduler: Scheduler;
  readonly records: SessionRecord[] = [];
  readonly services: SessionServices;

  constructor() {
    const onClockStep = (stepMs: number): void => {
      this.steps.push(stepMs);
      for (const session of this.sessions.all()) session.clockStepped();
    };
    this.scheduler = new Scheduler(this.clock, { onClockStep });
    this.services = {
      clock: this.clock,
      scheduler: this.scheduler,
      sessions: this.sessions,
      limits: defaultLimits,
      onRecord: (record) => void this.records.push(record),
    };
  }

  /** A session whose handshake is under way; `aborts` gets the reasons of its abort. */
  begin(route: Partial<SessionRoute> = {}, aborts: CloseReasonId[] = []): Session {
    const abort: SessionAbort = { onAbort: (reason) => void aborts.push(reason) };
    const session = Session.begin(this.services, { ...ROUTE, ...route }, "192.0.2.1", abort);
    if (session === null) throw new Error("the index is full");
    return session;
  }

  /** A session after its 101. */
  open(
    route: Partial<SessionRoute> = {},
    ...credentials: readonly Credential[]
  ): { session: Session; splice: FakeSplice } {
    const session = this.begin(route);
    for (const credential of credentials) session.addCredential(credential);
    return { session, splice: this.openNow(session) };
  }

  /** The 101 of a session leaves now. */
  openNow(session: Session): FakeSplice {
    const splice = new FakeSplice(session, this.clock.monotonicMs());
    session.opened(splice);
    return splice;
  }
}

/** A credential with these identities. */
export function credential(identities: readonly string[], extra: Partial<Credential> = {}): Credential {
  const bare = { kind: "token", policy: "OA-Verify", epoch: 0, expiresAtMs: null } as const;
  return { ...bare, labels: noLabels, basis: null, identities, ...extra };
}
