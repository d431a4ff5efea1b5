import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Credential, CredentialKind } from "#runtime/access/credential.ts";
import { closeReasons } from "#runtime/upgrade/close-reason.ts";
import type { CloseReasonId } from "#runtime/upgrade/close-reason.ts";
import { Session } from "#runtime/upgrade/session.ts";
import { credential, ROUTE, SessionFixture } from "../../../support/session-fixture.ts";
import type { FakeSplice } from "../../../support/session-fixture.ts";

/** An item of the scheduler may be late by its wake-up gap. */
const LATE_MS = 50;

let x: SessionFixture;
beforeEach(() => {
  x = new SessionFixture();
});

const expiringIn = (ms: number, kind: CredentialKind = "token"): Credential =>
  credential(["token:1"], { kind, expiresAtMs: x.clock.wallMs() + ms });
const reasons = (ends: FakeSplice["ends"]): CloseReasonId[] => ends.map(({ reason }) => reason);

describe("deadlines", () => {
  it.each<[CredentialKind, CloseReasonId, number]>([
    ["token", "tokenExpired", 3000],
    ["jwt", "tokenExpired", 3000],
    ["key", "keyExpired", 3000],
    ["certificate", "certificateExpired", 3000],
  ])("ends an open session when its %s expires, not a millisecond before", (kind, reason, code) => {
    const { splice } = x.open({}, expiringIn(60_000, kind));
    x.clock.advance(59_999);
    expect(splice.ends).toEqual([]);
    x.clock.advance(LATE_MS);
    expect(splice.ends).toEqual([{ reason, code, text: closeReasons[reason].text }]);
    splice.ended();
    expect(x.records).toMatchObject([{ reason, closedBy: "gateway", timer: "credential" }]);
  });

  it("ends by the earliest of several credentials, and names that one", () => {
    const { splice } = x.open({}, expiringIn(90_000, "token"), expiringIn(30_000, "key"), expiringIn(60_000, "jwt"));
    x.clock.advance(30_000 + LATE_MS);
    expect(reasons(splice.ends)).toEqual(["keyExpired"]);
  });

  it("counts any byte against idleTimeout, without being told of each", () => {
    const { splice } = x.open({ idleTimeoutMs: 10_000 });
    for (let n = 0; n < 10; n++) {
      x.clock.advance(9_000);
      splice.lastActivityMs = x.clock.monotonicMs();
    }
    expect(splice.ends).toEqual([]);
    x.clock.advance(9_999);
    expect(splice.ends).toEqual([]);
    x.clock.advance(LATE_MS);
    expect(reasons(splice.ends)).toEqual(["idle"]);
    splice.ended();
    expect(x.records[0]?.timer).toBe("idle");
  });

  it("ends at maxDuration after the 101 however busy it is", () => {
    const session = x.begin({ idleTimeoutMs: 10_000, maxDurationMs: 20_000 });
    x.clock.advance(5_000);
    const splice = x.openNow(session);
    for (let n = 0; n < 19; n++) {
      x.clock.advance(1_000);
      splice.lastActivityMs = x.clock.monotonicMs();
    }
    expect(splice.ends).toEqual([]);
    x.clock.advance(1_000 + LATE_MS);
    expect(reasons(splice.ends)).toEqual(["lifetime"]);
  });

  it("takes the route's code and text in place of the table's", () => {
    const closes = { idle: { code: 4000, text: "bye" } };
    const { splice } = x.open({ idleTimeoutMs: 1_000, closes });
    x.clock.advance(1_000 + LATE_MS);
    expect(splice.ends).toEqual([{ reason: "idle", code: 4000, text: "bye" }]);
  });

  it("follows a renewed credential, and its identities with it", () => {
    const old = credential(["token:old", "app:a"], { expiresAtMs: x.clock.wallMs() + 10_000 });
    const renewed = credential(["token:new", "app:a"], { expiresAtMs: x.clock.wallMs() + 30_000 });
    const { session, splice } = x.open({}, old);
    expect(session.renew(old, renewed)).toBe(true);
    expect(session.renew(old, renewed)).toBe(false);
    expect(x.sessions.find(["token:old"])).toEqual([]);
    expect(x.sessions.find(["token:new", "app:a"])).toEqual([session]);
    x.clock.advance(29_999);
    expect(splice.ends).toEqual([]);
    session.renew(renewed, expiringIn(-5_000));
    x.clock.advance(LATE_MS);
    expect(reasons(splice.ends)).toEqual(["tokenExpired"]);
  });

  it.each([
    ["forward: it expires at once", 59_000, 2_000, ["tokenExpired"]],
    ["back: it lives as long as its wall time says", -59_000, 100_000, []],
  ])("follows the wall clock when it is set %s", (_, stepMs, waitMs, expected) => {
    const { splice } = x.open({}, expiringIn(60_000));
    x.clock.advance(500);
    x.clock.stepWall(stepMs);
    x.clock.advance(waitMs);
    expect(reasons(splice.ends)).toEqual(expected);
    expect(x.steps).toEqual([stepMs]);
    x.clock.advance(60_000);
    expect(reasons(splice.ends)).toEqual(["tokenExpired"]);
  });

  it("measures idle time and duration by the clock that nobody sets", () => {
    const { splice } = x.open({ idleTimeoutMs: 10_000, maxDurationMs: 60_000 });
    x.clock.stepWall(3_600_000);
    x.clock.advance(9_000);
    expect(splice.ends).toEqual([]);
    x.clock.advance(1_000 + LATE_MS);
    expect(reasons(splice.ends)).toEqual(["idle"]);
  });

  it("takes expiries that lie decades ahead", () => {
    const { splice } = x.open({}, credential([], { expiresAtMs: Date.UTC(2099, 0, 1) }));
    x.clock.advance(1_000);
    expect(splice.ends).toEqual([]);
  });

  it("asks the splice to look when the splice wants it, before and after its end", () => {
    const { session, splice } = x.open({ idleTimeoutMs: 600_000 });
    splice.wants(x.clock.monotonicMs() + 5_000);
    x.clock.advance(5_000 + LATE_MS);
    expect(splice.checks).toHaveLength(1);
    session.end("drain");
    splice.wants(x.clock.monotonicMs() + 1_000);
    x.clock.advance(1_000 + LATE_MS);
    expect(splice.checks).toHaveLength(2);
    expect(reasons(splice.ends)).toEqual(["drain"]);
    expect(x.clock.timers).toBe(0);
  });
});

