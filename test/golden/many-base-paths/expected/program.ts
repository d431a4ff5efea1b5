// program/proxies/deep.ts
/** Proxy deep, compiled from proxies/deep/proxy.yaml. */
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
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint default on /v1/ant/nest, in one environment. */
export function deep(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "deep",
    endpoint: "default",
    environment,
    basePath: "/v1/ant/nest",
    baseSegments: 3,
    hash: "5e97bfa14dc9058d",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: route, response, fault: () => {} },
    traced: null,
  };
}

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
function routeAnt(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Response flow. */
function responseAnt(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint ant on /v1/ant, in one environment. */
export function teamAnt(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "ant",
    environment,
    basePath: "/v1/ant",
    baseSegments: 2,
    hash: "81a2772e9fd03218",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeAnt, response: responseAnt, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint bee on /v1/bee, in one environment. */
export function teamBee(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "bee",
    environment,
    basePath: "/v1/bee",
    baseSegments: 2,
    hash: "81a2772e9fd03218",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeAnt, response: responseAnt, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint cat on /v1/cat, in one environment. */
export function teamCat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "cat",
    environment,
    basePath: "/v1/cat",
    baseSegments: 2,
    hash: "81a2772e9fd03218",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeAnt, response: responseAnt, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint dog on /v1/dog, in one environment. */
export function teamDog(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "dog",
    environment,
    basePath: "/v1/dog",
    baseSegments: 2,
    hash: "81a2772e9fd03218",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeAnt, response: responseAnt, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint eel on /v1/eel, in one environment. */
export function teamEel(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "eel",
    environment,
    basePath: "/v1/eel",
    baseSegments: 2,
    hash: "81a2772e9fd03218",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeAnt, response: responseAnt, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint fox on /v1/fox, in one environment. */
export function teamFox(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "fox",
    environment,
    basePath: "/v1/fox",
    baseSegments: 2,
    hash: "81a2772e9fd03218",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeAnt, response: responseAnt, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint gnu on /v1/gnu, in one environment. */
export function teamGnu(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "gnu",
    environment,
    basePath: "/v1/gnu",
    baseSegments: 2,
    hash: "81a2772e9fd03218",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeAnt, response: responseAnt, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint hen on /v1/hen, in one environment. */
export function teamHen(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "hen",
    environment,
    basePath: "/v1/hen",
    baseSegments: 2,
    hash: "81a2772e9fd03218",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeAnt, response: responseAnt, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint ibis on /v1/ibis, in one environment. */
export function teamIbis(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "team",
    endpoint: "ibis",
    environment,
    basePath: "/v1/ibis",
    baseSegments: 2,
    hash: "81a2772e9fd03218",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeAnt, response: responseAnt, fault: () => {} },
    traced: null,
  };
}

// program/routes.ts
/** Routes: hosts and base paths to compiled proxies, and the targets these reach. */
import { segmentEnd } from "#runtime/flow/routing.ts";
import type { Limits } from "#runtime/limits.ts";
import type { ProxyProgram, RouteEntry } from "#runtime/program.ts";
import { plainTarget } from "#runtime/target/plain.ts";
import type { Target } from "#runtime/target/target.ts";
import { deep } from "./proxies/deep.ts";
import { teamAnt, teamBee, teamCat, teamDog, teamEel, teamFox, teamGnu, teamHen, teamIbis } from "./proxies/team.ts";

const deepDefaultTargets: Record<string, Target> = {};

const deepInDefault = deep("default", deepDefaultTargets);

const teamDefaultTargets: Record<string, Target> = {};

const teamAntInDefault = teamAnt("default", teamDefaultTargets);

const teamBeeInDefault = teamBee("default", teamDefaultTargets);

const teamCatInDefault = teamCat("default", teamDefaultTargets);

const teamDogInDefault = teamDog("default", teamDefaultTargets);

const teamEelInDefault = teamEel("default", teamDefaultTargets);

const teamFoxInDefault = teamFox("default", teamDefaultTargets);

const teamGnuInDefault = teamGnu("default", teamDefaultTargets);

const teamHenInDefault = teamHen("default", teamDefaultTargets);

const teamIbisInDefault = teamIbis("default", teamDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: deepInDefault },
  { hostnames: ["*"], program: teamAntInDefault },
  { hostnames: ["*"], program: teamBeeInDefault },
  { hostnames: ["*"], program: teamCatInDefault },
  { hostnames: ["*"], program: teamDogInDefault },
  { hostnames: ["*"], program: teamEelInDefault },
  { hostnames: ["*"], program: teamFoxInDefault },
  { hostnames: ["*"], program: teamGnuInDefault },
  { hostnames: ["*"], program: teamHenInDefault },
  { hostnames: ["*"], program: teamIbisInDefault },
];

const DEFAULT_V1_SEGMENT = new Map([
  ["ant", routeDefaultV1Ant],
  ["bee", () => teamBeeInDefault],
  ["cat", () => teamCatInDefault],
  ["dog", () => teamDogInDefault],
  ["eel", () => teamEelInDefault],
  ["fox", () => teamFoxInDefault],
  ["gnu", () => teamGnuInDefault],
  ["hen", () => teamHenInDefault],
  ["ibis", () => teamIbisInDefault],
]);

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  deepDefaultTargets["default"] = plainTarget({
    name: "default",
    url: "http://backend:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
  teamDefaultTargets["default"] = plainTarget({
    name: "default",
    url: "http://backend:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
}

/** Base paths from /v1/ant on. */
function routeDefaultV1Ant(path: string, start: number): ProxyProgram | null {
  const end2 = segmentEnd(path, start);
  const segment2 = path.slice(start, end2);
  if (segment2 === "nest") {
    return deepInDefault;
  }
  return teamAntInDefault;
}

/** Environment group default: *. */
function routeDefault(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "v1") {
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    return DEFAULT_V1_SEGMENT.get(segment1)?.(path, end1 + 1) ?? null;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
