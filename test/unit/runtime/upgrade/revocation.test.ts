import { beforeEach, describe, expect, it } from "vitest";
import { credentialOf } from "#runtime/access/credential.ts";
import type { CredentialBasis } from "#runtime/access/credential.ts";
import { revokeTokensOfApp, setAppStatus, updateRecord } from "#runtime/access/change.ts";
import type { AccessGrant } from "#runtime/access/model.ts";
import { appIdentity, sessionIdentity } from "#runtime/access/identity.ts";
import { resolveBasis } from "#runtime/access/resolve.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { StoreFailure } from "#runtime/state/store.ts";
import type { RevocationEvent, Store, StoredEvent } from "#runtime/state/store.ts";
import type { CloseReasonId } from "#runtime/upgrade/close-reason.ts";
import { Revocations } from "#runtime/upgrade/revocation.ts";
import {
  CALL,
  KEY,
  KEY_RECORD,
  PRODUCT,
  TOKEN,
  TOKEN_RECORD,
  distantStore,
  fillStore,
  invalidateToken,
  putProduct,
  resolveKey,
} from "../../../support/access-records.ts";
import { credential, SessionFixture } from "../../../support/session-fixture.ts";

const limits = { ...defaultLimits, revocationsRememberedMax: 4 };
const BASIS: CredentialBasis = { kind: "key", digest: KEY_RECORD.id, call: CALL };
let x: SessionFixture;
let store: MemoryStore;
let revocations: Revocations;
let told: [StoredEvent, number][];
let failures: unknown[];

beforeEach(async () => {
  x = new SessionFixture();
  store = new MemoryStore(x.clock, limits);
  await fillStore(store);
  revocations = watching(store);
});

function watching(watched: Store, isStillGood = stillGood(watched)): Revocations {
  told = [];
  failures = [];
  const made = new Revocations(watched, x.sessions, limits, {
    isStillGood,
    onEvent: (event, named) => void told.push([event, named]),
    onFailure: (cause) => void failures.push(cause),
  });
  void made.start();
  return made;
}

function stillGood(asked: Store): (basis: CredentialBasis) => Maybe<boolean | AccessGrant> {
  return (basis) => {
    const found = resolveBasis(asked, x.clock, basis);
    return found instanceof Promise ? found.then((late) => typeof late !== "string") : typeof found !== "string";
  };
}

const services = () => ({ store, clock: x.clock, limits });
const happen = (identities: string | readonly string[], extra: Partial<RevocationEvent> = {}): number =>
  store.append({ effect: "revoked", identities: [identities].flat(), atMs: 0, ...extra });
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("an event", () => {
  it.each<[string, RevocationEvent["effect"], CloseReasonId]>([
    ["token:1", "revoked", "tokenRevoked"],
    ["jti:i|1", "revoked", "tokenRevoked"],
    ["kid:i|1", "revoked", "tokenRevoked"],
    ["key:1", "revoked", "accessRevoked"],
    ["app:1", "revoked", "accessRevoked"],
    ["developer:1", "revoked", "accessRevoked"],
    ["product:1", "revoked", "accessRevoked"],
    ["subject:i|1", "revoked", "accessRevoked"],
    ["app:1", "ended", "ended"],
    ["token:1", "ended", "ended"],
    ["proxy:chat", "ended", "ended"],
  ])("%s %s ends its sessions as %s, and no others", (identity, effect, reason) => {
    const named = x.open({}, credential([identity]));
    const other = x.open({ proxyIdentity: "proxy:other" }, credential([`${identity}0`]));
    happen(identity, { effect });
    expect(named.splice.ends).toMatchObject([{ reason }]);
    expect(other.splice.ends).toEqual([]);
    expect(told).toMatchObject([[{ sequence: 1 }, 1]]);
    expect(revocations.epoch).toBe(1);
  });

  it("that names one session ends that one", () => {
    const first = x.open({}, credential(["app:a"]));
    const second = x.open({}, credential(["app:a"]));
    happen(sessionIdentity(first.session.id), { effect: "ended" });
    expect([first.splice.ends.length, second.splice.ends.length]).toEqual([1, 0]);
  });

  it("that names several identities ends sessions that carry them all", () => {
    const both = x.open({ proxyIdentity: "proxy:chat" }, credential(["app:a"]));
    const one = x.open({ proxyIdentity: "proxy:other" }, credential(["app:a"]));
    happen(["app:a", "proxy:chat"], { effect: "ended" });
    expect([both.splice.ends.length, one.splice.ends.length]).toEqual([1, 0]);
  });

  it("for tokens only spares sessions that a key of the same app admitted", () => {
    const byToken = x.open({}, credential(["app:app"], { kind: "token" }));
    const byKey = x.open({}, credential(["app:app"], { kind: "key" }));
    const byBoth = x.open({}, credential(["app:app"], { kind: "key" }), credential(["app:other"], { kind: "token" }));
    revokeTokensOfApp(services(), "app");
    expect(byToken.splice.ends).toMatchObject([{ reason: "tokenRevoked" }]);
    expect([byKey.splice.ends.length, byBoth.splice.ends.length]).toEqual([0, 0]);
  });

  it("reaches handshakes that are still under way", () => {
    const aborts: CloseReasonId[] = [];
    const session = x.begin({}, aborts);
    session.addCredential(credential([`token:${TOKEN_RECORD.id}`]));
    invalidateToken(services(), TOKEN);
    expect(aborts).toEqual(["tokenRevoked"]);
  });

  it("is not carried out twice, nor after close", () => {
    x.open({}, credential(["app:a"]));
    happen("app:a");
    revocations.storeEvent({ sequence: 1, event: { effect: "revoked", identities: ["app:a"], atMs: 0 } });
    expect(told).toHaveLength(1);
    revocations.close();
    happen("app:a");
    expect(told).toHaveLength(1);
  });
});

