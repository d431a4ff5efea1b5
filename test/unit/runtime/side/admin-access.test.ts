import { describe, expect, it } from "vitest";
import { fingerprint } from "#runtime/access/digest.ts";
import { resolveToken } from "#runtime/access/resolve.ts";
import { CALL, DEVELOPER, KEY, KEY_RECORD, SECRET, TOKEN, resolveKey } from "../../../support/access-records.ts";
import { ADMIN_SECRET, adminGround } from "../../../support/admin-ground.ts";
import { credential } from "../../../support/session-fixture.ts";

const ground = adminGround([]);

describe("access over the admin API", () => {
  it("a key is made, used, revoked by its fingerprint with its sessions, and approved again", async () => {
    const made = await ground.ask("POST", "/v1/keys", { app: "the-app", products: ["gold"], ttlSeconds: 60, attributes: { a: "b" } });
    expect(made.status).toBe(201);
    const { digest, fingerprint: short, key, secret } = made.body as Record<string, string>;
    expect(resolveKey(ground.store, ground.x.clock, key ?? "", CALL)).toMatchObject({ app: { id: "app" } });
    const { session } = ground.x.open({}, credential([`key:${digest}`], { kind: "key" }));
    expect(await ground.ask("POST", "/v1/keys:revoke", { fingerprint: short })).toMatchObject({ status: 200, body: { status: "revoked" } });
    expect(session.endReason).toBe("accessRevoked");
    expect(resolveKey(ground.store, ground.x.clock, key ?? "", CALL)).toMatch(/ApiKeyNotApproved/);
    await ground.ask("POST", "/v1/keys:approve", { digest });
    expect(resolveKey(ground.store, ground.x.clock, key ?? "", CALL)).toMatchObject({ app: { id: "app" } });
    await ground.ask("POST", "/v1/keys:revoke", { key });
    expect(ground.audits().map(({ action }) => action)).toEqual(["key.create", "key.revoked", "key.approved", "key.revoked"]);
    expect(ground.counted("apigw_admin_changes_total")).toBe(4);
    for (const clear of [key, secret, ADMIN_SECRET]) expect(ground.text).not.toContain(clear);
    const listed = await ground.ask("GET", "/v1/keys");
    expect(JSON.stringify(listed.body)).not.toMatch(/secretDigest/);
    expect(listed.body["keys"]).toHaveLength(2);
  });

  it.each([
    [{ app: "nope", products: ["gold"] }, 404],
    [{ app: "app", products: ["nope"] }, 404],
    [{ app: "app", products: [] }, 400],
    [{ products: ["gold"] }, 400],
    [{ app: "app", products: ["gold"], ttlSeconds: 0 }, 400],
    [{ app: "app", products: "gold" }, 400],
    [{ app: "app", products: ["gold"], attributes: { a: 1 } }, 400],
  ])("a key is not made from %j", async (body, status) => {
    expect((await ground.ask("POST", "/v1/keys", body)).status).toBe(status);
    expect(await ground.store.list("key", { limit: 10 })).toHaveLength(1);
  });

  it("a token is made for a key, revoked with its session, and approved again", async () => {
    const made = await ground.ask("POST", "/v1/tokens", { fingerprint: KEY_RECORD.clientId, ttlSeconds: 90, subject: "ada" });
    expect(made).toMatchObject({ status: 201, body: { tokenType: "Bearer", expiresAt: "2030-01-01T12:01:30.000Z", subject: "ada" } });
    const { digest, token } = made.body as Record<string, string>;
    expect(resolveToken(ground.store, ground.x.clock, token ?? "", CALL)).toMatchObject({ app: { id: "app" } });
    const { splice } = ground.x.open({}, credential([`token:${digest}`]));
    expect((await ground.ask("POST", "/v1/tokens:revoke", { token })).body).toMatchObject({ status: "revoked" });
    expect(splice.ends).toEqual([{ reason: "tokenRevoked", code: 3003, text: "token revoked" }]);
    expect((await ground.ask("POST", "/v1/tokens:approve", { digest })).body).toMatchObject({ status: "approved" });
    expect((await ground.ask("POST", "/v1/tokens:revoke", { token: "nope" })).status).toBe(404);
    expect((await ground.ask("POST", "/v1/tokens:revoke", { digest: "nope" })).status).toBe(400);
    expect((await ground.ask("POST", "/v1/tokens:revoke", { token, digest })).status).toBe(400);
    expect(ground.text).not.toContain(token);
    expect(ground.audits()[0]).toMatchObject({ action: "token.create", token_fingerprint: fingerprint(digest ?? "") });
  });

  it("a token is not made for a revoked key", async () => {
    await ground.ask("POST", "/v1/keys:revoke", { key: KEY });
    expect(await ground.ask("POST", "/v1/tokens", { key: KEY })).toMatchObject({ status: 409, body: { error: { code: "oauth.v2.ApiKeyNotApproved" } } });
  });

  it("a JWT is revoked with its session", async () => {
    const { session } = ground.x.open({}, credential(["jti:https://issuer|7"], { kind: "jwt" }));
    expect((await ground.ask("POST", "/v1/jwts:revoke", { issuer: "https://issuer", jti: "7", ttlSeconds: 60 })).status).toBe(200);
    expect(session.endReason).toBe("tokenRevoked");
  });

  it("JWTs are revoked by what names many of them: counted first, and taken back", async () => {
    const { session } = ground.x.open({}, credential(["kid:https://issuer|k"], { kind: "jwt" }));
    const named = { issuer: "https://issuer", kid: "k" };
    expect((await ground.ask("POST", "/v1/jwts:revoke", { ...named, dryRun: true })).body).toMatchObject({ ...named, sessions: 1, dryRun: true });
    expect(session.endReason).toBe(null);
    expect((await ground.ask("POST", "/v1/jwts:revoke", named)).body).toMatchObject({ status: "revoked", sessions: 1 });
    expect(session.endReason).toBe("tokenRevoked");
    expect((await ground.ask("POST", "/v1/jwts:approve", named)).body).toMatchObject({ status: "approved" });
    expect((await ground.ask("POST", "/v1/jwts:approve", named)).status).toBe(404);
    for (const wrong of [{ issuer: "i" }, { kid: "k" }, { issuer: "i", kid: "k", jti: "1" }, { ...named, x: 1 }]) {
      expect((await ground.ask("POST", "/v1/jwts:revoke", wrong)).status).toBe(400);
    }
    expect(ground.audits().map(({ action, kid }) => [action, kid])).toEqual([["jwt.revoked", "k"], ["jwt.approved", "k"]]);
  });

  it("an app is revoked, approved and stripped of its tokens by name", async () => {
    const { session } = ground.x.open({}, credential(["app:app"], { kind: "key" }));
    const other = ground.x.open({}, credential(["app:other"], { kind: "key" })).session;
    expect((await ground.ask("POST", "/v1/apps/the-app:revoke")).body).toMatchObject({ id: "app", status: "revoked" });
    expect([session.endReason, other.endReason]).toEqual(["accessRevoked", null]);
    expect((await ground.ask("POST", "/v1/apps/app:approve", {})).body).toMatchObject({ status: "approved" });
    await ground.ask("POST", "/v1/apps/app:revokeTokens");
    expect(resolveToken(ground.store, ground.x.clock, TOKEN, CALL)).toMatch(/access_token_not_approved/);
    expect(resolveKey(ground.store, ground.x.clock, KEY, CALL)).toMatchObject({ app: { id: "app" } });
    expect((await ground.ask("POST", "/v1/apps/nope:revoke")).status).toBe(404);
    expect((await ground.ask("POST", "/v1/apps/app:revoke", { x: 1 })).status).toBe(400);
    expect((await ground.ask("GET", "/v1/apps/the-app")).body).toMatchObject({ id: "app" });
    expect(ground.audits().map(({ action, app }) => [action, app])).toEqual([["app.revoked", "app"], ["app.approved", "app"], ["app.tokens.revoked", "app"]]);
  });

  it("a developer is deactivated and activated by email address", async () => {
    await ground.store.put("developer", "a-first", { ...DEVELOPER, id: "a-first", email: "first@example.com" });
    const at = encodeURIComponent(DEVELOPER.email);
    expect((await ground.ask("POST", `/v1/developers/${at}:deactivate`)).body).toMatchObject({ id: "dev", status: "inactive" });
    expect(resolveKey(ground.store, ground.x.clock, KEY, CALL)).toMatch(/DeveloperStatusNotActive/);
    expect((await ground.ask("POST", "/v1/developers/dev:activate")).body).toMatchObject({ status: "active" });
    expect((await ground.ask("POST", "/v1/developers/dev:revokeTokens")).status).toBe(200);
    expect((await ground.ask("GET", `/v1/developers/${at}`)).body).toMatchObject({ id: "dev" });
    expect((await ground.ask("GET", "/v1/developers/nope")).status).toBe(404);
  });

  it("records are listed in pages", async () => {
    for (const id of ["a", "b", "c"]) await ground.store.put("developer", id, { ...DEVELOPER, id });
    const first = await ground.ask("GET", "/v1/developers?limit=3");
    expect([(first.body["developers"] as { id: string }[]).map(({ id }) => id), first.body["next"]]).toEqual([["a", "b", "c"], "c"]);
    const second = await ground.ask("GET", "/v1/developers?limit=3&after=c");
    expect([(second.body["developers"] as { id: string }[]).map(({ id }) => id), second.body["next"]]).toEqual([["dev"], null]);
    expect((await ground.ask("GET", "/v1/apps")).body).toMatchObject({ apps: [{ id: "app" }] });
  });

  it("nothing that is shown holds a digest of a secret", async () => {
    const shown = JSON.stringify([(await ground.ask("GET", "/v1/keys")).body, (await ground.ask("POST", "/v1/keys:revoke", { key: KEY })).body]);
    expect(shown).toContain(KEY_RECORD.id);
    expect(shown).not.toContain(KEY_RECORD.secretDigest);
    expect(shown).not.toContain(SECRET);
  });
});
