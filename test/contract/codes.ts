/**
 * What authorization codes must do in front of every store, also when two requests come at once: one suite that each
 * store's own test runs. It owns no engine.
 */
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { revokeTokensOfApp } from "#runtime/access/change.ts";
import type { AccessServices } from "#runtime/access/change.ts";
import { issueCode, redeemCode } from "#runtime/access/codes.ts";
import type { CodeProof, CodeWish } from "#runtime/access/codes.ts";
import { digest } from "#runtime/access/digest.ts";
import { resolveToken } from "#runtime/access/resolve.ts";
import type { Clock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { Limits } from "#runtime/limits.ts";
import type { Store } from "#runtime/state/store.ts";
import { CALL, fillStore, KEY_RECORD } from "../support/access-records.ts";
import { fakeClock } from "../support/fake-clock.ts";
import type { FakeClock } from "../support/fake-clock.ts";

const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/** RFC 7636 appendix B. */
const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT = "https://app.example.com/callback";
const WISH: CodeWish = { scopes: [], expiresInMs: 60_000, redirectUri: REDIRECT, challenge: null, subject: "ann" };
const TOKENS = { expiresInMs: 60_000, refreshExpiresInMs: 600_000, grantType: "authorization_code" };
const PROOF: CodeProof = { redirectUri: REDIRECT, verifier: null };
const INVALID = "keymanagement.service.invalid_request-authorization_code_invalid";

/** Runs the suite against stores that `open` makes; each gets its own, empty. */
export function codeContract(name: string, open: (clock: Clock, limits: Limits) => Store): void {
  describe(`codes: ${name}`, () => {
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

    const issue = async (wish: Partial<CodeWish> = {}, key = KEY_RECORD) => {
      const issued = await issueCode(services, key, { ...WISH, ...wish });
      if (typeof issued === "string") throw new Error(issued);
      return issued.code;
    };
    const redeem = (code: string, proof: Partial<CodeProof> = {}, key = KEY_RECORD) =>
      redeemCode(services, key, code, { ...PROOF, ...proof }, TOKENS);
    const verdict = async (token: string) => {
      const found = await resolveToken(store, clock, token, CALL);
      return typeof found === "string" ? found : "good";
    };

    it("a code brings both tokens once; again, it revokes what came of it", async () => {
      const code = await issue({ attributes: { a: "1" } });
      const stored = JSON.stringify(await store.list("code", { limit: 10 }));
      expect(stored).not.toContain(code);
      const tokens = await redeem(code);
      if (typeof tokens === "string") throw new Error(tokens);
      expect(tokens.record).toMatchObject({ subject: "ann", attributes: { a: "1" }, grantType: "authorization_code" });
      expect(tokens.refresh?.token).toMatch(/^[\w-]{43}$/);
      expect(await verdict(tokens.token)).toBe("good");
      expect(await redeem(code)).toBe(INVALID);
      expect(await verdict(tokens.token)).toMatch(/access_token_not_approved$/);
      expect((await store.events(0, 10)).events.at(-1)?.event.effect).toBe("revoked");
    });

    it("of many who bring it at once at most one gets tokens, and they do not last", async () => {
      const code = await issue();
      const answers = await Promise.all(Array.from({ length: 8 }, async () => redeem(code)));
      const granted = answers.filter((answer) => typeof answer !== "string");
      expect(granted.length).toBeLessThanOrEqual(1);
      for (const { token } of granted) expect(await verdict(token)).toMatch(/access_token_not_approved$/);
    });

    it("a code used twice leaves a mark that nobody's grant can replace", async () => {
      const code = await issue();
      const record = await store.get("code", digest(code));
      if (record === null) throw new Error("no code");
      // Taken by somebody whose grant is still on its way.
      await store.put("code", record.id, { ...record, grantId: "grant-1" }, { expiresAtMs: record.expiresAtMs });
      expect(await redeem(code)).toBe(INVALID);
      expect(await store.get("grant", "grant-1")).toMatchObject({ status: "replayed" });
    });

    it.each([
      ["another address", { redirectUri: "https://app.example.com/callback/" }],
      ["no address", { redirectUri: null }],
      ["a verifier without a challenge", { verifier: VERIFIER }],
    ])("is refused with %s, and is still good", async (_, proof) => {
      const code = await issue();
      expect(await redeem(code, proof)).toBe(INVALID);
      expect(await redeem(code)).toMatchObject({ record: { kind: "access" } });
    });

    it("is refused to another client, when unknown and when expired", async () => {
      const code = await issue();
      expect(await redeem(code, {}, { ...KEY_RECORD, id: digest("another") })).toBe(INVALID);
      expect(await redeem("nobody's")).toBe(INVALID);
      clock.advance(60_000);
      expect(await redeem(code)).toBe("keymanagement.service.authorization_code_expired");
    });

    it("is void once its app's tokens were revoked", async () => {
      const code = await issue();
      await revokeTokensOfApp(services, "app");
      expect(await redeem(code)).toBe(INVALID);
    });

    const long = "v".repeat(128);
    it.each<[string, CodeWish["challenge"], string | null, boolean]>([
      ["S256", { method: "S256", text: CHALLENGE }, VERIFIER, true],
      ["S256 with another verifier", { method: "S256", text: CHALLENGE }, VERIFIER.replace("d", "e"), false],
      ["S256 with the challenge", { method: "S256", text: CHALLENGE }, CHALLENGE, false],
      ["S256 without a verifier", { method: "S256", text: CHALLENGE }, null, false],
      ["plain", { method: "plain", text: VERIFIER }, VERIFIER, true],
      ["plain with another verifier", { method: "plain", text: VERIFIER }, `${VERIFIER}x`, false],
      ["the longest verifier", { method: "S256", text: s256(long) }, long, true],
      ["one too long", { method: "S256", text: s256(`${long}v`) }, `${long}v`, false],
      ["one too short", { method: "S256", text: s256("v".repeat(42)) }, "v".repeat(42), false],
      ["one of other characters", { method: "S256", text: s256(`${VERIFIER}+`) }, `${VERIFIER}+`, false],
    ])("PKCE: %s", async (_, challenge, verifier, isGood) => {
      const code = await issue({ challenge });
      expect(JSON.stringify(await store.list("code", { limit: 10 }))).not.toContain(VERIFIER);
      const answer = await redeem(code, { verifier });
      if (isGood) expect(answer).toMatchObject({ record: { kind: "access" } });
      else expect(answer).toBe(INVALID);
    });

    it("a client without a secret needs a challenge", async () => {
      const key = { ...KEY_RECORD, secretDigest: null };
      expect(await redeem(await issue({}, key), {}, key)).toBe(INVALID);
      const code = await issue({ challenge: { method: "S256", text: CHALLENGE } }, key);
      expect(await redeem(code, { verifier: VERIFIER }, key)).toMatchObject({ record: { kind: "access" } });
    });

    it("gives no more than what was agreed to", async () => {
      await fillStore(store, { product: { scopes: ["read"] }, token: null });
      const code = await issue({ scopes: ["read", "other"] });
      const bare = await issue();
      await fillStore(store, { product: { scopes: ["read", "write"] }, token: null });
      expect(await redeem(code)).toMatchObject({ record: { scopes: ["read"] } });
      expect(await redeem(bare)).toMatchObject({ record: { scopes: ["read"] } });
    });
  });
}

function s256(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}
