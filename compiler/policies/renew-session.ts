/** RenewSession at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { frozen } from "./parts/values.ts";

export interface RenewSessionModel extends PolicyModel {
  readonly kind: "RenewSession";
  readonly session?: { readonly ref: string };
  readonly oldToken?: { readonly ref: string };
  readonly generateResponse?: { readonly enabled?: boolean };
}

const SESSION = "request.formparam.session";
const OLD_TOKEN = "request.formparam.old_token";

export const renewSession = {
  kind: "RenewSession",
  basename: "renew-session",
  phases: ["request"],
  failedPrefix: "renewsession",
  variablePrefixes: ["renewsession"],
  keepsCredentials: true,
  renewsSessions: true,
  timing: () => "async",
  analyze(step) {
    const { session, oldToken } = step.model;
    step.reads(session?.ref ?? SESSION, session === undefined ? [] : ["session", "ref"]);
    step.reads(oldToken?.ref ?? OLD_TOKEN, oldToken === undefined ? [] : ["oldToken", "ref"]);
  },
  emit(e) {
    const { session, oldToken, generateResponse } = e.model;
    const config = literal({
      name: e.name,
      respond: generateResponse?.enabled ?? true,
      keep: e.isRead(`renewsession.${e.name}.`),
    });
    const named = literal({
      session: e.variable(session?.ref ?? SESSION),
      token: e.variable(oldToken?.ref ?? OLD_TOKEN),
    });
    e.wait(code`${e.symbol("renewSession")}(${e.x}, ${e.constant("renewSession", frozen(config))}, ${named})`);
  },
} satisfies PolicyDefinition<RenewSessionModel>;
