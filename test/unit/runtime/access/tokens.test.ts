import { beforeEach, describe, expect, it } from "vitest";
import type { AccessServices } from "#runtime/access/change.ts";
import { digest } from "#runtime/access/digest.ts";
import { resolveToken } from "#runtime/access/resolve.ts";
import { findToken, mintToken, setTokenStatus } from "#runtime/access/tokens.ts";
import type { IssuedToken, TokenWish } from "#runtime/access/tokens.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import {
  CALL,
  KEY,
  KEY_RECORD,
  SECRET,
  TOKEN,
  TOKEN_RECORD,
  distantStore,
  fillStore,
  invalidateToken,
  issueToken,
} from "../../../support/access-records.ts";
import type { RecordChanges } from "../../../support/access-records.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import type { FakeClock } from "../../../support/fake-clock.ts";

const CLIENT = { id: KEY, secret: SECRET };
const WISH: TokenWish = { scopes: [], expiresInMs: 60_000, grantType: "client_credentials" };
const limits = { ...defaultLimits, adminPageMax: 2 };
let clock: FakeClock;
let store: MemoryStore;
let services: AccessServices;

beforeEach(async () => {
  clock = fakeClock();
  store = new MemoryStore(clock, limits);
  services = { store, clock, limits };
  await fillStore(store);
});

function issued(answer: Maybe<IssuedToken | string>): IssuedToken {
  if (answer instanceof Promise || typeof answer === "string") throw new Error(`no token: ${String(answer)}`);
  return answer;
}

const lastEvent = () => store.events(0, 1_000).events.at(-1)?.event;

describe("issuing", () => {
  it("gives a token that resolves, is stored by digest only, and is never the same twice", () => {
    const { token, record } = issued(issueToken(services, CLIENT, WISH));
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(record).toMatchObject({ id: digest(token), products: ["gold"], expiresAtMs: clock.wallMs() + 60_000 });
    expect(resolveToken(store, clock, token, CALL)).toMatchObject({ token: { id: digest(token) } });
    expect(JSON.stringify(store.list("token", { limit: 100 }))).not.toContain(token);
    expect(issued(issueToken(services, CLIENT, WISH)).token).not.toBe(token);
  });

  it("is the same from a distant store", async () => {
    const answer = await issueToken({ ...services, store: distantStore(store) }, CLIENT, WISH);
    expect(resolveToken(store, clock, issued(answer).token, CALL)).toMatchObject({ app: { id: "app" } });
  });

  it.each<[string, RecordChanges, { id?: string; secret?: string }, string]>([
    ["an unknown client", {}, { id: "other" }, "steps.oauth.v2.InvalidClientIdentifier"],
    ["a wrong secret", {}, { secret: "wrong" }, "steps.oauth.v2.InvalidClientIdentifier"],
    ["the secret's digest", {}, { secret: digest(SECRET) }, "steps.oauth.v2.InvalidClientIdentifier"],
    ["a key without a secret", { key: { secretDigest: null } }, {}, "steps.oauth.v2.InvalidClientIdentifier"],
    [
      "a revoked key and a wrong secret alike",
      { key: { status: "revoked" } },
      { secret: "wrong" },
      "steps.oauth.v2.InvalidClientIdentifier",
    ],
    ["a revoked key", { key: { status: "revoked" } }, {}, "oauth.v2.ApiKeyNotApproved"],
    ["an expired key", { key: { expiresAtMs: 1 } }, {}, "keymanagement.service.consumer_key_expired"],
    ["a revoked app", { app: { status: "revoked" } }, {}, "keymanagement.service.invalid_client-app_not_approved"],
    [
      "an inactive developer",
      { developer: { status: "inactive" } },
      {},
      "keymanagement.service.DeveloperStatusNotActive",
    ],
  ])("is refused to %s", async (_, changes, client, expected) => {
    await fillStore(store, { ...changes, token: null });
    expect(issueToken(services, { ...CLIENT, ...client }, WISH)).toBe(expected);
  });

  it.each([
    ["all of the products' when none is asked for", [], [], ["read", "write"]],
    ["those asked for that can be had", [], ["write", "other"], ["write"]],
    ["only those that the key may have", ["read"], [], ["read"]],
    ["none beyond the key's", ["read"], ["write"], null],
    ["nothing that no product has", [], ["other"], null],
  ])("grants scopes: %s", async (_, ofKey, wanted, expected) => {
    await fillStore(store, { product: { scopes: ["read", "write"] }, key: { scopes: ofKey } });
    const answer = issueToken(services, CLIENT, { ...WISH, scopes: wanted });
    if (expected === null) expect(answer).toBe("steps.oauth.v2.invalid_request");
    else expect(issued(answer).record.scopes).toEqual(expected);
  });

  it("keeps an expired token for a while, then forgets it", () => {
    const { token } = issued(mintToken(services, KEY_RECORD, WISH));
    clock.advance(60_000);
    expect(resolveToken(store, clock, token, CALL)).toMatch(/access_token_expired$/);
    clock.advance(limits.expiredTokensKeptMs);
    expect(resolveToken(store, clock, token, CALL)).toMatch(/invalid_access_token$/);
  });
});

describe("revoking", () => {
  it("a token writes its status and its event together, and can be lifted", () => {
    expect(invalidateToken(services, TOKEN)).toMatchObject({ status: "revoked" });
    expect(lastEvent()).toMatchObject({ effect: "revoked", identities: [`token:${TOKEN_RECORD.id}`] });
    expect(resolveToken(store, clock, TOKEN, CALL)).toMatch(/access_token_not_approved$/);
    setTokenStatus(services, TOKEN_RECORD.id, "approved");
    expect(resolveToken(store, clock, TOKEN, CALL)).toMatchObject({ token: { status: "approved" } });
    expect(invalidateToken(services, "unknown")).toBe(null);
    expect(findToken(store, TOKEN)).toMatchObject({ id: TOKEN_RECORD.id });
  });

  it("a token keeps the time at which it is forgotten", () => {
    const { token } = issued(mintToken(services, KEY_RECORD, WISH));
    invalidateToken(services, token);
    clock.advance(60_000 + limits.expiredTokensKeptMs - 1);
    expect(findToken(store, token)).toMatchObject({ status: "revoked" });
    clock.advance(1);
    expect(findToken(store, token)).toBe(null);
  });
});
