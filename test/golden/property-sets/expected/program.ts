// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText } from "#runtime/flow/variables.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const LIMITS_BETA: Readonly<Record<string, string | null>> = { prod: "false", test: "true" };

const REGION_NAME: Readonly<Record<string, string | null>> = { prod: "europe", test: "lab" };

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

const HEADERS: HeaderOwnership = headerOwnership(["x-beta", "x-names", "x-size"], []);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // AM-Small · AssignMessage · proxies/chat/policies/AM-Small.yaml
  x.request.setHeader("x-size", "small, 20 rooms");
  // AM-Beta · AssignMessage · proxies/chat/policies/AM-Beta.yaml
  if (LIMITS_BETA[x.program.environment] === "true") {
    x.request.setHeader("x-beta", "yes");
  }
  // AM-Names · AssignMessage · proxies/chat/policies/AM-Names.yaml
  x.request.setHeader("x-names", headerValue("AM-Names", "hello from " + needText(REGION_NAME[x.program.environment] ?? null, "AM-Names", "propertyset.region.name")));
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
    hash: "2fd8402a8e0ba525",
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

const chatProdTargets: Record<string, Target> = {};

const chatInProd = chat("prod", chatProdTargets);

const chatTestTargets: Record<string, Target> = {};

const chatInTest = chat("test", chatTestTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["api.example.com"], program: chatInProd },
  { hostnames: ["test.example.com"], program: chatInTest },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  chatProdTargets["default"] = plainTarget({
    name: "default",
    url: "http://chat.internal:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
  chatTestTargets["default"] = plainTarget({
    name: "default",
    url: "http://chat.internal:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
}

/** Environment group prod: api.example.com. */
function routeProd(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "chat") {
    return chatInProd;
  }
  return null;
}

/** Environment group test: test.example.com. */
function routeTest(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "chat") {
    return chatInTest;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(host: string, path: string): ProxyProgram | null {
  if (host === "api.example.com") {
    return routeProd(path);
  }
  if (host === "test.example.com") {
    return routeTest(path);
  }
  return null;
}
