/** OAuthV2 at compile time: the operations that issue access tokens to clients, and the grant types they serve. */
import { code, literal, type Code } from "../5-emit/code.ts";
import type { PolicyAnalysis, PolicyEmit } from "./definition.ts";
import type { Lifetime, OAuthV2Model } from "./oauth-v2-model.ts";
import { milliseconds } from "./parts/jwt-rules.ts";
import { AUTHORIZATION } from "./parts/presented-token.ts";
import { frozen } from "./parts/values.ts";

const ACCESS_LIFETIME_MS = 3_600_000;
const REFRESH_LIFETIME_MS = 30 * 86_400_000;
const CLIENT_SECRET = "request.formparam.client_secret";

/** Keys that name a variable, with the one that is read where none is named. */
const DEFAULTS = {
  grantType: "request.formparam.grant_type",
  clientId: "request.formparam.client_id",
  userName: "request.formparam.username",
  passWord: "request.formparam.password",
  refreshToken: "request.formparam.refresh_token",
} as const;

type VariableKey = keyof typeof DEFAULTS | "scope" | "appEndUser";
type Model = OAuthV2Model;

/** A grant type: its function of runtime/, the variables it reads, whether it gives refresh tokens. */
interface GrantRow {
  readonly symbol: "clientCredentialsGrant" | "passwordGrant" | "refreshTokenGrant";
  readonly variables: readonly (keyof typeof DEFAULTS)[];
  readonly refreshes: boolean;
}

const GRANTS: Readonly<Record<string, GrantRow>> = {
  client_credentials: { symbol: "clientCredentialsGrant", variables: [], refreshes: false },
  password: { symbol: "passwordGrant", variables: ["userName", "passWord"], refreshes: true },
  refresh_token: { symbol: "refreshTokenGrant", variables: ["refreshToken"], refreshes: true },
};

/** Keys that say something about some grant types only. */
const OWN_KEYS = ["userName", "passWord", "refreshToken"] as const;

/** Notes what GenerateAccessToken and RefreshAccessToken read, and what of it has no effect. */
export function analyzeIssue(step: PolicyAnalysis<Model>): void {
  const { model } = step;
  const grants = grantsOf(model);
  const own = grants.flatMap(({ variables }) => variables);
  for (const key of ["grantType", "clientId", ...own] as const) reads(step, key);
  step.reads(CLIENT_SECRET, []);
  if (model.scope !== undefined) reads(step, "scope");
  if (model.appEndUser !== undefined) reads(step, "appEndUser");
  analyzeLifetime(step, "expiresIn");
  analyzeLifetime(step, "refreshTokenExpiresIn");
  model.attributes?.forEach(({ ref }, at) => {
    if (ref !== undefined) step.reads(ref, ["attributes", at, "ref"]);
  });
  for (const key of OWN_KEYS) {
    if (!grants.some(({ variables }) => variables.includes(key))) idle(step, key, "no grant type here reads it");
  }
  if (!grants.some(({ refreshes }) => refreshes)) {
    idle(step, "refreshTokenExpiresIn", "no grant type here gives refresh tokens");
  }
  if (!grants.some(({ symbol }) => symbol === "refreshTokenGrant")) {
    idle(step, "reuseRefreshToken", "this policy refreshes no tokens");
  }
  if (!step.carriedOn) idle(step, "generateErrorResponse", "a fault that nobody carries on from has its own answer");
}

function reads(step: PolicyAnalysis<Model>, key: VariableKey): void {
  const written = step.model[key];
  const variable = written ?? (isDefaulted(key) ? DEFAULTS[key] : "");
  step.reads(variable, written === undefined ? [] : [key]);
}

function isDefaulted(key: VariableKey): key is keyof typeof DEFAULTS {
  return Object.hasOwn(DEFAULTS, key);
}

function idle(step: PolicyAnalysis<Model>, key: keyof Model & string, why: string): void {
  if (step.model[key] !== undefined) step.report("AGW3103", [key], { what: key, why });
}

