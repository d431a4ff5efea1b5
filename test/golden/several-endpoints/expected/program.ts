// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { faultVariable, needText, responseOf } from "#runtime/flow/variables.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
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

const HEADERS: HeaderOwnership = headerOwnership(["x-endpoint"], []);

/** Route rules: the first whose condition holds. */
function routeV1(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function requestV1(x: Exchange): Maybe<void> {
  // AM-Stamp · AssignMessage · proxies/chat/policies/AM-Stamp.yaml
  x.request.setHeader("x-endpoint", headerValue("AM-Stamp", x.program.endpoint));
  return routeV1(x);
}

/** Response flow. */
function responseV1(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Fault rules of the proxy endpoint. */
function proxyFaultV1(x: Exchange): Maybe<void> {
  // Fault rule any
  // AM-Sorry · AssignMessage · proxies/chat/policies/AM-Sorry.yaml
  responseOf(x).setHeader("x-sorry", headerValue("AM-Sorry", needText(faultVariable(x, "name"), "AM-Sorry", "fault.name")));
}

/** Fault rules of the endpoint where the fault occurred. */
function faultV1(x: Exchange): Maybe<void> {
  if (!x.inTarget) {
    return proxyFaultV1(x);
  }
}

/** Proxy endpoint v1 on /v1, in one environment. */
export function chatV1(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "v1",
    environment,
    basePath: "/v1",
    baseSegments: 1,
    hash: "81f3fb9bfafd77f9",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: requestV1, response: responseV1, fault: faultV1 },
    traced: null,
  };
}

/** Proxy endpoint v2 on /v2, in one environment. */
export function chatV2(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "v2",
    environment,
    basePath: "/v2",
    baseSegments: 1,
    hash: "81f3fb9bfafd77f9",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: requestV1, response: responseV1, fault: faultV1 },
    traced: null,
  };
}

/** Request flow of the proxy endpoint. */
function requestOld(x: Exchange): Maybe<void> {
  if (x.request.verb === "GET") {
    // Flow f
    // AM-Stamp · AssignMessage · proxies/chat/policies/AM-Stamp.yaml
    x.request.setHeader("x-endpoint", headerValue("AM-Stamp", x.program.endpoint));
  }
  return routeV1(x);
}

/** Proxy endpoint old on /old, in one environment. */
export function chatOld(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "old",
    environment,
    basePath: "/old",
    baseSegments: 1,
    hash: "81f3fb9bfafd77f9",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: requestOld, response: responseV1, fault: () => {} },
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
import { chatOld, chatV1, chatV2 } from "./proxies/chat.ts";

const chatDefaultTargets: Record<string, Target> = {};

const chatV1InDefault = chatV1("default", chatDefaultTargets);

const chatV2InDefault = chatV2("default", chatDefaultTargets);

const chatOldInDefault = chatOld("default", chatDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: chatV1InDefault },
  { hostnames: ["*"], program: chatV2InDefault },
  { hostnames: ["*"], program: chatOldInDefault },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  chatDefaultTargets["default"] = plainTarget({
    name: "default",
    url: "http://backend:3000",
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
  if (segment0 === "old") {
    return chatOldInDefault;
  }
  if (segment0 === "v1") {
    return chatV1InDefault;
  }
  if (segment0 === "v2") {
    return chatV2InDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
