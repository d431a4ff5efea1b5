/** GetOAuthV2Info at compile time. It admits nobody, so it leaves no obligation. */
import { code, type Code } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition, PolicyEmit } from "./definition.ts";
import { readsSource, sourceCode, sourceRules, type StoredSource } from "./parts/stored-source.ts";

export interface GetOAuthV2InfoModel extends PolicyModel {
  readonly kind: "GetOAuthV2Info";
  readonly accessToken?: StoredSource;
  readonly refreshToken?: StoredSource;
  readonly authorizationCode?: StoredSource;
  readonly clientId?: StoredSource;
  readonly ignoreAccessTokenStatus?: boolean;
}

const CALLS = {
  accessToken: "getAccessTokenInfo",
  refreshToken: "getRefreshTokenInfo",
  authorizationCode: "getAuthorizationCodeInfo",
  clientId: "getClientInfo",
} as const;

const KEYS = ["accessToken", "refreshToken", "authorizationCode", "clientId"] as const;

export const getOAuthV2Info = {
  kind: "GetOAuthV2Info",
  basename: "get-oauth-v2-info",
  phases: ["request", "response"],
  failedPrefix: "oauthV2",
  variablePrefixes: ["oauthv2accesstoken", "oauthv2refreshtoken", "oauthv2authcode", "oauthv2client", "oauthV2"],
  timing: () => "maybe",
  changes: () => [],
  analyze(step) {
    for (const key of KEYS) {
      const source = step.model[key];
      if (source !== undefined) readsSource(step, source, key);
    }
  },
  emit(e) {
    for (const key of KEYS) {
      const source = e.model[key];
      if (source !== undefined) return e.wait(callCode(e, key, source));
    }
  },
} satisfies PolicyDefinition<GetOAuthV2InfoModel>;

function callCode(e: PolicyEmit<GetOAuthV2InfoModel>, key: (typeof KEYS)[number], source: StoredSource): Code {
  const more = key === "accessToken" ? { ignoreStatus: e.model.ignoreAccessTokenStatus ?? false } : undefined;
  const rules = sourceRules(e, "getOAuthV2Info", source, more);
  return code`${e.symbol(CALLS[key])}(${e.x}, ${rules}, ${sourceCode(e, source)})`;
}
