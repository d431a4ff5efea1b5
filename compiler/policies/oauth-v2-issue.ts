/** OAuthV2 at compile time: the operations that issue access tokens to clients, and the grant types they serve. */
import { code, literal, type Code } from "../5-emit/code.ts";
import type { PolicyAnalysis, PolicyEmit } from "./definition.ts";
import type { OAuthV2Model } from "./oauth-v2-model.ts";
import {
  CLIENT_SECRET,
  analyzeAnswer,
  analyzeLifetime,
  answerRules,
  attributesCode,
  externalCode,
  idle,
  lifetimeCode,
  parameterCode,
  readsAttributes,
  readsExternal,
  readsIfNamed,
  readsParameter,
  type DefaultedKey,
} from "./parts/oauth-request.ts";
import { analyzeKey, keyRules, keyTextCode } from "./parts/jwt-rules.ts";
import { AUTHORIZATION } from "./parts/presented-token.ts";
import { analyzeSigner, signerKid, signerRules, signingKeyEntries } from "./parts/signing-rules.ts";
import { frozen, readsValue, textCode } from "./parts/values.ts";

const ACCESS_LIFETIME_MS = 3_600_000;
const REFRESH_LIFETIME_MS = 30 * 86_400_000;

/** A grant type: its function of runtime/, the variables it reads, whether it gives refresh tokens. */
interface GrantRow {
  readonly symbol: "authorizationCodeGrant" | "clientCredentialsGrant" | "passwordGrant" | "refreshTokenGrant";
  readonly variables: readonly DefaultedKey[];
  readonly refreshes: boolean;
}

const GRANTS: Readonly<Record<string, GrantRow>> = {
  authorization_code: {
    symbol: "authorizationCodeGrant",
    variables: ["code", "redirectUri", "codeVerifier"],
    refreshes: true,
  },
  client_credentials: { symbol: "clientCredentialsGrant", variables: [], refreshes: false },
  password: { symbol: "passwordGrant", variables: ["userName", "passWord"], refreshes: true },
  refresh_token: { symbol: "refreshTokenGrant", variables: ["refreshToken"], refreshes: true },
};

/** Keys that say something about some grant types only. */
const OWN_KEYS = ["userName", "passWord", "refreshToken", "code", "redirectUri", "codeVerifier"] as const;

/** Notes what GenerateAccessToken and RefreshAccessToken read, and what of it has no effect. */
export function analyzeIssue(step: PolicyAnalysis<OAuthV2Model>): void {
  const grants = grantsOf(step.model);
  const own = grants.flatMap(({ variables }) => variables);
  for (const key of ["grantType", "clientId", ...own] as const) readsParameter(step, key);
  step.reads(CLIENT_SECRET, []);
  readsIfNamed(step, "scope", "appEndUser");
  readsAttributes(step);
  readsExternal(step);
  if (isSigned(step.model)) {
    analyzeSigner(step, step.model);
    readsValue(step, step.model.issuer, ["issuer"]);
    readsValue(step, step.model.audience, ["audience"]);
  }
  analyzeLifetime(step, "expiresIn", !isSigned(step.model));
  analyzeLifetime(step, "refreshTokenExpiresIn");
  for (const key of OWN_KEYS) if (!own.includes(key)) idle(step, key, "no grant type here reads it");
  if (!grants.some(({ refreshes }) => refreshes)) {
    idle(step, "refreshTokenExpiresIn", "no grant type here gives refresh tokens");
    idle(step, "externalRefreshToken", "no grant type here gives refresh tokens");
  }
  if (!grants.some(({ symbol }) => symbol === "refreshTokenGrant")) {
    idle(step, "reuseRefreshToken", "this policy refreshes no tokens");
  }
  analyzeAnswer(step);
}

