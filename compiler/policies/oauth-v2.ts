/** OAuthV2 at compile time: its operations; verifying and revoking. What issues tokens is oauth-v2-issue.ts. */
import { code, literal, type Code } from "../5-emit/code.ts";
import type { PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import { analyzeAuthorize, codeCode, implicitCode } from "./oauth-v2-authorize.ts";
import { analyzeIssue, analyzeRevoke, analyzeSigned, issueCode, revokeCode, signedEntry } from "./oauth-v2-issue.ts";
import type { OAuthV2Model } from "./oauth-v2-model.ts";
import { checksCredential } from "./parts/credential.ts";
import {
  analyzeKey,
  analyzeValues,
  keyRules,
  keyTextCode,
  milliseconds,
  valuesCode,
} from "./parts/jwt-rules.ts";
import { AUTHORIZATION, wordBefore } from "./parts/presented-token.ts";
import { frozen } from "./parts/values.ts";

/** A request without it is its client's doing, like one without Authorization: 401. */
const CREDENTIAL = "websocket.credential";

export const oauthV2 = {
  kind: "OAuthV2",
  basename: "oauth-v2",
  phases: ["request"],
  failedPrefix: "oauthV2",
  variablePrefixes: ["oauthv2accesstoken", "oauthv2authcode", "oauthV2", "jwt"],
  timing: () => "maybe",
  analyze(step) {
    switch (step.model.operation) {
      case "VerifyAccessToken":
      case "VerifyJWTAccessToken":
        return analyzeVerify(step);
      case "GenerateAccessToken":
      case "GenerateJWTAccessToken":
      case "RefreshAccessToken":
      case "GenerateJWTAccessToken":
      case "RefreshJWTAccessToken":
        return analyzeIssue(step);
      case "GenerateAuthorizationCode":
      case "GenerateAccessTokenImplicitGrant":
        return analyzeAuthorize(step);
      case "RevokeToken":
        return analyzeRevoke(step);
      case "InvalidateToken":
      case "ValidateToken":
        step.model.tokens?.forEach(({ ref }, at) => step.reads(ref, ["tokens", at, "ref"]));
        return analyzeSigned(step);
    }
  },
  emit(e) {
    switch (e.model.operation) {
      case "VerifyAccessToken":
      case "VerifyJWTAccessToken":
        return e.wait(isJwt(e.model) ? verifyJwtCode(e) : verifyCode(e));
      case "GenerateAccessToken":
      case "GenerateJWTAccessToken":
      case "RefreshAccessToken":
      case "GenerateJWTAccessToken":
      case "RefreshJWTAccessToken":
        return e.wait(issueCode(e));
      case "GenerateAuthorizationCode":
        return e.wait(codeCode(e));
      case "GenerateAccessTokenImplicitGrant":
        return e.wait(implicitCode(e));
      case "RevokeToken":
        return e.wait(revokeCode(e));
      case "InvalidateToken":
      case "ValidateToken":
        return e.wait(changeCode(e));
    }
  },
} satisfies PolicyDefinition<OAuthV2Model>;

function isJwt(model: OAuthV2Model): boolean {
  return model.algorithm !== undefined;
}

function analyzeVerify(step: PolicyAnalysis<OAuthV2Model>): void {
  const { accessToken, cacheExpiryInSeconds } = step.model;
  const at = accessToken === undefined ? [] : ["accessToken"];
  checksCredential(step, accessToken ?? AUTHORIZATION, at, isJwt(step.model) ? "jwt" : "token");
  if (isJwt(step.model)) {
    analyzeKey(step, step.model);
    analyzeValues(step);
  }
  if (cacheExpiryInSeconds === undefined) return;
  const why = "revocations reach the gateway's cache at once";
  step.report("AGW3103", ["cacheExpiryInSeconds"], { what: "cacheExpiryInSeconds", why });
}

function verifyCode(e: PolicyEmit<OAuthV2Model>): Code {
  const config = literal({ ...sourceOf(e), keep: e.isRead(`oauthv2accesstoken.${e.name}.`) });
  const rules = e.constant("verifyAccessToken", frozen(config));
  return code`${e.symbol("verifyAccessToken")}(${e.x}, ${rules}, ${e.variable(e.model.accessToken ?? AUTHORIZATION)})`;
}

function verifyJwtCode(e: PolicyEmit<OAuthV2Model>): Code {
  const { model } = e;
  const config = literal({
    ...sourceOf(e),
    id: e.id,
    ...keyRules(e, e.model),
    areOfEndUsers: true,
    type: "at+jwt",
    timeAllowanceMs: milliseconds(model.timeAllowance ?? "0s"),
    ignoreIssuedAt: false,
    ignoreCriticalHeaders: false,
    knownHeaders: [],
    requiredClaims: ["exp", "client_id"],
    lifespanMaxMs: null,
    keep: e.isRead(`jwt.${e.name}.`),
  });
  const rules = e.constant("verifyJwtAccessToken", frozen(config));
  const presented = e.variable(model.accessToken ?? AUTHORIZATION);
  const keyText = keyTextCode(e, e.model);
  return code`${e.symbol("verifyJwtAccessToken")}(${e.x}, ${rules}, ${keyText}, ${presented}, ${valuesCode(e)})`;
}

function sourceOf({ model, name }: PolicyEmit<OAuthV2Model>) {
  const { accessToken, accessTokenPrefix } = model;
  return {
    name,
    variable: accessToken === CREDENTIAL ? null : (accessToken ?? null),
    prefix: (accessTokenPrefix ?? wordBefore(accessToken ?? AUTHORIZATION)).trim(),
    scopes: (model.scope ?? "").split(" ").filter((scope) => scope !== ""),
    requireAllScopes: model.requireAllScopes ?? false,
    ...(model.rfcCompliantRequestResponse === true ? { isRfc: true } : {}),
  };
}

function changeCode(e: PolicyEmit<OAuthV2Model>): Code {
  const tokens = (e.model.tokens ?? []).map(({ type, cascade = false, ref }) => ({
    type,
    cascade,
    variable: ref,
    value: e.variable(ref),
  }));
  const change = e.model.operation === "ValidateToken" ? "validateToken" : "invalidateToken";
  return code`${e.symbol(change)}(${e.x}, ${literal({ name: e.name, tokens, ...signedEntry(e) })})`;
}
