/**
 * Renewal of sessions by another token: which tokens may follow which, and what the session is then held to. It finds
 * no session and asks no store.
 */
import type { Credential } from "./credential.ts";
import type { Identity } from "./identity.ts";

/** What travels to whoever holds the sessions. Digests and names, no token. */
export interface Renewal {
  /** Under which answers are kept. */
  readonly id: string;
  readonly credential: Credential;
}

/** What one process answers: sessions that live on by the token, those that do not, and why. */
export interface RenewalAnswer {
  readonly moved: number;
  readonly refused: number;
  /** Of the last that was refused; null where none was. */
  readonly why: RenewalRefusal | null;
}

/** Why a token does not prolong a session; each is a fault `steps.renewsession.*`. */
export type RenewalRefusal = "NotRenewable" | "AppDiffers" | "SubjectDiffers" | "ScopeMissing" | "AccessDenied";

/** Identities that stand for one token and what it came of. */
const OWN = ["token:", "grant:", "jti:", "kid:", "sid:"];
const TICKET = "ticket:";

/** True for a credential that renewals put in the place of another, and can be put in its place. */
export function isToken({ kind }: Credential): boolean {
  return kind === "token" || kind === "jwt";
}

/** Why `next` may not follow `old`, null when it may: same app, same subject, no scope less. */
export function renewalRefusal(old: Credential, next: Credential): RenewalRefusal | null {
  if (!hasSame(old, next, "app:")) return "AppDiffers";
  if (!hasSame(old, next, "subject:")) return "SubjectDiffers";
  // What has neither app nor subject could be anybody's.
  const isSomebodys = next.identities.some((name) => name.startsWith("app:") || name.startsWith("subject:"));
  if (!isSomebodys || (old.basis === null) !== (next.basis === null)) return "NotRenewable";
  const { scopes = [] } = next;
  return (old.scopes ?? []).every((scope) => scopes.includes(scope)) ? null : "ScopeMissing";
}

/**
 * The credential that takes the place of `old`: until when `next` says, under the identities of both, for the call that
 * `old` was verified for. At most `formerMax` tokens are remembered; revoking an older one ends nothing any more.
 */
export function renewedCredential(old: Credential, next: Credential, epoch: number, formerMax: number): Credential {
  const known = old.former ?? [];
  const ofFormer = new Set(known.flat());
  const own = old.identities.filter((name) => OWN.some((prefix) => name.startsWith(prefix)) && !ofFormer.has(name));
  const former = [...known, own].slice(-formerMax);
  const basis = next.basis === null || old.basis === null ? null : { ...next.basis, call: old.basis.call };
  const identities = heldIdentities({ ...old, former }, next.identities);
  return { ...next, policy: old.policy, epoch, identities, former, basis };
}

/** Identities of its own, and those under which its session goes on being found: former tokens, its ticket. */
export function heldIdentities(
  { identities, former }: Pick<Credential, "identities" | "former">,
  own: readonly Identity[],
): readonly Identity[] {
  const tickets = identities.filter((name) => name.startsWith(TICKET));
  if (former === undefined && tickets.length === 0) return own;
  return [...new Set([...own, ...(former ?? []).flat(), ...tickets])];
}

function hasSame(old: Credential, next: Credential, prefix: string): boolean {
  const of = ({ identities }: Credential): readonly Identity[] => identities.filter((name) => name.startsWith(prefix));
  const theirs = of(next);
  const ours = of(old);
  return ours.length === theirs.length && ours.every((name) => theirs.includes(name));
}
