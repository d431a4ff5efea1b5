/**
 * Revoking JWTs over the admin API: one token, or all of a signing key, a login session or a subject of an issuer. It
 * sees no token, only what names it.
 */
import { approveJwts, revokeJwts } from "../access/jwt-revocation.ts";
import { jtiIdentity, kidIdentity, sidIdentity, subjectIdentity } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import type { Fields } from "./admin-body.ts";
import { isAnswer, notFound, type AdminCall } from "./admin-call.ts";
import { badRequest, jsonAnswer, type Answer } from "./answer.ts";

const TEN_YEARS_S = 10 * 365 * 86_400;

/** What is revoked, and the same in words for the answer and the audit line. */
interface Named {
  readonly identity: Identity;
  readonly words: Readonly<Record<string, string>>;
}

/**
 * `POST /v1/jwts:revoke { issuer, jti | kid | sid | subject, ttlSeconds?, dryRun? }`: remembered for that long, for
 * ever when it does not say. `sessions`: how many live sessions of this replica it names.
 */
export async function revokeNamedJwts({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const ttlSeconds = fields.integer("ttlSeconds", 1, TEN_YEARS_S);
  const dryRun = fields.flag("dryRun");
  const named = namedIn(fields);
  if (isAnswer(named)) return named;
  const { identity, words } = named;
  const sessions = gateway.sessions.find([identity]).length;
  if (dryRun) return jsonAnswer(200, { ...words, sessions, dryRun });
  await revokeJwts(gateway, identity, ttlSeconds === null ? null : gateway.clock.wallMs() + ttlSeconds * 1_000);
  audit("jwt.revoked", { ...words, sessions });
  return jsonAnswer(200, { ...words, status: "revoked", sessions });
}

/** `POST /v1/jwts:approve { issuer, jti | kid | sid | subject }`: takes a revocation back. */
export async function approveNamedJwts({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const named = namedIn(fields);
  if (isAnswer(named)) return named;
  const { identity, words } = named;
  if (!(await approveJwts(gateway, identity))) return notFound("revocation");
  audit("jwt.approved", words);
  return jsonAnswer(200, { ...words, status: "approved" });
}

function namedIn(fields: Fields): Named | Answer {
  const issuer = fields.neededText("issuer");
  const named: Named[] = [];
  for (const [name, identityOf] of NAMES) {
    const value = fields.text(name);
    if (value !== null) named.push({ identity: identityOf(issuer, value), words: { issuer, [name]: value } });
  }
  const [one] = named;
  const isOne = one !== undefined && named.length === 1;
  return fields.problem() ?? (isOne ? one : badRequest("exactly one of jti, kid, sid and subject is needed"));
}

const NAMES = [
  ["jti", jtiIdentity],
  ["kid", kidIdentity],
  ["sid", sidIdentity],
  ["subject", subjectIdentity],
] as const;
