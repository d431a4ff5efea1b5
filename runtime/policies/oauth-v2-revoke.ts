/**
 * OAuthV2 operation RevokeToken: a client takes back a token of its own (RFC 7009). A refresh token takes its whole
 * grant with it; an unknown token is gone already, which is what the client wants.
 */
import { askStore } from "../access/admission.ts";
import { provenClient } from "../access/clients.ts";
import type { KeyRecord } from "../access/model.ts";
import { setSignedTokenStatus } from "../access/signed-tokens.ts";
import { findToken, setTokenStatus } from "../access/tokens.ts";
import type { Exchange, Value } from "../context.ts";
import type { AccessFaultCode } from "../fault/access.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { ResponseMessage } from "../message/message.ts";
import { parseCompact } from "../token/compact.ts";
import type { SignedTokens } from "../token/signed-access-token.ts";
import { refusedRequest, textOf } from "../token/token-answer.ts";
import type { AnswerRules } from "../token/token-answer.ts";
import { clientOf } from "../token/token-request.ts";
import type { ClientCredentials } from "../token/token-request.ts";

/** What the request says, read from flow variables. */
export interface RevokeRequest extends ClientCredentials {
  readonly token: Value;
  /** Access tokens of which the store has no record. */
  readonly signed?: SignedTokens;
}

const NOT_ITS_OWN = "steps.oauth.v2.InvalidClientIdentifier";
const UNSUPPORTED = "steps.oauth.v2.InvalidTokenType";

/** Revokes the token and answers 200; sessions end at once. Clients without a secret are known by the token alone. */
export function revokeToken(x: Exchange, rules: AnswerRules, request: RevokeRequest): Maybe<void> {
  const token = textOf(request.token);
  const client = clientOf(request);
  const missing = token === "" ? "token" : client.id === "" ? "client_id" : null;
  if (missing !== null) throw refusedRequest(x, rules, "steps.oauth.v2.invalid_request", missing);
  const { gateway } = x;
  const revoking = askStore(rules.name, () =>
    andThen(provenClient(gateway, client, true), (key) => {
      if (typeof key === "string") return key;
      return andThen(findToken(gateway.store, token), (record) => {
        if (record === null) return revokeSigned(x, request.signed, token, key);
        if (record.clientKeyDigest !== key.id) return NOT_ITS_OWN;
        const cascade = record.kind === "refresh";
        return andThen(setTokenStatus(gateway, record.id, "revoked", { cascade }), () => null);
      });
    }),
  );
  return andThen(revoking, (refusal) => {
    if (refusal !== null) throw refusedRequest(x, rules, refusal, "", client.isBasic);
    const answer = new ResponseMessage(200, "", ["Cache-Control", "no-store", "Pragma", "no-cache"]);
    answer.content = "";
    x.response = answer;
  });
}

/** A signed token that could not be taken back must not be answered as if it were gone (RFC 7009 section 2.2.1). */
function revokeSigned(
  x: Exchange,
  signed: SignedTokens | undefined,
  token: string,
  key: KeyRecord,
): Maybe<AccessFaultCode | null> {
  if (signed === undefined) return parseCompact(token, x.gateway.limits.jwtCharsMax) === null ? null : UNSUPPORTED;
  return andThen(signed.find(x, signed, token), (found) => {
    if (found === null) return null;
    if (found === "NoName") return UNSUPPORTED;
    if (found === "KeySetUnavailable") return "gateway.KeySetUnavailable";
    if (found.clientKeyDigest !== key.id) return NOT_ITS_OWN;
    return andThen(setSignedTokenStatus(x.gateway, found, "revoked"), () => null);
  });
}
