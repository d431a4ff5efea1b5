/** DeleteOAuthV2Info at compile time. */
import { code } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { readsSource, sourceCode, sourceRules, type StoredSource } from "./parts/stored-source.ts";

export interface DeleteOAuthV2InfoModel extends PolicyModel {
  readonly kind: "DeleteOAuthV2Info";
  readonly accessToken?: StoredSource;
  readonly authorizationCode?: StoredSource;
}

export const deleteOAuthV2Info = {
  kind: "DeleteOAuthV2Info",
  basename: "delete-oauth-v2-info",
  phases: ["request", "response"],
  failedPrefix: "oauthV2",
  variablePrefixes: ["oauthV2"],
  timing: () => "maybe",
  changes: () => [],
  analyze(step) {
    const { accessToken, authorizationCode } = step.model;
    if (accessToken !== undefined) readsSource(step, accessToken, "accessToken");
    if (authorizationCode !== undefined) readsSource(step, authorizationCode, "authorizationCode");
  },
  emit(e) {
    const { accessToken, authorizationCode = {} } = e.model;
    const source = accessToken ?? authorizationCode;
    const call = e.symbol(accessToken === undefined ? "deleteAuthorizationCode" : "deleteAccessToken");
    e.wait(code`${call}(${e.x}, ${sourceRules(e, "deleteOAuthV2Info", source)}, ${sourceCode(e, source)})`);
  },
} satisfies PolicyDefinition<DeleteOAuthV2InfoModel>;
