// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute, traceEnd, traceSkipped, traceStep } from "#runtime/flow/chain.ts";
import { queryValue } from "#runtime/flow/variables.ts";
import { startsWith } from "#runtime/language/operators.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { verifyAccessToken } from "#runtime/policies/oauth-v2.ts";
import { verifyApiKey } from "#runtime/policies/verify-api-key.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const POSITIONS = [
  {
    policy: "AM-First",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-First.yaml",
    line: 1,
    flow: "PreFlow",
  },
  {
    policy: "VK-Key",
    kind: "VerifyAPIKey",
    file: "proxies/chat/policies/VK-Key.yaml",
    line: 1,
    flow: "rooms",
  },
  {
    policy: "OA-Verify",
    kind: "OAuthV2",
    file: "proxies/chat/policies/OA-Verify.yaml",
    line: 1,
    flow: "rooms",
    condition: "request.header.authorization != null",
  },
  {
    policy: "AM-Room",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Room.yaml",
    line: 1,
    flow: "rooms",
  },
  {
    policy: "VK-Key",
    kind: "VerifyAPIKey",
    file: "proxies/chat/policies/VK-Key.yaml",
    line: 1,
    flow: "rest",
  },
  {
    policy: "AM-Last",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Last.yaml",
    line: 1,
    flow: "PostFlow",
  },
];

const VERIFY_API_KEY = { name: "VK-Key", variable: "request.queryparam.apikey", keep: false } as const;

const VERIFY_ACCESS_TOKEN = {
  name: "OA-Verify",
  variable: null,
  prefix: "Bearer",
  scopes: [],
  requireAllScopes: false,
  keep: false,
} as const;

const WEB_SOCKET: WebSocketRoute = {
  mode: "allow",
  idleTimeoutMs: 600000,
  maxDurationMs: Infinity,
  allowedOrigins: null,
  ambientCredential: false,
  halfCloseTimeoutMs: 30000,
  writeStallTimeoutMs: 60000,
  closeGraceMs: 1000,
  closeTimeoutMs: 5000,
  spliceBufferBytesMax: 65536,
  closes: {},
};

const HEADERS: HeaderOwnership = headerOwnership(["x-step"], ["authorization"]);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // AM-First · AssignMessage · proxies/chat/policies/AM-First.yaml
  x.request.setHeader("x-step", "first");
  if (x.pathSuffix === "/status") {
    // Flow open
    return afterFlows(x);
  }
  if (startsWith(x.pathSuffix, "/rooms/")) {
    // Flow rooms
    // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
    return andThen(verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")), () => afterVkKey(x));
  }
  // Flow rest
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  return andThen(verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")), () => afterFlows(x));
}

function afterFlows(x: Exchange): Maybe<void> {
  // AM-Last · AssignMessage · proxies/chat/policies/AM-Last.yaml
  x.request.setHeader("x-step", "last");
  return route(x);
}

function afterVkKey(x: Exchange): Maybe<void> {
  // OA-Verify · OAuthV2 · proxies/chat/policies/OA-Verify.yaml
  if (x.request.header("authorization") !== null) {
    return andThen(verifyAccessToken(x, VERIFY_ACCESS_TOKEN, x.request.header("authorization")), () => afterOaVerify(x));
  }
  return afterOaVerify(x);
}

function afterOaVerify(x: Exchange): Maybe<void> {
  // AM-Room · AssignMessage · proxies/chat/policies/AM-Room.yaml
  x.request.setHeader("x-step", "room");
  return afterFlows(x);
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Request flow of the proxy endpoint. */
function tracedRequest(x: Exchange): Maybe<void> {
  // AM-First · AssignMessage · proxies/chat/policies/AM-First.yaml
  traceStep(x, 0, null);
  x.request.setHeader("x-step", "first");
  traceEnd(x);
  if (x.pathSuffix === "/status") {
    // Flow open
    return tracedAfterFlows(x);
  }
  if (startsWith(x.pathSuffix, "/rooms/")) {
    // Flow rooms
    // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
    traceStep(x, 1, null);
    return andThen(
      verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")),
      () => {
        traceEnd(x);
        return tracedAfterVkKey(x);
      },
    );
  }
  // Flow rest
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  traceStep(x, 4, null);
  return andThen(
    verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")),
    () => {
      traceEnd(x);
      return tracedAfterFlows(x);
    },
  );
}

function tracedAfterFlows(x: Exchange): Maybe<void> {
  // AM-Last · AssignMessage · proxies/chat/policies/AM-Last.yaml
  traceStep(x, 5, null);
  x.request.setHeader("x-step", "last");
  traceEnd(x);
  return route(x);
}

function tracedAfterVkKey(x: Exchange): Maybe<void> {
  // OA-Verify · OAuthV2 · proxies/chat/policies/OA-Verify.yaml
  if (x.request.header("authorization") !== null) {
    traceStep(x, 2, true);
    return andThen(
      verifyAccessToken(x, VERIFY_ACCESS_TOKEN, x.request.header("authorization")),
      () => {
        traceEnd(x);
        return tracedAfterOaVerify(x);
      },
    );
  }
  traceSkipped(x, 2);
  return tracedAfterOaVerify(x);
}

function tracedAfterOaVerify(x: Exchange): Maybe<void> {
  // AM-Room · AssignMessage · proxies/chat/policies/AM-Room.yaml
  traceStep(x, 3, null);
  x.request.setHeader("x-step", "room");
  traceEnd(x);
  return tracedAfterFlows(x);
}

/** Proxy endpoint default on /chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/chat",
    baseSegments: 1,
    hash: "a6e77c5ea822d6d1",
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
