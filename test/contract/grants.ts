/**
 * What refresh tokens must do in front of every store, also when two requests come at once: one suite that each store's
 * own test runs. It owns no engine.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AccessServices } from "#runtime/access/change.ts";
import { digest } from "#runtime/access/digest.ts";
import { openGrant, refreshGrant } from "#runtime/access/grants.ts";
import type { GrantWish, RefreshWish } from "#runtime/access/grants.ts";
import { resolveToken } from "#runtime/access/resolve.ts";
import { setTokenStatus } from "#runtime/access/tokens.ts";
import type { IssuedToken, NewToken } from "#runtime/access/tokens.ts";
import type { Clock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { Limits } from "#runtime/limits.ts";
import { VerifiedCache } from "#runtime/access/verified-cache.ts";
import type { Store } from "#runtime/state/store.ts";
import { Revocations } from "#runtime/upgrade/revocation.ts";
import { CALL, KEY_RECORD, fillStore, invalidateToken } from "../support/access-records.ts";
import { fakeClock } from "../support/fake-clock.ts";
import type { FakeClock } from "../support/fake-clock.ts";
import { SessionFixture } from "../support/session-fixture.ts";

const WISH: GrantWish = {
  scopes: [],
  expiresInMs: 60_000,
  refreshExpiresInMs: 600_000,
  grantType: "password",
  subject: "ann",
};
const AGAIN: RefreshWish = { scopes: [], expiresInMs: 60_000, refreshExpiresInMs: 600_000, isReused: false };
const INVALID = "keymanagement.service.invalid_refresh_token";
const NOT_APPROVED = "keymanagement.service.access_token_not_approved";

/** Runs the suite against stores that `open` makes; each gets its own, empty. */
export function grantContract(name: string, open: (clock: Clock, limits: Limits) => Store): void {
  describe(`grants: ${name}`, () => {
    let clock: FakeClock;
    let store: Store;
    let services: AccessServices;
    beforeEach(async () => {
      clock = fakeClock();
      store = open(clock, defaultLimits);
      services = { store, clock, limits: defaultLimits };
      await fillStore(store, { token: null });
    });
    afterEach(() => store.close());

    const start = async (wish: Partial<GrantWish> = {}) =>
      both(await openGrant(services, KEY_RECORD, "grant-1", { ...WISH, ...wish }));
    const refresh = (token: string, wish: Partial<RefreshWish> = {}) =>
      refreshGrant(services, KEY_RECORD, token, { ...AGAIN, ...wish });
    const verdict = async (token: string) => {
      const found = await resolveToken(store, clock, token, CALL);
      return typeof found === "string" ? found : "good";
    };

    it("a grant gives an access token that verifies and a refresh token that does not, both as digests", async () => {
      const first = await start();
      expect(await verdict(first.token)).toBe("good");
      expect(await verdict(first.refresh.token)).toMatch(/invalid_access_token$/);
      expect(first.record).toMatchObject({ subject: "ann", grantId: "grant-1", kind: "access" });
      const stored = [await store.list("token", { limit: 10 }), await store.list("grant", { limit: 10 })];
      expect(JSON.stringify(stored)).not.toContain(first.token);
      expect(JSON.stringify(stored)).not.toContain(first.refresh.token);
      expect(await openGrant(services, KEY_RECORD, "grant-1", WISH)).toBe(null);
    });

    it("rotation gives another refresh token, counts, and leaves the tokens before as they are", async () => {
      const first = await start();
      const second = both(await refresh(first.refresh.token));
      const third = both(await refresh(second.refresh.token));
      expect(third.refresh.grant.refreshCount).toBe(2);
      expect(third.refresh.token).not.toBe(second.refresh.token);
      for (const { token } of [first, second, third]) expect(await verdict(token)).toBe("good");
      expect(await store.lastEvent()).toBe(0);
    });

    it("a replaced refresh token that is used again revokes the whole grant, for ever", async () => {
      const first = await start();
      const second = both(await refresh(first.refresh.token));
      expect(await refresh(first.refresh.token)).toBe(INVALID);
      for (const { token } of [first, second]) expect(await verdict(token)).toBe(NOT_APPROVED);
      expect(await refresh(second.refresh.token)).toMatch(/refresh_token_not_approved$/);
      const event = (await store.events(0, 10)).events.at(-1)?.event;
      expect(event).toMatchObject({ effect: "revoked", identities: ["grant:grant-1"] });
      await setTokenStatus(services, first.record.id, "approved", { cascade: true });
      expect(await verdict(first.token)).toBe(NOT_APPROVED);
    });

    it("of many refreshes at once one brings tokens, and the grant is revoked", async () => {
      const first = await start();
      const answers = await Promise.all(Array.from({ length: 8 }, async () => refresh(first.refresh.token)));
      expect(answers.filter((answer) => typeof answer !== "string").length).toBeLessThanOrEqual(1);
      expect(await verdict(first.token)).toBe(NOT_APPROVED);
      for (const answer of answers) if (typeof answer !== "string") expect(await verdict(answer.token)).toBe(NOT_APPROVED);
    });

    it("a reused refresh token is good until it expires, also many times at once", async () => {
      const first = await start();
      const token = first.refresh.token;
      const answers = await Promise.all(Array.from({ length: 5 }, async () => refresh(token, { isReused: true })));
      for (const answer of answers) expect(both(answer).refresh.token).toBe(token);
      expect((await store.get("grant", "grant-1"))?.refreshCount).toBe(5);
      clock.advance(600_000);
      expect(await refresh(token, { isReused: true })).toMatch(/refresh_token_expired$/);
    });

    it("a client without a secret never reuses one", async () => {
      const first = await start();
      await fillStore(store, { key: { secretDigest: null }, token: null });
      const key = { ...KEY_RECORD, secretDigest: null };
      const again = both(await refreshGrant(services, key, first.refresh.token, { ...AGAIN, isReused: true }));
      expect(again.refresh.token).not.toBe(first.refresh.token);
    });

    it("revoking reaches the grant's other tokens with cascade only, and can be lifted", async () => {
      const first = await start();
      const second = both(await refresh(first.refresh.token));
      await invalidateToken(services, first.token);
      expect([await verdict(first.token), await verdict(second.token)]).toEqual([NOT_APPROVED, "good"]);
      await invalidateToken(services, second.refresh.token, { cascade: true });
      expect(await verdict(second.token)).toBe(NOT_APPROVED);
      expect(await refresh(second.refresh.token)).toMatch(/refresh_token_not_approved$/);
      await setTokenStatus(services, second.refresh.record.id, "approved", { cascade: true });
      expect([await verdict(first.token), await verdict(second.token)]).toEqual([NOT_APPROVED, "good"]);
      both(await refresh(second.refresh.token));
    });

    it("is refused to others, to access tokens and to the unknown", async () => {
      const first = await start();
      const stranger = { ...KEY_RECORD, id: digest("another key") };
      expect(await refreshGrant(services, stranger, first.refresh.token, AGAIN)).toBe(INVALID);
      expect(await refresh(first.token)).toBe(INVALID);
      expect(await refresh("nobody's")).toBe(INVALID);
      expect(await verdict(first.token)).toBe("good");
    });

    it("keeps scopes, narrows what is asked for and never widens", async () => {
      await fillStore(store, { product: { scopes: ["read", "write", "admin"] }, token: null });
      const first = await start({ scopes: ["read", "write"] });
      const narrow = both(await refresh(first.refresh.token, { scopes: ["write", "admin"] }));
      expect(narrow.record.scopes).toEqual(["write"]);
      const whole = both(await refresh(narrow.refresh.token));
      expect(whole.record.scopes).toEqual(["read", "write"]);
      expect(await refresh(whole.refresh.token, { scopes: ["admin"] })).toBe("steps.oauth.v2.invalid_request");
      await fillStore(store, { product: { scopes: ["write"] }, token: null });
      expect(both(await refresh(whole.refresh.token)).record.scopes).toEqual(["write"]);
    });

    it("keeps attributes, hidden ones hidden, and takes new ones", async () => {
      const first = await start({ attributes: { a: "1", b: "2" }, hidden: ["b"] });
      const second = both(await refresh(first.refresh.token, { attributes: { c: "3" } }));
      expect(second.record).toMatchObject({ attributes: { a: "1", b: "2", c: "3" }, hidden: ["b"] });
      const third = both(await refresh(second.refresh.token, { attributes: { b: "4" } }));
      expect(third.record.attributes).toEqual({ a: "1", b: "4", c: "3" });
      expect(third.record).not.toHaveProperty("hidden");
    });

    it("a token already seen is verified with no store call and no promise, until its grant is revoked", async () => {
      const first = await start();
      let calls = 0;
      const counted: Store = { ...boundStore(store), get: (kind, id) => (calls++, store.get(kind, id)) };
      const revocations = new Revocations(counted, new SessionFixture().sessions, defaultLimits, {
        isStillGood: () => true,
      });
      await revocations.start();
      const cache = new VerifiedCache(counted, revocations, clock, defaultLimits);
      expect(await cache.token(first.token, CALL)).toMatchObject({ token: { id: first.record.id } });
      expect(calls).toBeGreaterThan(0);
      calls = 0;
      expect(cache.token(first.token, CALL)).toMatchObject({ token: { id: first.record.id } });
      both(await refresh(first.refresh.token));
      expect(cache.token(first.token, CALL)).toMatchObject({ token: { id: first.record.id } });
      expect(calls).toBe(0);
      expect(await refresh(first.refresh.token)).toBe(INVALID);
      expect(await cache.token(first.token, CALL)).toBe(NOT_APPROVED);
      revocations.close();
    });

    it("the grant is remembered as long as its longest token", async () => {
      await start({ expiresInMs: 900_000 });
      clock.advance(900_000 + defaultLimits.expiredTokensKeptMs - 1);
      expect(await store.get("grant", "grant-1")).not.toBe(null);
      clock.advance(1);
      expect(await store.get("grant", "grant-1")).toBe(null);
      const endless = both(await openGrant(services, KEY_RECORD, "grant-2", { ...WISH, refreshExpiresInMs: null }));
      expect(endless.refresh.grant.endsAtMs).toBe(null);
    });
  });
}

/** The store's methods as members, to put others in their place. */
function boundStore(store: Store): Store {
  return {
    get: (kind, id) => store.get(kind, id),
    put: (kind, id, record, options) => store.put(kind, id, record, options),
    remove: (kind, id, event) => store.remove(kind, id, event),
    take: (kind, id) => store.take(kind, id),
    list: (kind, page) => store.list(kind, page),
    append: (event) => store.append(event),
    events: (after, limit) => store.events(after, limit),
    lastEvent: () => store.lastEvent(),
    watch: (listener) => store.watch(listener),
    heardUntilMs: () => store.heardUntilMs(),
    ready: () => store.ready(),
    close: () => store.close(),
  };
}

type Both = IssuedToken & { readonly refresh: NewToken };

function both(answer: IssuedToken | string | null): Both & { readonly refresh: IssuedToken["refresh"] & {} } {
  if (answer === null || typeof answer === "string") throw new Error(`no tokens: ${answer}`);
  const { refresh } = answer;
  if (refresh === undefined) throw new Error("no refresh token");
  return { ...answer, refresh };
}
