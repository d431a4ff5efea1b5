// program/proxies/rooms.ts
/** Proxy rooms, compiled from proxies/rooms/proxy.yaml. */
import { Exchange, type Value } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { clientSent, clientSentText } from "#runtime/flow/client-times.ts";
import { responseOf, textOr, timeText } from "#runtime/flow/variables.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue, valueOr } from "#runtime/policies/assign-message.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

/** An exchange with the variables that rooms reads. */
class RoomsExchange extends Exchange {
  /** private.note */
  privateNote: Value = null;
  /** proxy.flow.name */
  proxyFlowName: Value = null;
  /** target.flow.description */
  targetFlowDescription: Value = null;
}

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

const HEADERS: HeaderOwnership = headerOwnership(["x-flow", "x-place", "x-times"], ["note"]);

/** Request flow of target endpoint default. */
function defaultRequest(x: RoomsExchange): Maybe<void> {
  x.targetFlowDescription = null;
}

/** Route rules: the first whose condition holds. */
function route(x: RoomsExchange): Maybe<void> {
  takeRoute(x, "default", "default");
  return defaultRequest(x);
}

/** Request flow of the proxy endpoint. */
function request(x: RoomsExchange): Maybe<void> {
  x.proxyFlowName = "PreFlow";
  // AM-Place · AssignMessage · proxies/rooms/policies/AM-Place.yaml
  x.request.setHeader("x-flow", headerValue("AM-Place", "" + "|PreFlow|" + "" + "|" + ""));
  x.request.setHeader("x-times", headerValue("AM-Place", textOr(timeText(x.startedWallMs), "") + "|" + textOr(clientSentText(x, "start"), "") + "|" + textOr(clientSent(x, "end"), "")));
  x.request.setHeader("x-place", headerValue("AM-Place", textOr(x.gateway.instance.uuid, "") + "|" + textOr(x.gateway.instance.podName, "") + "|" + textOr(x.gateway.instance.regionName, "")));
  x.privateNote = valueOr(x.request.header("note"), "");
  if (x.request.verb === "GET") {
    // Flow list
    x.proxyFlowName = "list";
    // AM-Place · AssignMessage · proxies/rooms/policies/AM-Place.yaml
    x.request.setHeader("x-flow", headerValue("AM-Place", "Lists rooms.|list|" + "" + "|" + textOr(x.privateNote, "")));
    x.request.setHeader("x-times", headerValue("AM-Place", textOr(timeText(x.startedWallMs), "") + "|" + textOr(clientSentText(x, "start"), "") + "|" + textOr(clientSent(x, "end"), "")));
    x.request.setHeader("x-place", headerValue("AM-Place", textOr(x.gateway.instance.uuid, "") + "|" + textOr(x.gateway.instance.podName, "") + "|" + textOr(x.gateway.instance.regionName, "")));
    x.privateNote = valueOr(x.request.header("note"), "");
  }
  x.proxyFlowName = "PostFlow";
  return route(x);
}

/** Response flow of the proxy endpoint. */
function proxyResponse(x: RoomsExchange): Maybe<void> {
  x.inTarget = false;
  x.proxyFlowName = "PreFlow";
  if (x.request.verb === "GET") {
    // Flow list
    x.proxyFlowName = "list";
  }
  x.proxyFlowName = "PostFlow";
  // AM-Place · AssignMessage · proxies/rooms/policies/AM-Place.yaml
  responseOf(x).setHeader("x-flow", headerValue("AM-Place", "" + "|PostFlow|" + textOr(x.targetFlowDescription, "") + "|" + textOr(x.privateNote, "")));
  responseOf(x).setHeader("x-times", headerValue("AM-Place", textOr(timeText(x.startedWallMs), "") + "|" + textOr(clientSentText(x, "start"), "") + "|" + textOr(clientSent(x, "end"), "")));
  responseOf(x).setHeader("x-place", headerValue("AM-Place", textOr(x.gateway.instance.uuid, "") + "|" + textOr(x.gateway.instance.podName, "") + "|" + textOr(x.gateway.instance.regionName, "")));
  x.privateNote = valueOr(x.request.header("note"), "");
}

/** Response flow of target endpoint default. */
function defaultResponse(x: RoomsExchange): Maybe<void> {
  x.targetFlowDescription = null;
  // AM-Place · AssignMessage · proxies/rooms/policies/AM-Place.yaml
  responseOf(x).setHeader("x-flow", headerValue("AM-Place", "" + "|" + textOr(x.proxyFlowName, "") + "|" + "" + "|" + textOr(x.privateNote, "")));
  responseOf(x).setHeader("x-times", headerValue("AM-Place", textOr(timeText(x.startedWallMs), "") + "|" + textOr(clientSentText(x, "start"), "") + "|" + textOr(clientSent(x, "end"), "")));
  responseOf(x).setHeader("x-place", headerValue("AM-Place", textOr(x.gateway.instance.uuid, "") + "|" + textOr(x.gateway.instance.podName, "") + "|" + textOr(x.gateway.instance.regionName, "")));
  x.privateNote = valueOr(x.request.header("note"), "");
  x.targetFlowDescription = null;
  return proxyResponse(x);
}

/** Response flows: the target endpoint's, then the proxy endpoint's. */
function response(x: RoomsExchange): Maybe<void> {
  if (x.target?.name === "default") {
    return defaultResponse(x);
  }
  return proxyResponse(x);
}

/** Proxy endpoint default on /rooms, in one environment. */
export function rooms(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "rooms",
    endpoint: "default",
    environment,
    basePath: "/rooms",
    baseSegments: 1,
    hash: "4f96503a002a6c4b",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    readsClientTimes: true,
    headers: HEADERS,
    positions: [],
    open: (start) => new RoomsExchange(start),
    plain: { request, response, fault: () => {} },
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
import { rooms } from "./proxies/rooms.ts";

const roomsDefaultTargets: Record<string, Target> = {};

const roomsInDefault = rooms("default", roomsDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: roomsInDefault },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  roomsDefaultTargets["default"] = plainTarget({
    name: "default",
    url: "http://rooms.internal",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
}

/** Environment group default: *. */
function routeDefault(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "rooms") {
    return roomsInDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
