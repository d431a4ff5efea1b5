/**
 * Tokens revoked in bulk: those of an app, of an end user, or of an end user at one app, issued up to an instant. The
 * instant is written down once, however many tokens there are; tokens that are issued later are good. What revokes a
 * single token is tokens.ts.
 */
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { StoreFailure } from "../state/store.ts";
import type { Store } from "../state/store.ts";
import { changeRecord, eventNow } from "./change.ts";
import type { AccessServices } from "./change.ts";
import { appIdentity, subjectIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";
import type { App, Developer, TokenCutoff, TokenRecord } from "./model.ts";
import type { RecordReader } from "./recalled-records.ts";

/** Whose tokens; at least one of the two. */
export interface TokenSet {
  readonly appId: string | null;
  readonly endUser: string | null;
}

export interface BulkOptions {
  /** Wall clock; null: until now. Never later than now. */
  readonly untilMs: number | null;
  /** Refresh tokens too. */
  readonly cascade: boolean;
}

/** What is known of a token when one asks whether it was revoked. */
export interface IssuedRecord {
  readonly kind: TokenRecord["kind"] | "code";
  /** Wall clock. */
  readonly issuedAtMs: number;
  readonly subject: string | null;
}

/** Why a token is revoked although it says nothing of it itself. */
export type RevokeReason = "REVOKED_BY_APP" | "REVOKED_BY_ENDUSER" | "REVOKED_BY_APP_ENDUSER" | "TOKEN_REVOKED";

const TRIES_MAX = 16;

/**
 * Revokes the tokens of a set, and ends their sessions: at once those of all tokens until now, after another look those
 * of an earlier instant. False: there is no such app.
 */
export function revokeTokensOf(services: AccessServices, whose: TokenSet, options: BulkOptions): Maybe<boolean> {
  const { appId, endUser } = whose;
  const { cascade } = options;
  const nowMs = services.clock.wallMs();
  const untilMs = Math.min(options.untilMs ?? nowMs, nowMs);
  const effect = options.untilMs === null ? "revoked" : "changed";
  const event = eventNow(services.clock, effect, identitiesOf(appId, endUser), "token");
  if (endUser === null) {
    if (appId === null) throw new TypeError("invariant: somebody's tokens are revoked");
    const change = changeRecord(services.store, "app", appId, (app) => ({ record: cut(app, untilMs, cascade), event }));
    return andThen(change, (app) => app !== null);
  }
  return writeCutoff(services.store, cutoffId(appId, endUser), untilMs, cascade, event, TRIES_MAX);
}

function writeCutoff(
  store: Store,
  id: string,
  untilMs: number,
  cascade: boolean,
  event: ReturnType<typeof eventNow>,
  triesLeft: number,
): Maybe<boolean> {
  return andThen(store.get("cutoff", id), (present) => {
    const condition = present === null ? { ifAbsent: true } : { ifStill: present };
    const put = store.put("cutoff", id, cut(present ?? { id }, untilMs, cascade), { ...condition, event });
    return andThen(put, (wasWritten) => {
      if (wasWritten) return true;
      if (triesLeft <= 1) throw new StoreFailure("unavailable", "a cutoff changes faster than it is written");
      return writeCutoff(store, id, untilMs, cascade, event, triesLeft - 1);
    });
  });
}

/** What revokes a token from outside of its own record and grant; null when nothing does. */
export function bulkRevocation(
  store: RecordReader,
  token: IssuedRecord,
  owner: { readonly app: App; readonly developer: Developer },
): Maybe<RevokeReason | null> {
  const { app, developer } = owner;
  if (isCut(app, token) || isCut(developer, token)) return "REVOKED_BY_APP";
  const { subject } = token;
  if (subject === null) return null;
  return andThen(store.get("cutoff", cutoffId(null, subject)), (ofUser) => {
    if (isCut(ofUser, token)) return "REVOKED_BY_ENDUSER";
    return andThen(store.get("cutoff", cutoffId(app.id, subject)), (ofBoth) =>
      isCut(ofBoth, token) ? "REVOKED_BY_APP_ENDUSER" : null,
    );
  });
}

/** True for an access token issued until the instant at which all of an app's or developer's were revoked. */
export function areTokensRevoked(
  issuedAtMs: number,
  { app, developer }: { readonly app: App; readonly developer: Developer },
): boolean {
  const token: IssuedRecord = { kind: "access", issuedAtMs, subject: null };
  return isCut(app, token) || isCut(developer, token);
}

/**
 * True for an access token issued until the instant at which those of an end user were revoked: at that app, or with
 * null those of all apps.
 */
export function isEndUserCut(
  store: RecordReader,
  { appId, endUser }: { readonly appId: string | null; readonly endUser: string },
  issuedAtMs: number,
): Maybe<boolean> {
  const token: IssuedRecord = { kind: "access", issuedAtMs, subject: endUser };
  return andThen(store.get("cutoff", cutoffId(appId, endUser)), (cutoff) => isCut(cutoff, token));
}

type Cut = Omit<TokenCutoff, "id">;

function isCut(cutoff: Cut | null, { kind, issuedAtMs }: IssuedRecord): boolean {
  const isUntil = (instantMs: number | undefined): boolean => instantMs !== undefined && issuedAtMs <= instantMs;
  return isUntil(cutoff?.tokensRevokedAtMs) || (kind === "access" && isUntil(cutoff?.accessTokensRevokedAtMs));
}

/** Moves the instant, never back. */
function cut<T extends Cut>(record: T, untilMs: number, cascade: boolean): T {
  const key = cascade ? "tokensRevokedAtMs" : "accessTokensRevokedAtMs";
  return { ...record, [key]: Math.max(untilMs, record[key] ?? untilMs) };
}

function identitiesOf(appId: string | null, endUser: string | null): readonly Identity[] {
  const app = appId === null ? [] : [appIdentity(appId)];
  return endUser === null ? app : [...app, subjectIdentity("", endUser)];
}

function cutoffId(appId: string | null, endUser: string): string {
  return identitiesOf(appId, endUser).join(" ");
}
