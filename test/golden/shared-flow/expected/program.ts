// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange, type Value } from "#runtime/context.ts";
import { takeRoute, traceEnd, traceSkipped, traceStep } from "#runtime/flow/chain.ts";
import { needText, queryValue, responseOf } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { verifyApiKey } from "#runtime/policies/verify-api-key.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

/** An exchange with the variables that chat reads. */
class ChatExchange extends Exchange {
  /** realm of FC-Security */
  realmOfFcSecurity: Value = null;
}

const POSITIONS = [
  {
    policy: "FC-Security",
    kind: "FlowCallout",
    file: "proxies/chat/policies/FC-Security.yaml",
    line: 1,
    flow: "PreFlow",
  },
  {
    policy: "VK-Key",
    kind: "VerifyAPIKey",
    file: "shared-flows/security/policies/VK-Key.yaml",
    line: 1,
    flow: "PreFlow",
  },
  {
    policy: "AM-Realm",
    kind: "AssignMessage",
    file: "shared-flows/security/policies/AM-Realm.yaml",
    line: 1,
    flow: "PreFlow",
  },
  {
    policy: "FC-Stamp",
    kind: "FlowCallout",
    file: "proxies/chat/policies/FC-Stamp.yaml",
    line: 1,
    flow: "PreFlow",
    condition: "request.verb = \"GET\"",
  },
  {
    policy: "AM-Stamp",
    kind: "AssignMessage",
    file: "shared-flows/stamp/policies/AM-Stamp.yaml",
    line: 1,
    flow: "PreFlow",
  },
  {
    policy: "FC-Stamp",
    kind: "FlowCallout",
    file: "proxies/chat/policies/FC-Stamp.yaml",
    line: 1,
    flow: "PostFlow",
  },
  {
    policy: "AM-Stamp",
    kind: "AssignMessage",
    file: "shared-flows/stamp/policies/AM-Stamp.yaml",
    line: 1,
    flow: "PostFlow",
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

const HEADERS: HeaderOwnership = headerOwnership(["x-realm", "x-via"], []);

/** Route rules: the first whose condition holds. */
function route(x: ChatExchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: ChatExchange): Maybe<void> {
  // FC-Security · FlowCallout · proxies/chat/policies/FC-Security.yaml
  x.realmOfFcSecurity = "chat-" + x.program.endpoint;
  // VK-Key · VerifyAPIKey · shared-flows/security/policies/VK-Key.yaml
  return andThen(verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")), () => afterVkKey(x));
}

function afterFcSecurity(x: ChatExchange): Maybe<void> {
  // FC-Stamp · FlowCallout · proxies/chat/policies/FC-Stamp.yaml
  if (x.request.verb === "GET") {
    // AM-Stamp · AssignMessage · shared-flows/stamp/policies/AM-Stamp.yaml
    x.request.setHeader("x-via", "apigw");
  }
  return route(x);
}

function afterVkKey(x: ChatExchange): Maybe<void> {
  // AM-Realm · AssignMessage · shared-flows/security/policies/AM-Realm.yaml
  x.request.setHeader("x-realm", headerValue("AM-Realm", needText(x.realmOfFcSecurity, "AM-Realm", "realm")));
  return afterFcSecurity(x);
}

/** Response flow. */
function response(x: ChatExchange): Maybe<void> {
  x.inTarget = false;
  // FC-Stamp · FlowCallout · proxies/chat/policies/FC-Stamp.yaml
  // AM-Stamp · AssignMessage · shared-flows/stamp/policies/AM-Stamp.yaml
  responseOf(x).setHeader("x-via", "apigw");
}

/** Request flow of the proxy endpoint. */
function tracedRequest(x: ChatExchange): Maybe<void> {
  // FC-Security · FlowCallout · proxies/chat/policies/FC-Security.yaml
  traceStep(x, 0, null);
  traceEnd(x);
  x.realmOfFcSecurity = "chat-" + x.program.endpoint;
  // VK-Key · VerifyAPIKey · shared-flows/security/policies/VK-Key.yaml
  traceStep(x, 1, null);
  return andThen(
    verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey")),
    () => {
      traceEnd(x);
      return tracedAfterVkKey(x);
    },
  );
}

function tracedAfterFcSecurity(x: ChatExchange): Maybe<void> {
  // FC-Stamp · FlowCallout · proxies/chat/policies/FC-Stamp.yaml
  if (x.request.verb === "GET") {
    traceStep(x, 3, true);
    traceEnd(x);
    // AM-Stamp · AssignMessage · shared-flows/stamp/policies/AM-Stamp.yaml
    traceStep(x, 4, null);
    x.request.setHeader("x-via", "apigw");
    traceEnd(x);
  } else {
    traceSkipped(x, 3);
  }
  return route(x);
}

function tracedAfterVkKey(x: ChatExchange): Maybe<void> {
  // AM-Realm · AssignMessage · shared-flows/security/policies/AM-Realm.yaml
  traceStep(x, 2, null);
  x.request.setHeader("x-realm", headerValue("AM-Realm", needText(x.realmOfFcSecurity, "AM-Realm", "realm")));
  traceEnd(x);
  return tracedAfterFcSecurity(x);
}

/** Response flow. */
function tracedResponse(x: ChatExchange): Maybe<void> {
  x.inTarget = false;
  // FC-Stamp · FlowCallout · proxies/chat/policies/FC-Stamp.yaml
  traceStep(x, 5, null);
  traceEnd(x);
  // AM-Stamp · AssignMessage · shared-flows/stamp/policies/AM-Stamp.yaml
  traceStep(x, 6, null);
  responseOf(x).setHeader("x-via", "apigw");
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
    hash: "8c796f0eebadb1ce",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: POSITIONS,
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
