/** SetOAuthV2Info at compile time. */
import { code } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { attributesCode, readsAttributes, type AttributeModel } from "./parts/oauth-request.ts";
import { readsSource, sourceCode, sourceRules, type StoredSource } from "./parts/stored-source.ts";

export interface SetOAuthV2InfoModel extends PolicyModel {
  readonly kind: "SetOAuthV2Info";
  readonly accessToken: StoredSource;
  readonly attributes: readonly AttributeModel[];
}

export const setOAuthV2Info = {
  kind: "SetOAuthV2Info",
  basename: "set-oauth-v2-info",
  phases: ["request", "response"],
  failedPrefix: "oauthV2",
  variablePrefixes: ["oauthv2accesstoken", "oauthV2"],
  timing: () => "maybe",
  changes: () => [],
  analyze(step) {
    readsSource(step, step.model.accessToken, "accessToken");
    readsAttributes(step);
  },
  emit(e) {
    const { accessToken } = e.model;
    const keep = e.isRead(`oauthv2accesstoken.${e.name}.`);
    const rules = sourceRules(e, "setOAuthV2Info", accessToken, { keep });
    e.wait(
      code`${e.symbol("setOAuthV2Info")}(${e.x}, ${rules}, ${sourceCode(e, accessToken)}, ${attributesCode(e)})`,
    );
  },
} satisfies PolicyDefinition<SetOAuthV2InfoModel>;
