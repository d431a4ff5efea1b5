/**
 * Revoking JWTs over the admin API: one token, or all of a signing key, a login session or a subject of an issuer. It
 * sees no token, only what names it.
 */
import { approveJwts, revokeJwts } from "../access/jwt-revocation.ts";
import { jtiIdentity, kidIdentity, sidIdentity, subjectIdentity } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import type { Fields } from "./admin-body.ts";
import { concerned, isAnswer, nobody, notFound, type AdminCall } from "./admin-call.ts";
import { dryRunField, reach } from "./admin-collection.ts";
import type { AdminSubject } from "./admin-route.ts";
import { choice, integer, record, text } from "./admin-schema.ts";
import { badRequest, jsonAnswer, type Answer } from "./answer.ts";

const TEN_YEARS_S = 10 * 365 * 86_400;

/** What is revoked, and the same in words for the answer and the audit line. */
interface Named {
  readonly identity: Identity;
  readonly words: Readonly<Record<string, string>>;
}

/** Remembered for `ttlSeconds`, for ever when it does not say. */
async function revokeNamedJwts({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const ttlSeconds = fields.integer("ttlSeconds", 1, TEN_YEARS_S);
  const dryRun = fields.flag("dryRun");
  const named = namedIn(fields);
  if (isAnswer(named)) return named;
  const { identity, words } = named;
  const concern = await concerned(gateway, [identity], { dryRun });
  if (dryRun) return jsonAnswer(200, { ...words, status: "approved", ...concern, dryRun });
  await revokeJwts(gateway, identity, ttlSeconds === null ? null : gateway.clock.wallMs() + ttlSeconds * 1_000);
  audit("jwt.revoked", { ...words, sessions: concern.sessions });
  return jsonAnswer(200, { ...words, status: "revoked", ...concern, dryRun });
}

/** Takes a revocation back. */
async function approveNamedJwts({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const named = namedIn(fields);
  if (isAnswer(named)) return named;
  const { identity, words } = named;
  if (!(await approveJwts(gateway, identity))) return notFound("revocation");
  audit("jwt.approved", words);
  return jsonAnswer(200, { ...words, status: "approved", ...nobody, dryRun: false });
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

/** JWTs, as the document describes them. */
export function jwtsSubject(): AdminSubject {
  const one = {
    jti: text("One token."),
    kid: text("All tokens of this signing key."),
    sid: text("All tokens of this login (OpenID Connect)."),
    subject: text("All tokens of this subject that were issued until now."),
  };
  const names = { issuer: text("Claim `iss`."), ...one };
  const status = choice("Whether such tokens are accepted.", ["approved", "revoked"]);
  const answers = { 200: "JwtChange" };
  return {
    name: "jwts",
    description: "Revocations of JWTs: by issuer and exactly one of jti, kid, sid and subject.",
    parameters: {},
    schemas: {
      JwtChange: record("What was named, and what stands now.", { ...names, status, ...reach() }, Object.keys(one)),
    },
    routes: [
      {
        method: "POST",
        path: "/v1/jwts:revoke",
        id: "revokeJwts",
        summary: "Refuses JWTs, and ends their sessions.",
        body: { ...names, ttlSeconds: integer("How long; default: for ever.", 1, TEN_YEARS_S), ...dryRunField() },
        needed: ["issuer"],
        answers,
        endpoint: revokeNamedJwts,
      },
      {
        method: "POST",
        path: "/v1/jwts:approve",
        id: "approveJwts",
        summary: "Takes a revocation back.",
        body: names,
        needed: ["issuer"],
        answers,
        endpoint: approveNamedJwts,
      },
    ],
  };
}
