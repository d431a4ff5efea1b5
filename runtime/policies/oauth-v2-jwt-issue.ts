/**
 * OAuthV2 operation GenerateJWTAccessToken: access tokens that prove themselves (RFC 9068), for clients that prove
 * themselves. Nothing of them is stored: what revokes one is its jti, its subject, its key, or its client's app.
 */
import { Buffer } from "node:buffer";
import { digest } from "../access/digest.ts";
import { approvedProducts } from "../access/resolve.ts";
import { tokenOwner } from "../access/tokens.ts";
import type { IssuedToken, TokenOwner, TokenRefusal } from "../access/tokens.ts";
import type { Exchange } from "../context.ts";
import { fault } from "../fault.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { signCompact } from "../token/signing.ts";
import type { AskedToken, Grant } from "../token/token-request.ts";
import { clientOf } from "../token/token-request.ts";

/** Grant type client_credentials. The key's own text, which every party of OAuth calls client_id, is in the token. */
export const jwtClientCredentialsGrant: Grant = {
  isPublic: false,
  missing: () => null,
  issue: (x, asked) =>
    andThen(tokenOwner(x.gateway, asked.key, asked.wish.scopes), (owner): Maybe<IssuedToken | TokenRefusal> =>
      typeof owner === "string" ? owner : signed(x, asked, owner),
    ),
};

async function signed(x: Exchange, { name, request, wish }: AskedToken, owner: TokenOwner): Promise<IssuedToken> {
  const { jwt } = request;
  if (jwt === undefined) throw new TypeError("invariant: the operation says how its tokens are signed");
  const clientId = clientOf(request).id;
  const nowMs = x.gateway.clock.wallMs();
  const { scopes, key, app, developer } = owner;
  const expiresAtMs = wish.expiresInMs === null ? null : nowMs + wish.expiresInMs;
  if (jwt.issuer === null || jwt.audience === null) throw fault("steps.jwt.FailedToResolveVariable", name, name);
  const { attributes = {}, hidden = [] } = wish;
  const shown = Object.fromEntries(Object.entries(attributes).filter(([attribute]) => !hidden.includes(attribute)));
  const claims = {
    iss: jwt.issuer,
    sub: wish.subject ?? clientId,
    aud: jwt.audience,
    client_id: clientId,
    jti: x.gateway.clock.randomId(),
    iat: Math.floor(nowMs / 1000),
    ...(expiresAtMs === null ? {} : { exp: Math.floor(expiresAtMs / 1000) }),
    ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
  };
  const payload = Buffer.from(JSON.stringify({ ...shown, ...claims }), "utf8");
  const made = await signCompact(x, jwt.rules, jwt.key, { kid: jwt.kid }, { payload, type: "at+jwt" });
  if (typeof made === "string") throw fault(`steps.jwt.${made}`, name, name);
  const record: IssuedToken["record"] = {
    id: digest(made.token),
    kind: "access",
    clientKeyDigest: key.id,
    appId: app.id,
    developerId: developer.id,
    products: approvedProducts(key),
    scopes,
    issuedAtMs: nowMs,
    expiresAtMs,
    status: "approved",
    attributes,
    subject: claims.sub,
    grantType: wish.grantType,
    ...(hidden.length === 0 ? {} : { hidden }),
  };
  return { token: made.token, record, key, app, developer };
}