/** The call that issues; RefreshAccessToken is the one grant type that the other operation may serve as well. */
export function issueCode(e: PolicyEmit<OAuthV2Model>): Code {
  const { model } = e;
  const grants = grantsOf(model);
  const refreshes = grants.some((grant) => grant.refreshes);
  const { name, ...answers } = answerRules(e);
  const config = literal({
    name,
    grants: Object.fromEntries(grantNames(model).map((grant) => [grant, e.symbol(grantRow(grant).symbol)])),
    ...answers,
    keep: e.isRead(`oauthv2accesstoken.${e.name}.`),
  });
  const own = grants.flatMap(({ variables }) => variables);
  const request = literal({
    grantType: parameterCode(e, "grantType"),
    authorization: e.variable(AUTHORIZATION),
    clientId: parameterCode(e, "clientId"),
    clientSecret: e.variable(CLIENT_SECRET),
    scope: model.scope === undefined ? null : e.variable(model.scope),
    expiresInMs: lifetimeCode(e, model.expiresIn, ACCESS_LIFETIME_MS),
    attributes: attributesCode(e),
    ...(model.appEndUser === undefined ? {} : { appEndUser: e.variable(model.appEndUser) }),
    ...(refreshes ? { refreshExpiresInMs: lifetimeCode(e, model.refreshTokenExpiresIn, REFRESH_LIFETIME_MS) } : {}),
    ...(model.reuseRefreshToken === true ? { reuseRefreshToken: true } : {}),
    ...Object.fromEntries(own.map((key) => [key, parameterCode(e, key)])),
    ...externalCode(e),
  });
  const rules = e.constant("generateAccessToken", frozen(config));
  if (!isSigned(model)) return code`${e.symbol("generateAccessToken")}(${e.x}, ${rules}, ${request})`;
  const signing = e.constant("signing", frozen(literal({ ...signerRules(e, model), critical: [] })));
  const kid = signerKid(model);
  const { issuer = "", audience = "" } = model;
  const signer = literal({
    ...signingKeyEntries(e, model),
    issuer: textCode(e, issuer),
    audience: textCode(e, audience),
    ...(kid === undefined ? {} : { kid: textCode(e, kid) }),
  });
  return code`${e.symbol("generateJwtAccessToken")}(${e.x}, ${rules}, ${signing}, ${signer}, ${request})`;
}

function isSigned({ operation }: OAuthV2Model): boolean {
  return operation === "GenerateJWTAccessToken" || operation === "RefreshJWTAccessToken";
}

function grantNames(model: OAuthV2Model): readonly string[] {
  return model.operation.startsWith("Refresh") ? ["refresh_token"] : (model.supportedGrantTypes ?? ["client_credentials"]);
}

function grantsOf(model: OAuthV2Model): readonly GrantRow[] {
  return grantNames(model).map(grantRow);
}

function grantRow(name: string): GrantRow {
  const row = GRANTS[name];
  if (row === undefined) throw new TypeError(`invariant: the schema knows every grant type, also ${name}`);
  return row;
}

/** Notes what RevokeToken reads. */
export function analyzeRevoke(step: PolicyAnalysis<OAuthV2Model>): void {
  readsParameter(step, "token");
  readsParameter(step, "clientId");
  step.reads(CLIENT_SECRET, []);
  analyzeSigned(step);
  analyzeAnswer(step);
}

/** Notes what names the signed tokens that an operation may take back. */
export function analyzeSigned(step: PolicyAnalysis<OAuthV2Model>): void {
  const { algorithm, issuer } = step.model;
  if (algorithm === undefined) return;
  analyzeKey(step, step.model);
  readsValue(step, issuer, ["issuer"]);
}

/** Member `signed` of such an operation (`SignedTokens`); none where it knows no signed tokens. */
export function signedEntry(e: PolicyEmit<OAuthV2Model>): { readonly signed?: Code } {
  const { algorithm, issuer } = e.model;
  if (algorithm === undefined) return {};
  const proof = { ...keyRules(e, e.model), type: "at+jwt", ignoreCriticalHeaders: false, knownHeaders: [] };
  const config = { name: e.name, id: e.id, ...proof };
  const rules = e.constant("signedTokens", frozen(literal(config)));
  const find = e.symbol("signedAccessToken");
  const wanted = issuer === undefined ? {} : { issuer: textCode(e, issuer) };
  return { signed: literal({ find, rules, keyText: keyTextCode(e, e.model), ...wanted }) };
}

/** The call of RevokeToken. */
export function revokeCode(e: PolicyEmit<OAuthV2Model>): Code {
  const rules = e.constant("revokeToken", frozen(literal({ ...answerRules(e), isRfc: true })));
  const request = literal({
    token: parameterCode(e, "token"),
    authorization: e.variable(AUTHORIZATION),
    clientId: parameterCode(e, "clientId"),
    clientSecret: e.variable(CLIENT_SECRET),
    ...signedEntry(e),
  });
  return code`${e.symbol("revokeToken")}(${e.x}, ${rules}, ${request})`;
}
