// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText, responseOf } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { verifyApiKey } from "#runtime/policies/verify-api-key.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const VERIFY_API_KEY = { name: "VK-Key", variable: "request.header.x-api-key", keep: false } as const;

const WEB_SOCKET: WebSocketRoute = {
  mode: "only",
  idleTimeoutMs: 30000,
  maxDurationMs: 28800000,
  allowedOrigins: ["https://app.example.com"],
  ambientCredential: false,
  halfCloseTimeoutMs: 30000,
  writeStallTimeoutMs: 60000,
  closeGraceMs: 1000,
  closeTimeoutMs: 5000,
  spliceBufferBytesMax: 65536,
  closes: { tokenExpired: { code: 4001, text: "sign in again" } },
};

const HEADERS: HeaderOwnership = headerOwnership([], ["x-api-key"]);

const WEB_SOCKET2: WebSocketRoute = {
  mode: "deny",
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

/** Route rules: the first whose condition holds. */
function routeLive(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function requestLive(x: Exchange): Maybe<void> {
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  return andThen(verifyApiKey(x, VERIFY_API_KEY, x.request.header("x-api-key")), () => routeLive(x));
}

/** Response flow. */
function responseLive(x: Exchange): Maybe<void> {
  x.inTarget = false;
  // AM-Told · AssignMessage · proxies/chat/policies/AM-Told.yaml
  responseOf(x).setHeader("x-app", headerValue("AM-Told", needText(x.access?.app.name ?? null, "AM-Told", "developer.app.name")));
}

/** Proxy endpoint live on /live, in one environment. */
export function chatLive(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "live",
    environment,
    basePath: "/live",
    baseSegments: 1,
    hash: "56f25409b4cfc57d",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: requestLive, response: responseLive, fault: () => {} },
    traced: null,
  };
}

/** Response flow. */
function responsePlain(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint plain on /plain, in one environment. */
export function chatPlain(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "plain",
    environment,
    basePath: "/plain",
    baseSegments: 1,
    hash: "56f25409b4cfc57d",
    webSocket: WEB_SOCKET2,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeLive, response: responsePlain, fault: () => {} },
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
import { chatLive, chatPlain } from "./proxies/chat.ts";

const chatDefaultTargets: Record<string, Target> = {};

const chatLiveInDefault = chatLive("default", chatDefaultTargets);

const chatPlainInDefault = chatPlain("default", chatDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: chatLiveInDefault },
  { hostnames: ["*"], program: chatPlainInDefault },
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
  if (segment0 === "live") {
    return chatLiveInDefault;
  }
  if (segment0 === "plain") {
    return chatPlainInDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
