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
import type { Limits } from "../limits.ts";
import { flightKinds } from "../observe/flight-recorder.ts";
import { CLOSE_TEXT_BYTES_MAX, type CloseWords } from "../upgrade/close-reason.ts";
import type { Session } from "../upgrade/session.ts";
import { appOf, developerOf, isAnswer, isoOrNull, keyByFingerprint, notFound } from "./admin-call.ts";
import type { AdminCall, AdminGateway } from "./admin-call.ts";
import type { Fields } from "./admin-body.ts";
import { verb } from "./admin-collection.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import {
  choice, count, flag, instant, integer, list, number, orNull, paging, record, ref, text,
} from "./admin-schema.ts";
import { badRequest, jsonAnswer, type Answer } from "./answer.ts";

/** Rows of a page when the request names no limit. */
const PAGE_ROWS = 100;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function listSessions({ fields, gateway }: AdminCall): Promise<Answer> {
  const limit = fields.integer("limit", 1, gateway.limits.adminPageMax) ?? PAGE_ROWS;
  const after = fields.integer("after", 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const skip = fields.integer("skip", 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const filter = await filterOf(gateway, fields, false);
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (isAnswer(filter)) return filter;
  const { sessions, after: behind, matched } = gateway.sessions.list(filter, { after, limit, skip });
  const next = behind === null ? null : String(behind);
  return jsonAnswer(200, { sessions: sessions.map(shown), next, matched, total: gateway.sessions.count });
}

function getSession({ fields, gateway, id }: AdminCall): Answer {
  const session = gateway.sessions.byId(id);
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (session === null) return notFound("session");
  return jsonAnswer(200, { ...shown(session), events: session.events() });
}

/** 202 when another process may have it. */
async function endSession(call: AdminCall): Promise<Answer> {
  const { audit, fields, gateway, id } = call;
  const dryRun = fields.flag("dryRun");
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (!UUID.test(id)) return notFound("session");
  const matched = gateway.sessions.byId(id) === null ? 0 : 1;
  if (dryRun) return jsonAnswer(200, { matched, ended: 0 });
  await announceEnd(gateway, [sessionIdentity(id)]);
  audit("session.end", { session_id: id, matched });
  return jsonAnswer(matched === 1 ? 200 : 202, { matched, ended: matched });
}

async function endSessions(call: AdminCall): Promise<Answer> {
  const { audit, gateway } = call;
  const wish = await endWishIn(call);
  if (isAnswer(wish)) return wish;
  const { all, dryRun, filter, note, words } = wish;
  const matched = gateway.sessions.find(filter).length;
  if (dryRun) return jsonAnswer(200, { matched, ended: 0 });
  await endEverywhere(gateway, wish);
  audit("sessions.end", { filter: all ? "all" : filter.join(" "), matched, code: words?.code ?? null, note });
  return jsonAnswer(200, { matched, ended: matched });
}

/** Which sessions somebody wants to end. */
export interface EndWish {
  /** Empty for all. */
  readonly filter: readonly Identity[];
  readonly all: boolean;
  /** What clients are told; null: the route's own words, or the table's. */
  readonly words: CloseWords | null;
  readonly dryRun: boolean;
  readonly note: string | null;
}

/** The wish of a request's body, or the answer that refuses it. */
export async function endWishIn({ fields, gateway }: AdminCall): Promise<EndWish | Answer> {
  const inner = fields.nested("filter");
  const all = fields.flag("all");
  const dryRun = fields.flag("dryRun");
  const note = fields.text("reason");
  const close = fields.nested("close");
  const words = wordsOf(close);
  const filter = await filterOf(gateway, inner, true);
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (isAnswer(filter)) return filter;
  if (words !== null && isAnswer(words)) return words;
  if (all === filter.length > 0) return badRequest("either a filter or all: true is needed");
  return { filter, all, words, dryRun, note };
}

/** Ends what is meant in every process that shares the store. */
export async function endEverywhere(gateway: AdminGateway, { all, filter, words }: EndWish): Promise<void> {
  if (!all) return announceEnd(gateway, filter, words);
  for (const proxy of proxiesOf(gateway)) await announceEnd(gateway, [proxyIdentity(proxy)], words);
}

/** Here at once, elsewhere as soon as the event is read. */
async function announceEnd(
  gateway: AdminGateway,
  identities: readonly Identity[],
  words: CloseWords | null = null,
): Promise<void> {
  const event = eventNow(gateway.clock, "ended", identities);
  gateway.sessions.end(identities, "ended", words === null ? {} : { words });
  await gateway.store.append(words === null ? event : { ...event, close: words });
}

/** Code and text of the close frame; null when nothing is said: then the route's own or the table's are sent. */
function wordsOf(close: Fields): CloseWords | Answer | null {
  if (close.size === 0) return null;
  const code = close.integer("code", 1_000, 4_999);
  const text = close.text("reason") ?? "";
  if (code !== null && !isSendable(code)) {
    return badRequest("close.code must be 1000 to 1003, 1007 to 1014 or 3000 to 4999");
  }
  if (Buffer.byteLength(text) > CLOSE_TEXT_BYTES_MAX) {
    return badRequest(`close.reason has more than ${CLOSE_TEXT_BYTES_MAX} bytes`);
  }
  return code === null ? badRequest("close.code is missing") : { code, text };
}

/** Codes that an endpoint may put into a close frame (RFC 6455 section 7.4, IANA registry). */
function isSendable(code: number): boolean {
  return code <= 1_003 || (code >= 1_007 && code <= 1_014) || code >= 3_000;
}

function proxiesOf(gateway: AdminGateway): ReadonlySet<string> {
  return new Set([...gateway.deployed.keys()].map(({ proxy }) => proxy));
}

/** Identities that a session must carry, all of them. `clear`: tokens may be given as they are, not only as digests. */
export async function filterOf(
  gateway: AdminGateway,
  fields: Fields,
  clear: boolean,
): Promise<readonly Identity[] | Answer> {
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
export function shown(session: Session): object {
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

/** Sessions, as the document describes them. */
export function sessionsSubject({ adminPageMax }: Limits): AdminSubject {
  const path = "/v1/sessions/{session}";
  const end = "Ends sessions by filter, in every process that shares the store.";
  return {
    name: "sessions",
    description: "WebSocket connections of this process, those whose handshake is under way included.",
    parameters: { session: "Id of the session." },
    schemas: { ...sessionSchemas(), ...sessionListSchemas() },
    routes: [
      {
        method: "GET",
        path: "/v1/sessions",
        id: "listSessions",
        summary: "Lists sessions that match all that is given.",
        query: { ...paging(adminPageMax), skip: count("Sessions to leave out behind `after`."), ...filterFields() },
        answers: { 200: "SessionPage" },
        endpoint: listSessions,
      },
      {
        method: "GET",
        path,
        id: "getSession",
        summary: "Gets a session.",
        answers: { 200: "Session" },
        endpoint: getSession,
      },
      {
        method: "DELETE",
        path,
        id: "endSession",
        summary: "Ends a session; 202 when it is not here and may be elsewhere.",
        query: { dryRun: flag("Only tell whether it is here.") },
        answers: { 200: "SessionsEnded", 202: "SessionsEnded" },
        endpoint: endSession,
      },
      verb("/v1/sessions:end", "endSessions", end, "SessionsEnded", endBody(), endSessions),
    ],
  };
}

/** The fields of a filter. */
export function filterFields(): Properties {
  return {
    proxy: text("Of this proxy."),
    product: text("Admitted by this product."),
    session: text("With this id."),
    subject: text("Of this end user; opaque tokens have the empty issuer."),
    issuer: text("Issuer of the subject's JWTs."),
    app: text("Of the app with this id or name."),
    developer: text("Of the developer with this id or e-mail address."),
    key: text("Admitted by the key with this fingerprint or digest."),
    token: text("Admitted by the token with this digest."),
  };
}

/** The fields of a body that ends sessions. */
export function endBody(): Properties {
  const filter = filterFields();
  return {
    filter: record("All of these; tokens also in clear.", filter, Object.keys(filter)),
    all: flag("Every session, instead of a filter."),
    dryRun: flag("Only tell how many it would end."),
    close: record(
      "What clients are told in place of the route's or the table's own.",
      {
        code: integer("1000 to 1003, 1007 to 1014 or 3000 to 4999.", 1_000, 4_999),
        reason: text(`At most ${CLOSE_TEXT_BYTES_MAX} bytes.`),
      },
      ["reason"],
    ),
    reason: text("A note for the audit line."),
  };
}

function sessionListSchemas(): Properties {
  return {
    SessionPage: record("One page of sessions.", {
      sessions: list("In order of arrival.", ref("Session")),
      next: orNull(text("Give it back as `after` to get the next page; null when this was the last.")),
      matched: count("Sessions that match, on whatever page."),
      total: count("Sessions of this process, whatever the filter."),
    }),
    SessionsEnded: record("What was ended.", {
      matched: count("Sessions of this process that were meant."),
      ended: count("Of these, how many were told to end."),
    }),
  };
}

function sessionSchemas(): Properties {
  return {
    Session: record("A session.", {
      id: text("Its id, also in log lines."),
      state: choice("Where it stands.", ["handshake", "open", "closing", "closed"]),
      environment: text("Environment."),
      proxy: text("Proxy."),
      endpoint: text("Proxy endpoint."),
      target: orNull(text("Target endpoint; null until there is one.")),
      clientAddress: text("Address of the client."),
      app: orNull(text("Name of the app.")),
      developer: orNull(text("Id of the developer.")),
      product: orNull(text("Name of the product.")),
      keyFingerprint: orNull(text("Fingerprint of the key.")),
      startedAt: instant("When its handshake began."),
      ageMs: number("Milliseconds since the 101, or since the handshake began."),
      credentials: list("What admitted it.", ref("SessionCredential")),
      traffic: { oneOf: [ref("SessionTraffic"), { type: "null" }], description: "Null before the 101." },
      events: list("What happened to it last, oldest first; only of one session by its id.", ref("SessionEvent")),
    }, ["events"]),
    SessionEvent: record("Something that changed for a session; never a message.", {
      event: choice("What happened.", flightKinds),
      reason: orNull(text("Label of the close reason; null but for `closing`.")),
      count: count("How often, where it came again and again: then the rest is of the last time."),
      atMs: count("Milliseconds since the 101."),
      bytesFromClient: number("Bytes from the client by then, to seven digits."),
      bytesFromTarget: number("Bytes from the target by then, to seven digits."),
    }),
    SessionCredential: record("A credential that admitted a session.", {
      kind: choice("What it is.", ["key", "token", "jwt", "certificate"]),
      policy: text("Policy that verified it."),
      expiresAt: orNull(instant("When the session ends because of it; null: never.")),
    }),
    SessionTraffic: record("What went through so far.", {
      bytesFromClient: count("Bytes."),
      bytesFromTarget: count("Bytes."),
      framesFromClient: count("Frames."),
      framesFromTarget: count("Frames."),
    }),
  };
}
