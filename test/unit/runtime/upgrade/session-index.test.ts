import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sessionIdentity, sessionIdOf } from "#runtime/access/identity.ts";
import { Sessions } from "#runtime/upgrade/session-index.ts";
import type { IndexedSession } from "#runtime/upgrade/session-index.ts";
import type { CloseReasonId } from "#runtime/upgrade/close-reason.ts";

class FakeSession implements IndexedSession {
  readonly id: string;
  serial = 0;
  own: readonly string[];
  readonly ends: CloseReasonId[] = [];
  readonly onEnd: (session: FakeSession) => void;

  constructor(id: string, own: readonly string[], onEnd: (session: FakeSession) => void = () => undefined) {
    this.id = id;
    this.own = own;
    this.onEnd = onEnd;
  }

  identities(): readonly string[] {
    return this.own;
  }


  end(reason: CloseReasonId): void {
    this.ends.push(reason);
    this.onEnd(this);
  }
}

const index = (sessionsMax = 1_000): Sessions<FakeSession> => new Sessions<FakeSession>({ sessionsMax });
const ids = (sessions: readonly FakeSession[]): string[] => sessions.map(({ id }) => id);

describe("finding", () => {
  const sessions = index();
  for (const [id, ...own] of [
    ["1", "app:a", "proxy:chat", "token:1"],
    ["2", "app:a", "proxy:orders"],
    ["3", "app:b", "proxy:chat"],
    ["4", "app:a", "proxy:chat"],
  ]) {
    sessions.add(new FakeSession(id ?? "", own));
  }

  it.each<[string[], string[]]>([
    [[], ["1", "2", "3", "4"]],
    [["app:a"], ["1", "2", "4"]],
    [["app:a", "proxy:chat"], ["1", "4"]],
    [["proxy:chat", "app:a"], ["1", "4"]],
    [["token:1"], ["1"]],
    [["token:1", "app:b"], []],
    [["app:none"], []],
    [["app:a", "app:none"], []],
    [[sessionIdentity("3")], ["3"]],
    [[sessionIdentity("3"), "app:b"], ["3"]],
    [["app:a", sessionIdentity("3")], []],
    [[sessionIdentity("9")], []],
  ])("%j gives %j", (filter, expected) => {
    expect(ids(sessions.find(filter))).toEqual(expected);
    expect(sessions.end(filter, "ended", { dryRun: true })).toBe(expected.length);
  });

  it("ended nobody in a dry run", () => {
    expect(sessions.find([]).flatMap(({ ends }) => ends)).toEqual([]);
    expect(sessions.count).toBe(4);
  });
});

it("refuses more than sessionsMax, and a second session with the same id", () => {
  const sessions = index(2);
  const first = new FakeSession("1", ["app:a"]);
  expect(sessions.add(first)).toBe(true);
  expect(sessions.add(new FakeSession("1", ["app:b"]))).toBe(false);
  expect(sessions.add(new FakeSession("2", []))).toBe(true);
  expect(sessions.add(new FakeSession("3", ["app:c"]))).toBe(false);
  expect(sessions.find(["app:b"])).toEqual([]);
  expect(sessions.find(["app:c"])).toEqual([]);
  sessions.remove(first);
  expect(sessions.add(new FakeSession("3", ["app:c"]))).toBe(true);
});

it("does not let go of a session because another one with its id is removed", () => {
  const sessions = index();
  sessions.add(new FakeSession("1", ["app:a"]));
  sessions.remove(new FakeSession("1", ["app:a"]));
  expect(sessions.count).toBe(1);
  expect(ids(sessions.find(["app:a"]))).toEqual(["1"]);
});

it("does not index a session that it has not taken up, or has let go", () => {
  const sessions = index();
  const session = new FakeSession("1", ["app:a"]);
  sessions.move(session, [], ["app:a"]);
  expect(sessions.identityCount).toBe(0);
  sessions.add(session);
  sessions.remove(session);
  sessions.move(session, [], ["app:a"]);
  expect(sessions.identityCount).toBe(0);
});

