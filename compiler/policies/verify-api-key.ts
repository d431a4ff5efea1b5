/** VerifyAPIKey at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { checksCredential } from "./parts/credential.ts";
import { frozen } from "./parts/values.ts";

export interface VerifyApiKeyModel extends PolicyModel {
  readonly kind: "VerifyAPIKey";
  readonly apiKey: { readonly ref: string };
  readonly cacheExpiryInSeconds?: RefOr<number>;
}

export const verifyApiKey = {
  kind: "VerifyAPIKey",
  basename: "verify-api-key",
  phases: ["request"],
  failedPrefix: "oauthV2",
  variablePrefixes: ["verifyapikey"],
  timing: () => "maybe",
  analyze(step) {
    checksCredential(step, step.model.apiKey.ref, ["apiKey", "ref"], "key");
    if (step.model.cacheExpiryInSeconds === undefined) return;
    const why = "changes of keys, apps and products reach the gateway's cache at once";
    step.report("AGW3103", ["cacheExpiryInSeconds"], { what: "cacheExpiryInSeconds", why });
  },
  emit(e) {
    const { ref } = e.model.apiKey;
    const config = literal({ name: e.name, variable: ref, keep: e.isRead(`verifyapikey.${e.name}.`) });
    const constant = e.constant("verifyApiKey", frozen(config));
    e.wait(code`${e.symbol("verifyApiKey")}(${e.x}, ${constant}, ${e.variable(ref)})`);
  },
} satisfies PolicyDefinition<VerifyApiKeyModel>;
