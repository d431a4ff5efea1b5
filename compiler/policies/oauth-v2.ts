/** OAuthV2 at compile time: one policy, four operations. */
import { code, literal, type Code } from "../5-emit/code.ts";
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import { checksCredential } from "./parts/credential.ts";
import {
  analyzeKey,
  analyzeValues,
  keyRules,
  keyTextCode,
  milliseconds,
  valuesCode,
  type KeyModel,
} from "./parts/jwt-rules.ts";
import { AUTHORIZATION, wordBefore } from "./parts/presented-token.ts";
import { frozen } from "./parts/values.ts";

export interface OAuthV2Model extends PolicyModel, KeyModel {
  readonly kind: "OAuthV2";
  readonly operation: "VerifyAccessToken" | "VerifyJWTAccessToken" | "GenerateAccessToken" | "InvalidateToken";
  readonly accessToken?: string;
  readonly accessTokenPrefix?: string;
  readonly scope?: string;
  readonly requireAllScopes?: boolean;
  readonly cacheExpiryInSeconds?: RefOr<number>;
  readonly issuer?: RefOr<string>;
  readonly audience?: RefOr<string>;
  readonly timeAllowance?: string;
  readonly supportedGrantTypes?: readonly string[];
  readonly grantType?: string;
  readonly clientId?: string;
  readonly expiresIn?: number | string | { readonly ref: string; readonly value?: number };
  readonly generateResponse?: { readonly enabled?: boolean };
  readonly rfcCompliantRequestResponse?: boolean;
  readonly attributes?: readonly {
    readonly name: string;
    readonly ref?: string;
    readonly value?: string;
    readonly display?: boolean;
  }[];
  readonly tokens?: readonly {
    readonly type: "accesstoken" | "refreshtoken";
    readonly cascade?: boolean;
    readonly ref: string;
  }[];
}

const GRANT_TYPE = "request.formparam.grant_type";
const CLIENT_ID = "request.formparam.client_id";
const CLIENT_SECRET = "request.formparam.client_secret";
const LIFETIME_MS = 3_600_000;

export const oauthV2 = {
  kind: "OAuthV2",
  basename: "oauth-v2",
  phases: ["request"],
  failedPrefix: "oauthV2",
  variablePrefixes: ["oauthv2accesstoken", "oauthV2", "jwt"],
  timing: () => "maybe",
  analyze(step) {
    switch (step.model.operation) {
      case "VerifyAccessToken":
      case "VerifyJWTAccessToken":
        return analyzeVerify(step);
      case "GenerateAccessToken":
        return analyzeGenerate(step);
      case "InvalidateToken":
        return step.model.tokens?.forEach(({ ref }, at) => step.reads(ref, ["tokens", at, "ref"]));
    }
  },
  emit(e) {
    switch (e.model.operation) {
      case "VerifyAccessToken":
      case "VerifyJWTAccessToken":
        return e.wait(isJwt(e.model) ? verifyJwtCode(e) : verifyCode(e));
      case "GenerateAccessToken":
        return e.wait(generateCode(e));
      case "InvalidateToken":
        return e.wait(invalidateCode(e));
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
    analyzeKey(step);
    analyzeValues(step);
  }
  if (cacheExpiryInSeconds === undefined) return;
  const why = "revocations reach the gateway's cache at once";
  step.report("AGW3103", ["cacheExpiryInSeconds"], { what: "cacheExpiryInSeconds", why });
}

function analyzeGenerate(step: PolicyAnalysis<OAuthV2Model>): void {
  const { grantType, clientId, scope, expiresIn, attributes } = step.model;
  step.reads(grantType ?? GRANT_TYPE, grantType === undefined ? [] : ["grantType"]);
  step.reads(clientId ?? CLIENT_ID, clientId === undefined ? [] : ["clientId"]);
  step.reads(CLIENT_SECRET, []);
  if (scope !== undefined) step.reads(scope, ["scope"]);
  const ms = literalMs(expiresIn);
  if (ms !== null && ms <= 0 && ms !== -1) {
    const expected = "a positive time, or -1 for a token that does not expire";
    step.report("AGW3105", ["expiresIn"], { what: "expiresIn", value: String(expiresIn), expected });
  }
  if (typeof expiresIn === "object") step.reads(expiresIn.ref, ["expiresIn", "ref"]);
  attributes?.forEach(({ ref }, at) => {
    if (ref !== undefined) step.reads(ref, ["attributes", at, "ref"]);
  });
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
    ...keyRules(e),
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
  const keyText = keyTextCode(e);
  return code`${e.symbol("verifyJwtAccessToken")}(${e.x}, ${rules}, ${keyText}, ${presented}, ${valuesCode(e)})`;
}

function sourceOf({ model, name }: PolicyEmit<OAuthV2Model>) {
  const { accessToken, accessTokenPrefix } = model;
  return {
    name,
    variable: accessToken ?? null,
    prefix: (accessTokenPrefix ?? wordBefore(accessToken ?? AUTHORIZATION)).trim(),
    scopes: (model.scope ?? "").split(" ").filter((scope) => scope !== ""),
    requireAllScopes: model.requireAllScopes ?? false,
  };
}

function generateCode(e: PolicyEmit<OAuthV2Model>): Code {
  const { model } = e;
  const config = literal({
    name: e.name,
    grantTypes: model.supportedGrantTypes ?? [],
    respond: model.generateResponse?.enabled ?? true,
    isRfc: model.rfcCompliantRequestResponse ?? false,
    keep: e.isRead(`oauthv2accesstoken.${e.name}.`),
  });
  const request = literal({
    grantType: e.variable(model.grantType ?? GRANT_TYPE),
    authorization: e.variable(AUTHORIZATION),
    clientId: e.variable(model.clientId ?? CLIENT_ID),
    clientSecret: e.variable(CLIENT_SECRET),
    scope: model.scope === undefined ? null : e.variable(model.scope),
    expiresInMs: expiresInCode(e, model.expiresIn),
    attributes: (model.attributes ?? []).map(({ name, ref, value = "", display = true }) => ({
      name,
      value: ref === undefined ? literal(value) : code`${e.symbol("valueOr")}(${e.variable(ref)}, ${value})`,
      display,
    })),
  });
  const rules = e.constant("generateAccessToken", frozen(config));
  return code`${e.symbol("generateAccessToken")}(${e.x}, ${rules}, ${request})`;
}

function expiresInCode(e: PolicyEmit<OAuthV2Model>, expiresIn: OAuthV2Model["expiresIn"]): Code {
  if (typeof expiresIn !== "object") return literal(literalMs(expiresIn) ?? LIFETIME_MS);
  return code`${e.symbol("valueOr")}(${e.variable(expiresIn.ref)}, ${expiresIn.value ?? LIFETIME_MS})`;
}

/** Milliseconds of a lifetime that is written down, null of one that is not. */
function literalMs(expiresIn: OAuthV2Model["expiresIn"]): number | null {
  if (expiresIn === undefined) return null;
  if (typeof expiresIn === "object") return expiresIn.value ?? null;
  return typeof expiresIn === "number" ? expiresIn : milliseconds(expiresIn);
}

function invalidateCode(e: PolicyEmit<OAuthV2Model>): Code {
  const tokens = (e.model.tokens ?? []).map(({ type, cascade = false, ref }) => ({
    type,
    cascade,
    variable: ref,
    value: e.variable(ref),
  }));
  return code`${e.symbol("invalidateToken")}(${e.x}, ${e.name}, ${tokens})`;
}
