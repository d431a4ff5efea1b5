// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange, type Value } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { queryValue, textOr } from "#runtime/flow/variables.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

/** An exchange with the variables that chat reads. */
class ChatExchange extends Exchange {
  region: Value = null;
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

const HEADERS: HeaderOwnership = headerOwnership([], ["x-region", "x-scheme"]);

/** Request flow of target endpoint plain. */
function plainRequest(x: ChatExchange): Maybe<void> {
  // AM-Region · AssignMessage · proxies/chat/policies/AM-Region.yaml
  x.region = textOr(queryValue(x.request, "region"), "eu");
  // url of plain · TargetEndpoint · proxies/chat/proxy.yaml
  if (x.targetUrl === null) x.targetUrl = "http://" + textOr(x.request.header("x-region"), "eu") + ".chat.internal:3000/" + x.program.endpoint;
}

/** Request flow of target endpoint secure. */
function secureRequest(x: ChatExchange): Maybe<void> {
  // AM-Region · AssignMessage · proxies/chat/policies/AM-Region.yaml
  x.region = textOr(queryValue(x.request, "region"), "eu");
  // url of secure · TargetEndpoint · proxies/chat/proxy.yaml
  if (x.targetUrl === null) x.targetUrl = "https://" + textOr(x.region, "") + ".chat.internal";
}

/** Request flow of target endpoint any. */
function anyRequest(x: ChatExchange): Maybe<void> {
  // url of any · TargetEndpoint · proxies/chat/proxy.yaml
  if (x.targetUrl === null) x.targetUrl = textOr(x.request.header("x-scheme"), "https") + "://chat.internal";
}

/** Route rules: the first whose condition holds. */
function route(x: ChatExchange): Maybe<void> {
  if (queryValue(x.request, "to") === "plain") {
    takeRoute(x, "plain", "plain");
    return plainRequest(x);
  }
  if (queryValue(x.request, "to") === "secure") {
    takeRoute(x, "secure", "secure");
    return secureRequest(x);
  }
  takeRoute(x, "any", "any");
  return anyRequest(x);
}

/** Response flow. */
function response(x: ChatExchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint default on /v1/chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/v1/chat",
    baseSegments: 2,
    hash: "1cdaaf2606676c18",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new ChatExchange(start),
    plain: { request: route, response, fault: () => {} },
    traced: null,
  };
}

// program/routes.ts
/** Routes: hosts and base paths to compiled proxies, and the targets these reach. */
import { segmentEnd } from "#runtime/flow/routing.ts";
import type { Limits } from "#runtime/limits.ts";
import type { ProxyProgram, RouteEntry } from "#runtime/program.ts";
import { plainTemplateTarget } from "#runtime/target/plain.ts";
import { anyTemplateTarget, secureTemplateTarget } from "#runtime/target/secure.ts";
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
  chatDefaultTargets["plain"] = plainTemplateTarget({
    name: "plain",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
  chatDefaultTargets["secure"] = secureTemplateTarget({
    name: "secure",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, { caFile: null, certFile: null, keyFile: null, commonName: null }, limits);
  chatDefaultTargets["any"] = anyTemplateTarget({
    name: "any",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, { caFile: null, certFile: null, keyFile: null, commonName: null }, limits);
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
