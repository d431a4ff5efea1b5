/**
 * What revoking tokens in bulk must do in front of every store: one suite that each store's own test runs. It owns no
 * engine.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AccessServices } from "#runtime/access/change.ts";
import { issueCode, redeemCode } from "#runtime/access/codes.ts";
import { revokeTokensOf } from "#runtime/access/cutoff.ts";
import { openGrant, refreshGrant } from "#runtime/access/grants.ts";
import { resolveToken } from "#runtime/access/resolve.ts";
import { mintToken } from "#runtime/access/tokens.ts";
import type { Clock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { Limits } from "#runtime/limits.ts";
import type { Store } from "#runtime/state/store.ts";
import { CALL, fillStore, KEY_RECORD } from "../support/access-records.ts";
import { fakeClock } from "../support/fake-clock.ts";
import type { FakeClock } from "../support/fake-clock.ts";

const NOW = { untilMs: null, cascade: false };
const WISH = { scopes: [], expiresInMs: 60_000, refreshExpiresInMs: 600_000, grantType: "password" };

/** Runs the suite against stores that `open` makes; each gets its own, empty. */
export function cutoffContract(name: string, open: (clock: Clock, limits: Limits) => Store): void {
  describe(`tokens revoked in bulk: ${name}`, () => {
    let clock: FakeClock;
    let store: Store;
    let services: AccessServices;
    let grants = 0;
    beforeEach(async () => {
      clock = fakeClock();
      store = open(clock, defaultLimits);
      services = { store, clock, limits: defaultLimits };
      await fillStore(store, { token: null });
    });
    afterEach(() => store.close());

    const tokenOf = async (subject: string | null) => {
      const issued = await openGrant(services, KEY_RECORD, `grant-${grants++}`, { ...WISH, subject });
      if (issued === null || typeof issued === "string") throw new Error(String(issued));
      return { access: issued.token, refresh: issued.refresh?.token ?? "" };
    };
    const isGood = async (token: string) => typeof (await resolveToken(store, clock, token, CALL)) !== "string";
    const isRefreshed = async (token: string) => {
      const answer = await refreshGrant(services, KEY_RECORD, token, { ...WISH, isReused: true });
      return typeof answer !== "string";
    };

    it.each([
      ["an app", { appId: "app", endUser: null }, [false, false, false], ["app:app"]],
      ["an end user", { appId: null, endUser: "ann" }, [false, true, true], ["subject:|ann"]],
      ["an end user at an app", { appId: "app", endUser: "ann" }, [false, true, true], ["app:app", "subject:|ann"]],
      ["an end user at another app", { appId: "other", endUser: "ann" }, [true, true, true], ["app:other", "subject:|ann"]],
      ["an end user whose name looks like more", { appId: null, endUser: "ann|x" }, [true, true, true], ["subject:|ann|x"]],
    ])("of %s, issued until now", async (_, set, expected, identities) => {
      const tokens = [await tokenOf("ann"), await tokenOf("bob"), await tokenOf(null)];
      expect(await revokeTokensOf(services, set, NOW)).toBe(true);
      for (const [at, { access }] of tokens.entries()) expect(await isGood(access)).toBe(expected[at]);
      // Without cascade refresh tokens go on.
      for (const { refresh } of tokens) expect(await isRefreshed(refresh)).toBe(true);
      const event = (await store.events(0, 10)).events.at(-1)?.event;
      expect(event).toMatchObject({ effect: "revoked", credentialKind: "token", identities });
      clock.advance(1);
      expect(await isGood((await tokenOf("ann")).access)).toBe(true);
    });

    it("with cascade refresh tokens and codes too", async () => {
      const { access, refresh } = await tokenOf("ann");
      const code = await issueCode(services, KEY_RECORD, {
        scopes: [],
        subject: "ann",
        expiresInMs: 60_000,
        redirectUri: null,
        challenge: null,
      });
      if (typeof code === "string") throw new Error(code);
      await revokeTokensOf(services, { appId: null, endUser: "ann" }, { untilMs: null, cascade: true });
      expect(await isGood(access)).toBe(false);
      expect(await isRefreshed(refresh)).toBe(false);
      const proof = { redirectUri: null, verifier: null };
      expect(await redeemCode(services, KEY_RECORD, code.code, proof, WISH)).toMatch(/authorization_code_invalid$/);
    });

    it("until an earlier instant, never a later one, and never back", async () => {
      const old = await tokenOf("ann");
      clock.advance(1_000);
      const young = await tokenOf("ann");
      const user = { appId: null, endUser: "ann" };
      await revokeTokensOf(services, user, { untilMs: clock.wallMs() - 500, cascade: false });
      expect([await isGood(old.access), await isGood(young.access)]).toEqual([false, true]);
      expect((await store.events(0, 10)).events.at(-1)?.event.effect).toBe("changed");
      await revokeTokensOf(services, user, { untilMs: 5, cascade: false });
      expect(await isGood(old.access)).toBe(false);
      await revokeTokensOf(services, user, { untilMs: clock.wallMs() + 1_000_000, cascade: false });
      clock.advance(1);
      expect(await isGood((await tokenOf("ann")).access)).toBe(true);
    });

    it("many at once are all remembered", async () => {
      const { access, refresh } = await tokenOf("ann");
      const user = { appId: null, endUser: "ann" };
      const options = Array.from({ length: 6 }, (_, at) => ({ untilMs: null, cascade: at === 3 }));
      await Promise.all(options.map(async (one) => revokeTokensOf(services, user, one)));
      expect(await isGood(access)).toBe(false);
      expect(await isRefreshed(refresh)).toBe(false);
    });

    it("of no app there is", async () => {
      expect(await revokeTokensOf(services, { appId: "none", endUser: null }, NOW)).toBe(false);
      expect(await store.lastEvent()).toBe(0);
    });

    it("a token that nobody stands behind is not asked about twice", async () => {
      const minted = await mintToken(services, KEY_RECORD, { ...WISH, subject: null });
      if (typeof minted === "string") throw new Error(minted);
      await revokeTokensOf(services, { appId: null, endUser: "" }, NOW);
      expect(await isGood(minted.token)).toBe(true);
    });
  });
}
