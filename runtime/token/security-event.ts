/**
 * What a verified security event means: whose tokens and sessions it ends. Logout tokens of OpenID Connect Back-Channel
 * Logout 1.0, and Security Event Tokens (RFC 8417) with the events of CAEP and RISC and the subjects of RFC 9493. It
 * verifies nothing and revokes nothing.
 */
import { jtiIdentity, sidIdentity, subjectIdentity } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import { isObject, member, textMember } from "./compact.ts";
import type { JsonObject } from "./compact.ts";

/** What a verified token asks for. */
export interface SecurityNotice {
  /** Names of its events. */
  readonly events: readonly string[];
  /** What is to be revoked; empty when nothing here can be named so. */
  readonly identities: readonly Identity[];
}

/** Reads the claims of a token; null when they are not those of such a token. `issuers`: whose subjects it may name. */
export type ReadNotice = (header: JsonObject, claims: JsonObject, issuers: readonly string[]) => SecurityNotice | null;

const LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout";
/** Events after which whoever they name may go on with nothing that was issued until then. */
const REVOKING: readonly string[] = [
  "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
  "https://schemas.openid.net/secevent/caep/event-type/token-claims-change",
  "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
  "https://schemas.openid.net/secevent/risc/event-type/account-purged",
  "https://schemas.openid.net/secevent/risc/event-type/sessions-revoked",
];
/** Subjects in one event, nested ones included; those beyond are not looked at. */
const SUBJECTS_MAX = 16;

/** A logout token: of a login (`sid`), else of a subject. An ID token, which has a nonce, is none. */
export const logoutNotice: ReadNotice = (header, claims) => {
  const type = textMember(header, "typ")?.toLowerCase().replace(/^application\//, "") ?? "jwt";
  const events = member(claims, "events");
  if (type !== "logout+jwt" && type !== "jwt") return null;
  if (!isObject(events) || !isObject(member(events, LOGOUT_EVENT))) return null;
  if (member(claims, "nonce") !== undefined) return null;
  const issuer = textMember(claims, "iss") ?? "";
  const [sid, subject] = [textMember(claims, "sid"), textMember(claims, "sub")];
  const named = [LOGOUT_EVENT];
  if (sid !== null) return { events: named, identities: [sidIdentity(issuer, sid)] };
  return subject === null ? null : { events: named, identities: [subjectIdentity(issuer, subject)] };
};

/** A Security Event Token. Events that say nothing about access are heard and change nothing (RFC 8417 section 2). */
export const securityEventNotice: ReadNotice = (_, claims, issuers) => {
  const events = member(claims, "events");
  if (!isObject(events)) return null;
  const names = Object.keys(events);
  if (names.length === 0 || !names.every((name) => isObject(events[name]))) return null;
  const identities = names.filter((name) => REVOKING.includes(name)).flatMap((name) => {
    const payload = events[name];
    return subjectsOf(claims, isObject(payload) ? payload : {}, issuers);
  });
  return { events: names, identities: [...new Set(identities)] };
};

/** The event's own subject goes first, then the token's. */
function subjectsOf(claims: JsonObject, payload: JsonObject, issuers: readonly string[]): readonly Identity[] {
  const issuer = textMember(claims, "iss") ?? "";
  const named = member(payload, "subject") ?? member(claims, "sub_id");
  if (isObject(named)) return identitiesOf(named, { issuer, issuers }, "user").slice(0, SUBJECTS_MAX);
  const subject = textMember(claims, "sub");
  return subject === null ? [] : [subjectIdentity(issuer, subject)];
}

interface Trust {
  /** Who signed the event. */
  readonly issuer: string;
  readonly issuers: readonly string[];
}

/** A subject of RFC 9493. `as`: what an opaque identifier stands for. */
function identitiesOf(subject: JsonObject, trust: Trust, as: "user" | "session"): readonly Identity[] {
  const issuer = textMember(subject, "iss") ?? trust.issuer;
  if (!trust.issuers.includes(issuer)) return [];
  const [sub, jti, id] = [textMember(subject, "sub"), textMember(subject, "jti"), textMember(subject, "id")];
  switch (textMember(subject, "format") ?? textMember(subject, "subject_type")) {
    case "iss_sub":
    case "iss-sub":
      return sub === null ? [] : [subjectIdentity(issuer, sub)];
    case "jwt_id":
    case "jwt-id":
      return jti === null ? [] : [jtiIdentity(issuer, jti)];
    case "opaque":
      if (id === null) return [];
      return [as === "session" ? sidIdentity(issuer, id) : subjectIdentity(issuer, id)];
    case "complex":
      return mostExact(subject, trust);
    case "aliases":
      return aliasesOf(subject, trust, as);
    default:
      return [];
  }
}

/** The members of a complex subject name one thing together, so the narrowest of them is meant. */
function mostExact(subject: JsonObject, trust: Trust): readonly Identity[] {
  for (const [name, as] of [["token", "user"], ["session", "session"], ["user", "user"]] as const) {
    const part = member(subject, name);
    if (isObject(part) && textMember(part, "format") !== "complex") return identitiesOf(part, trust, as);
  }
  return [];
}

function aliasesOf(subject: JsonObject, trust: Trust, as: "user" | "session"): readonly Identity[] {
  const list = member(subject, "identifiers");
  if (!Array.isArray(list)) return [];
  const simple = list.slice(0, SUBJECTS_MAX).filter((one) => isObject(one) && isSimple(one));
  return simple.flatMap((one) => (isObject(one) ? identitiesOf(one, trust, as) : []));
}

function isSimple(subject: JsonObject): boolean {
  const format = textMember(subject, "format");
  return format !== "aliases" && format !== "complex";
}
