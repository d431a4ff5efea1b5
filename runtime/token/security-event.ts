/**
 * What a verified security event means: whose tokens and sessions it ends. Logout tokens of OpenID Connect Back-Channel
 * Logout 1.0, and Security Event Tokens (RFC 8417) with the events of CAEP and RISC and the subjects of RFC 9493. It
 * verifies nothing and revokes nothing.
 */
import {
  developerIdentity,
  developerIdOfEmail,
  endUserIdentity,
  jtiIdentity,
  sidIdentity,
  subjectIdentity,
} from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import { isObject, member, textMember } from "./compact.ts";
import type { JsonObject } from "./compact.ts";

/** What a verified token asks for. */
export interface SecurityNotice {
  /** Names of its events. */
  readonly events: readonly string[];
  /** What is to be revoked; empty when nothing here can be named so. */
  readonly identities: readonly Identity[];
  /** Events that revoke, of which nothing says whom they mean here. */
  readonly unknown: number;
}

/** Formats of RFC 9493 by which the gateway may know somebody. */
export type SubjectFormat = "account" | "email" | "iss_sub" | "opaque" | "phone_number";
/**
 * What a subject is here: `sub` of the issuer's tokens, the end user of tokens that this gateway has issued, or a
 * developer.
 */
export type SubjectMeaning = "tokenSubject" | "endUser" | "developer";

/** Whom an event may name, and by what. */
export interface SubjectRules {
  /** Issuers whose subjects it may name, the event's own among them. */
  readonly issuers: readonly string[];
  readonly meanings: Readonly<Partial<Record<SubjectFormat, readonly SubjectMeaning[]>>>;
  readonly organization: string;
}

/** Reads the claims of a token; null when they are not those of such a token. */
export type ReadNotice = (header: JsonObject, claims: JsonObject, rules: SubjectRules) => SecurityNotice | null;

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
/** What one event revokes at most. */
const IDENTITIES_MAX = 64;

/** A logout token: of a login (`sid`), else of a subject. An ID token, which has a nonce, is none. */
export const logoutNotice: ReadNotice = (header, claims, rules) => {
  const type = textMember(header, "typ")?.toLowerCase().replace(/^application\//, "") ?? "jwt";
  const events = member(claims, "events");
  if (type !== "logout+jwt" && type !== "jwt") return null;
  if (!isObject(events) || !isObject(member(events, LOGOUT_EVENT))) return null;
  if (member(claims, "nonce") !== undefined) return null;
  const issuer = textMember(claims, "iss") ?? "";
  const [sid, subject] = [textMember(claims, "sid"), textMember(claims, "sub")];
  const named = [LOGOUT_EVENT];
  if (sid !== null) return { events: named, identities: [sidIdentity(issuer, sid)], unknown: 0 };
  if (subject === null) return null;
  const identities = meantBy("iss_sub", issuer, subject, rules);
  return { events: named, identities, unknown: identities.length === 0 ? 1 : 0 };
};

/** A Security Event Token. Events that say nothing about access are heard and change nothing (RFC 8417 section 2). */
export const securityEventNotice: ReadNotice = (_, claims, rules) => {
  const events = member(claims, "events");
  if (!isObject(events)) return null;
  const names = Object.keys(events);
  if (names.length === 0 || !names.every((name) => isObject(events[name]))) return null;
  const meant = names.filter((name) => REVOKING.includes(name)).map((name) => {
    const payload = events[name];
    return subjectsOf(claims, isObject(payload) ? payload : {}, rules);
  });
  const unknown = meant.filter(({ length }) => length === 0).length;
  return { events: names, identities: [...new Set(meant.flat())], unknown };
};

/** The event's own subject goes first, then the token's. */
function subjectsOf(claims: JsonObject, payload: JsonObject, rules: SubjectRules): readonly Identity[] {
  const issuer = textMember(claims, "iss") ?? "";
  const named = member(payload, "subject") ?? member(claims, "sub_id");
  if (isObject(named)) return identitiesOf(named, { ...rules, issuer }, "user").slice(0, IDENTITIES_MAX);
  const subject = textMember(claims, "sub");
  return subject === null ? [] : meantBy("iss_sub", issuer, subject, rules);
}

interface Trust extends SubjectRules {
  /** Who signed the event. */
  readonly issuer: string;
}

/** A subject of RFC 9493. `as`: what an opaque identifier stands for. */
function identitiesOf(subject: JsonObject, trust: Trust, as: "user" | "session"): readonly Identity[] {
  const issuer = textMember(subject, "iss") ?? trust.issuer;
  if (!trust.issuers.includes(issuer)) return [];
  const meant = (format: SubjectFormat, names: readonly string[]): readonly Identity[] =>
    names.flatMap((name) => meantBy(format, issuer, name, trust));
  const written = (name: string): readonly string[] => listOf(textMember(subject, name));
  switch (textMember(subject, "format") ?? textMember(subject, "subject_type")) {
    case "iss_sub":
    case "iss-sub":
      return meant("iss_sub", written("sub"));
    case "jwt_id":
    case "jwt-id":
      return written("jti").map((jti) => jtiIdentity(issuer, jti));
    case "opaque":
      return as === "session" ? written("id").map((id) => sidIdentity(issuer, id)) : meant("opaque", written("id"));
    case "email":
      return meant("email", spellings(textMember(subject, "email")));
    case "phone_number":
    case "phone-number":
      return meant("phone_number", written("phone_number"));
    case "account":
      return meant("account", spellings(accountIn(textMember(subject, "uri"))));
    case "complex":
      return mostExact(subject, trust);
    case "aliases":
      return aliasesOf(subject, trust, as);
    default:
      return [];
  }
}

/** Everything here that a name of that format stands for. */
function meantBy(
  format: SubjectFormat,
  issuer: string,
  name: string,
  { meanings, organization }: SubjectRules,
): readonly Identity[] {
  return (meanings[format] ?? []).map((meaning) => {
    switch (meaning) {
      case "tokenSubject":
        return subjectIdentity(issuer, name);
      case "endUser":
        return endUserIdentity(name);
      case "developer":
        return developerIdentity(developerIdOfEmail(organization, name));
    }
  });
}

/** Letter case means nothing in most mailboxes, and whoever wrote the name here may not have kept it. */
function spellings(name: string | null): readonly string[] {
  return name === null ? [] : [...new Set([name, name.toLowerCase()])];
}

function listOf(name: string | null): readonly string[] {
  return name === null || name === "" ? [] : [name];
}

/** `acct:ann@example.com` (RFC 7565) without its scheme; null when it is none. */
function accountIn(uri: string | null): string | null {
  const [, account] = /^acct:([^@\r\n]+@.+)$/i.exec(uri ?? "") ?? [];
  if (account === undefined) return null;
  try {
    return decodeURIComponent(account);
  } catch {
    return null;
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
