// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { carryOn, takeRoute } from "#runtime/flow/chain.ts";
import { needText, responseOf } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { verifyApiKey } from "#runtime/policies/verify-api-key.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const VERIFY_API_KEY = { name: "VK-Key", variable: "request.header.x-api-key", keep: false } as const;

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

const HEADERS: HeaderOwnership = headerOwnership(["x-app", "x-via"], ["x-api-key"]);

/** Request flow of target endpoint default. */
function defaultRequest(x: Exchange): Maybe<void> {
  x.flow = "PostFlow";
  if (x.program.environment === "prod" || x.program.environment === "test") {
    // Flow PreTargetFlowHook of prod, test
    x.flow = "PreTargetFlowHook";
    // PreTargetFlowHook · FlowCallout · environments/prod.yaml
    try {
      // AM-Stamp · AssignMessage · shared-flows/stamp/policies/AM-Stamp.yaml
      x.request.setHeader("x-via", headerValue("AM-Stamp", needText(x.flow, "AM-Stamp", "current.flow.name") + " in " + x.program.environment));
    } catch (error) {
      carryOn(x, error, "PreTargetFlowHook");
    }
  }
}

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  if (x.pathSuffix === "/health") {
    // A null route: no target.
    x.route = "health";
    return;
  }
  takeRoute(x, "default", "default");
  return defaultRequest(x);
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  if (x.program.environment === "prod") {
    // Flow PreProxyFlowHook of prod
    x.flow = "PreProxyFlowHook";
    // PreProxyFlowHook · FlowCallout · environments/prod.yaml
    // VK-Key · VerifyAPIKey · shared-flows/security/policies/VK-Key.yaml
    return andThen(verifyApiKey(x, VERIFY_API_KEY, x.request.header("x-api-key")), () => afterVkKey(x));
  }
  if (x.program.environment === "test") {
    // Flow PreProxyFlowHook of test
    x.flow = "PreProxyFlowHook";
    // PreProxyFlowHook · FlowCallout · environments/test.yaml
    // AM-Stamp · AssignMessage · shared-flows/stamp/policies/AM-Stamp.yaml
    x.request.setHeader("x-via", headerValue("AM-Stamp", needText(x.flow, "AM-Stamp", "current.flow.name") + " in " + x.program.environment));
    return afterFlows(x);
  }
  return afterFlows(x);
}

function afterFlows(x: Exchange): Maybe<void> {
  x.flow = "PostFlow";
  return route(x);
}

function afterVkKey(x: Exchange): Maybe<void> {
  // AM-App · AssignMessage · shared-flows/security/policies/AM-App.yaml
  x.request.setHeader("x-app", headerValue("AM-App", needText(x.access?.app.name ?? null, "AM-App", "developer.app.name")));
  return afterFlows(x);
}

/** Response flow of the proxy endpoint. */
function proxyResponse(x: Exchange): Maybe<void> {
  x.inTarget = false;
  x.flow = "PostFlow";
  if (x.program.environment === "prod" || x.program.environment === "test") {
    // Flow PostProxyFlowHook of prod, test
    x.flow = "PostProxyFlowHook";
    // PostProxyFlowHook · FlowCallout · environments/prod.yaml
    // AM-Stamp · AssignMessage · shared-flows/stamp/policies/AM-Stamp.yaml
    responseOf(x).setHeader("x-via", headerValue("AM-Stamp", needText(x.flow, "AM-Stamp", "current.flow.name") + " in " + x.program.environment));
  }
}

/** Response flow of target endpoint default. */
function defaultResponse(x: Exchange): Maybe<void> {
  if (x.program.environment === "prod") {
    // Flow PostTargetFlowHook of prod
    x.flow = "PostTargetFlowHook";
    // PostTargetFlowHook · FlowCallout · environments/prod.yaml
    try {
      // AM-Stamp · AssignMessage · shared-flows/stamp/policies/AM-Stamp.yaml
      responseOf(x).setHeader("x-via", headerValue("AM-Stamp", needText(x.flow, "AM-Stamp", "current.flow.name") + " in " + x.program.environment));
    } catch (error) {
      carryOn(x, error, "PostTargetFlowHook");
    }
  }
  x.flow = "PostFlow";
  return proxyResponse(x);
}

/** Response flows: the target endpoint's, then the proxy endpoint's. */
function response(x: Exchange): Maybe<void> {
  if (x.target?.name === "default") {
    return defaultResponse(x);
  }
  return proxyResponse(x);
}

/** Proxy endpoint default on /v1/chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/v1/chat",
    baseSegments: 2,
    hash: "5867186a5a9ba791",
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

const chatBareTargets: Record<string, Target> = {};

const chatInBare = chat("bare", chatBareTargets);

const chatProdTargets: Record<string, Target> = {};

const chatInProd = chat("prod", chatProdTargets);

const chatTestTargets: Record<string, Target> = {};

const chatInTest = chat("test", chatTestTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["api.example.com"], program: chatInProd },
  { hostnames: ["test.example.com"], program: chatInTest },
  { hostnames: ["bare.example.com"], program: chatInBare },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  chatBareTargets["default"] = plainTarget({
    name: "default",
    url: "http://chat.internal:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
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

/** Environment group public: api.example.com. */
function routePublic(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "v1") {
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    if (segment1 === "chat") {
      return chatInProd;
    }
    return null;
  }
  return null;
}

/** Environment group inner: test.example.com. */
function routeInner(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "v1") {
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    if (segment1 === "chat") {
      return chatInTest;
    }
    return null;
  }
  return null;
}

/** Environment group bare: bare.example.com. */
function routeBare(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "v1") {
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    if (segment1 === "chat") {
      return chatInBare;
    }
    return null;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(host: string, path: string): ProxyProgram | null {
  if (host === "api.example.com") {
    return routePublic(path);
  }
  if (host === "test.example.com") {
    return routeInner(path);
  }
  if (host === "bare.example.com") {
    return routeBare(path);
  }
  return null;
}
