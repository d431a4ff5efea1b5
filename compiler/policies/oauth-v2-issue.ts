/** OAuthV2 at compile time: the operations that issue access tokens to clients, and the grant types they serve. */
import { code, literal, type Code, type Embeddable } from "../5-emit/code.ts";
import type { PolicyAnalysis, PolicyEmit } from "./definition.ts";
import type { OAuthV2Model } from "./oauth-v2-model.ts";
import {
  analyzeAnswer,
  analyzeLifetime,
  answerRules,
  attributesCode,
  idle,
  lifetimeCode,
  parameterCode,
  readsAttributes,
  readsIfNamed,
  readsParameter,
  type DefaultedKey,
} from "./parts/oauth-request.ts";
import { AUTHORIZATION } from "./parts/presented-token.ts";
import { analyzeSigner, signerKid, signerRules, signingKeyEntries } from "./parts/signing-rules.ts";
import { frozen, readsValue, textCode } from "./parts/values.ts";

const ACCESS_LIFETIME_MS = 3_600_000;
const REFRESH_LIFETIME_MS = 30 * 86_400_000;
const CLIENT_SECRET = "request.formparam.client_secret";

/** A grant type: its function of runtime/, the variables it reads, whether it gives refresh tokens. */
interface GrantRow {
  readonly symbol:
    | "authorizationCodeGrant"
    | "clientCredentialsGrant"
    | "jwtClientCredentialsGrant"
    | "passwordGrant"
    | "refreshTokenGrant";
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

/** What GenerateJWTAccessToken serves. */
const JWT_GRANTS: Readonly<Record<string, GrantRow>> = {
  client_credentials: { symbol: "jwtClientCredentialsGrant", variables: [], refreshes: false },
};

/** Keys that say something about some grant types only. */
const OWN_KEYS = ["userName", "passWord", "refreshToken", "code", "redirectUri", "codeVerifier"] as const;

/** Notes what GenerateAccessToken and RefreshAccessToken read, and what of it has no effect. */
export function analyzeIssue(step: PolicyAnalysis<OAuthV2Model>): void {
  if (step.model.operation === "GenerateJWTAccessToken" && !signsFor(step)) return;
  const grants = grantsOf(step.model);
  const own = grants.flatMap(({ variables }) => variables);
  for (const key of ["grantType", "clientId", ...own] as const) readsParameter(step, key);
  step.reads(CLIENT_SECRET, []);
  readsIfNamed(step, "scope", "appEndUser");
  readsAttributes(step);
  analyzeLifetime(step, "expiresIn");
  analyzeLifetime(step, "refreshTokenExpiresIn");
  for (const key of OWN_KEYS) if (!own.includes(key)) idle(step, key, "no grant type here reads it");
  if (!grants.some(({ refreshes }) => refreshes)) {
    idle(step, "refreshTokenExpiresIn", "no grant type here gives refresh tokens");
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
    grants: Object.fromEntries(grantNames(model).map((grant) => [grant, e.symbol(grantRow(model, grant).symbol)])),
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
    ...(model.operation === "GenerateJWTAccessToken" ? { jwt: jwtCode(e) } : {}),
  });
  const rules = e.constant("generateAccessToken", frozen(config));
  return code`${e.symbol("generateAccessToken")}(${e.x}, ${rules}, ${request})`;
}

/** Notes what JWT access tokens are signed with; false where a grant type cannot be served. */
function signsFor(step: PolicyAnalysis<OAuthV2Model>): boolean {
  const { model } = step;
  for (const name of ["issuer", "audience"] as const) readsValue(step, model[name], [name]);
  if (model.publicKey === undefined) analyzeSigner(step, model);
  else step.report("AGW4102", ["publicKey"], { algorithm: model.algorithm ?? "", key: "public key" });
  const strange = grantNames(model).findIndex((name) => JWT_GRANTS[name] === undefined);
  if (strange < 0) return model.publicKey === undefined;
  const expected = "GenerateJWTAccessToken serves client_credentials";
  const value = grantNames(model)[strange] ?? "";
  step.report("AGW3105", ["supportedGrantTypes", strange], { what: "grant type", value, expected });
  return false;
}

/** How JWT access tokens are signed (`JwtAccessTokens`). */
function jwtCode(e: PolicyEmit<OAuthV2Model>): Embeddable {
  const { model } = e;
  const kid = signerKid(model);
  const text = (value: typeof model.issuer): Embeddable => (value === undefined ? null : textCode(e, value));
  return {
    rules: e.constant("signing", frozen(literal({ ...signerRules(e, model), critical: [] }))),
    key: signingKeyEntries(e, model),
    kid: text(kid),
    issuer: text(model.issuer),
    audience: text(model.audience),
  };
}

function grantNames(model: OAuthV2Model): readonly string[] {
  const { operation, supportedGrantTypes } = model;
  if (operation === "GenerateJWTAccessToken") return supportedGrantTypes ?? ["client_credentials"];
  return operation === "RefreshAccessToken" ? ["refresh_token"] : (supportedGrantTypes ?? []);
}

function grantsOf(model: OAuthV2Model): readonly GrantRow[] {
  return grantNames(model).map((name) => grantRow(model, name));
}

function grantRow({ operation }: OAuthV2Model, name: string): GrantRow {
  const row = (operation === "GenerateJWTAccessToken" ? JWT_GRANTS : GRANTS)[name];
  if (row === undefined) throw new TypeError(`invariant: the schema knows every grant type, also ${name}`);
  return row;
}
