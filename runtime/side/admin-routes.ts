/**
 * What a gateway serves and which policies stand in the way there, over the admin API: a table that the compiler wrote.
 * It holds what a bundle's files say, places in them included, and no value of any setting.
 */
import { jsonAnswer, type Answer } from "./answer.ts";
import { notFound, type AdminCall } from "./admin-call.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import { choice, count, integer, list, orNull, paging, record, recordWith, ref, text, texts } from "./admin-schema.ts";

/** Rows of a page when the request names no limit. */
const PAGE_ROWS = 100;
const ROWS_MAX = 1_000;

/** Stages of an exchange in their order; the last two are where faults lead. */
const stageNames = [
  "request", "targetRequest", "targetResponse", "response", "events", "postClient", "fault", "targetFault",
] as const;

/** How closely frames are looked at. */
const levelNames = ["tracked", "messages", "denied"] as const;

/** A policy where a flow runs it. */
export interface StepReport {
  readonly policy: string;
  readonly type: string;
  /** The policy's own file, and its line there. */
  readonly file: string;
  readonly line: number;
  /** Where the flow names it. */
  readonly at: string;
  readonly condition: string | null;
  /** Why the compiler left it out; absent where it may run. */
  readonly never?: string;
  /** Steps of the shared flow that it calls. */
  readonly steps?: readonly StepReport[];
}

/** A flow, or the steps of a fault rule. */
export interface FlowReport {
  readonly name: string;
  readonly condition: string | null;
  readonly steps: readonly StepReport[];
}

/** What runs at one stage of an exchange, in order. `target`: the target endpoint whose flows they are. */
export interface StageReport {
  readonly stage: (typeof stageNames)[number];
  readonly target?: string;
  readonly flows: readonly FlowReport[];
}

export interface RouteRuleReport {
  readonly name: string;
  readonly condition: string | null;
  /** Null: the null route, which asks nobody. */
  readonly target: string | null;
}

export interface TargetReport {
  readonly name: string;
  /** Where it leads: a URL as written, names of servers, a proxy. */
  readonly to: string;
}

/** One proxy endpoint, wherever it is deployed. */
export interface EndpointReport {
  readonly proxy: string;
  readonly endpoint: string;
  /** `proxies/chat/proxy.yaml:4` */
  readonly at: string;
  readonly webSocket: {
    readonly mode: "allow" | "only" | "deny";
    /** `tracked`: frame headers are counted. `messages`: policies look into messages. `denied`: no upgrades. */
    readonly level: (typeof levelNames)[number];
    /** Which policy looks at frames, or why upgrades are denied; null where nothing is to be said. */
    readonly why: string | null;
  };
  /** Bodies that are read into memory, and for what. */
  readonly bodies: readonly { readonly body: string; readonly why: string }[];
  readonly stages: readonly StageReport[];
  readonly rules: readonly RouteRuleReport[];
  readonly targets: readonly TargetReport[];
}

/** A proxy endpoint where it is deployed. */
export interface RouteReport {
  readonly environment: string;
  readonly hostnames: readonly string[];
  readonly basePath: string;
  /** Its place among the endpoints. */
  readonly endpoint: number;
}

export interface RouteReports {
  readonly endpoints: readonly EndpointReport[];
  readonly routes: readonly RouteReport[];
}

