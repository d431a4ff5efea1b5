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
  if (x.request.verb === "GET") {
    takeRoute(x, "one", "pool");
    return;
  }
  if (x.request.verb === "PUT") {
    takeRoute(x, "two", "secure");
    return;
  }
  takeRoute(x, "three", "open");
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
    hash: "f207c6e58259c9db",
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
import { roundRobin } from "#runtime/target/algorithm.ts";
import { balancedTarget } from "#runtime/target/balanced.ts";
import { anyTarget, secureTarget, secureTransport } from "#runtime/target/secure.ts";
import type { Target } from "#runtime/target/target.ts";
import { chat } from "./proxies/chat.ts";
import { settings } from "./settings.ts";

const chatProdTargets: Record<string, Target> = {};

const chatInProd = chat("prod", chatProdTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: chatInProd },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  chatProdTargets["pool"] = balancedTarget({
    name: "pool",
    servers: [
      {
        name: "a",
        host: settings.aHost,
        port: Number(settings.aPort),
        tls: { caFile: "/etc/tls/ca.pem", certFile: null, keyFile: null, commonName: null },
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
    ioTimeoutMs: 9000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, secureTransport, limits);
  chatProdTargets["secure"] = secureTarget({
    name: "secure",
    url: "https://secure.example/ws",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: ["1xx", "2xx", "404"],
  }, { caFile: null, certFile: null, keyFile: null, commonName: null }, limits);
  chatProdTargets["open"] = anyTarget({
    name: "open",
    url: settings.openUrl,
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, { caFile: null, certFile: null, keyFile: null, commonName: null }, limits);
}

/** Environment group default: *. */
function routeDefault(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "chat") {
    return chatInProd;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
