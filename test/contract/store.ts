/**
 * What every store must do, whatever its engine: one suite that each implementation's own test runs. It owns no engine
 * and moves time by hand.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { App, TokenRecord } from "#runtime/access/model.ts";
import type { Clock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { Limits } from "#runtime/limits.ts";
import type { Maybe } from "#runtime/maybe.ts";
import type { RevocationEvent, Store, StoredEvent, StoreListener } from "#runtime/state/store.ts";
import { fakeClock } from "../support/fake-clock.ts";
import type { FakeClock } from "../support/fake-clock.ts";

/** An app's record. */
export function appRecord(id: string, extra: Partial<App> = {}): App {
  const bare = { id, name: id, developerId: "dev", status: "approved", callbackUrl: null, attributes: {} } as const;
  return { ...bare, ...extra };
}

/** A token's record. */
export function tokenRecord(id: string, extra: Partial<TokenRecord> = {}): TokenRecord {
  return {
    id,
    kind: "access",
    clientKeyDigest: "sha256:key",
    appId: "app",
    developerId: "dev",
    products: ["product"],
    scopes: [],
    issuedAtMs: 0,
    expiresAtMs: null,
    status: "approved",
    attributes: {},
    subject: null,
    grantType: "client_credentials",
    ...extra,
  };
}

/** A revocation of something. */
export function revocation(identity: string): RevocationEvent {
  return { effect: "revoked", identities: [identity], atMs: 1 };
}

/** A listener that writes down what it hears. */
export function recordingListener(): StoreListener & { readonly heard: StoredEvent[]; readonly lost: number[] } {
  const heard: StoredEvent[] = [];
  const lost: number[] = [];
  return {
    heard,
    lost,
    storeEvent: (event) => void heard.push(event),
    storeEventsLost: (last) => void lost.push(last),
  };
}

