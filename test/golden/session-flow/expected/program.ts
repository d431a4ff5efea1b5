// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { compression } from "#runtime/body/compression.ts";
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { beginPolicy, endPolicyLater, policyTime } from "#runtime/flow/policy-times.ts";
import { queryValue, textOr } from "#runtime/flow/variables.ts";
import { less } from "#runtime/language/operators.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { logSyslog } from "#runtime/policies/message-logging-syslog.ts";
import { logMessage } from "#runtime/policies/message-logging.ts";
import { verifyApiKey } from "#runtime/policies/verify-api-key.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";
import { tlsReceiver } from "#runtime/syslog/tls.ts";
import { settings } from "../settings.ts";

const VERIFY_API_KEY = { name: "VK-Key", variable: "request.queryparam.apikey", keep: false } as const;

const MESSAGE_LOGGING = { name: "ML-Ended", severity: "INFO" } as const;

const SYSLOG = { name: "ML-Alarm", severity: "ALERT", form: "formatted", framing: "octets" } as const;

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

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  beginPolicy(x, "VK-Key");
  return andThen(
    endPolicyLater(x, "VK-Key", verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey"))),
    () => route(x),
  );
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Session flow: a WebSocket session has ended. */
function sessionEnd(x: Exchange): Maybe<void> {
  // ML-Ended · MessageLogging · proxies/chat/policies/ML-Ended.yaml
  logMessage(x, MESSAGE_LOGGING, textOr(x.access?.app.name ?? null, "") + " left after " + textOr(x.ended === null ? null : Math.round(x.ended.durationMs), "") + " ms: " + textOr(x.ended?.closedBy ?? null, "") + " " + textOr(x.ended?.code ?? null, ""));
  // ML-Alarm · MessageLogging · proxies/chat/policies/ML-Alarm.yaml
  if (x.ended?.reason === "targetLost" && less(x.ended === null ? null : Math.round(x.ended.durationMs), 1000)) {
    logSyslog(x, SYSLOG, () => tlsReceiver({ host: settings.logHost, port: 6514 }, { caFile: settings.logCa, certFile: null, keyFile: null, commonName: null }), "the target lost " + textOr(x.access?.app.name ?? null, "") + " at once (" + textOr(policyTime(x, "VK-Key"), "") + " ns for its key)");
  }
}

/** Proxy endpoint default on /v1/chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/v1/chat",
    baseSegments: 2,
    hash: "90728311c433fe57",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    compression: compression("gzip"),
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request, response, fault: () => {}, sessionEnd },
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
    retainedHeaders: ["accept", "x-request-id"],
    retainedQueryParams: [],
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
