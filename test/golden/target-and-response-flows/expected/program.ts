// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText, responseOf } from "#runtime/flow/variables.ts";
import { greaterOrEqual } from "#runtime/language/operators.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { faultResponse, raiseFault } from "#runtime/policies/raise-fault.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const RAISE_FAULT = { name: "RF-Bad", isShort: false } as const;

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

const HEADERS: HeaderOwnership = headerOwnership(["x-in"], []);

/** Request flow of target endpoint backend. */
function backendRequest(x: Exchange): Maybe<void> {
  // AM-Host · AssignMessage · proxies/chat/policies/AM-Host.yaml
  x.targetHost = "inner.example";
}

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "backend");
  return backendRequest(x);
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // AM-In · AssignMessage · proxies/chat/policies/AM-In.yaml
  x.request.setHeader("x-in", headerValue("AM-In", needText(x.client.address, "AM-In", "client.ip")));
  return route(x);
}

/** Response flow of the proxy endpoint. */
function proxyResponse(x: Exchange): Maybe<void> {
  x.inTarget = false;
  // AM-Out · AssignMessage · proxies/chat/policies/AM-Out.yaml
  responseOf(x).removeHeader("server");
  if (x.pathSuffix === "/rooms") {
    // Flow rooms
    // AM-Rooms · AssignMessage · proxies/chat/policies/AM-Rooms.yaml
    responseOf(x).setHeader("x-flow", "rooms");
  }
}

/** Response flow of target endpoint backend. */
function backendResponse(x: Exchange): Maybe<void> {
  // AM-Seen · AssignMessage · proxies/chat/policies/AM-Seen.yaml
  responseOf(x).setHeader("x-target", headerValue("AM-Seen", needText(x.target?.name ?? null, "AM-Seen", "target.name")));
  // RF-Bad · RaiseFault · proxies/chat/policies/RF-Bad.yaml
  if (greaterOrEqual(x.response?.status ?? null, 500)) {
    const answer = faultResponse();
    answer.status = 502;
    raiseFault(RAISE_FAULT, answer);
  }
  return proxyResponse(x);
}

/** Response flows: the target endpoint's, then the proxy endpoint's. */
function response(x: Exchange): Maybe<void> {
  if (x.target?.name === "backend") {
    return backendResponse(x);
  }
  return proxyResponse(x);
}

/** Proxy endpoint default on /chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/chat",
    baseSegments: 1,
    hash: "fe4b3adb60ee7853",
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
  chatDefaultTargets["backend"] = plainTarget({
    name: "backend",
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
