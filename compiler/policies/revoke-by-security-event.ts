/** RevokeBySecurityEvent at compile time. */
import type { SubjectFormat, SubjectMeaning } from "#runtime/token/security-event.ts";
import { code, literal, type Embeddable } from "../5-emit/code.ts";
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import {
  analyzeKey,
  analyzeValues,
  keyRules,
  keyTextCode,
  milliseconds,
  valuesCode,
  type KeyModel,
} from "./parts/jwt-rules.ts";
import { frozen } from "./parts/values.ts";

export interface RevokeBySecurityEventModel extends PolicyModel, KeyModel {
  readonly kind: "RevokeBySecurityEvent";
  readonly token?: "SecurityEventToken" | "LogoutToken";
  readonly source?: string;
  readonly issuer: RefOr<string>;
  readonly audience: RefOr<string>;
  readonly subjectIssuers?: readonly string[];
  readonly subjects?: {
    readonly email?: readonly SubjectMeaning[];
    readonly phoneNumber?: readonly SubjectMeaning[];
    readonly account?: readonly SubjectMeaning[];
    readonly issSub?: readonly SubjectMeaning[];
    readonly opaque?: readonly SubjectMeaning[];
  };
  readonly timeAllowance?: string;
  readonly rememberFor?: string;
  readonly generateResponse?: boolean;
}

/** As long as anybody should let a token live. */
const REMEMBER_FOR = "30d";
const SET_TYPE = "secevent+jwt";
/** What subjects are where nothing is written: the issuer's own names for who its tokens are about. */
const MEANINGS: RevokeBySecurityEventModel["subjects"] = { issSub: ["tokenSubject"], opaque: ["tokenSubject"] };

export const revokeBySecurityEvent = {
  kind: "RevokeBySecurityEvent",
  basename: "revoke-by-security-event",
  phases: ["request"],
  failedPrefix: "securityevent",
  variablePrefixes: ["securityevent"],
  timing: () => "async",
  analyze(step) {
    const { source } = step.model;
    step.reads(sourceOf(step.model), source === undefined ? [] : ["source"]);
    // The type of the body is the sender's promise that it holds one token and nothing else.
    if (demandsType(step.model)) step.reads("request.header.content-type", []);
    analyzeKey(step, step.model);
    analyzeValues(step);
  },
  emit(e) {
    const { model, name, id } = e;
    const { generateResponse = true, subjectIssuers = [], timeAllowance = "0s", rememberFor = REMEMBER_FOR } = model;
    const isLogout = model.token === "LogoutToken";
    const config = literal({
      name,
      id,
      ...keyRules(e, model),
      type: isLogout ? null : SET_TYPE,
      ignoreCriticalHeaders: false,
      knownHeaders: [],
      timeAllowanceMs: milliseconds(timeAllowance),
      read: e.symbol(isLogout ? "logoutNotice" : "securityEventNotice"),
      answer: isLogout ? "logout" : "push",
      subjectIssuers,
      meanings: meaningsOf(model),
      rememberMs: milliseconds(rememberFor),
      contentType: demandsType(model) ? `application/${SET_TYPE}` : null,
      respond: generateResponse,
      keep: e.isRead(`securityevent.${name}.`),
    });
    const rules = e.constant("revokeBySecurityEvent", frozen(config));
    const presented = e.variable(sourceOf(model));
    const call = code`${e.x}, ${rules}, ${keyTextCode(e, model)}, ${presented}, ${valuesCode(e)}`;
    e.wait(code`${e.symbol("revokeBySecurityEvent")}(${call})`);
  },
} satisfies PolicyDefinition<RevokeBySecurityEventModel>;

/** By the names of RFC 9493; what means nothing is left out. */
function meaningsOf({ subjects }: RevokeBySecurityEventModel): Embeddable {
  const { account, email, issSub, opaque, phoneNumber } = { ...MEANINGS, ...subjects };
  const formats: readonly (readonly [SubjectFormat, readonly SubjectMeaning[] | undefined])[] = [
    ["account", account],
    ["email", email],
    ["iss_sub", issSub],
    ["opaque", opaque],
    ["phone_number", phoneNumber],
  ];
  return Object.fromEntries(formats.flatMap(([format, list = []]) => (list.length === 0 ? [] : [[format, list]])));
}

function sourceOf({ source, token }: RevokeBySecurityEventModel): string {
  return source ?? (token === "LogoutToken" ? "request.formparam.logout_token" : "request.content");
}

function demandsType({ source, token }: RevokeBySecurityEventModel): boolean {
  return token !== "LogoutToken" && source === undefined;
}
