/**
 * Debug sessions over the admin API: begin, look at, read what they recorded, end. It checks what was asked for;
 * runtime/debug/ records.
 */
import type { Debug } from "../debug/debug.ts";
import type { DebugEntry, DebugSession } from "../debug/debug-session.ts";
import type { FilterProblem } from "../debug/filter.ts";
import type { Limits } from "../limits.ts";
import { notFound, type AdminCall } from "./admin-call.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import { choice, count, instant, integer, list as listOf, orNull, paging, record, ref, text } from "./admin-schema.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

/** What stands when a request does not say (apigee-core section 8.1). */
const COUNT = 10;
const TIMEOUT_S = 300;
/** Rows of a page when the request names no limit. */
const PAGE_ROWS = 100;

/** What the API asks of Debug. */
export type DebugApi = Pick<Debug, "create" | "get" | "limits" | "list" | "remove">;

/** Debug sessions, as the document describes them. */
export function debugSubject(debug: DebugApi): AdminSubject {
  const { adminPageMax } = debug.limits;
  const path = "/v1/debugSessions";
  const one = `${path}/{debugSession}`;
  return {
    name: "debug",
    description: "Debug sessions: what exchanges of a proxy do, step by step. Artifacts without Debug have none of it.",
    parameters: { debugSession: "Id of the Debug session.", transaction: "Id of the exchange." },
    schemas: debugSchemas(),
    routes: [
      {
        method: "POST",
        path,
        id: "createDebugSession",
        summary: "Begins to record a proxy's exchanges.",
        body: wishFields(debug.limits),
        needed: ["proxy"],
        answers: { 201: "DebugSession" },
        endpoint: (call) => create(debug, call),
      },
      {
        method: "GET",
        path,
        id: "listDebugSessions",
        summary: "Lists Debug sessions, oldest first.",
        answers: { 200: "DebugSessionPage" },
        endpoint: (call) => list(debug, call),
      },
      {
        method: "GET",
        path: one,
        id: "getDebugSession",
        summary: "Gets a Debug session.",
        answers: { 200: "DebugSession" },
        endpoint: (call) => withSession(debug, call, get),
      },
      {
        method: "DELETE",
        path: one,
        id: "deleteDebugSession",
        summary: "Ends a Debug session and forgets what it recorded.",
        answers: { 200: "DebugSessionRemoval" },
        endpoint: (call) => remove(debug, call),
      },
      {
        method: "GET",
        path: `${one}/transactions`,
        id: "listDebugTransactions",
        summary: "Lists what was recorded, in the order in which it ended.",
        query: { ...paging(adminPageMax), after: integer("`next` of the page before.", 0, Number.MAX_SAFE_INTEGER) },
        answers: { 200: "DebugTransactionPage" },
        endpoint: (call) => transactions(debug, call),
      },
      {
        method: "GET",
        path: `${one}/transactions/{transaction}`,
        id: "getDebugTransaction",
        summary: "Gets all that was recorded of an exchange.",
        answers: {
          200: { type: "object", description: "The exchange with its steps; docs/observability.md tells the fields." },
        },
        endpoint: (call) => withSession(debug, call, (session) => transaction(session, call.child)),
      },
    ],
  };
}

function wishFields({ debugTimeoutMaxMs, debugTransactionsMax }: Limits): Properties {
  return {
    proxy: text("Name of the proxy."),
    environment: text("Only in this environment."),
    filter: text("A condition that exchanges must meet, over what is recorded of them."),
    count: integer("Exchanges after which it ends. Default 10.", 1, debugTransactionsMax),
    timeout: integer("Seconds after which it ends. Default 300.", 1, Math.floor(debugTimeoutMaxMs / 1_000)),
  };
}

