// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { matches } from "#runtime/language/operators.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const PATTERN = /^\/rooms\/[^\/]+\/log$/;

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

const HEADERS: HeaderOwnership = headerOwnership(["x-limit", "x-mark"], ["x-tier"]);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  const xTierIsGold = x.request.header("x-tier") === "gold";
  // AM-Tier · AssignMessage · proxies/chat/policies/AM-Tier.yaml
  if (xTierIsGold) {
    x.request.setHeader("x-limit", "100");
  }
  // AM-Mark · AssignMessage · proxies/chat/policies/AM-Mark.yaml
  if (xTierIsGold && x.request.verb === "GET") {
    x.request.setHeader("x-mark", "yes");
  }
  // AM-Down · AssignMessage · proxies/chat/policies/AM-Down.yaml
  if (!xTierIsGold) {
    x.request.setHeader("x-tier", "free");
  }
  // AM-Mark · AssignMessage · proxies/chat/policies/AM-Mark.yaml
  if (x.request.header("x-tier") === "gold") {
    x.request.setHeader("x-mark", "yes");
  }
  const pathsuffixMatches = matches(x.pathSuffix, PATTERN);
  if (pathsuffixMatches && x.request.verb === "GET") {
    // Flow read
    // AM-Mark · AssignMessage · proxies/chat/policies/AM-Mark.yaml
    x.request.setHeader("x-mark", "yes");
  } else if (pathsuffixMatches && x.request.verb === "POST") {
    // Flow write
    // AM-Tier · AssignMessage · proxies/chat/policies/AM-Tier.yaml
    x.request.setHeader("x-limit", "100");
  }
  return route(x);
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
    hash: "c5b399b95c732ba4",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
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
import { chat } from "./proxies/chat.ts";

const chatDefaultTargets: Record<string, Target> = {};

const chatInDefault = chat("default", chatDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: chatInDefault },
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
  if (segment0 === "chat") {
    return chatInDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
