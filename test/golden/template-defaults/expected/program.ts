// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText, queryValue, textOr } from "#runtime/flow/variables.ts";
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

const HEADERS: HeaderOwnership = headerOwnership(["x-both", "x-default", "x-json", "x-none", "x-room", "x-user"], ["user"]);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // AM-Strict · AssignMessage · proxies/chat/policies/AM-Strict.yaml
  x.request.setHeader("x-user", headerValue("AM-Strict", needText(x.request.header("user"), "AM-Strict", "request.header.user")));
  x.request.setHeader("x-room", headerValue("AM-Strict", textOr(queryValue(x.request, "room"), "lobby")));
  x.request.setHeader("x-both", headerValue("AM-Strict", needText(x.request.header("user"), "AM-Strict", "request.header.user") + "/" + textOr(queryValue(x.request, "room"), "lobby")));
  x.request.setHeader("x-json", "{\"proxy\":\"chat\"}");
  // AM-Lenient · AssignMessage · proxies/chat/policies/AM-Lenient.yaml
  x.request.setHeader("x-user", headerValue("AM-Lenient", textOr(x.request.header("user"), "")));
  x.request.setHeader("x-none", "");
  x.request.setHeader("x-default", "none");
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
    hash: "99fb987d39a9fed2",
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