it("ends every session meant, though each leaves the index while it ends", () => {
  const sessions = index();
  const all = Array.from({ length: 50 }, (_, n) => new FakeSession(`${n}`, ["app:a"], (s) => sessions.remove(s)));
  for (const session of all) sessions.add(session);
  expect(sessions.end(["app:a"], "accessRevoked")).toBe(50);
  expect(all.every(({ ends }) => ends.join() === "accessRevoked")).toBe(true);
  expect(sessions.count).toBe(0);
  expect(sessions.identityCount).toBe(0);
});

it("lists in pages that hold while sessions come and go", () => {
  const sessions = index();
  const all = Array.from({ length: 10 }, (_, n) => new FakeSession(`${n}`, [n % 2 === 0 ? "app:even" : "app:odd"]));
  for (const session of all) sessions.add(session);
  const first = sessions.list(["app:even"], { limit: 2 });
  expect(ids(first.sessions)).toEqual(["0", "2"]);
  for (const session of all.slice(2, 5)) sessions.remove(session);
  sessions.add(new FakeSession("new", ["app:even"]));
  const second = sessions.list(["app:even"], { limit: 2, after: first.after ?? 0 });
  expect(ids(second.sessions)).toEqual(["6", "8"]);
  const third = sessions.list(["app:even"], { limit: 2, after: second.after ?? 0 });
  expect(ids(third.sessions)).toEqual(["new"]);
  expect(third.after).toBe(null);
});

describe("any sequence of changes", () => {
  const names = ["app:a", "app:b", "key:k", "token:t", "token:u", "product:p", "proxy:x"];
  const own = fc.uniqueArray(fc.constantFrom(...names));
  const id = fc.constantFrom("1", "2", "3", "4", "5", "6");
  const change = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), id, own }),
    fc.record({ kind: fc.constant("remove" as const), id }),
    fc.record({ kind: fc.constant("move" as const), id, own }),
    fc.record({ kind: fc.constant("end" as const), own }),
  );

  it("leaves the index as a naive model has it, and empty at last", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const sessions = index(5);
        const model = new Map<string, FakeSession>();
        const leave = (session: FakeSession): void => {
          sessions.remove(session);
          model.delete(session.id);
        };
        for (const step of changes) {
          if (step.kind === "add") {
            const session = new FakeSession(step.id, step.own, leave);
            const isExpected = !model.has(step.id) && model.size < 5;
            expect(sessions.add(session)).toBe(isExpected);
            if (isExpected) model.set(step.id, session);
          } else if (step.kind === "end") {
            const meant = [...model.values()].filter((session) => step.own.every((name) => session.own.includes(name)));
            expect(sessions.end(step.own, "ended")).toBe(meant.length);
            expect(meant.every(({ ends }) => ends.length === 1)).toBe(true);
          } else {
            const session = model.get(step.id);
            if (session === undefined) continue;
            if (step.kind === "remove") leave(session);
            else move(sessions, session, step.own);
          }
          compare(sessions, model);
        }
        for (const session of [...model.values()]) leave(session);
        expect([sessions.count, sessions.identityCount]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  function move(sessions: Sessions<FakeSession>, session: FakeSession, next: readonly string[]): void {
    const before = session.own;
    session.own = next;
    sessions.move(
      session,
      before.filter((name) => !next.includes(name)),
      next.filter((name) => !before.includes(name)),
    );
  }

  function compare(sessions: Sessions<FakeSession>, model: ReadonlyMap<string, FakeSession>): void {
    expect(sessions.count).toBe(model.size);
    for (const name of names) {
      const expected = [...model.values()].filter((session) => session.own.includes(name));
      expect(ids(sessions.find([name])).sort()).toEqual(ids(expected).sort());
    }
    const used = new Set([...model.values()].flatMap((session) => session.own));
    expect(sessions.identityCount).toBe(used.size);
  }
});
