// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange, type Value } from "#runtime/context.ts";
import { takeRoute, traceEnd, traceSkipped, traceStep } from "#runtime/flow/chain.ts";
import { needText, queryValue, responseOf } from "#runtime/flow/variables.ts";
import { startsWith } from "#runtime/language/operators.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { removeQueryParam } from "#runtime/message/query.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { verifyApiKey } from "#runtime/policies/verify-api-key.ts";
import type { ProxyProgram, StepVariables, Targets, TracedVariable, WebSocketRoute } from "#runtime/program.ts";

/** An exchange with the variables that chat reads. */
class ChatExchange extends Exchange {
  room: Value = null;
}

const POSITIONS = [
  {
    policy: "VK-Key",
    kind: "VerifyAPIKey",
    file: "proxies/chat/policies/VK-Key.yaml",
    line: 1,
    flow: "PreFlow",
  },
  {
    policy: "AM-User",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-User.yaml",
    line: 1,
    flow: "PreFlow",
    condition: "proxy.pathsuffix MatchesPath \"/rooms/**\"",
  },
  {
    policy: "AM-Answer",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Answer.yaml",
    line: 1,
    flow: "PreFlow",
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

const HEADERS: HeaderOwnership = headerOwnership(["x-room"], []);

const VARIABLES: readonly TracedVariable<ChatExchange>[] = [
  { name: "proxy.pathsuffix", read: (x) => x.pathSuffix },
  { name: "room", read: (x) => x.room },
  { name: "unread", read: () => "nobody looks" },
  { name: "request.queryparam.apikey", secret: true, read: (x) => queryValue(x.request, "apikey") },
  { name: "request.header.x-room", read: (x) => x.request.header("x-room") },
  { name: "client_id", read: (x) => x.access?.key.clientId ?? null },
  { name: "developer.app.name", read: (x) => x.access?.app.name ?? null },
  { name: "developer.email", read: (x) => x.access?.developer.email ?? null },
  { name: "apiproduct.name", read: (x) => x.access?.product.name ?? null },
  { name: "response.status.code", read: (x) => x.response?.status ?? null },
  { name: "response.header.x-status", read: (x) => x.response?.header("x-status") ?? null },
];

const STEP_VARIABLES: readonly StepVariables[] = [
  { reads: [3], writes: [5, 6, 7, 8] },
  { reads: [0], writes: [1, 2, 3, 4] },
  { reads: [9], writes: [10] },
];

/** Route rules: the first whose condition holds. */
function route(x: ChatExchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: ChatExchange): Maybe<void> {
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  return andThen(verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")), () => afterVkKey(x));
}

function afterVkKey(x: ChatExchange): Maybe<void> {
  // AM-User · AssignMessage · proxies/chat/policies/AM-User.yaml
  if (startsWith(x.pathSuffix, "/rooms/")) {
    x.request.query = removeQueryParam(x.request.query, "apikey");
    x.room = "room " + x.pathSuffix;
    x.request.setHeader("x-room", headerValue("AM-User", needText(x.room, "AM-User", "room")));
  }
  return route(x);
}

/** Response flow. */
function response(x: ChatExchange): Maybe<void> {
  x.inTarget = false;
  // AM-Answer · AssignMessage · proxies/chat/policies/AM-Answer.yaml
  responseOf(x).setHeader("x-status", headerValue("AM-Answer", needText(x.response?.status ?? null, "AM-Answer", "message.status.code")));
}

/** Request flow of the proxy endpoint. */
function tracedRequest(x: ChatExchange): Maybe<void> {
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  traceStep(x, 0, null);
  return andThen(
    verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")),
    () => {
      traceEnd(x);
      return tracedAfterVkKey(x);
    },
  );
}

function tracedAfterVkKey(x: ChatExchange): Maybe<void> {
  // AM-User · AssignMessage · proxies/chat/policies/AM-User.yaml
  if (startsWith(x.pathSuffix, "/rooms/")) {
    traceStep(x, 1, true);
    x.request.query = removeQueryParam(x.request.query, "apikey");
    x.room = "room " + x.pathSuffix;
    x.request.setHeader("x-room", headerValue("AM-User", needText(x.room, "AM-User", "room")));
    traceEnd(x);
  } else {
    traceSkipped(x, 1);
  }
  return route(x);
}

/** Response flow. */
function tracedResponse(x: ChatExchange): Maybe<void> {
  x.inTarget = false;
  // AM-Answer · AssignMessage · proxies/chat/policies/AM-Answer.yaml
  traceStep(x, 2, null);
  responseOf(x).setHeader("x-status", headerValue("AM-Answer", needText(x.response?.status ?? null, "AM-Answer", "message.status.code")));
  traceEnd(x);
}

/** Proxy endpoint default on /chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/chat",
    baseSegments: 1,
    hash: "914be964d9065443",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: POSITIONS,
    variables: VARIABLES,
    stepVariables: STEP_VARIABLES,
    open: (start) => new ChatExchange(start),
    plain: { request, response, fault: () => {} },
    traced: { request: tracedRequest, response: tracedResponse, fault: () => {} },
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
