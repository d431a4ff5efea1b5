// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute, traceEnd, traceFolded, traceSkipped, traceStep } from "#runtime/flow/chain.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const POSITIONS = [
  {
    policy: "AM-Other",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Other.yaml",
    line: 1,
    flow: "PreFlow",
    condition: "apiproxy.name = \"orders\"",
  },
  {
    policy: "AM-Chat",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Chat.yaml",
    line: 1,
    flow: "PreFlow",
    condition: "apiproxy.name = \"chat\" and request.verb = \"GET\"",
  },
  {
    policy: "AM-Always",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Always.yaml",
    line: 1,
    flow: "PreFlow",
    condition: "proxy.basepath = \"/chat\"",
  },
];

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

const HEADERS: HeaderOwnership = headerOwnership(["x-proxy", "x-seen"], []);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // AM-Chat · AssignMessage · proxies/chat/policies/AM-Chat.yaml
  if (x.request.verb === "GET") {
    x.request.setHeader("x-proxy", "chat");
  }
  // AM-Always · AssignMessage · proxies/chat/policies/AM-Always.yaml
  x.request.setHeader("x-seen", "yes");
  return route(x);
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Request flow of the proxy endpoint. */
function tracedRequest(x: Exchange): Maybe<void> {
  // AM-Other never runs: its condition is always false: apiproxy.name = "orders"
  traceFolded(x, 0);
  // AM-Chat · AssignMessage · proxies/chat/policies/AM-Chat.yaml
  if (x.request.verb === "GET") {
    traceStep(x, 1, true);
    x.request.setHeader("x-proxy", "chat");
    traceEnd(x);
  } else {
    traceSkipped(x, 1);
  }
  // AM-Always · AssignMessage · proxies/chat/policies/AM-Always.yaml
  traceStep(x, 2, null);
  x.request.setHeader("x-seen", "yes");
  traceEnd(x);
  return route(x);
}

/** Proxy endpoint default on /chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/chat",
    baseSegments: 1,
    hash: "44fc2657c3223d73",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: POSITIONS,
    open: (start) => new Exchange(start),
    plain: { request, response, fault: () => {} },
    traced: { request: tracedRequest, response, fault: () => {} },
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
