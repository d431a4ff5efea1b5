// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { eventFlow } from "#runtime/body/event-stream.ts";
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { textOr } from "#runtime/flow/variables.ts";
import { greater } from "#runtime/language/operators.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { logMessage } from "#runtime/policies/message-logging.ts";
import { faultResponse, raiseFault } from "#runtime/policies/raise-fault.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const MESSAGE_LOGGING = { name: "ML-Event", severity: "INFO" } as const;

const RAISE_FAULT = { name: "RF-Enough", isShort: false } as const;

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

const HEADERS: HeaderOwnership = headerOwnership([], []);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** EventFlow of target endpoint default: runs for each event. */
function defaultEvent(x: Exchange): Maybe<void> {
  // AM-Drop · AssignMessage · proxies/chat/policies/AM-Drop.yaml
  if (x.event?.data === "[DONE]") {
    if (x.event !== null) x.event.content = "";
  }
}

/** EventFlow of the proxy endpoint: runs for each event. */
function event(x: Exchange): Maybe<void> {
  // ML-Event · MessageLogging · proxies/chat/policies/ML-Event.yaml
  logMessage(x, MESSAGE_LOGGING, textOr(x.event?.count ?? null, "") + " for " + textOr(x.request.path, ""));
  // RF-Enough · RaiseFault · proxies/chat/policies/RF-Enough.yaml
  if (greater(x.event?.count ?? null, 100)) {
    const answer = faultResponse();
    raiseFault(RAISE_FAULT, answer);
  }
}

/** Puts the EventFlows into the way of a target's event stream. */
function events(x: Exchange): Maybe<void> {
  if (x.target?.name === "default") {
    eventFlow(x, defaultEvent);
  }
  eventFlow(x, event);
}

/** Proxy endpoint default on /v1/chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/v1/chat",
    baseSegments: 2,
    hash: "5d27930ab0293123",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: route, response, fault: () => {}, events },
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
    url: "http://chat.internal:3000",
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
  if (segment0 === "v1") {
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    if (segment1 === "chat") {
      return chatInDefault;
    }
    return null;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
