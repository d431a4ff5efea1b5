/**
 * IntrospectToken: asks the server that issued a token what it is (RFC 7662), checks that, and binds the session to the
 * token's expiry and to the revocation of what names it. It knows nothing of apps and products.
 */
import { askStore, watch } from "../access/admission.ts";
import { noLabels } from "../access/credential.ts";
import type { Exchange, Value } from "../context.ts";
import { fault } from "../fault.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { demandScopes, presentedToken, refusal } from "../token/access-token.ts";
import type { ScopeRules, TokenSource } from "../token/access-token.ts";
import { introspector } from "../token/introspection.ts";
import type { IntrospectionRules, IntrospectionServer } from "../token/introspection.ts";
import type { IssuedVariables } from "../token/issued.ts";

export interface IntrospectTokenConfig extends TokenSource, ScopeRules, IntrospectionRules {
  readonly name: string;
  /** Somebody reads `introspection.<policy>.*`. */
  readonly keep: boolean;
}

/** Demanded values; absent ones demand nothing, null ones did not resolve and match no token. */
export interface IntrospectionDemands {
  readonly issuer?: string | null;
  readonly audience?: string | null;
}

/** Admits a token that its server calls active. */
export function introspectToken(
  x: Exchange,
  config: IntrospectTokenConfig,
  presented: Value,
  { issuer, audience }: IntrospectionDemands,
  server: IntrospectionServer,
): Maybe<void> {
  const text = presentedToken(x, config, presented);
  const { epoch } = x.gateway.revocations;
  return andThen(askStore(config.name, () => introspector(x, config, server).ask(text)), (token) => {
    if (token === "unavailable") throw fault("gateway.IntrospectionUnavailable", "", config.name);
    if (token === "inactive") throw refusal(x, "keymanagement.service.invalid_access_token", config);
    if (token === "revoked") throw refusal(x, "keymanagement.service.access_token_not_approved", config);
    const isFor = audience === undefined || (audience !== null && token.audiences.includes(audience));
    const isFrom = issuer === undefined || (issuer !== null && token.issuer === issuer);
    if (!isFor || !isFrom) throw refusal(x, "keymanagement.service.invalid_access_token", config);
    demandScopes(x, config, token.scopes);
    const { expiresAtMs, identities, issuedAtMs, fields } = token;
    // Like a JWT: somebody else issued it, and marks of the store say what of it was revoked.
    const proof = { kind: "jwt", policy: config.name, epoch, labels: noLabels, basis: null } as const;
    watch(x, { ...proof, expiresAtMs, identities, issuedAtMs });
    if (config.keep) x.keep(config.name, { kind: "issued", fields } satisfies IssuedVariables);
  });
}
