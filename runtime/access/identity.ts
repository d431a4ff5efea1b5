/**
 * Index keys of sessions: what a revocation can name. One spelling each, made here and nowhere else, so that the event,
 * the index and the credential agree.
 */

/** An index key, such as `app:chat` or `token:sha256:...`. */
export type Identity = string;

/** The opaque token with that digest. */
export const tokenIdentity = (tokenDigest: string): Identity => `token:${tokenDigest}`;
/** Every token of one grant. */
export const grantIdentity = (grantId: string): Identity => `grant:${grantId}`;
/** The consumer key with that digest. */
export const keyIdentity = (keyDigest: string): Identity => `key:${keyDigest}`;
export const appIdentity = (appId: string): Identity => APP_PREFIX + appId;
/** The id in an `app:` identity, null for any other. */
export const appIdOf = (identity: Identity): string | null => restOf(identity, APP_PREFIX);
export const developerIdentity = (id: string): Identity => DEVELOPER_PREFIX + id;
/** The id in a `developer:` identity, null for any other. */
export const developerIdOf = (identity: Identity): string | null =>
  restOf(identity, DEVELOPER_PREFIX);
export const productIdentity = (name: string): Identity => `product:${name}`;
export const proxyIdentity = (name: string): Identity => `proxy:${name}`;
/** A question to all replicas; no session carries it. */
export const fleetIdentity = (questionId: string): Identity => `fleet:${questionId}`;
/** What a one-time ticket admitted, by the ticket's public name. */
export const ticketIdentity = (ticketId: string): Identity => `ticket:${ticketId}`;
/** One session; never stored in the index, whose ids are a map of their own. */
export const sessionIdentity = (sessionId: string): Identity => SESSION_PREFIX + sessionId;
/** One JWT. The parts are separated by `|`; an issuer's own `|` is escaped, so that no two pairs share a key. */
export const jtiIdentity = (issuer: string, jti: string): Identity => `jti:${escaped(issuer)}|${jti}`;
/** Every JWT signed with one key of an issuer. */
export const kidIdentity = (issuer: string, kid: string): Identity => `kid:${escaped(issuer)}|${kid}`;
/** Every JWT of one login at an issuer (the `sid` of OpenID Connect). */
export const sidIdentity = (issuer: string, sid: string): Identity => `sid:${escaped(issuer)}|${sid}`;
/** An end user; opaque tokens of our own have the empty issuer. */
export const subjectIdentity = (issuer: string, subject: string): Identity =>
  `${SUBJECT_PREFIX}${escaped(issuer)}|${subject}`;
/** An end user of tokens that this gateway has issued. */
export const endUserIdentity = (endUser: string): Identity => subjectIdentity("", endUser);
/** The end user in such an identity, null for any other. */
export const endUserOf = (identity: Identity): string | null =>
  restOf(identity, END_USER_PREFIX);
/** Id of the developer with that address. */
export const developerIdOfEmail = (organization: string, email: string): string => `${organization}@@@${email}`;
export const isSubject = (identity: Identity): boolean => identity.startsWith(SUBJECT_PREFIX);

/** The session id in a `session:` identity, null for any other. */
export function sessionIdOf(identity: Identity): string | null {
  return restOf(identity, SESSION_PREFIX);
}

function restOf(identity: Identity, prefix: string): string | null {
  return identity.startsWith(prefix) ? identity.slice(prefix.length) : null;
}

const APP_PREFIX = "app:";
const DEVELOPER_PREFIX = "developer:";
const SESSION_PREFIX = "session:";
const SUBJECT_PREFIX = "subject:";
const END_USER_PREFIX = `${SUBJECT_PREFIX}|`;

function escaped(part: string): string {
  return part.includes("|") || part.includes("%") ? part.replaceAll("%", "%25").replaceAll("|", "%7C") : part;
}
