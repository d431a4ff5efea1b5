import { beforeEach, describe, expect, it } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { StoreFailure } from "#runtime/state/store.ts";
import { Revocations } from "#runtime/upgrade/revocation.ts";
import { watchLag, type LagSettings, type RevocationLag } from "#runtime/upgrade/revocation-lag.ts";
import { credential, SessionFixture } from "../../../support/session-fixture.ts";

const LOOK_MS = 250;
let x: SessionFixture;
let revocations: Revocations;
let heardUntilMs: number;
let isStoreLost: boolean;
let changes: boolean[];

beforeEach(() => {
  x = new SessionFixture();
  heardUntilMs = x.clock.monotonicMs();
  isStoreLost = false;
  changes = [];
});

function watching(onLag: LagSettings["onLag"]): RevocationLag {
  const memory = new MemoryStore(x.clock, defaultLimits);
  const isStillGood = (): Promise<boolean> => (isStoreLost ? Promise.reject(new StoreFailure("unavailable", "gone")) : Promise.resolve(true));
  revocations = new Revocations(memory, x.sessions, defaultLimits, { isStillGood });
  return watchLag({ maxLagMs: 1_000, onLag }, {
    clock: x.clock,
    store: Object.assign(memory, { heardUntilMs: () => heardUntilMs }),
    revocations,
    sessions: x.sessions,
    lookMs: LOOK_MS,
    onChange: (isOver) => void changes.push(isOver),
  });
}

const deaf = expect.objectContaining({ name: "StoreFailure", code: "unavailable" });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("beyond the bound", () => {
  it("refuses whoever comes with a credential, until everything missed was heard", () => {
    const lag = watching("refuse");
    x.clock.advance(1_000);
    expect(() => revocations.assertHearing()).not.toThrow();
    x.clock.advance(1);
    expect(() => revocations.assertHearing()).toThrow(deaf);
    const session = x.begin();
    expect(revocations.confirm(session)).toBe(null);
    session.addCredential(credential(["app:a"]));
    expect(() => revocations.confirm(session)).toThrow(deaf);
    heardUntilMs = x.clock.monotonicMs();
    expect(() => revocations.assertHearing()).not.toThrow();
    expect(lag.lagMs()).toBe(0);
  });

  it("refuses also when no timer has run, as in a process that was stopped", () => {
    const lag = watching("refuse");
    lag.close();
    x.clock.advance(60_000);
    expect(lag.refuses()).toBe(true);
  });

  it.each([["refuse", 0], ["keep", 0], ["end", 1]] as const)("with %s ends %d of the sessions with credentials", (onLag, ended) => {
    watching(onLag);
    const known = x.open({}, credential(["app:a"]));
    const open = x.open({});
    x.clock.advance(5_000);
    expect(known.splice.ends.length).toBe(ended);
    expect(known.splice.ends.map(({ reason, code }) => [reason, code])).toEqual(ended === 1 ? [["revocationLag", 1013]] : []);
    expect(open.splice.ends).toEqual([]);
  });

  it("keeps going with keep, and says so all the same, once each time", () => {
    const lag = watching("keep");
    x.clock.advance(5_000);
    expect(lag.refuses()).toBe(false);
    heardUntilMs = x.clock.monotonicMs();
    x.clock.advance(LOOK_MS);
    expect(changes).toEqual([true, false]);
  });
});

it("counts as deaf while sessions are in doubt, and checks them again at each look", async () => {
  const lag = watching("refuse");
  x.open({}, credential(["app:a"], { basis: { kind: "key", digest: "d", call: { proxy: "p", environment: "e", pathSuffix: "", verb: "GET" } } }));
  isStoreLost = true;
  revocations.storeEventsLost(7);
  await turn();
  x.clock.advance(2_000);
  heardUntilMs = x.clock.monotonicMs();
  expect(lag.refuses()).toBe(true);
  isStoreLost = false;
  await turn();
  x.clock.advance(LOOK_MS);
  await turn();
  expect(revocations.inDoubt).toBe(0);
  heardUntilMs = x.clock.monotonicMs();
  expect(lag.refuses()).toBe(false);
});

it("leaves no timer when closed", () => {
  const before = x.clock.timers;
  const lag = watching("refuse");
  expect(x.clock.timers).toBe(before + 1);
  lag.close();
  expect(x.clock.timers).toBe(before);
});
