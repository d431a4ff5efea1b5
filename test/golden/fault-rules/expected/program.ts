// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { enforce, takeRoute, traceEnd, traceStep } from "#runtime/flow/chain.ts";
import { faultVariable, queryValue, responseOf } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { verifyApiKey } from "#runtime/policies/verify-api-key.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const POSITIONS = [
  {
    policy: "AM-First",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-First.yaml",
    line: 1,
    flow: "first",
  },
  {
    policy: "AM-Last",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Last.yaml",
    line: 1,
    flow: "all",
  },
  {
    policy: "AM-Cors",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Cors.yaml",
    line: 1,
    flow: "default-fault",
  },
  {
    policy: "VK-Key",
    kind: "VerifyAPIKey",
    file: "proxies/chat/policies/VK-Key.yaml",
    line: 1,
    flow: "PreFlow",
  },
  {
    policy: "AM-First",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-First.yaml",
    line: 1,
    flow: "first",
  },
  {
    policy: "AM-Last",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Last.yaml",
    line: 1,
    flow: "last",
  },
  {
    policy: "AM-Cors",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Cors.yaml",
    line: 1,
    flow: "always",
  },
];

const VERIFY_API_KEY = { name: "VK-Key", variable: "request.queryparam.apikey", keep: false } as const;

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

const HEADERS: HeaderOwnership = headerOwnership([], []);

/** Fault rules of target endpoint default. */
function defaultFault(x: Exchange): Maybe<void> {
  if (x.response?.status === 503) {
    // Fault rule first
    // AM-First · AssignMessage · proxies/chat/policies/AM-First.yaml
    responseOf(x).setHeader("x-rule", "first");
  } else {
    // Fault rule all
    // AM-Last · AssignMessage · proxies/chat/policies/AM-Last.yaml
    responseOf(x).setHeader("x-rule", "last");
  }
}

/** Fault rules of target endpoint default. */
function tracedDefaultFault(x: Exchange): Maybe<void> {
  if (x.response?.status === 503) {
    // Fault rule first
    // AM-First · AssignMessage · proxies/chat/policies/AM-First.yaml
    traceStep(x, 0, null);
    responseOf(x).setHeader("x-rule", "first");
    traceEnd(x);
  } else {
    // Fault rule all
    // AM-Last · AssignMessage · proxies/chat/policies/AM-Last.yaml
    traceStep(x, 1, null);
    responseOf(x).setHeader("x-rule", "last");
    traceEnd(x);
  }
}

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  return andThen(verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")), () => route(x));
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** The default fault rule, which runs behind every other. */
function proxyFaultAlways(x: Exchange): Maybe<void> {
  // Default fault rule
  // AM-Cors · AssignMessage · proxies/chat/policies/AM-Cors.yaml
  responseOf(x).setHeader("access-control-allow-origin", "*");
}

/** Fault rules of the proxy endpoint. */
function proxyFault(x: Exchange): Maybe<void> {
  if (faultVariable(x, "name") === "FailedToResolveAPIKey") {
    // Fault rule first
    // AM-First · AssignMessage · proxies/chat/policies/AM-First.yaml
    responseOf(x).setHeader("x-rule", "first");
  } else if (faultVariable(x, "name") === "InvalidApiKey") {
    // Fault rule last
    // AM-Last · AssignMessage · proxies/chat/policies/AM-Last.yaml
    responseOf(x).setHeader("x-rule", "last");
  }
}

/** Fault rules, and behind them the default fault rule. */
function proxyFaultEnforced(x: Exchange): Maybe<void> {
  return enforce(x, proxyFault, proxyFaultAlways);
}

/** Fault rules of the endpoint where the fault occurred. */
function fault(x: Exchange): Maybe<void> {
  if (x.inTarget && x.target?.name === "default") {
    return defaultFault(x);
  }
  if (!x.inTarget) {
    return proxyFaultEnforced(x);
  }
}

/** Request flow of the proxy endpoint. */
function tracedRequest(x: Exchange): Maybe<void> {
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  traceStep(x, 3, null);
  return andThen(
    verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")),
    () => {
      traceEnd(x);
      return route(x);
    },
  );
}

/** The default fault rule, which runs behind every other. */
function tracedProxyFaultAlways(x: Exchange): Maybe<void> {
  // Default fault rule
  // AM-Cors · AssignMessage · proxies/chat/policies/AM-Cors.yaml
  traceStep(x, 6, null);
  responseOf(x).setHeader("access-control-allow-origin", "*");
  traceEnd(x);
}

/** Fault rules of the proxy endpoint. */
function tracedProxyFault(x: Exchange): Maybe<void> {
  if (faultVariable(x, "name") === "FailedToResolveAPIKey") {
    // Fault rule first
    // AM-First · AssignMessage · proxies/chat/policies/AM-First.yaml
    traceStep(x, 4, null);
    responseOf(x).setHeader("x-rule", "first");
    traceEnd(x);
  } else if (faultVariable(x, "name") === "InvalidApiKey") {
    // Fault rule last
    // AM-Last · AssignMessage · proxies/chat/policies/AM-Last.yaml
    traceStep(x, 5, null);
    responseOf(x).setHeader("x-rule", "last");
    traceEnd(x);
  }
}

/** Fault rules, and behind them the default fault rule. */
function tracedProxyFaultEnforced(x: Exchange): Maybe<void> {
  return enforce(x, tracedProxyFault, tracedProxyFaultAlways);
}

/** Fault rules of the endpoint where the fault occurred. */
function tracedFault(x: Exchange): Maybe<void> {
  if (x.inTarget && x.target?.name === "default") {
    return tracedDefaultFault(x);
  }
  if (!x.inTarget) {
    return tracedProxyFaultEnforced(x);
  }
}

/** Proxy endpoint default on /chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/chat",
    baseSegments: 1,
    hash: "b733972f6b9349ce",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: POSITIONS,
    open: (start) => new Exchange(start),
    plain: { request, response, fault },
    traced: { request: tracedRequest, response, fault: tracedFault },
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
