import { describe, expect, test } from "vitest";
import { noLabels, type Credential } from "#runtime/access/credential.ts";
import { renewalRefusal, renewedCredential } from "#runtime/access/renewal.ts";

const call = { proxy: "chat", environment: "test", pathSuffix: "/room", verb: "GET" };

function token(name: string, more: Partial<Credential> = {}): Credential {
  return {
    kind: "token",
    policy: `OA-${name}`,
    epoch: 1,
    expiresAtMs: 1_000,
    identities: [`token:${name}`, "key:k", "app:web", "developer:ann", "product:all"],
    labels: noLabels,
    basis: { kind: "token", digest: name, call: { ...call, pathSuffix: `/${name}` } },
    ...more,
  };
}

const identities = (...more: readonly string[]): readonly string[] => ["token:next", "app:web", ...more];

describe("a token may follow another", () => {
  const cases: [string, Partial<Credential>, Partial<Credential>, string | null][] = [
    ["of the same app", {}, {}, null],
    ["with more scopes", { scopes: ["read"] }, { scopes: ["write", "read"] }, null],
    ["not with fewer", { scopes: ["read", "write"] }, { scopes: ["read"] }, "ScopeMissing"],
    ["not with none", { scopes: ["read"] }, {}, "ScopeMissing"],
    ["not of another app", {}, { identities: ["token:next", "app:other"] }, "AppDiffers"],
    ["not of two apps", {}, { identities: identities("app:other") }, "AppDiffers"],
    ["not of a subject more", {}, { identities: identities("subject:|ann") }, "SubjectDiffers"],
    ["not of a subject less", { identities: identities("subject:|ann") }, { identities: identities() }, "SubjectDiffers"],
    ["not of another issuer's subject", { identities: identities("subject:a|ann") }, { identities: identities("subject:b|ann") }, "SubjectDiffers"],
    ["not when both could be anybody's", { identities: ["jti:a|1"], basis: null }, { identities: ["jti:a|2"], basis: null }, "NotRenewable"],
    ["not when only one is known to the store", {}, { basis: null }, "NotRenewable"],
  ];
  test.each(cases)("%s", (_, old, next, why) => {
    expect(renewalRefusal(token("old", old), token("next", next))).toBe(why);
  });
});

describe("a renewed credential", () => {
  test("is the next one, for the call of the old one, found under both", () => {
    const old = token("old", { identities: [...token("old").identities, "grant:g", "ticket:t"] });
    const renewed = renewedCredential(old, token("next", { expiresAtMs: 5_000 }), 7, 8);
    expect(renewed).toMatchObject({ policy: "OA-old", epoch: 7, expiresAtMs: 5_000, basis: { digest: "next", call: { pathSuffix: "/old" } } });
    expect(renewed.former).toEqual([["token:old", "grant:g"]]);
    expect([...renewed.identities].sort()).toEqual([
      "app:web", "developer:ann", "grant:g", "key:k", "product:all", "ticket:t", "token:next", "token:old",
    ]);
  });

  test("remembers so many tokens before it, and its ticket for ever", () => {
    let renewed = token("t0", { identities: [...token("t0").identities, "ticket:t"] });
    for (let at = 1; at <= 20; at++) renewed = renewedCredential(renewed, token(`t${at}`), at, 3);
    expect(renewed.former).toEqual([["token:t17"], ["token:t18"], ["token:t19"]]);
    expect(renewed.identities.filter((name) => name.startsWith("token:"))).toEqual(["token:t20", "token:t17", "token:t18", "token:t19"]);
    expect(renewed.identities).toContain("ticket:t");
  });
});
