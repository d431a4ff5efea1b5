import { beforeEach, expect, it } from "vitest";
import type { Maybe } from "#runtime/maybe.ts";
import { Doubts } from "#runtime/upgrade/doubts.ts";
import type { Session } from "#runtime/upgrade/session.ts";
import { credential, SessionFixture } from "../../../support/session-fixture.ts";

interface Asked {
  readonly session: Session;
  readonly answer: (isGood: boolean | Error) => void;
}

let x: SessionFixture;
let asked: Asked[];
let failures: unknown[];
let doubts: Doubts;

beforeEach(() => {
  x = new SessionFixture();
  asked = [];
  failures = [];
  doubts = doubtsOf((session) => new Promise((resolve, reject) => {
    const answer = (isGood: boolean | Error): void => (isGood instanceof Error ? reject(isGood) : resolve(isGood));
    asked.push({ session, answer });
  }));
});

function doubtsOf(isGood: (session: Session) => Maybe<boolean>): Doubts {
  const end = (session: Session, reason: "accessChanged"): void => session.end(reason);
  return new Doubts({ isGood, end: (session) => end(session, "accessChanged"), failed: (cause) => void failures.push(cause) }, 2);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const opened = () => x.open({}, credential(["app:a"]));

it("decides at once where the answer is a value", () => {
  const { session, splice } = opened();
  doubts = doubtsOf(() => false);
  doubts.add(session, null);
  expect(splice.ends).toMatchObject([{ reason: "accessChanged" }]);
  expect(doubts.count).toBe(0);
});

it("asks about so many at once, and about the others in turn", async () => {
  const sessions = Array.from({ length: 5 }, opened);
  for (const { session } of sessions) doubts.add(session, null);
  expect(asked.length).toBe(2);
  expect(doubts.count).toBe(5);
  asked[0]?.answer(false);
  asked[1]?.answer(true);
  await turn();
  expect(asked.length).toBe(4);
  expect(sessions.map(({ splice }) => splice.ends.length)).toEqual([1, 0, 0, 0, 0]);
  for (const { answer } of asked) answer(true);
  await turn();
  asked[4]?.answer(true);
  await turn();
  expect(doubts.count).toBe(0);
});

it("keeps those in doubt about whom the store could not tell, and asks no more until it is told to", async () => {
  const sessions = Array.from({ length: 4 }, opened);
  for (const { session } of sessions) doubts.add(session, null);
  asked[0]?.answer(new Error("gone"));
  asked[1]?.answer(new Error("gone"));
  await turn();
  expect([doubts.count, asked.length, failures.length]).toEqual([4, 2, 2]);
  doubts.retry();
  expect(asked.length).toBe(4);
  for (const { answer } of asked) answer(false);
  await turn();
  for (const { answer } of asked) answer(false);
  await turn();
  expect(doubts.count).toBe(0);
  expect(sessions.every(({ splice }) => splice.ends.length === 1)).toBe(true);
});

it("ends those at once that must not go on without an answer, also while others wait for one", async () => {
  const waiting = opened();
  doubts.add(waiting.session, null);
  asked[0]?.answer(new Error("gone"));
  await turn();
  const strict = opened();
  doubts.add(strict.session, "accessChanged");
  asked[1]?.answer(new Error("gone"));
  await turn();
  expect(strict.splice.ends.length).toBe(1);
  expect(waiting.splice.ends.length).toBe(0);
  expect(doubts.count).toBe(1);
});