function debugSchemas(): Properties {
  return {
    DebugSession: record("A Debug session.", {
      id: text("Its id."),
      proxy: text("Name of the proxy."),
      environment: orNull(text("Null: every environment.")),
      filter: orNull(text("The condition that exchanges must meet; null: every exchange is meant.")),
      count: count("Exchanges after which it ends."),
      timeout: count("Seconds after which it ends."),
      state: choice("Whether it still records, and if not why.", ["active", "completed", "timedOut"]),
      createdAt: instant("When it began."),
      endsAt: instant("When it ends at the latest."),
      transactions: count("Exchanges that it recorded."),
      dropped: count("Exchanges for which there was no room."),
      filteredOut: count("Exchanges that the filter did not mean."),
      sampledOut: count("Exchanges that it passed over."),
    }),
    DebugSessionPage: record("All Debug sessions.", {
      debugSessions: listOf("Oldest first.", ref("DebugSession")),
      next: { type: "null", description: "Always null: there are few." },
    }),
    DebugSessionRemoval: record("What was removed.", { deleted: text("Id of the Debug session.") }),
    DebugTransactionPage: record("One page of recorded exchanges.", {
      transactions: listOf("In the order in which they ended.", { type: "object" }),
      next: orNull(count("Give it back as `after` to get the next page; null when this was the last.")),
    }),
  };
}

/** `timeout` in seconds. */
function create(debug: DebugApi, { audit, fields }: AdminCall): Answer {
  const { debugTimeoutMaxMs, debugTransactionsMax } = debug.limits;
  const proxy = fields.neededText("proxy");
  const environment = fields.text("environment");
  const filter = fields.text("filter");
  const count = fields.integer("count", 1, debugTransactionsMax) ?? COUNT;
  const timeoutS = fields.integer("timeout", 1, Math.floor(debugTimeoutMaxMs / 1_000)) ?? TIMEOUT_S;
  const problem = fields.problem();
  if (problem !== null) return problem;
  const session = debug.create({ proxy, environment, filter, count, timeoutMs: timeoutS * 1_000 });
  const place = environment === null ? "" : ` in ${environment}`;
  if (session === "unknown") return badRequest(`${proxy} is not deployed${place}`);
  if (session === "off") return badRequest(`${proxy} was compiled with observability: { debug: off }`);
  if (session === "full") return errorAnswer(429, "too_many", "Too many Debug sessions are active: end one first");
  if ("problems" in session) return filterRefusal(session.problems);
  audit("debug.create", { debug_session: session.id, proxy, environment, count, timeout_s: timeoutS });
  return jsonAnswer(201, shown(session));
}

/** 400 with every mistake and its place: UTF-16 offsets in the filter's text. */
function filterRefusal(problems: readonly FilterProblem[]): Answer {
  const message = problems.map((problem) => `filter, column ${problem.start + 1}: ${problem.message}`).join("; ");
  return jsonAnswer(400, { error: { code: "bad_filter", message, problems } });
}

/** Oldest first. */
function list(debug: DebugApi, { fields }: AdminCall): Answer {
  const problem = fields.problem();
  return problem ?? jsonAnswer(200, { debugSessions: debug.list().map(shown), next: null });
}

/** With everything that it recorded. */
function remove(debug: DebugApi, { audit, fields, id }: AdminCall): Answer {
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (!debug.remove(id)) return notFound("Debug session");
  audit("debug.delete", { debug_session: id });
  return jsonAnswer(200, { deleted: id });
}

/** In the order in which they ended. */
function transactions(debug: DebugApi, call: AdminCall): Answer {
  const limit = call.fields.integer("limit", 1, call.gateway.limits.adminPageMax) ?? PAGE_ROWS;
  const after = call.fields.integer("after", 0, Number.MAX_SAFE_INTEGER) ?? 0;
  return withSession(debug, call, ({ entries }) => {
    const rows = [...entries.values()].slice(after, after + limit);
    const next = after + rows.length < entries.size ? after + rows.length : null;
    return jsonAnswer(200, { transactions: rows.map(listed), next });
  });
}

function transaction(session: DebugSession, id: string): Answer {
  const entry = session.entries.get(id);
  if (entry === undefined) return notFound("transaction");
  return jsonAnswer(200, { ...JSON.parse(entry.json), close: entry.close });
}

function withSession(debug: DebugApi, { fields, id }: AdminCall, answer: (session: DebugSession) => Answer): Answer {
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
function shown(session: DebugSession): object {
  const { id, request, state, createdAtMs, endsAtMs, entries, dropped, filteredOut, sampledOut } = session;
  const { proxy, environment, filter, count, timeoutMs } = request;
  return {
    id,
    proxy,
    environment,
    filter,
    count,
    timeout: timeoutMs / 1_000,
    state,
    createdAt: new Date(createdAtMs).toISOString(),
    endsAt: new Date(endsAtMs).toISOString(),
    transactions: entries.size,
    dropped,
    filteredOut,
    sampledOut,
  };
}