describe("the handshake", () => {
  it("stands in the index from its first moment, under each credential as it comes", () => {
    const session = x.begin();
    expect(x.sessions.find(["proxy:chat"])).toEqual([session]);
    session.addCredential(credential(["key:1", "app:a"]));
    session.addCredential(credential(["token:1", "app:a"]));
    for (const identity of ["key:1", "app:a", "token:1"]) expect(x.sessions.find([identity])).toEqual([session]);
    expect(session.identities()).toEqual(["proxy:chat", "key:1", "app:a", "token:1"]);
    session.abandon(false);
    expect([x.sessions.count, x.sessions.identityCount]).toEqual([0, 0]);
  });

  it("is aborted once, with the first reason, and leaves no record when the target had not accepted", () => {
    const aborts: CloseReasonId[] = [];
    const session = x.begin({}, aborts);
    session.end("tokenRevoked");
    session.end("drain");
    expect(aborts).toEqual(["tokenRevoked"]);
    session.abandon(false);
    session.abandon(true);
    expect(x.records).toEqual([]);
    expect(session.state).toBe("closed");
  });

  it("is aborted when a credential expires meanwhile", () => {
    const aborts: CloseReasonId[] = [];
    const session = x.begin({}, aborts);
    session.addCredential(expiringIn(1_000));
    x.clock.advance(1_000 + LATE_MS);
    expect(aborts).toEqual(["tokenExpired"]);
    expect(session.expired()).toBe("tokenExpired");
  });

  it("that is aborted while its answer is written abandons itself safely", () => {
    let session: Session | null = null;
    const abort = { onAbort: () => session?.abandon(true) };
    session = Session.begin(x.services, ROUTE, "192.0.2.1", abort);
    session?.end("ended");
    expect(x.records).toMatchObject([{ reason: "ended", closedBy: "gateway" }]);
    expect(x.sessions.count).toBe(0);
    expect(x.clock.timers).toBe(0);
  });

  it("takes credentialsPerSessionMax credentials and no more", () => {
    const session = x.begin();
    for (let n = 0; n < 8; n++) expect(session.addCredential(credential([`token:${n}`]))).toBe(true);
    expect(session.addCredential(credential(["token:more"]))).toBe(false);
    expect(x.sessions.find(["token:more"])).toEqual([]);
  });

  it("does not begin when the process is full", () => {
    for (let n = 0; n < 100; n++) x.begin();
    expect(Session.begin(x.services, ROUTE, "192.0.2.1", { onAbort: () => undefined })).toBe(null);
    expect(x.sessions.count).toBe(100);
  });

  it.each<[string, CloseReasonId | undefined, CloseReasonId, string]>([
    ["a response flow refused", undefined, "refusedAfterAccept", "gateway"],
    ["the client left", "clientLost", "clientLost", "client"],
  ])("leaves a record when %s after the target had accepted", (_, given, reason, closedBy) => {
    const session = x.begin();
    session.target = "backend";
    x.clock.advance(25);
    session.abandon(true, given);
    const expected = { reason, closedBy, code: 1001, target: "backend", handshakeMs: 25, durationMs: 0 };
    expect(x.records).toMatchObject([expected]);
  });

  it("that was ended in the very moment of its 101 ends through its splice", () => {
    const session = x.begin();
    session.end("tokenRevoked");
    const splice = x.openNow(session);
    expect(reasons(splice.ends)).toEqual(["tokenRevoked"]);
    expect(session.state).toBe("closing");
    splice.ended();
    expect(x.records).toHaveLength(1);
  });
});