describe("a change", () => {
  it("ends the sessions that would not be admitted any more, and no others", () => {
    const grant = resolveKey(store, x.clock, KEY, CALL);
    if (grant instanceof Promise || typeof grant === "string") throw new Error("no grant");
    const kept = x.open({}, credentialOf(grant, "VK", 0, CALL));
    const lost = x.open({}, credentialOf(grant, "VK", 0, { ...CALL, pathSuffix: "/rooms/2" }));
    putProduct(services(), { ...PRODUCT, resources: ["/rooms/1"] });
    expect(kept.splice.ends).toEqual([]);
    expect(lost.splice.ends).toMatchObject([{ reason: "accessChanged", code: 3003 }]);
  });

  it("is checked with a distant store too", async () => {
    revocations.close();
    revocations = watching(distantStore(store));
    const { splice } = x.open({}, credential([appIdentity("app")], { basis: BASIS }));
    happen("app:app", { effect: "changed" });
    for (let n = 0; n < 6; n++) await turn();
    expect(splice.ends).toEqual([]);
    store.put("product", "gold", { ...PRODUCT, proxies: ["other"] });
    happen("app:app", { effect: "changed" });
    for (let n = 0; n < 6; n++) await turn();
    expect(splice.ends).toMatchObject([{ reason: "accessChanged" }]);
  });

  it.each<[string, () => Maybe<boolean>]>([
    ["throws", () => { throw new StoreFailure("unavailable", "gone"); }],
    ["rejects", () => Promise.reject(new StoreFailure("unavailable", "gone"))],
  ])("ends the session when the store %s instead of telling", async (_, isStillGood) => {
    revocations.close();
    revocations = watching(store, isStillGood);
    const { splice } = x.open({}, credential(["app:a"], { basis: BASIS }));
    happen("app:a", { effect: "changed" });
    await turn();
    expect(splice.ends).toMatchObject([{ reason: "accessChanged" }]);
    expect(failures).toHaveLength(1);
  });

  it("leaves sessions alone whose credential the store does not know", () => {
    const { splice } = x.open({}, credential(["app:a"], { kind: "jwt" }));
    happen("app:a", { effect: "changed" });
    expect(splice.ends).toEqual([]);
  });
});

