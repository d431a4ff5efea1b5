// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
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

/** Proxy endpoint default on /chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/chat",
    baseSegments: 1,
    hash: "5dbd11560f0aad1f",
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

// program/proxies/echo.ts
/** Proxy echo, compiled from proxies/echo/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
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
  // A null route: no target.
  x.route = "default";
}

/** Proxy endpoint default on /echo, in one environment. */
export function echo(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "echo",
    endpoint: "default",
    environment,
    basePath: "/echo",
    baseSegments: 1,
    hash: "e546ed2d1e95f442",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: route, response: () => {}, fault: () => {} },
    traced: null,
  };
}

// program/routes.ts
/** Routes: hosts and base paths to compiled proxies, and the targets these reach. */
import { segmentEnd } from "#runtime/flow/routing.ts";
import type { Limits } from "#runtime/limits.ts";
import type { ProxyProgram, RouteEntry } from "#runtime/program.ts";
import { roundRobin } from "#runtime/target/algorithm.ts";
import { balancedTarget } from "#runtime/target/balanced.ts";
import { plainTransport } from "#runtime/target/plain.ts";
import type { Target } from "#runtime/target/target.ts";
import { chat } from "./proxies/chat.ts";
import { echo } from "./proxies/echo.ts";
import { settings } from "./settings.ts";

const chatProdTargets: Record<string, Target> = {};

const chatInProd = chat("prod", chatProdTargets);

const chatTestTargets: Record<string, Target> = {};

const chatInTest = chat("test", chatTestTargets);

const echoTestTargets: Record<string, Target> = {};

const echoInTest = echo("test", echoTestTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["api.example.com", "*.example.com"], program: chatInProd },
  { hostnames: ["*"], program: chatInTest },
  { hostnames: ["*"], program: echoInTest },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  chatProdTargets["default"] = balancedTarget({
    name: "default",
    servers: [
      {
        name: "chat-1",
        host: "chat.prod.internal",
        port: 3000,
        tls: null,
        weight: 1,
        isFallback: false,
      },
    ],
    path: "/ws",
    tls: null,
    algorithm: roundRobin(),
    maxFailures: 0,
    unhealthyStatuses: [],
    retryEnabled: true,
    isMonitored: false,
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, plainTransport, limits);
  chatTestTargets["default"] = balancedTarget({
    name: "default",
    servers: [
      {
        name: "chat-1",
        host: settings.chatHost,
        port: 3000,
        tls: null,
        weight: 1,
        isFallback: false,
      },
    ],
    path: "/ws",
    tls: null,
    algorithm: roundRobin(),
    maxFailures: 0,
    unhealthyStatuses: [],
    retryEnabled: true,
    isMonitored: false,
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, plainTransport, limits);
}

/** Environment group public: api.example.com, *.example.com. */
function routePublic(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "chat") {
    return chatInProd;
  }
  return null;
}

/** Environment group inner: *. */
function routeInner(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "chat") {
    return chatInTest;
  }
  if (segment0 === "echo") {
    return echoInTest;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(host: string, path: string): ProxyProgram | null {
  if (host === "api.example.com") {
    return routePublic(path);
  }
  if (host.endsWith(".example.com") && host.indexOf(".", 1) === host.length - 12) {
    return routePublic(path);
  }
  return routeInner(path);
}
