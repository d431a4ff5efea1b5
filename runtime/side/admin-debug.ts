/**
 * Debug sessions over the admin API: begin, look at, read what they recorded, end. It checks what was asked for;
 * runtime/debug/ records.
 */
import type { Debug } from "../debug/debug.ts";
import type { DebugEntry, DebugSession } from "../debug/debug-session.ts";
import type { AdminCall, AdminRoute } from "./admin-call.ts";
import { notFound } from "./admin-call.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

/** What stands when a request does not say (apigee-core section 8.1). */
const COUNT = 10;
const TIMEOUT_S = 300;
/** Rows of a page when the request names no limit. */
const PAGE_ROWS = 100;

/** Every endpoint. */
export function debugRoutes(debug: Debug): readonly AdminRoute[] {
  const one = /^\/v1\/debugSessions\/([^/:]+)$/;
  return [
    { method: "POST", path: /^\/v1\/debugSessions$/, endpoint: (call) => create(debug, call) },
    { method: "GET", path: /^\/v1\/debugSessions$/, endpoint: (call) => list(debug, call) },
    { method: "GET", path: one, endpoint: (call) => withSession(debug, call, get) },
    { method: "DELETE", path: one, endpoint: (call) => remove(debug, call) },
    {
      method: "GET",
      path: /^\/v1\/debugSessions\/([^/:]+)\/transactions$/,
      endpoint: (call) => transactions(debug, call),
    },
    {
      method: "GET",
      path: /^\/v1\/debugSessions\/([^/:]+)\/transactions\/([^/:]+)$/,
      endpoint: (call) => withSession(debug, call, (session) => transaction(session, call.child)),
    },
  ];
}

/** `POST /v1/debugSessions { proxy, environment?, count?, timeout? }`: `timeout` in seconds. */
function create(debug: Debug, { audit, fields }: AdminCall): Answer {
  const { debugTimeoutMaxMs, debugTransactionsMax } = debug.limits;
  const proxy = fields.neededText("proxy");
  const environment = fields.text("environment");
  const count = fields.integer("count", 1, debugTransactionsMax) ?? COUNT;
  const timeoutS = fields.integer("timeout", 1, Math.floor(debugTimeoutMaxMs / 1_000)) ?? TIMEOUT_S;
  const problem = fields.problem();
  if (problem !== null) return problem;
  const session = debug.create({ proxy, environment, count, timeoutMs: timeoutS * 1_000 });
  const place = environment === null ? "" : ` in ${environment}`;
  if (session === "unknown") return badRequest(`${proxy} is not deployed${place}`);
  if (session === "off") return badRequest(`${proxy} was compiled with observability: { debug: off }`);
  if (session === "full") return errorAnswer(429, "too_many", "Too many Debug sessions are active: end one first");
  audit("debug.create", { debug_session: session.id, proxy, environment, count, timeout_s: timeoutS });
  return jsonAnswer(201, shown(session));
}

/** `GET /v1/debugSessions`: oldest first. */
function list(debug: Debug, { fields }: AdminCall): Answer {
  const problem = fields.problem();
  return problem ?? jsonAnswer(200, { debugSessions: debug.list().map(shown), next: null });
}

/** `DELETE /v1/debugSessions/{id}`: with everything that it recorded. */
function remove(debug: Debug, { audit, fields, id }: AdminCall): Answer {
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (!debug.remove(id)) return notFound("Debug session");
  audit("debug.delete", { debug_session: id });
  return jsonAnswer(200, { deleted: id });
}

/** `GET /v1/debugSessions/{id}/transactions`: in the order in which they ended; `next` asks for those behind them. */
function transactions(debug: Debug, call: AdminCall): Answer {
  const limit = call.fields.integer("limit", 1, call.gateway.limits.adminPageMax) ?? PAGE_ROWS;
  const after = call.fields.integer("after", 0, Number.MAX_SAFE_INTEGER) ?? 0;
  return withSession(debug, call, ({ entries }) => {
    const rows = [...entries.values()].slice(after, after + limit);
    const next = after + rows.length < entries.size ? after + rows.length : null;
    return jsonAnswer(200, { transactions: rows.map(listed), next });
  });
}

/** `GET /v1/debugSessions/{id}/transactions/{id}` */
function transaction(session: DebugSession, id: string): Answer {
  const entry = session.entries.get(id);
  if (entry === undefined) return notFound("transaction");
  return jsonAnswer(200, { ...JSON.parse(entry.json), close: entry.close });
}

function withSession(debug: Debug, { fields, id }: AdminCall, answer: (session: DebugSession) => Answer): Answer {
  const session = debug.get(id);
  return fields.problem() ?? (session === null ? notFound("Debug session") : answer(session));
}

function get(session: DebugSession): Answer {
  return jsonAnswer(200, shown(session));
}

function listed({ summary, close }: DebugEntry): object {
  if (close === null) return { ...summary, close };
  const { reason, closedBy, code } = close;
  return { ...summary, close: { reason, closedBy, code } };
}

/** A session as the API shows it. */
function shown({ id, request, state, createdAtMs, endsAtMs, entries, dropped, sampledOut }: DebugSession): object {
  const { proxy, environment, count, timeoutMs } = request;
  return {
    id,
    proxy,
    environment,
    count,
    timeout: timeoutMs / 1_000,
    state,
    createdAt: new Date(createdAtMs).toISOString(),
    endsAt: new Date(endsAtMs).toISOString(),
    transactions: entries.size,
    dropped,
    sampledOut,
  };
}