describe("before the 101", () => {
  it("nothing happened: the session may open", () => {
    const session = x.begin();
    session.addCredential(credential(["token:1", "app:a"], { epoch: revocations.epoch }));
    happen("token:2");
    expect(revocations.confirm(session)).toBe(null);
  });

  it("a revocation between verification and registration is found", () => {
    const epoch = revocations.epoch;
    happen("token:1");
    const session = x.begin();
    session.addCredential(credential(["token:1"], { epoch }));
    expect(revocations.confirm(session)).toBe("tokenRevoked");
    const later = x.begin();
    later.addCredential(credential(["token:1"], { epoch: revocations.epoch }));
    expect(revocations.confirm(later)).toBe(null);
  });

  it("an operator's end of the proxy is found, and one for tokens does not concern a key", () => {
    const epoch = revocations.epoch;
    happen("app:a", { credentialKind: "token" });
    const session = x.begin();
    session.addCredential(credential(["app:a"], { epoch, kind: "key" }));
    expect(revocations.confirm(session)).toBe(null);
    const byToken = x.begin();
    byToken.addCredential(credential(["app:a"], { epoch, kind: "token" }));
    expect(revocations.confirm(byToken)).toBe("tokenRevoked");
    const byBoth = x.begin();
    byBoth.addCredential(credential(["app:a"], { epoch, kind: "key" }));
    byBoth.addCredential(credential(["app:b"], { epoch, kind: "token" }));
    expect(revocations.confirm(byBoth)).toBe(null);
    happen("proxy:other", { effect: "ended" });
    expect(revocations.confirm(session)).toBe(null);
    const seen = revocations.revokedSince(epoch, ["proxy:other"], "key");
    expect(seen).toMatchObject({ effect: "ended" });
  });

  it("a session that was ended or has expired meanwhile is refused", () => {
    const ended = x.begin();
    ended.end("ended");
    expect(revocations.confirm(ended)).toBe("ended");
    const expired = x.begin();
    expired.addCredential(credential([], { expiresAtMs: x.clock.wallMs() }));
    expect(revocations.confirm(expired)).toBe("tokenExpired");
  });

  it.each([
    ["good", {}, null],
    ["refused", { proxies: ["other"] }, "accessChanged"],
  ])("a change is checked again: %s", (_, product, expected) => {
    const epoch = revocations.epoch;
    putProduct(services(), { ...PRODUCT, ...product });
    const session = x.begin();
    session.addCredential(credential(["product:gold"], { epoch, basis: BASIS }));
    expect(revocations.confirm(session)).toBe(expected);
    expect(revocations.confirm(session)).toBe(expected);
  });

  it("a change is checked again with a distant store, and so is what happens meanwhile", async () => {
    revocations.close();
    const distant = distantStore(store);
    revocations = watching(distant);
    await turn();
    await turn();
    const epoch = revocations.epoch;
    happen("product:gold", { effect: "changed" });
    const begin = () => {
      const session = x.begin();
      session.addCredential(credential(["product:gold", "app:app"], { epoch, basis: BASIS }));
      return session;
    };
    expect(await revocations.confirm(begin())).toBe(null);
    const session = begin();
    const answer = revocations.confirm(session);
    expect(answer).toBeInstanceOf(Promise);
    for (let reads = 0; reads < 3; reads++) await turn();
    setAppStatus(services(), "app", "revoked");
    expect(await answer).toBe("accessRevoked");
  });

  it("a handshake in which access data never stands still is refused at last", async () => {
    revocations.close();
    revocations = watching(store, async () => {
      await turn();
      happen("app:a", { effect: "changed" });
      return true;
    });
    const session = x.begin();
    session.addCredential(credential(["app:x"], { epoch: revocations.epoch, basis: BASIS }));
    const inDoubt = x.begin();
    inDoubt.addCredential(credential(["app:a"], { epoch: revocations.epoch, basis: BASIS }));
    happen("app:a", { effect: "changed" });
    expect(revocations.confirm(session)).toBe(null);
    expect(await revocations.confirm(inDoubt)).toBe("accessChanged");
    revocations.close();
  });

  it("more events than are remembered put everything in doubt", () => {
    const epoch = revocations.epoch;
    for (let n = 0; n < 4; n++) happen(`app:${n}`);
    expect(revocations.revokedSince(epoch, ["app:none"], "key")).toBe(null);
    expect(revocations.revokedSince(epoch, ["app:0"], "key")).toMatchObject({ identities: ["app:0"] });
    happen("app:5");
    expect(revocations.revokedSince(epoch, ["app:none"], "key")).toBe("unknown");
    expect(revocations.revokedSince(epoch + 1, ["app:none"], "key")).toBe(null);
    expect(revocations.revokedSince(epoch + 1, ["app:1"], "key")).toMatchObject({ identities: ["app:1"] });
    expect(revocations.remembered).toBe(4);
    const known = x.begin();
    known.addCredential(credential(["app:none"], { epoch, basis: BASIS }));
    expect(revocations.confirm(known)).toBe(null);
    const unknown = x.begin();
    unknown.addCredential(credential(["jti:i|1"], { epoch, kind: "jwt" }));
    expect(revocations.confirm(unknown)).toBe("accessChanged");
  });

  it("tells the first of several events in order, and forgets the oldest of one identity first", () => {
    const epoch = revocations.epoch;
    happen("app:a", { effect: "changed" });
    happen(["app:a", "proxy:x"], { effect: "ended" });
    happen("app:a");
    expect(revocations.revokedSince(epoch, ["app:a"], "key")).toMatchObject({ effect: "changed" });
    expect(revocations.revokedSince(epoch + 1, ["app:a"], "key")).toMatchObject({ effect: "revoked" });
    expect(revocations.revokedSince(epoch + 1, ["proxy:x", "app:a"], "key")).toMatchObject({ effect: "ended" });
    for (let n = 0; n < 2; n++) happen("app:other");
    expect(revocations.revokedSince(epoch + 1, ["app:a"], "key")).toMatchObject({ effect: "revoked" });
    expect(revocations.revokedSince(epoch, ["app:a"], "key")).toBe("unknown");
  });
});

