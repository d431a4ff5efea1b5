/**
 * Live sessions over the admin API: list, look at, end. A filter becomes identities, so that ending by filter goes
 * the same way as a revocation: through the store's events, to every process that shares the store.
 */
import { eventNow } from "../access/change.ts";
import { digest, isDigest } from "../access/digest.ts";
import {
  appIdentity,
  developerIdentity,
  keyIdentity,
  productIdentity,
  proxyIdentity,
  sessionIdentity,
  subjectIdentity,
  tokenIdentity,
  type Identity,
} from "../access/identity.ts";
import type { Session } from "../upgrade/session.ts";
import { appOf, developerOf, isAnswer, keyByFingerprint, notFound } from "./admin-call.ts";
import type { AdminCall, AdminGateway } from "./admin-call.ts";
import type { Fields } from "./admin-body.ts";
import { badRequest, jsonAnswer, type Answer } from "./answer.ts";

/** Rows of a page when the request names no limit. */
const PAGE_ROWS = 100;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `GET /v1/sessions`: one page in order of arrival; `after` of the answer asks for the next. */
export async function listSessions({ fields, gateway }: AdminCall): Promise<Answer> {
  const limit = fields.integer("limit", 1, gateway.limits.adminPageMax) ?? PAGE_ROWS;
  const after = fields.integer("after", 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const filter = await filterOf(gateway, fields, false);
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (isAnswer(filter)) return filter;
  const page = gateway.sessions.list(filter, { after, limit });
  return jsonAnswer(200, { sessions: page.sessions.map(shown), after: page.after, total: gateway.sessions.count });
}

/** `GET /v1/sessions/{id}` */
export function getSession({ fields, gateway, id }: AdminCall): Answer {
  const session = gateway.sessions.byId(id);
  return fields.problem() ?? (session === null ? notFound("session") : jsonAnswer(200, shown(session)));
}

/** `DELETE /v1/sessions/{id}`: 202 when another process may have it. */
export async function endSession(call: AdminCall): Promise<Answer> {
  const { audit, fields, gateway, id } = call;
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (!UUID.test(id)) return notFound("session");
  const matched = gateway.sessions.byId(id) === null ? 0 : 1;
  await announceEnd(gateway, [sessionIdentity(id)]);
  audit("session.end", { session_id: id, matched });
  return jsonAnswer(matched === 1 ? 200 : 202, { matched, ended: matched });
}

/** `POST /v1/sessions:end { filter, all?, dryRun?, reason? }`: `reason` is a note for the audit line. */
export async function endSessions({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const inner = fields.nested("filter");
  const all = fields.flag("all");
  const dryRun = fields.flag("dryRun");
  const note = fields.text("reason");
  const filter = await filterOf(gateway, inner, true);
  const problem = fields.problem() ?? inner.problem();
  if (problem !== null) return problem;
  if (isAnswer(filter)) return filter;
  if (all === filter.length > 0) return badRequest("either a filter or all: true is needed");
  const matched = gateway.sessions.find(filter).length;
  if (dryRun) return jsonAnswer(200, { matched, ended: 0 });
  if (!all) await announceEnd(gateway, filter);
  else for (const proxy of proxiesOf(gateway)) await announceEnd(gateway, [proxyIdentity(proxy)]);
  audit("sessions.end", { filter: all ? "all" : filter.join(" "), matched, note });
  return jsonAnswer(200, { matched, ended: matched });
}

/** Here at once, elsewhere as soon as the event is read. */
async function announceEnd(gateway: AdminGateway, identities: readonly Identity[]): Promise<void> {
  gateway.sessions.end(identities, "ended");
  await gateway.store.append(eventNow(gateway.clock, "ended", identities));
}

function proxiesOf(gateway: AdminGateway): ReadonlySet<string> {
  return new Set([...gateway.deployed.keys()].map(({ proxy }) => proxy));
}

/** Identities that a session must carry, all of them. `clear`: tokens may be given as they are, not only as digests. */
async function filterOf(gateway: AdminGateway, fields: Fields, clear: boolean): Promise<readonly Identity[] | Answer> {
  const app = fields.text("app");
  const developer = fields.text("developer");
  const key = fields.text("key");
  const token = fields.text("token");
  const identities: Identity[] = [];
  const named = [
    [fields.text("proxy"), proxyIdentity],
    [fields.text("product"), productIdentity],
    [fields.text("session"), sessionIdentity],
  ] as const;
  for (const [name, identity] of named) if (name !== null) identities.push(identity(name));
  const subject = fields.text("subject");
  const issuer = fields.text("issuer");
  if (subject !== null) identities.push(subjectIdentity(issuer ?? "", subject));
  else if (issuer !== null) return badRequest("issuer says whose subject is meant: subject is missing");
  if (token !== null) {
    if (!clear && !isDigest(token)) return badRequest("in a query a token is named by its digest");
    identities.push(tokenIdentity(isDigest(token) ? token : digest(token)));
  }
  const looked = [
    app === null ? null : await appOf(gateway, app),
    developer === null ? null : await developerOf(gateway, developer),
    key === null ? null : await keyByFingerprint(gateway, key),
  ] as const;
  for (const found of looked) if (found !== null && isAnswer(found)) return found;
  const [foundApp, foundDeveloper, foundKey] = looked;
  if (foundApp !== null && !isAnswer(foundApp)) identities.push(appIdentity(foundApp.id));
  if (foundDeveloper !== null && !isAnswer(foundDeveloper)) identities.push(developerIdentity(foundDeveloper.id));
  if (foundKey !== null && !isAnswer(foundKey)) identities.push(keyIdentity(foundKey.id));
  return identities;
}

/** A session as the API shows it. */
function shown(session: Session): object {
  const { clientAddress, credentials, id, route, startedAtMs, state, target } = session;
  return {
    id,
    state,
    environment: route.environment,
    proxy: route.proxy,
    endpoint: route.endpoint,
    target,
    clientAddress,
    ...session.labels(),
    startedAt: new Date(startedAtMs).toISOString(),
    ageMs: Math.round(session.ageMs()),
    credentials: credentials.map(({ expiresAtMs, kind, policy }) => {
      return { kind, policy, expiresAt: isoOrNull(expiresAtMs) };
    }),
    traffic: session.counters(),
  };
}

/** Null for never. */
export function isoOrNull(wallMs: number | null): string | null {
  return wallMs === null ? null : new Date(wallMs).toISOString();
}
