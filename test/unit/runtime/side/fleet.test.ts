import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, fleetOfOne, type Fleet, type FleetGateway } from "#runtime/side/fleet.ts";
import { openFleet } from "#runtime/side/fleet-store.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { FleetQuestion } from "#runtime/state/fleet-record.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import { replicaOf } from "#runtime/process/instance.ts";
import { Replicas } from "#runtime/state/replicas.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { credential, SessionFixture } from "../../../support/session-fixture.ts";

const QUESTION: FleetQuestion = { filter: [], rows: 0, behind: {} };
let x: SessionFixture;
let store: MemoryStore;
let running: { close(): void }[] = [];

beforeEach(() => {
  x = new SessionFixture();
  store = new MemoryStore(x.clock, defaultLimits);
});
afterEach(() => {
  running.forEach((fleet) => fleet.close());
  running = [];
});

/** A replica with so many sessions of the fixture's app. */
function replica(uuid: string, sessions: number, limits = defaultLimits): { fleet: Fleet; gateway: FleetGateway; leave(): void } {
  const own = new SessionFixture();
  for (let n = 0; n < sessions; n++) own.open({}, credential([n === 0 ? "app:first" : "app:other"]));
  const defect = (thrown: unknown): never => {
    throw thrown;
  };
  const instance = { uuid, podName: `pod-${uuid}`, regionName: null, startedAtMs: 5 };
  const metrics = new Metrics({ version: "1", build: "b", node: "n" }, x.clock, []);
  const gateway = { build: "b", clock: x.clock, defect, draining: false, instance, limits, metrics, sessions: own.sessions, store };
  const replicas = new Replicas({ clock: x.clock, defect, limits, store, self: () => replicaOf(gateway) });
  const fleet = openFleet(gateway, replicas);
  fleet.start();
  replicas.start();
  running.push(fleet, replicas);
  const leave = (): void => [fleet, replicas].forEach((each) => each.close());
  return { fleet, gateway, leave };
}

/** Moves the clock until the question is answered. */
async function asked(fleet: Fleet, question = QUESTION): Promise<readonly (readonly [string, number | null])[]> {
  const answer = fleet.ask(question);
  let isDone = false;
  void answer.finally(() => (isDone = true)).catch(() => undefined);
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    x.clock.advance(20);
  }
  return (await answer).map(({ answer: told, replica: { id } }) => [id, told?.matched ?? null]);
}

describe("a fleet", () => {
  it("of one answers for itself", async () => {
    const { gateway } = replica("a", 2);
    const [own] = await fleetOfOne(gateway).ask({ ...QUESTION, filter: ["app:first"], rows: 9 });
    expect(own).toMatchObject({ replica: { id: "a", pod: "pod-a", startedAtMs: 5 }, answer: { sessions: 2, matched: 1, isMore: false } });
  });

  it("answers for every replica, in the order of their ids", async () => {
    const [, b] = [replica("c", 3), replica("b", 1), replica("a", 0)];
    expect(await asked(b.fleet)).toEqual([["a", 0], ["b", 1], ["c", 3]]);
    expect(await asked(b.fleet, { ...QUESTION, filter: ["app:other"] })).toEqual([["a", 0], ["b", 0], ["c", 2]]);
  });

  it("says who did not answer in time, and forgets whoever is gone", async () => {
    const { fleet, gateway } = replica("a", 1);
    store.put("replica", "dead", { id: "dead", pod: null, region: null, build: "b", startedAtMs: 0, isDraining: false }, { expiresAtMs: x.clock.wallMs() + 30_000 });
    const startedMs = x.clock.monotonicMs();
    expect(await asked(fleet)).toEqual([["a", 1], ["dead", null]]);
    expect(x.clock.monotonicMs() - startedMs).toBeLessThanOrEqual(defaultLimits.fleetAnswerMs + 40);
    const metrics = gateway.metrics.text("prometheus");
    expect(metrics).toMatch(/^apigw_fleet_questions_total 1$/m);
    expect(metrics).toMatch(/^apigw_fleet_silent_total 1$/m);
    x.clock.advance(30_000);
    expect(await asked(fleet)).toEqual([["a", 1]]);
  });

  it("keeps a replica that goes on, and loses one that leaves at once", async () => {
    const [a, b] = [replica("a", 0), replica("b", 0)];
    for (let n = 0; n < 20; n++) x.clock.advance(5_000);
    expect((await asked(a.fleet)).map(([id]) => id)).toEqual(["a", "b"]);
    b.leave();
    expect((await asked(a.fleet)).map(([id]) => id)).toEqual(["a"]);
    a.leave();
    a.leave();
    expect(store.list("replica", { limit: 9 })).toEqual([]);
  });

  it("does not answer questions that are old, and leaves nothing behind", async () => {
    replica("a", 0);
    const question = { effect: "asked", identities: ["fleet:old"], by: "b", question: QUESTION } as const;
    store.append({ ...question, atMs: x.clock.wallMs() - 60_000 });
    expect(store.get("answer", "fleet:old/a")).toBe(null);
    store.append({ ...question, atMs: x.clock.wallMs() });
    expect(store.get("answer", "fleet:old/a")).toMatchObject({ replica: "a" });
    x.clock.advance(30_000);
    expect(store.get("answer", "fleet:old/a")).toBe(null);
  });

  it("takes so many questions at once and no more", async () => {
    const { fleet } = replica("a", 0, { ...defaultLimits, fleetQuestionsMax: 1 });
    replica("b", 0);
    const first = asked(fleet);
    await expect(fleet.ask(QUESTION)).rejects.toMatchObject({ name: "StoreFailure" });
    expect(await first).toHaveLength(2);
    expect(await asked(fleet)).toHaveLength(2);
  });

  it("shows rows behind a place, without keys and tokens", () => {
    const { gateway } = replica("a", 3);
    const first = answerOf(gateway, { ...QUESTION, rows: 2 });
    expect(first).toMatchObject({ matched: 3, isMore: true, rows: [{ serial: 1 }, { serial: 2 }] });
    expect(answerOf(gateway, { ...QUESTION, rows: 2, behind: { a: 2, b: 7 } })).toMatchObject({ isMore: false, rows: [{ serial: 3 }] });
  });

  it("survives a store that fails", async () => {
    const { fleet } = replica("a", 0);
    await store.close();
    x.clock.advance(5_000);
    await expect(fleet.ask(QUESTION)).rejects.toMatchObject({ name: "StoreFailure" });
  });
});
