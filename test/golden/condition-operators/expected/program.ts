// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { hasAffixes, queryValue } from "#runtime/flow/variables.ts";
import { equalsIgnoreCase, greater, lessOrEqual, matches, startsWith, truthy } from "#runtime/language/operators.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const PATTERN = /^\/r\/[^\/]+\/x$/;

const REGEX = /^[0-9]{1,3}$/u;

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

const HEADERS: HeaderOwnership = headerOwnership(["x-a", "x-b", "x-c", "x-d", "x-e", "x-f", "x-g"], ["a", "b", "d", "e", "f", "g", "m", "n"]);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // AM-A · AssignMessage · proxies/chat/policies/AM-A.yaml
  if ((x.request.verb === "GET" || x.request.verb === "HEAD") && x.request.header("a") !== null) {
    x.request.setHeader("x-a", "1");
  }
  // AM-B · AssignMessage · proxies/chat/policies/AM-B.yaml
  if (truthy(x.request.header("b"))) {
    x.request.setHeader("x-b", "1");
  }
  // AM-C · AssignMessage · proxies/chat/policies/AM-C.yaml
  if (greater(x.request.header("n"), 3) && lessOrEqual(x.request.header("n"), x.request.header("m"))) {
    x.request.setHeader("x-c", "1");
  }
  // AM-D · AssignMessage · proxies/chat/policies/AM-D.yaml
  if (hasAffixes(x.request.header("d"), "a", "z") || matches(x.pathSuffix, PATTERN)) {
    x.request.setHeader("x-d", "1");
  }
  // AM-E · AssignMessage · proxies/chat/policies/AM-E.yaml
  if (matches(x.request.header("e"), REGEX)) {
    x.request.setHeader("x-e", "1");
  }
  // AM-F · AssignMessage · proxies/chat/policies/AM-F.yaml
  if (equalsIgnoreCase(x.request.header("f"), "Yes") && startsWith(x.request.header("g"), "v")) {
    x.request.setHeader("x-f", "1");
  }
  // AM-G · AssignMessage · proxies/chat/policies/AM-G.yaml
  if (x.request.header("g") !== queryValue(x.request, "g") && x.client.port === 443) {
    x.request.setHeader("x-g", "1");
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
    hash: "fbf77ebbd8d68067",
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
