/** RevokeOAuthV2 at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { frozen, readsValue, textCode, type Ref } from "./parts/values.ts";

export interface RevokeOAuthV2Model extends PolicyModel {
  readonly kind: "RevokeOAuthV2";
  readonly appId?: RefOr<string>;
  readonly endUserId?: RefOr<string>;
  readonly revokeBeforeTimestamp?: Ref;
  readonly cascade?: boolean;
}

export const revokeOAuthV2 = {
  kind: "RevokeOAuthV2",
  basename: "revoke-oauth-v2",
  phases: ["request", "response"],
  failedPrefix: "oauthV2",
  variablePrefixes: ["oauthV2"],
  timing: () => "maybe",
  changes: () => [],
  analyze(step) {
    const keys = ["appId", "endUserId", "revokeBeforeTimestamp"] as const;
    for (const key of keys) readsValue(step, step.model[key], [key]);
  },
  emit(e) {
    const { appId, endUserId, revokeBeforeTimestamp, cascade = false } = e.model;
    const rules = e.constant("revokeOAuthV2", frozen(literal({ name: e.name, cascade })));
    const set = literal({
      ...(appId === undefined ? {} : { appId: textCode(e, appId) }),
      ...(endUserId === undefined ? {} : { endUserId: textCode(e, endUserId) }),
      ...(revokeBeforeTimestamp === undefined ? {} : { revokeBeforeTimestamp: e.variable(revokeBeforeTimestamp.ref) }),
    });
    e.wait(code`${e.symbol("revokeOAuthV2")}(${e.x}, ${rules}, ${set})`);
  },
} satisfies PolicyDefinition<RevokeOAuthV2Model>;
