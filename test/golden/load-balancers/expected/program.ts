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
    takeRoute(x, "one", "weights");
    return;
  }
  takeRoute(x, "two", "sessions");
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
    hash: "2da24a03b4569f74",
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
import { leastConnections, weighted } from "#runtime/target/algorithm.ts";
import { balancedTarget } from "#runtime/target/balanced.ts";
import { httpCheck } from "#runtime/target/health-http.ts";
import { watchServers, type HealthMonitor, type MonitorServices } from "#runtime/target/health-monitor.ts";
import { tcpCheck } from "#runtime/target/health-tcp.ts";
import { plainTransport } from "#runtime/target/plain.ts";
import { secureTransport } from "#runtime/target/secure.ts";
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
  chatProdTargets["weights"] = balancedTarget({
    name: "weights",
    servers: [
      {
        name: "a",
        host: "a.internal",
        port: 8443,
        tls: { caFile: "/etc/tls/ca.pem", certFile: null, keyFile: null, commonName: null },
        weight: 3,
        isFallback: false,
      },
      { name: "b", host: "b.internal", port: 8080, tls: null, weight: 1, isFallback: false },
      { name: "c", host: "c.internal", port: 8080, tls: null, weight: 1, isFallback: true },
    ],
    path: "/v1",
    tls: null,
    algorithm: weighted(),
    maxFailures: 5,
    unhealthyStatuses: [502, 503],
    retryEnabled: true,
    isMonitored: true,
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, secureTransport, limits);
  chatProdTargets["sessions"] = balancedTarget({
    name: "sessions",
    servers: [
      { name: "b", host: "b.internal", port: 8080, tls: null, weight: 1, isFallback: false },
      { name: "c", host: "c.internal", port: 8080, tls: null, weight: 1, isFallback: false },
    ],
    path: "",
    tls: null,
    algorithm: leastConnections(),
    maxFailures: 3,
    unhealthyStatuses: [],
    retryEnabled: false,
    isMonitored: true,
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, plainTransport, limits);
}

/** Begins to check target servers; called once, when the gateway serves. */
export function watchTargets(services: MonitorServices): readonly HealthMonitor[] {
  return [
    watchServers(services, { environment: "prod", proxy: "chat" }, chatProdTargets["weights"], 5000, httpCheck({
      connectTimeoutMs: 2000,
      readTimeoutMs: 30000,
      port: null,
      verb: "GET",
      path: "/health",
      payload: null,
      headers: ["Authorization", settings.healthToken, "X-From", "gateway"],
      reach: "own",
      hasId: false,
      statuses: [200],
      answerHeaders: ["X-State", "ok"],
    })),
    watchServers(services, { environment: "prod", proxy: "chat" }, chatProdTargets["sessions"], 10000, tcpCheck({ connectTimeoutMs: 1000, port: 9000 })),
  ];
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
