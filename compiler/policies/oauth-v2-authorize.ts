/** OAuthV2 at compile time: authorization codes and implicit grants, which send a browser back to its client. */
import { code, literal, type Code } from "../5-emit/code.ts";
import type { PolicyAnalysis, PolicyEmit } from "./definition.ts";
import type { OAuthV2Model } from "./oauth-v2-model.ts";
import {
  analyzeAnswer,
  analyzeLifetime,
  answerRules,
  attributesCode,
  externalCode,
  lifetimeCode,
  namedCode,
  parameterCode,
  readsAttributes,
  readsExternal,
  readsIfNamed,
  readsParameter,
} from "./parts/oauth-request.ts";
import { frozen } from "./parts/values.ts";

const CODE_LIFETIME_MS = 600_000;
const TOKEN_LIFETIME_MS = 3_600_000;

/** Notes what the two operations read. */
export function analyzeAuthorize(step: PolicyAnalysis<OAuthV2Model>): void {
  const isCode = step.model.operation === "GenerateAuthorizationCode";
  for (const key of ["responseType", "clientId", "redirectUri"] as const) readsParameter(step, key);
  if (isCode) for (const key of ["codeChallenge", "codeChallengeMethod"] as const) readsParameter(step, key);
  readsIfNamed(step, "scope", "state", "appEndUser");
  readsAttributes(step);
  readsExternal(step);
  analyzeLifetime(step, "expiresIn", !isCode);
  analyzeAnswer(step);
}

/** The call of GenerateAuthorizationCode. */
export function codeCode(e: PolicyEmit<OAuthV2Model>): Code {
  const { required = false, methods = ["S256"] } = e.model.pkce ?? {};
  const config = literal({
    ...answerRules(e),
    requirePkce: required,
    challengeMethods: methods,
    keep: e.isRead(`oauthv2authcode.${e.name}.`),
  });
  const request = literal({
    ...requestCode(e, CODE_LIFETIME_MS),
    codeChallenge: parameterCode(e, "codeChallenge"),
    codeChallengeMethod: parameterCode(e, "codeChallengeMethod"),
  });
  const rules = e.constant("generateAuthorizationCode", frozen(config));
  return code`${e.symbol("generateAuthorizationCode")}(${e.x}, ${rules}, ${request})`;
}

/** The call of GenerateAccessTokenImplicitGrant. */
export function implicitCode(e: PolicyEmit<OAuthV2Model>): Code {
  const config = literal({ ...answerRules(e), keep: e.isRead(`oauthv2accesstoken.${e.name}.`) });
  const rules = e.constant("generateImplicitToken", frozen(config));
  const request = literal(requestCode(e, TOKEN_LIFETIME_MS));
  return code`${e.symbol("generateImplicitToken")}(${e.x}, ${rules}, ${request})`;
}

function requestCode(e: PolicyEmit<OAuthV2Model>, lifetimeMs: number) {
  return {
    responseType: parameterCode(e, "responseType"),
    clientId: parameterCode(e, "clientId"),
    redirectUri: parameterCode(e, "redirectUri"),
    scope: namedCode(e, "scope"),
    state: namedCode(e, "state"),
    appEndUser: namedCode(e, "appEndUser"),
    expiresInMs: lifetimeCode(e, e.model.expiresIn, lifetimeMs),
    attributes: attributesCode(e),
    ...externalCode(e),
  };
}
