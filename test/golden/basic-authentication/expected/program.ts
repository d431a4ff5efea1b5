// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange, type Value } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText, textOr } from "#runtime/flow/variables.ts";
import { notEquals } from "#runtime/language/operators.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { decodeBasic, encodeBasic } from "#runtime/policies/basic-authentication.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

/** An exchange with the variables that chat reads. */
class ChatExchange extends Exchange {
  /** basic.user */
  basicUser: Value = null;
  /** private.password */
  privatePassword: Value = null;
}

const BASIC_AUTHENTICATION = { name: "BA-Read", ignoreUnresolved: true } as const;

const BASIC_AUTHENTICATION2 = { name: "BA-Write", ignoreUnresolved: true } as const;

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

const HEADERS: HeaderOwnership = headerOwnership(["x-user"], ["authorization", "x-backend-authorization"]);

/** Route rules: the first whose condition holds. */
function route(x: ChatExchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: ChatExchange): Maybe<void> {
  // BA-Read · BasicAuthentication · proxies/chat/policies/BA-Read.yaml
  {
    const basic = decodeBasic(BASIC_AUTHENTICATION, x.request.header("authorization"));
    x.basicUser = basic.user;
    x.privatePassword = basic.password;
  }
  // AM-User · AssignMessage · proxies/chat/policies/AM-User.yaml
  x.request.setHeader("x-user", headerValue("AM-User", needText(x.basicUser, "AM-User", "basic.user")));
  // BA-Write · BasicAuthentication · proxies/chat/policies/BA-Write.yaml
  if (notEquals(x.basicUser, "guest")) {
    if (x.request.header("x-backend-authorization") === null) {
      x.request.setHeader("x-backend-authorization", textOr(headerValue("BA-Write", encodeBasic(BASIC_AUTHENTICATION2, x.basicUser, x.privatePassword)), ""));
    }
  }
  return route(x);
}

/** Response flow. */
function response(x: ChatExchange): Maybe<void> {
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
    hash: "ec8f245f68722eda",
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
