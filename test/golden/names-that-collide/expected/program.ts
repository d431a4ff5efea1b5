// program/proxies/chat.ts
/** Proxy Chat, compiled from proxies/Chat/proxy.yaml. */
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

/** Proxy endpoint default on /e, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "Chat",
    endpoint: "default",
    environment,
    basePath: "/e",
    baseSegments: 1,
    hash: "9ef29f62108f5855",
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

// program/proxies/chatInDefault.ts
/** Proxy chat-in-default, compiled from proxies/chat-in-default/proxy.yaml. */
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

/** Proxy endpoint default on /d, in one environment. */
export function chatInDefault(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat-in-default",
    endpoint: "default",
    environment,
    basePath: "/d",
    baseSegments: 1,
    hash: "0eee7602a4ce46b2",
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

// program/proxies/chat_.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange, type Value } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText } from "#runtime/flow/variables.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue, needValue } from "#runtime/policies/assign-message.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

/** An exchange with the variables that chat reads. */
class ChatExchange extends Exchange {
  /** Request */
  request2: Value = null;
  /** constructor */
  constructor2: Value = null;
  /** request */
  request3: Value = null;
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

const HEADERS: HeaderOwnership = headerOwnership(["x-read"], ["a", "b", "c"]);

/** Route rules: the first whose condition holds. */
function route(x: ChatExchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: ChatExchange): Maybe<void> {
  // AM-Set · AssignMessage · proxies/chat/policies/AM-Set.yaml
  x.request3 = needValue(x.request.header("a"), "AM-Set", "request.header.a");
  x.request2 = needValue(x.request.header("b"), "AM-Set", "request.header.b");
  x.constructor2 = needValue(x.request.header("c"), "AM-Set", "request.header.c");
  // AM-Read · AssignMessage · proxies/chat/policies/AM-Read.yaml
  x.request.setHeader("x-read", headerValue("AM-Read", needText(x.request3, "AM-Read", "request") + needText(x.request2, "AM-Read", "Request") + needText(x.constructor2, "AM-Read", "constructor")));
  return route(x);
}

/** Response flow. */
function response(x: ChatExchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint default on /c, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/c",
    baseSegments: 1,
    hash: "89ecc8b24c3ff328",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new ChatExchange(start),
    plain: { request, response, fault: () => {} },
    traced: null,
  };
}

// program/proxies/route.ts
/** Proxy route, compiled from proxies/route/proxy.yaml. */
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

/** Proxy endpoint default on /b, in one environment. */
export function route2(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "route",
    endpoint: "default",
    environment,
    basePath: "/b",
    baseSegments: 1,
    hash: "4c381370daf91a5b",
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

// program/proxies/routes.ts
/** Proxy routes, compiled from proxies/routes/proxy.yaml. */
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

/** Proxy endpoint default on /a, in one environment. */
export function routes(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "routes",
    endpoint: "default",
    environment,
    basePath: "/a",
    baseSegments: 1,
    hash: "36a7149a41c45e47",
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

// program/routes.ts
/** Routes: hosts and base paths to compiled proxies, and the targets these reach. */
import { segmentEnd } from "#runtime/flow/routing.ts";
import type { Limits } from "#runtime/limits.ts";
import type { ProxyProgram, RouteEntry } from "#runtime/program.ts";
import { plainTarget } from "#runtime/target/plain.ts";
import type { Target } from "#runtime/target/target.ts";
import { chat } from "./proxies/chat.ts";
import { chatInDefault as chatInDefault2 } from "./proxies/chatInDefault.ts";
import { chat as chat2 } from "./proxies/chat_.ts";
import { route2 } from "./proxies/route.ts";
import { routes as routes2 } from "./proxies/routes.ts";

const chatDefaultTargets: Record<string, Target> = {};

const chatInDefault = chat("default", chatDefaultTargets);

const chatInDefaultDefaultTargets: Record<string, Target> = {};

const chatInDefaultInDefault = chatInDefault2("default", chatInDefaultDefaultTargets);

const chatDefaultTargets2: Record<string, Target> = {};

const chatInDefault3 = chat2("default", chatDefaultTargets2);

const routeDefaultTargets: Record<string, Target> = {};

const routeInDefault = route2("default", routeDefaultTargets);

const routesDefaultTargets: Record<string, Target> = {};

const routesInDefault = routes2("default", routesDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: chatInDefault },
  { hostnames: ["*"], program: chatInDefaultInDefault },
  { hostnames: ["*"], program: chatInDefault3 },
  { hostnames: ["*"], program: routeInDefault },
  { hostnames: ["*"], program: routesInDefault },
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
  chatInDefaultDefaultTargets["default"] = plainTarget({
    name: "default",
    url: "http://backend:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
  chatDefaultTargets2["default"] = plainTarget({
    name: "default",
    url: "http://backend:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
  routeDefaultTargets["default"] = plainTarget({
    name: "default",
    url: "http://backend:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
  routesDefaultTargets["default"] = plainTarget({
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
  if (segment0 === "a") {
    return routesInDefault;
  }
  if (segment0 === "b") {
    return routeInDefault;
  }
  if (segment0 === "c") {
    return chatInDefault3;
  }
  if (segment0 === "d") {
    return chatInDefaultInDefault;
  }
  if (segment0 === "e") {
    return chatInDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
