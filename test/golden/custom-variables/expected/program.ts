// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange, type Value } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText, responseOf } from "#runtime/flow/variables.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue, needValue, valueOr } from "#runtime/policies/assign-message.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

/** An exchange with the variables that chat reads. */
class ChatExchange extends Exchange {
  /** call.id */
  callId: Value = null;
  user: Value = null;
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

const HEADERS: HeaderOwnership = headerOwnership(["x-asked-by"], ["b", "x-user"]);

/** Request flow of target endpoint default. */
function defaultRequest(x: ChatExchange): Maybe<void> {
  // AM-Ask · AssignMessage · proxies/chat/policies/AM-Ask.yaml
  x.request.setHeader("x-asked-by", headerValue("AM-Ask", needText(x.user, "AM-Ask", "user")));
}

/** Route rules: the first whose condition holds. */
function routeOne(x: ChatExchange): Maybe<void> {
  takeRoute(x, "default", "default");
  return defaultRequest(x);
}

/** Request flow of the proxy endpoint. */
function requestOne(x: ChatExchange): Maybe<void> {
  // AM-User · AssignMessage · proxies/chat/policies/AM-User.yaml
  x.user = valueOr(x.request.header("x-user"), "anonymous");
  x.callId = x.id + "-" + needText(x.user, "AM-User", "user");
  return routeOne(x);
}

/** Response flow. */
function responseOne(x: ChatExchange): Maybe<void> {
  x.inTarget = false;
  // AM-Tell · AssignMessage · proxies/chat/policies/AM-Tell.yaml
  responseOf(x).setHeader("x-request", headerValue("AM-Tell", needText(x.callId, "AM-Tell", "call.id")));
}

/** Proxy endpoint one on /one, in one environment. */
export function chatOne(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "one",
    environment,
    basePath: "/one",
    baseSegments: 1,
    hash: "4f141053aa03e6ae",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new ChatExchange(start),
    plain: { request: requestOne, response: responseOne, fault: () => {} },
    traced: null,
  };
}

/** Request flow of the proxy endpoint. */
function requestTwo(x: ChatExchange): Maybe<void> {
  // AM-User · AssignMessage · proxies/chat/policies/AM-User.yaml
  x.user = valueOr(x.request.header("x-user"), "anonymous");
  x.callId = x.id + "-" + needText(x.user, "AM-User", "user");
  // AM-Unread · AssignMessage · proxies/chat/policies/AM-Unread.yaml
  if (x.request.verb === "GET") {
    needValue(x.request.header("b"), "AM-Unread", "request.header.b");
  }
  return routeOne(x);
}

/** Response flow. */
function responseTwo(x: ChatExchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint two on /two, in one environment. */
export function chatTwo(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "two",
    environment,
    basePath: "/two",
    baseSegments: 1,
    hash: "4f141053aa03e6ae",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new ChatExchange(start),
    plain: { request: requestTwo, response: responseTwo, fault: () => {} },
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
import { chatOne, chatTwo } from "./proxies/chat.ts";

const chatDefaultTargets: Record<string, Target> = {};

const chatOneInDefault = chatOne("default", chatDefaultTargets);

const chatTwoInDefault = chatTwo("default", chatDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: chatOneInDefault },
  { hostnames: ["*"], program: chatTwoInDefault },
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
  if (segment0 === "one") {
    return chatOneInDefault;
  }
  if (segment0 === "two") {
    return chatTwoInDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
