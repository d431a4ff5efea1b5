// program/proxies/team.ts
/** Proxy team, compiled from proxies/team/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const WEB_SOCKET: WebSocketRoute = {
  mode: "allow",
  idleTimeoutMs: 600000,
  maxDurationMs: Infinity,
  allowedOrigins: null,
  ambientCredential: true,
  halfCloseTimeoutMs: 30000,
  writeStallTimeoutMs: 60000,
  closeGraceMs: 1000,
  closeTimeoutMs: 5000,
  spliceBufferBytesMax: 65536,
  closes: {},
};

const HEADERS: HeaderOwnership = headerOwnership([], []);

/** Route rules: the first whose condition holds. */
function routeRoot(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Response flow. */
function responseRoot(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint root on /, in one environment. */
export function teamRoot(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "root",
    environment,
    basePath: "/",
    baseSegments: 0,
    hash: "170991a06dc5694d",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeRoot, response: responseRoot, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint any on /team/*, in one environment. */
export function teamAny(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "any",
    environment,
    basePath: "/team/*",
    baseSegments: 2,
    hash: "170991a06dc5694d",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeRoot, response: responseRoot, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint members on /team/*\/members, in one environment. */
export function teamMembers(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "members",
    environment,
    basePath: "/team/*/members",
    baseSegments: 3,
    hash: "170991a06dc5694d",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeRoot, response: responseRoot, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint admin on /team/admin, in one environment. */
export function teamAdmin(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "admin",
    environment,
    basePath: "/team/admin",
    baseSegments: 2,
    hash: "170991a06dc5694d",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeRoot, response: responseRoot, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint audit on /team/admin/audit, in one environment. */
export function teamAudit(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "audit",
    environment,
    basePath: "/team/admin/audit",
    baseSegments: 3,
    hash: "170991a06dc5694d",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeRoot, response: responseRoot, fault: () => {} },
    traced: null,
  };
}

// program/routes.ts
/** Routes: hosts and base paths to compiled proxies, and the targets these reach. */
import { longer, segmentEnd } from "#runtime/flow/routing.ts";
import type { Limits } from "#runtime/limits.ts";
import type { ProxyProgram, RouteEntry } from "#runtime/program.ts";
import { plainTarget } from "#runtime/target/plain.ts";
import type { Target } from "#runtime/target/target.ts";
import { teamAdmin, teamAny, teamAudit, teamMembers, teamRoot } from "./proxies/team.ts";

const teamDefaultTargets: Record<string, Target> = {};

const teamRootInDefault = teamRoot("default", teamDefaultTargets);

const teamAnyInDefault = teamAny("default", teamDefaultTargets);

const teamMembersInDefault = teamMembers("default", teamDefaultTargets);

const teamAdminInDefault = teamAdmin("default", teamDefaultTargets);

const teamAuditInDefault = teamAudit("default", teamDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: teamRootInDefault },
  { hostnames: ["*"], program: teamAnyInDefault },
  { hostnames: ["*"], program: teamMembersInDefault },
  { hostnames: ["*"], program: teamAdminInDefault },
  { hostnames: ["*"], program: teamAuditInDefault },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  teamDefaultTargets["default"] = plainTarget({
    name: "default",
    url: "http://backend:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
}

/** Base paths from /team/* on. */
function routeDefaultTeamAny(path: string, start: number): ProxyProgram | null {
  const end2 = segmentEnd(path, start);
  const segment2 = path.slice(start, end2);
  if (segment2 === "members") {
    return teamMembersInDefault;
  }
  return teamAnyInDefault;
}

/** Base paths from /team/admin on. */
function routeDefaultTeamAdmin(path: string, start: number): ProxyProgram | null {
  const end2 = segmentEnd(path, start);
  const segment2 = path.slice(start, end2);
  if (segment2 === "audit") {
    return teamAuditInDefault;
  }
  return teamAdminInDefault;
}

/** Environment group default: *. */
function routeDefault(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "team") {
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    if (segment1 === "") {
      return teamRootInDefault;
    }
    const exact1 = segment1 === "admin" ? routeDefaultTeamAdmin(path, end1 + 1) : null;
    return longer(exact1, routeDefaultTeamAny(path, end1 + 1)) ?? teamRootInDefault;
  }
  return teamRootInDefault;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
