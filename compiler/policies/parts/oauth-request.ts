/**
 * OAuthV2 at compile time: what all operations that issue something share: the variables that hold a request's
 * parameters, lifetimes, attributes, and how they answer.
 */
import { code, literal, type Code, type Embeddable } from "../../5-emit/code.ts";
import type { PolicyModel } from "../../ir/model.ts";
import type { PolicyAnalysis, PolicyEmit } from "../definition.ts";
import type { Lifetime, OAuthV2Model } from "../oauth-v2-model.ts";
import { milliseconds } from "./jwt-rules.ts";

/** Keys that name a variable, with the one that is read where none is named. */
const DEFAULTS = {
  grantType: "request.formparam.grant_type",
  clientId: "request.formparam.client_id",
  userName: "request.formparam.username",
  passWord: "request.formparam.password",
  refreshToken: "request.formparam.refresh_token",
  code: "request.formparam.code",
  redirectUri: "request.formparam.redirect_uri",
  codeVerifier: "request.formparam.code_verifier",
  responseType: "request.formparam.response_type",
  codeChallenge: "request.formparam.code_challenge",
  codeChallengeMethod: "request.formparam.code_challenge_method",
  token: "request.formparam.token",
} as const;

export const CLIENT_SECRET = "request.formparam.client_secret";

/** Keys of variables that are read whether or not they are named. */
export type DefaultedKey = keyof typeof DEFAULTS;
type OptionalKey =
  | "scope"
  | "appEndUser"
  | "state"
  | "externalAccessToken"
  | "externalRefreshToken"
  | "externalAuthorizationCode";

/** What another server says of the client (apigee-policies section 3.28). */
const EXTERNAL_STATUS = "oauth_external_authorization_status";

/** Notes what a key names, or what is read in its place. */
export function readsParameter(step: PolicyAnalysis<OAuthV2Model>, key: DefaultedKey): void {
  const written = step.model[key];
  step.reads(written ?? DEFAULTS[key], written === undefined ? [] : [key]);
}

/** The same for keys without a default. */
export function readsIfNamed(step: PolicyAnalysis<OAuthV2Model>, ...keys: readonly OptionalKey[]): void {
  for (const key of keys) {
    const written = step.model[key];
    if (written !== undefined) step.reads(written, [key]);
  }
}

/** An expression for a parameter's value. */
export function parameterCode(e: PolicyEmit<OAuthV2Model>, key: DefaultedKey): Code {
  return e.variable(e.model[key] ?? DEFAULTS[key]);
}

/** The same, `null` where no variable is named. */
export function namedCode(e: PolicyEmit<OAuthV2Model>, key: OptionalKey): Code {
  const variable = e.model[key];
  return variable === undefined ? literal(null) : e.variable(variable);
}

/** An attribute as it is written. */
export interface AttributeModel {
  readonly name: string;
  readonly ref?: string;
  readonly value?: string;
  readonly display?: boolean;
}

/** A policy that gives tokens attributes. */
type WithAttributes = PolicyModel & { readonly attributes?: readonly AttributeModel[] };

/** Notes what attributes read. */
export function readsAttributes<M extends WithAttributes>(step: PolicyAnalysis<M>): void {
  step.model.attributes?.forEach(({ ref }, at) => {
    if (ref !== undefined) step.reads(ref, ["attributes", at, "ref"]);
  });
}

/** Notes what is read of another server's say. */
export function readsExternal(step: PolicyAnalysis<OAuthV2Model>): void {
  const { externalAuthorization } = step.model;
  if (externalAuthorization === true) step.reads(EXTERNAL_STATUS, ["externalAuthorization"]);
  readsIfNamed(step, "externalAccessToken", "externalRefreshToken", "externalAuthorizationCode");
}

/** Members of a request that hold another server's say, where it has one. */
export function externalCode(e: PolicyEmit<OAuthV2Model>): Readonly<Record<string, Code>> {
  const { externalAuthorization, externalAccessToken, externalRefreshToken, externalAuthorizationCode } = e.model;
  return {
    ...(externalAuthorization === true ? { externalStatus: e.variable(EXTERNAL_STATUS) } : {}),
    ...(externalAccessToken === undefined ? {} : { externalAccessToken: e.variable(externalAccessToken) }),
    ...(externalRefreshToken === undefined ? {} : { externalRefreshToken: e.variable(externalRefreshToken) }),
    ...(externalAuthorizationCode === undefined
      ? {}
      : { externalAuthorizationCode: e.variable(externalAuthorizationCode) }),
  };
}

/** Attributes that go with what is issued. */
export function attributesCode<M extends WithAttributes>(e: PolicyEmit<M>): readonly Embeddable[] {
  return (e.model.attributes ?? []).map(({ name, ref, value = "", display = true }) => ({
    name,
    value: ref === undefined ? literal(value) : code`${e.symbol("valueOr")}(${e.variable(ref)}, ${value})`,
    display,
  }));
}

/** How the policy answers (runtime/token/token-answer.ts, AnswerRules). */
export function answerRules({ model, name }: PolicyEmit<OAuthV2Model>) {
  const { generateErrorResponse: errors } = model;
  return {
    name,
    respond: model.generateResponse?.enabled ?? true,
    isRfc: model.rfcCompliantRequestResponse ?? false,
    respondErrors: errors !== undefined && (errors.enabled ?? true),
    realm: errors?.realm ?? null,
  };
}

/** Notes what the answers depend on. */
export function analyzeAnswer(step: PolicyAnalysis<OAuthV2Model>): void {
  if (!step.carriedOn) idle(step, "generateErrorResponse", "a fault that nobody carries on from has its own answer");
}

/** Reports a key that says nothing here. */
export function idle(step: PolicyAnalysis<OAuthV2Model>, key: keyof OAuthV2Model & string, why: string): void {
  if (step.model[key] !== undefined) step.report("AGW3103", [key], { what: key, why });
}

/** A lifetime in milliseconds, or what the variable says. */
export function lifetimeCode(e: PolicyEmit<OAuthV2Model>, lifetime: Lifetime | undefined, byDefaultMs: number): Code {
  if (typeof lifetime !== "object") return literal(literalMs(lifetime) ?? byDefaultMs);
  return code`${e.symbol("valueOr")}(${e.variable(lifetime.ref)}, ${lifetime.value ?? byDefaultMs})`;
}

/** Notes what a lifetime reads, and reports one of nothing. `mayBeEndless`: -1 is allowed. */
export function analyzeLifetime(
  step: PolicyAnalysis<OAuthV2Model>,
  key: "expiresIn" | "refreshTokenExpiresIn",
  mayBeEndless = true,
): void {
  const lifetime = step.model[key];
  const ms = literalMs(lifetime);
  if (ms !== null && ms <= 0 && (ms !== -1 || !mayBeEndless)) {
    const expected = mayBeEndless ? "a positive time, or -1 for a token that does not expire" : "it always expires";
    const value = typeof lifetime === "object" ? String(lifetime.value) : String(lifetime);
    step.report("AGW3105", [key], { what: key, value, expected });
  }
  if (typeof lifetime === "object") step.reads(lifetime.ref, [key, "ref"]);
}

/** Milliseconds of a lifetime that is written down, null of one that is not. */
function literalMs(lifetime: Lifetime | undefined): number | null {
  if (lifetime === undefined) return null;
  if (typeof lifetime === "object") return lifetime.value ?? null;
  return typeof lifetime === "number" ? lifetime : milliseconds(lifetime);
}