describe("the end", () => {
  it("tells everything in one record, and nothing secret", () => {
    const labels = { app: "the-app", developer: "dev", product: null, keyFingerprint: "abc" };
    const second = { ...labels, app: "other", product: "gold" };
    const session = x.begin();
    const startedAtMs = x.clock.wallMs();
    session.addCredential(credential(["token:1"], { labels }));
    session.addCredential(credential(["key:1"], { labels: second }));
    session.target = "backend";
    x.clock.advance(30);
    const splice = x.openNow(session);
    x.clock.advance(5_000);
    session.end("tokenRevoked");
    splice.ended({ forced: true });
    expect(x.records).toEqual([
      {
        sessionId: session.id,
        environment: "prod",
        proxy: "chat",
        endpoint: "default",
        target: "backend",
        app: "the-app",
        developer: "dev",
        product: "gold",
        keyFingerprint: "abc",
        clientAddress: "192.0.2.1",
        status: 101,
        startedAtMs,
        endedAtMs: startedAtMs + 5_030,
        handshakeMs: 30,
        durationMs: 5_000,
        closedBy: "gateway",
        reason: "tokenRevoked",
        code: 3003,
        text: "token revoked",
        forced: true,
        timer: null,
        renewals: 0,
        span: null,
        bytesFromClient: 10,
        bytesFromTarget: 20,
        framesFromClient: 1,
        framesFromTarget: 2,
        mark: null,
      },
    ]);
    expect([x.sessions.count, x.sessions.identityCount, x.scheduler.size, x.clock.timers]).toEqual([0, 0, 0, 0]);
  });

  it("is the peers' own when they closed, and a revocation still cuts what is left", () => {
    const { session, splice } = x.open({}, credential(["token:1"]));
    session.spliceClosing(splice, "clientClosed");
    expect(session.state).toBe("closing");
    session.end("tokenRevoked");
    expect(reasons(splice.ends)).toEqual(["tokenRevoked"]);
    splice.ended({ reason: "clientClosed", closedBy: "client", code: 1000 });
    expect(x.records).toMatchObject([{ reason: "clientClosed", closedBy: "client", code: 1000 }]);
  });

  it("that is gentle becomes a cut when a credential is revoked or expires meanwhile, and keeps its reason", () => {
    const first = x.open({}, credential(["token:1"]));
    first.session.end("drain");
    first.session.end("shutdown");
    first.session.end("tokenRevoked");
    first.session.end("ended");
    expect(reasons(first.splice.ends)).toEqual(["drain", "tokenRevoked"]);
    expect(first.session.endReason).toBe("drain");
    const second = x.open({ idleTimeoutMs: 1_000 }, expiringIn(1_500));
    x.clock.advance(1_000 + LATE_MS);
    expect(reasons(second.splice.ends)).toEqual(["idle"]);
    x.clock.advance(500);
    expect(reasons(second.splice.ends)).toEqual(["idle", "tokenExpired"]);
  });

  it("gives exactly one record for an opened session, whatever happens in whatever order", () => {
    const step = fc.oneof(
      fc.constantFrom("end", "again", "ended", "closing", "abandon", "stepWall", "renew"),
      fc.record({ advance: fc.integer({ min: 0, max: 40_000 }) }),
      fc.record({ wants: fc.integer({ min: 0, max: 5_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        x = new SessionFixture();
        const first = expiringIn(50_000);
        const { session, splice } = x.open({ idleTimeoutMs: 30_000, maxDurationMs: 100_000 }, first);
        for (const one of steps) {
          if (one === "end") session.end("ended");
          else if (one === "again") session.end("drain");
          else if (one === "ended") splice.ended();
          else if (one === "closing") session.spliceClosing(splice, "clientClosed");
          else if (one === "abandon") session.abandon(true);
          else if (one === "stepWall") x.clock.stepWall(10_000);
          else if (one === "renew") session.renew(first, expiringIn(20_000));
          else if ("advance" in one) x.clock.advance(one.advance);
          else splice.wants(x.clock.monotonicMs() + one.wants);
        }
        splice.ended();
        x.clock.advance(1_000_000);
        expect(x.records).toHaveLength(1);
        const cuts = splice.ends.map(({ reason }) => closeReasons[reason].cutsTraffic);
        expect([[], [true], [false], [false, true]]).toContainEqual(cuts);
        expect([x.sessions.count, x.sessions.identityCount, x.scheduler.size, x.clock.timers]).toEqual([0, 0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});