/** The call that issues; RefreshAccessToken is the one grant type that the other operation may serve as well. */
export function issueCode(e: PolicyEmit<Model>): Code {
  const { model } = e;
  const grants = grantsOf(model);
  const refreshes = grants.some((grant) => grant.refreshes);
  const config = literal({
    name: e.name,
    grants: Object.fromEntries(grantNames(model).map((name) => [name, e.symbol(grantRow(name).symbol)])),
    respond: model.generateResponse?.enabled ?? true,
    isRfc: model.rfcCompliantRequestResponse ?? false,
    respondErrors: model.generateErrorResponse !== undefined && (model.generateErrorResponse.enabled ?? true),
    realm: model.generateErrorResponse?.realm ?? null,
    keep: e.isRead(`oauthv2accesstoken.${e.name}.`),
  });
  const request = literal({
    grantType: variableCode(e, "grantType"),
    authorization: e.variable(AUTHORIZATION),
    clientId: variableCode(e, "clientId"),
    clientSecret: e.variable(CLIENT_SECRET),
    scope: model.scope === undefined ? null : e.variable(model.scope),
    expiresInMs: lifetimeCode(e, model.expiresIn, ACCESS_LIFETIME_MS),
    attributes: attributesCode(e),
    ...(model.appEndUser === undefined ? {} : { appEndUser: e.variable(model.appEndUser) }),
    ...(refreshes ? { refreshExpiresInMs: lifetimeCode(e, model.refreshTokenExpiresIn, REFRESH_LIFETIME_MS) } : {}),
    ...(model.reuseRefreshToken === true ? { reuseRefreshToken: true } : {}),
    ...Object.fromEntries(grants.flatMap(({ variables }) => variables).map((key) => [key, variableCode(e, key)])),
  });
  const rules = e.constant("generateAccessToken", frozen(config));
  return code`${e.symbol("generateAccessToken")}(${e.x}, ${rules}, ${request})`;
}

function grantNames(model: Model): readonly string[] {
  return model.operation === "RefreshAccessToken" ? ["refresh_token"] : (model.supportedGrantTypes ?? []);
}

function grantsOf(model: Model): readonly GrantRow[] {
  return grantNames(model).map(grantRow);
}

function grantRow(name: string): GrantRow {
  const row = GRANTS[name];
  if (row === undefined) throw new TypeError(`invariant: the schema knows every grant type, also ${name}`);
  return row;
}

function variableCode(e: PolicyEmit<Model>, key: keyof typeof DEFAULTS): Code {
  return e.variable(e.model[key] ?? DEFAULTS[key]);
}

/** Attributes that go with what is issued. */
export function attributesCode(e: PolicyEmit<Model>) {
  return (e.model.attributes ?? []).map(({ name, ref, value = "", display = true }) => ({
    name,
    value: ref === undefined ? literal(value) : code`${e.symbol("valueOr")}(${e.variable(ref)}, ${value})`,
    display,
  }));
}

/** A lifetime in milliseconds, or what the variable says. */
export function lifetimeCode(e: PolicyEmit<Model>, lifetime: Lifetime | undefined, byDefaultMs: number): Code {
  if (typeof lifetime !== "object") return literal(literalMs(lifetime) ?? byDefaultMs);
  return code`${e.symbol("valueOr")}(${e.variable(lifetime.ref)}, ${lifetime.value ?? byDefaultMs})`;
}

/** Notes what a lifetime reads, and reports one of nothing. */
export function analyzeLifetime(step: PolicyAnalysis<Model>, key: "expiresIn" | "refreshTokenExpiresIn"): void {
  const lifetime = step.model[key];
  const ms = literalMs(lifetime);
  if (ms !== null && ms <= 0 && ms !== -1) {
    const expected = "a positive time, or -1 for a token that does not expire";
    step.report("AGW3105", [key], { what: key, value: String(lifetime), expected });
  }
  if (typeof lifetime === "object") step.reads(lifetime.ref, [key, "ref"]);
}

/** Milliseconds of a lifetime that is written down, null of one that is not. */
function literalMs(lifetime: Lifetime | undefined): number | null {
  if (lifetime === undefined) return null;
  if (typeof lifetime === "object") return lifetime.value ?? null;
  return typeof lifetime === "number" ? lifetime : milliseconds(lifetime);
}