describe("events that were lost", () => {
  it("put what was verified in doubt and every session under a new check", () => {
    const good = x.open({}, credential(["app:app"], { basis: BASIS }));
    const gone = x.open({}, credential(["app:app"], { basis: { ...BASIS, digest: "sha256:gone" } }));
    const jwt = x.open({}, credential(["jti:i|1"], { kind: "jwt" }));
    revocations.storeEventsLost(100);
    expect([good.splice.ends.length, jwt.splice.ends.length]).toEqual([0, 0]);
    expect(gone.splice.ends).toMatchObject([{ reason: "accessChanged" }]);
    expect(revocations.epoch).toBe(100);
    expect(revocations.revokedSince(99, ["app:x"], "key")).toBe("unknown");
    expect(revocations.revokedSince(100, ["app:x"], "key")).toBe(null);
  });

  it("may have named a JWT, which the store knows by itself", () => {
    const revoked = new Set<string>();
    const made = new Revocations(store, x.sessions, limits, {
      isStillGood: stillGood(store),
      isRevoked: ({ identities }) => identities.some((identity) => revoked.has(identity)),
    });
    void made.start();
    const gone = x.open({}, credential(["jti:i|1"], { kind: "jwt" }));
    const good = x.open({}, credential(["jti:i|2"], { kind: "jwt" }));
    revoked.add("jti:i|1");
    made.storeEventsLost(100);
    expect(gone.splice.ends).toMatchObject([{ reason: "accessChanged" }]);
    expect(good.splice.ends).toEqual([]);
  });

  it("end no session when the store fails just then", () => {
    revocations.close();
    revocations = watching(store, () => {
      throw new StoreFailure("unavailable", "gone");
    });
    const { splice } = x.open({}, credential(["app:app"], { basis: BASIS }));
    revocations.storeEventsLost(100);
    expect(splice.ends).toEqual([]);
    expect(failures).toHaveLength(1);
  });
});

it("starts from the store's last event, and counts on from there", () => {
  revocations.close();
  happen("app:before");
  const later = watching(store);
  expect(later.epoch).toBe(1);
  expect(later.revokedSince(0, ["app:x"], "key")).toBe("unknown");
  happen("app:after");
  expect(later.epoch).toBe(2);
  expect(later.revokedSince(1, ["app:after"], "key")).toMatchObject({ effect: "revoked" });
});

describe("a check that is repeated", () => {
  it("takes over what holds from then on, but not for a JWT, which has an expiry of its own", () => {
    const grant = (): AccessGrant => {
      const found = resolveBasis(store, x.clock, BASIS);
      if (found instanceof Promise || typeof found === "string") throw new Error("not granted");
      return found;
    };
    revocations.close();
    revocations = watching(store, grant);
    const key = credentialOf(grant(), "VK", 0, CALL);
    const { session } = x.open({}, key);
    const jwt = x.open({}, { ...key, kind: "jwt", expiresAtMs: x.clock.wallMs() + 5_000 }).session;
    const expiresAtMs = x.clock.wallMs() + 1_000;
    updateRecord({ store, clock: x.clock, limits }, "key", KEY_RECORD.id, (record) => ({ ...record, expiresAtMs }));
    expect(session.credentials[0]).toMatchObject({ expiresAtMs, policy: "VK" });
    expect(jwt.credentials[0]?.expiresAtMs).toBe(x.clock.wallMs() + 5_000);
    x.clock.advance(1_000);
    expect([session.endReason, jwt.endReason]).toEqual(["keyExpired", null]);
  });

  it("does not end an open session whose route survives it, and refuses a handshake all the same", async () => {
    const route = { survives: ["accessRevoked", "accessChanged"] as const };
    const { session } = x.open(route, credential(["app:app"], { kind: "key", basis: BASIS }));
    const handshake = x.begin(route);
    handshake.addCredential(credential(["app:app"], { kind: "key", basis: BASIS }));
    await setAppStatus({ store, clock: x.clock, limits }, "app", "revoked");
    await putProduct({ store, clock: x.clock, limits }, { ...PRODUCT, proxies: ["other"] });
    expect([session.endReason, handshake.endReason]).toEqual([null, "accessRevoked"]);
  });
});