function listRoutes(read: () => RouteReports, { fields }: AdminCall): Answer {
  const limit = fields.integer("limit", 1, ROWS_MAX) ?? PAGE_ROWS;
  const after = fields.integer("after", 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const problem = fields.problem();
  if (problem !== null) return problem;
  const reports = read();
  const { routes } = reports;
  const page = routes.slice(after, after + limit).flatMap((route) => listed(reports, route));
  const isLast = after + limit >= routes.length;
  return jsonAnswer(200, { routes: page, total: routes.length, next: isLast ? null : String(after + limit) });
}

function getRoute(read: () => RouteReports, { fields, id }: AdminCall): Answer {
  const problem = fields.problem();
  if (problem !== null) return problem;
  const reports = read();
  const route = reports.routes.find((candidate) => idOf(reports, candidate) === id);
  const endpoint = reports.endpoints[route?.endpoint ?? -1];
  if (route === undefined || endpoint === undefined) return notFound("route");
  const { basePath, environment, hostnames } = route;
  return jsonAnswer(200, { id, environment, hostnames, basePath, ...endpoint });
}

/** A row of the list; none for a route whose endpoint the table does not have. */
function listed(reports: RouteReports, route: RouteReport): readonly object[] {
  const found = reports.endpoints[route.endpoint];
  if (found === undefined) return [];
  const { bodies, endpoint, proxy, webSocket } = found;
  const { basePath, environment, hostnames } = route;
  return [{ id: idOf(reports, route), environment, hostnames, basePath, proxy, endpoint, webSocket, bodies }];
}

/** No name of a bundle has a tilde. */
function idOf({ endpoints }: RouteReports, { endpoint, environment }: RouteReport): string {
  const found = endpoints[endpoint];
  return `${environment}~${found?.proxy ?? ""}~${found?.endpoint ?? ""}`;
}

/**
 * Routes, as the document describes them. `reports` is asked for each answer: few ask, and a large table would stay in
 * memory.
 */
export function routesSubject(reports: () => RouteReports): AdminSubject {
  return {
    name: "routes",
    description: "What the gateway serves, and the policies in the way there, as the bundle's files say it.",
    parameters: { route: "Id of the route, `environment~proxy~endpoint`." },
    schemas: routeSchemas(),
    routes: [
      {
        method: "GET",
        path: "/v1/routes",
        id: "listRoutes",
        summary: "Lists routes in the order of hosts and base paths.",
        query: paging(ROWS_MAX),
        answers: { 200: "RoutePage" },
        endpoint: (call) => listRoutes(reports, call),
      },
      {
        method: "GET",
        path: "/v1/routes/{route}",
        id: "getRoute",
        summary: "Gets a route with its chain.",
        answers: { 200: "Route" },
        endpoint: (call) => getRoute(reports, call),
      },
    ],
  };
}

function routeSchemas(): Properties {
  const row = record("A proxy endpoint in an environment.", {
    id: text("`environment~proxy~endpoint`."),
    environment: text("Environment."),
    hostnames: texts("Hosts: names, `*.suffix`, or `*`."),
    basePath: text("As written, `*` for any segment."),
    proxy: text("Proxy."),
    endpoint: text("Proxy endpoint."),
    webSocket: record("What becomes of upgrades and frames.", {
      mode: choice("What the bundle says.", ["allow", "only", "deny"]),
      level: choice("`tracked`: frame headers are counted. `messages`: policies look in.", levelNames),
      why: orNull(text("Which policy looks at messages, or why upgrades are denied.")),
    }),
    bodies: list("Bodies that are read into memory.", record("A body and what looks into it.", {
      body: text("Which body."),
      why: text("What looks into it."),
    })),
  });
  return {
    RoutePage: record("One page of routes.", {
      routes: list("In the order of hosts and base paths.", ref("RouteRow")),
      total: count("Routes."),
      next: orNull(text("Give it back as `after` to get the next page; null when this was the last.")),
    }),
    RouteRow: row,
    Route: recordWith(row, "A route with its chain.", {
      at: text("File and line of the proxy endpoint."),
      stages: list("What runs, in order; fault rules last.", ref("RouteStage")),
      rules: list("Route rules in the order in which they are tried.", record("A route rule.", {
        name: text("Its name."),
        condition: orNull(text("Null: always.")),
        target: orNull(text("Target endpoint; null: the null route.")),
      })),
      targets: list("Target endpoints that a rule leads to.", record("A target endpoint.", {
        name: text("Its name."),
        to: text("Where it leads: a URL as written, names of servers, a proxy."),
      })),
    }),
    RouteStage: record("What runs at one stage of an exchange.", {
      stage: choice("Which stage.", stageNames),
      target: text("Target endpoint whose flows these are."),
      flows: list("In order.", record("A flow, or a fault rule.", {
        name: text("Its name."),
        condition: orNull(text("Null: always.")),
        steps: list("In order.", ref("RouteStep")),
      })),
    }, ["target"]),
    RouteStep: record("A policy where a flow runs it.", {
      policy: text("Its name."),
      type: text("Its kind."),
      file: text("The policy's file."),
      line: integer("Line there.", 1, Number.MAX_SAFE_INTEGER),
      at: text("File and line where the flow names it."),
      condition: orNull(text("Null: always.")),
      never: text("Why the compiler left it out."),
      steps: list("Steps of the shared flow that it calls.", ref("RouteStep")),
    }, ["never", "steps"]),
  };
}
