/**
 * Sessions of all replicas over the admin API: counted, listed, ended. The answer says which replicas did not answer.
 */
import type { FleetQuestion } from "../state/fleet-record.ts";
import { isAnswer, type AdminCall } from "./admin-call.ts";
import type { Fields } from "./admin-body.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import { count, flag, instant, integer, list, orNull, record, ref, text, texts } from "./admin-schema.ts";
import { endBody, endEverywhere, endWishIn, filterFields, filterOf } from "./admin-sessions.ts";
import { badRequest, jsonAnswer, type Answer } from "./answer.ts";
import type { AskedReplica, Fleet } from "./fleet.ts";

/** Rows of a page when the request names no limit, and at most: they travel through the store. */
const PAGE_ROWS = 50;
const PAGE_ROWS_MAX = 100;

async function getFleet(fleet: Fleet, { fields, gateway }: AdminCall): Promise<Answer> {
  const filter = await filterOf(gateway, fields, false);
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (isAnswer(filter)) return filter;
  return jsonAnswer(200, countsOf(await fleet.ask({ filter, rows: 0, behind: {} })));
}

async function listFleetSessions(fleet: Fleet, { fields, gateway }: AdminCall): Promise<Answer> {
  const limit = fields.integer("limit", 1, PAGE_ROWS_MAX) ?? PAGE_ROWS;
  const behind = cursorIn(fields);
  const filter = await filterOf(gateway, fields, false);
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (behind === null) return badRequest("after is not what a page before gave as next");
  if (isAnswer(filter)) return filter;
  const asked = await fleet.ask({ filter, rows: limit, behind });
  return jsonAnswer(200, { ...pageOfFleet(asked, limit, behind), ...countsOf(asked) });
}

async function endFleetSessions(fleet: Fleet, call: AdminCall): Promise<Answer> {
  const wish = await endWishIn(call);
  if (isAnswer(wish)) return wish;
  const { all, dryRun, filter, note } = wish;
  const counts = countsOf(await fleet.ask({ filter, rows: 0, behind: {} }));
  if (!dryRun) {
    await endEverywhere(call.gateway, wish);
    const { matched, silent } = counts;
    const what = all ? "all" : filter.join(" ");
    call.audit("fleet.sessions.end", { filter: what, matched, silent: silent.length, note });
  }
  return jsonAnswer(200, { ...counts, dryRun });
}

interface Counts {
  readonly replicas: readonly object[];
  readonly total: number;
  readonly matched: number;
  readonly silent: readonly string[];
}

function countsOf(asked: readonly AskedReplica[]): Counts {
  const replicas = asked.map(({ answer, replica: { build, id, isDraining, pod, region, startedAtMs } }) => ({
    id,
    pod,
    region,
    build,
    startedAt: new Date(startedAtMs).toISOString(),
    draining: isDraining,
    sessions: answer?.sessions ?? null,
    matched: answer?.matched ?? null,
  }));
  return {
    replicas,
    total: asked.reduce((sum, { answer }) => sum + (answer?.sessions ?? 0), 0),
    matched: asked.reduce((sum, { answer }) => sum + (answer?.matched ?? 0), 0),
    silent: asked.filter(({ answer }) => answer === null).map(({ replica }) => replica.id),
  };
}

/** Rows of one replica after the other until the page is full; `next` remembers where each one stands. */
function pageOfFleet(
  asked: readonly AskedReplica[],
  limit: number,
  behind: FleetQuestion["behind"],
): { readonly sessions: readonly object[]; readonly next: string | null } {
  const sessions: object[] = [];
  const places: Record<string, number> = { ...behind };
  let isMore = false;
  for (const { answer, replica } of asked) {
    if (answer === null) continue;
    const taken = answer.rows.slice(0, limit - sessions.length);
    sessions.push(...taken.map(({ session }) => ({ ...session, replica: replica.id })));
    places[replica.id] = taken.at(-1)?.serial ?? places[replica.id] ?? 0;
    isMore ||= answer.isMore || taken.length < answer.rows.length;
  }
  return { sessions, next: isMore ? Buffer.from(JSON.stringify(places)).toString("base64url") : null };
}

/** Null: it is no place in this list. */
function cursorIn(fields: Fields): FleetQuestion["behind"] | null {
  const after = fields.text("after");
  if (after === null) return {};
  try {
    const places: unknown = JSON.parse(Buffer.from(after, "base64url").toString("utf8"));
    if (typeof places !== "object" || places === null || Array.isArray(places)) return null;
    const entries = Object.entries(places);
    const isEach = entries.every(
      ([, serial]) => typeof serial === "number" && Number.isSafeInteger(serial) && serial >= 0,
    );
    return isEach ? Object.fromEntries(entries) : null;
  } catch {
    return null;
  }
}

/** The fleet, as the document describes it. */
export function fleetSubject(fleet: Fleet): AdminSubject {
  const filter = filterFields();
  return {
    name: "fleet",
    description:
      "All replicas that share a redis store; with another store the process alone. Who is silent may have more.",
    parameters: {},
    schemas: fleetSchemas(),
    routes: [
      {
        method: "GET",
        path: "/v1/fleet",
        id: "getFleet",
        summary: "Counts the sessions of every replica, all and those that match what is given.",
        query: filter,
        answers: { 200: "Fleet" },
        endpoint: (call) => getFleet(fleet, call),
      },
      {
        method: "GET",
        path: "/v1/fleet/sessions",
        id: "listFleetSessions",
        summary: "Lists sessions of all replicas that match all that is given, one replica after the other.",
        query: {
          limit: integer("Rows of the page. Default 50.", 1, PAGE_ROWS_MAX),
          after: text("`next` of the page before."),
          ...filter,
        },
        answers: { 200: "FleetSessionPage" },
        endpoint: (call) => listFleetSessions(fleet, call),
      },
      {
        method: "POST",
        path: "/v1/fleet/sessions:end",
        id: "endFleetSessions",
        summary: "Ends sessions of all replicas by filter; a replica that is silent ends its own when it hears again.",
        body: endBody(),
        answers: { 200: "FleetSessionsEnded" },
        endpoint: (call) => endFleetSessions(fleet, call),
      },
    ],
  };
}

function fleetSchemas(): Properties {
  const counts = {
    replicas: list("In the order of their ids.", ref("Replica")),
    total: count("Sessions of all replicas that answered."),
    matched: count("Of these, those that the filter means."),
    silent: texts("Ids of the replicas that did not answer in time."),
  };
  const next = orNull(text("Give it back as `after` to get the next page; null when this was the last."));
  return {
    Replica: record("A replica; one that ended without a word is listed for half a minute.", {
      id: text("`system.uuid`: new for each start."),
      pod: orNull(text("APIGW_POD_NAME, else HOSTNAME.")),
      region: orNull(text("APIGW_REGION_NAME.")),
      build: text("Digest of the program that it runs."),
      startedAt: instant("When it started."),
      draining: flag("It is about to stop."),
      sessions: orNull(count("All its sessions; null: it did not answer.")),
      matched: orNull(count("Those that the filter means; null: it did not answer.")),
    }),
    Fleet: record("All replicas.", counts),
    FleetSessionPage: record("One page of sessions.", {
      ...counts,
      sessions: list("Fields of Session, and `replica`.", { type: "object" }),
      next,
    }),
    FleetSessionsEnded: record("What was ended.", { ...counts, dryRun: flag("True: nothing was changed.") }),
  };
}
