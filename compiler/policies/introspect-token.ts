/** IntrospectToken at compile time. */
import { code, literal, type Code } from "../5-emit/code.ts";
import type { PolicyModel, RefOr, SecretSource, TextSetting } from "../ir/model.ts";
import type { PolicyDefinition, PolicyEmit, SettingRequest } from "./definition.ts";
import { checksCredential } from "./parts/credential.ts";
import { milliseconds } from "./parts/jwt-rules.ts";
import { AUTHORIZATION, wordBefore } from "./parts/presented-token.ts";
import { frozen, readsValue, textCode } from "./parts/values.ts";

export interface IntrospectTokenModel extends PolicyModel {
  readonly kind: "IntrospectToken";
  readonly endpoint: TextSetting;
  readonly allowPrivateAddresses?: boolean;
  readonly clientId: TextSetting;
  readonly clientSecret: SecretSource;
  readonly clientAuthentication?: "basic" | "form";
  readonly timeout?: string;
  readonly cache?: { readonly maxAge?: string; readonly negativeMaxAge?: string; readonly staleMaxAge?: string };
  readonly accessToken?: string;
  readonly accessTokenPrefix?: string;
  readonly scope?: string;
  readonly requireAllScopes?: boolean;
  readonly issuer?: RefOr<string>;
  readonly audience?: RefOr<string>;
}

export const introspectToken = {
  kind: "IntrospectToken",
  basename: "introspect-token",
  phases: ["request"],
  failedPrefix: "oauthV2",
  variablePrefixes: ["introspection", "oauthV2"],
  timing: () => "maybe",
  changes: () => [],
  analyze(step) {
    const { accessToken, issuer, audience, endpoint, clientId, clientSecret } = step.model;
    const at = accessToken === undefined ? [] : ["accessToken"];
    checksCredential(step, accessToken ?? AUTHORIZATION, at, "token");
    readsValue(step, issuer, ["issuer"]);
    readsValue(step, audience, ["audience"]);
    for (const [key, value] of [["endpoint", endpoint], ["clientId", clientId]] as const) {
      if (typeof value !== "string") step.setting({ source: value, kind: "text" }, [key]);
    }
    step.setting({ source: clientSecret, kind: "secret" }, ["clientSecret"]);
  },
  emit(e) {
    const { issuer, audience, accessToken = AUTHORIZATION, endpoint, clientId, clientSecret } = e.model;
    const server = literal({
      endpoint: textSetting(e, endpoint),
      clientId: textSetting(e, clientId),
      clientSecret: e.setting({ source: clientSecret, kind: "secret" } satisfies SettingRequest),
    });
    const demands = literal({
      ...(issuer === undefined ? {} : { issuer: textCode(e, issuer) }),
      ...(audience === undefined ? {} : { audience: textCode(e, audience) }),
    });
    const rules = e.constant("introspectToken", frozen(rulesCode(e)));
    const presented = e.variable(accessToken);
    e.wait(code`${e.symbol("introspectToken")}(${e.x}, ${rules}, ${presented}, ${demands}, ${server})`);
  },
} satisfies PolicyDefinition<IntrospectTokenModel>;

function rulesCode(e: PolicyEmit<IntrospectTokenModel>): Code {
  const { model, name, id } = e;
  const { maxAge = "60s", negativeMaxAge = "5s", staleMaxAge = "0s" } = model.cache ?? {};
  return literal({
    name,
    id,
    variable: model.accessToken ?? null,
    prefix: (model.accessTokenPrefix ?? wordBefore(model.accessToken ?? AUTHORIZATION)).trim(),
    scopes: (model.scope ?? "").split(" ").filter((scope) => scope !== ""),
    requireAllScopes: model.requireAllScopes ?? false,
    allowPrivateAddresses: model.allowPrivateAddresses ?? false,
    authentication: model.clientAuthentication ?? "basic",
    timeoutMs: milliseconds(model.timeout ?? "5s"),
    freshMs: milliseconds(maxAge),
    staleMs: milliseconds(staleMaxAge),
    negativeMs: milliseconds(negativeMaxAge),
    keep: e.isRead(`introspection.${name}.`),
  });
}

function textSetting(e: PolicyEmit<IntrospectTokenModel>, value: TextSetting): Code {
  return typeof value === "string" ? literal(value) : e.setting({ source: value, kind: "text" });
}
