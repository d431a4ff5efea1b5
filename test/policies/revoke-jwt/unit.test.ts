import { describe, expect, test } from "vitest";
import { revokeJwt } from "#compiler/policies/revoke-jwt.ts";
import { isJwtRevoked } from "#runtime/access/jwt-revocation.ts";
import { revokeJwt as runtimeStep } from "#runtime/policies/revoke-jwt.ts";
import { StoreFailure } from "#runtime/state/store.ts";
import { credential } from "../../support/session-fixture.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

describe("RevokeJWT", () => {
  test.each([
    ["jti", "jti:i|1", "tokenRevoked"], ["kid", "kid:i|1", "tokenRevoked"],
    ["sid", "sid:i|1", "accessRevoked"], ["subject", "subject:i|1", "accessRevoked"],
  ] as const)("by %s ends the sessions that carry it, and is remembered as long as it says", async (by, identity, reason) => {
    const fixture = await new PolicyFixture().start();
    const meant = fixture.around.open({}, credential([identity], { kind: "jwt" }));
    const other = fixture.around.open({}, credential(["jti:i|2"], { kind: "jwt" }));
    await runtimeStep(fixture.exchange(), { name: "RJ", by, rememberMs: 1000 }, "i", "1");
    expect([meant.splice.ends[0]?.reason, other.splice.ends.length]).toEqual([reason, 0]);
    const jwt = { identities: [identity], issuedAtMs: 0 };
    expect(isJwtRevoked(fixture.store, jwt)).toBe(true);
    fixture.clock.advance(1000);
    expect(isJwtRevoked(fixture.store, jwt)).toBe(false);
  });

  test.each([[null, "1"], ["i", null], ["i", ""]])("without a name it revokes nothing: %s, %s", async (issuer, named) => {
    const fixture = new PolicyFixture();
    const raised = await faultOf(() => runtimeStep(fixture.exchange(), { name: "RJ", by: "jti", rememberMs: null }, issuer, named));
    expect(raised.code).toBe("steps.jwt.FailedToResolveVariable");
    expect(fixture.store.lastEvent()).toBe(0);
  });

  test("a store that fails is 503, not a success", async () => {
    const put = (): never => {
      throw new StoreFailure("unavailable", "gone");
    };
    const fixture = new PolicyFixture({ store: (memory) => Object.assign(memory, { put }) });
    const raised = await faultOf(() => runtimeStep(fixture.exchange(), { name: "RJ", by: "jti", rememberMs: null }, "i", "1"));
    expect(raised).toMatchObject({ code: "gateway.StoreUnavailable", status: 503 });
  });

  test("at compile time: one call", () => {
    const model = { kind: "RevokeJWT", issuer: "i", sid: { ref: "jwt.VJ.claim.sid" }, rememberFor: "1h" } as const;
    expect(analyzed(revokeJwt, model)).toMatchObject({ reads: ["jwt.VJ.claim.sid"] });
    expect(emitted(revokeJwt, model)).toEqual([
      'const revokeJwt = { name: "P-1", by: "sid", rememberMs: 3600000 } as const',
      'wait revokeJwt(x, revokeJwt, "i", text("jwt.VJ.claim.sid"))',
    ]);
  });
});