/** Runs the suite against stores that `open` makes; each gets its own, empty. */
export function storeContract(name: string, open: (clock: Clock, limits: Limits) => Store): void {
  describe(`store contract: ${name}`, () => {
    let clock: FakeClock;
    let store: Store;
    beforeEach(() => {
      clock = fakeClock();
      store = open(clock, { ...defaultLimits, revocationsRememberedMax: 4 });
    });
    afterEach(() => store.close());

    it("gives back what was put, as plain JSON, and null for what was not", async () => {
      const attributes = JSON.parse('{"__proto__":"x","constructor":"y","1":"z","ä\\u0000":"\\ud83d\\ude00"}');
      expect(await store.get("app", "a")).toBe(null);
      expect(await store.put("app", "a", appRecord("a", { attributes }))).toBe(true);
      const found = await store.get("app", "a");
      expect(found).toEqual(appRecord("a", { attributes }));
      expect(Object.keys(found?.attributes ?? {})).toContain("__proto__");
      expect(await store.get("developer", "a")).toBe(null);
      expect(await store.get("app", "b")).toBe(null);
    });

    it("replaces without a condition, and keeps no tie to the caller's object", async () => {
      const attributes = { mine: "1" };
      await store.put("app", "a", appRecord("a", { attributes }));
      attributes.mine = "changed later";
      expect((await store.get("app", "a"))?.attributes).toEqual({ mine: "1" });
      await store.put("app", "a", appRecord("a", { name: "second" }));
      expect((await store.get("app", "a"))?.name).toBe("second");
    });

    it("creates only what is absent with ifAbsent", async () => {
      expect(await store.put("app", "a", appRecord("a"), { ifAbsent: true })).toBe(true);
      expect(await store.put("app", "a", appRecord("a", { status: "revoked" }), { ifAbsent: true })).toBe(false);
      expect((await store.get("app", "a"))?.status).toBe("approved");
    });

    it("writes only over the record that was read with ifStill", async () => {
      await store.put("app", "a", appRecord("a"));
      const read = await store.get("app", "a");
      if (read === null) throw new Error("the record just written is missing");
      await store.put("app", "a", appRecord("a", { status: "revoked" }));
      const event = revocation("app:a");
      expect(await store.put("app", "a", { ...read, name: "new" }, { ifStill: read, event })).toBe(false);
      expect(await store.lastEvent()).toBe(0);
      expect((await store.get("app", "a"))?.status).toBe("revoked");
      const again = await store.get("app", "a");
      if (again === null) throw new Error("the record just written is missing");
      expect(await store.put("app", "a", { ...again, name: "new" }, { ifStill: again, event })).toBe(true);
      expect(await store.lastEvent()).toBe(1);
      expect(await store.put("app", "none", appRecord("none"), { ifStill: appRecord("none") })).toBe(false);
    });

    it("forgets a record at its expiry and not before", async () => {
      const expiresAtMs = clock.wallMs() + 1_000;
      await store.put("token", "t", tokenRecord("t"), { expiresAtMs });
      await store.put("token", "u", tokenRecord("u"));
      clock.advance(999);
      expect(await store.get("token", "t")).not.toBe(null);
      clock.advance(1);
      expect(await store.get("token", "t")).toBe(null);
      expect(await store.list("token", { limit: 10 })).toEqual([{ id: "u", record: tokenRecord("u") }]);
      expect(await store.remove("token", "t")).toBe(false);
      expect(await store.put("token", "t", tokenRecord("t"), { ifAbsent: true })).toBe(true);
      clock.advance(1_000_000);
      expect(await store.get("token", "t")).not.toBe(null);
    });

    it("removes", async () => {
      await store.put("app", "a", appRecord("a"));
      expect(await store.remove("app", "a")).toBe(true);
      expect(await store.remove("app", "a")).toBe(false);
      expect(await store.get("app", "a")).toBe(null);
    });

    it("gives a record to one of many who take it at once, and to nobody behind its expiry", async () => {
      const expiresAtMs = clock.wallMs() + 1_000;
      const ticket = { id: "t", proxy: "chat", environment: "test", credentials: [] };
      await store.put("ticket", "a", ticket, { expiresAtMs });
      const taken = await Promise.all(Array.from({ length: 20 }, () => store.take("ticket", "a")));
      expect(taken.filter((record) => record !== null)).toEqual([ticket]);
      expect(await store.get("ticket", "a")).toBe(null);
      expect(await store.list("ticket", { limit: 10 })).toEqual([]);
      expect(await store.put("ticket", "a", ticket, { ifAbsent: true, expiresAtMs })).toBe(true);
      clock.advance(1_000);
      expect(await store.take("ticket", "a")).toBe(null);
      expect(await store.take("ticket", "never")).toBe(null);
    });

    it("appends the event of a removal whether or not there was a record", async () => {
      expect(await store.remove("app", "a", revocation("app:a"))).toBe(false);
      expect(await store.lastEvent()).toBe(1);
    });

    it("lists one kind in pages, ordered by the bytes of the id", async () => {
      const ids = ["b", "a", "\u{1f600}", "\uffee", "A", "ab", "é"];
      for (const id of ids) await store.put("app", id, appRecord(id));
      await store.put("meta", "other", { note: "", atMs: 0 });
      const seen: string[] = [];
      for (let after: string | undefined = ""; after !== undefined; ) {
        const page: readonly { readonly id: string }[] = await store.list("app", { after, limit: 2 });
        seen.push(...page.map(({ id }) => id));
        after = page.at(-1)?.id;
      }
      expect(seen).toEqual(["A", "a", "ab", "b", "é", "\uffee", "\u{1f600}"]);
      expect((await store.list("app", { after: "aa", limit: 1 })).map(({ id }) => id)).toEqual(["ab"]);
      await store.remove("app", "b");
      await store.put("app", "aa", appRecord("aa"));
      expect((await store.list("app", { after: "a", limit: 2 })).map(({ id }) => id)).toEqual(["aa", "ab"]);
    });

    it("keeps events in order and says when some were forgotten", async () => {
      expect(await store.events(0, 10)).toEqual({ events: [], isComplete: true });
      for (const name of ["a", "b", "c"]) await store.append(revocation(`app:${name}`));
      const page = await store.events(1, 1);
      expect(page.isComplete).toBe(true);
      expect(page.events).toEqual([{ sequence: 2, event: revocation("app:b") }]);
      for (let more = 0; more < 20; more++) await store.append(revocation(`app:${more}`));
      expect(await store.lastEvent()).toBe(23);
      const all = await store.events(0, 100);
      expect(all.isComplete).toBe(false);
      expect(all.events.length).toBeGreaterThanOrEqual(4);
      expect(all.events.at(-1)?.sequence).toBe(23);
      expect(await store.events(19, 100)).toMatchObject({ isComplete: true, events: { length: 4 } });
      expect(await store.events(23, 100)).toEqual({ events: [], isComplete: true });
    });

    it("tells listeners each event once and in order, until they stop", async () => {
      const first = recordingListener();
      const second = recordingListener();
      await store.append(revocation("app:before"));
      const stopFirst = store.watch(first);
      const stopSecond = store.watch(second);
      await store.append(revocation("app:a"));
      await store.put("app", "b", appRecord("b"), { event: revocation("app:b") });
      stopFirst();
      stopFirst();
      await store.remove("app", "b", revocation("app:c"));
      expect(first.heard.map(({ sequence }) => sequence)).toEqual([2, 3]);
      expect(second.heard.map(({ event }) => event.identities)).toEqual([["app:a"], ["app:b"], ["app:c"]]);
      stopSecond();
    });

    it("tells a listener that writes about its own event, after the one it hears", async () => {
      const heard: number[] = [];
      let echo: Maybe<number> = 0;
      store.watch({
        storeEvent: ({ sequence }) => {
          if (sequence === 1) echo = store.append(revocation("app:echo"));
          heard.push(sequence);
        },
        storeEventsLost: () => undefined,
      });
      const other = recordingListener();
      store.watch(other);
      await store.append(revocation("app:a"));
      await echo;
      expect(other.heard.map(({ sequence }) => sequence)).toEqual([1, 2]);
      expect(heard.sort()).toEqual([1, 2]);
    });

    it("knows until when everything was told to its listeners", async () => {
      store.watch(recordingListener());
      await store.append(revocation("app:a"));
      expect(store.heardUntilMs()).toBe(clock.monotonicMs());
    });

    it("answers ready until closed, then fails as closed and leaves no timer", async () => {
      store.watch(recordingListener());
      expect(await store.ready()).toBe(true);
      await store.close();
      await store.close();
      expect(await store.ready()).toBe(false);
      await expect(async () => store.get("app", "a")).rejects.toMatchObject({ name: "StoreFailure", code: "closed" });
      await expect(async () => store.put("app", "a", appRecord("a"))).rejects.toMatchObject({ code: "closed" });
      await expect(async () => store.append(revocation("app:a"))).rejects.toMatchObject({ code: "closed" });
      expect(clock.timers).toBe(0);
    });
  });
}
