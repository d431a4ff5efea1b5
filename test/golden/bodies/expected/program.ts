// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { requestBody, requestForm, responseBody } from "#runtime/body/body.ts";
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { contentIn, formValue, needText, responseOf, textOr } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue, switchedProtocols } from "#runtime/policies/assign-message.ts";
import { faultResponse, raiseFault } from "#runtime/policies/raise-fault.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const RAISE_FAULT = { name: "RF-Error", isShort: false } as const;

const WEB_SOCKET: WebSocketRoute = {
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

const HEADERS: HeaderOwnership = headerOwnership(["x-mark", "x-user"], []);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // AM-Mark · AssignMessage · proxies/chat/policies/AM-Mark.yaml
  x.request.setHeader("x-mark", headerValue("AM-Mark", needText(x.request.verb, "AM-Mark", "request.verb")));
  if (x.request.verb === "POST") {
    // Reads the body for request.content in AM-Copy.
    return andThen(requestBody(x), () => amCopy(x));
  }
  return afterAmCopy(x);
}

function afterAmCopy(x: Exchange): Maybe<void> {
  // Reads the form for request.formparam.user in AM-Form.
  return andThen(requestForm(x), () => afterFormBody(x));
}

function afterFormBody(x: Exchange): Maybe<void> {
  // AM-Form · AssignMessage · proxies/chat/policies/AM-Form.yaml
  x.request.setHeader("x-user", headerValue("AM-Form", textOr(formValue(x.request, "user"), "nobody")));
  // Reads the body for request.content in flow hello.
  return andThen(requestBody(x), () => afterRequestBody(x));
}

function afterRequestBody(x: Exchange): Maybe<void> {
  if (x.request.content === "hello") {
    // Flow hello
    // AM-Mark · AssignMessage · proxies/chat/policies/AM-Mark.yaml
    x.request.setHeader("x-mark", headerValue("AM-Mark", needText(x.request.verb, "AM-Mark", "request.verb")));
  }
  return route(x);
}

function amCopy(x: Exchange): Maybe<void> {
  // AM-Copy · AssignMessage · proxies/chat/policies/AM-Copy.yaml
  x.request.setHeader("Content-Type", "text/plain");
  x.request.content = needText(x.request.content, "AM-Copy", "request.content") + " again";
  return afterAmCopy(x);
}

/** Response flow of the proxy endpoint. */
function proxyResponse(x: Exchange): Maybe<void> {
  x.inTarget = false;
  if ((x.response?.header("x-error") ?? null) !== null) {
    // Reads the body for response.content in RF-Error.
    return andThen(responseBody(x), () => rfError(x));
  }
}

function rfError(x: Exchange): Maybe<void> {
  // RF-Error · RaiseFault · proxies/chat/policies/RF-Error.yaml
  const answer = faultResponse();
  answer.status = 502;
  answer.content = textOr(x.response?.content ?? null, "");
  raiseFault(RAISE_FAULT, answer);
}

/** Response flow of target endpoint default. */
function defaultResponse(x: Exchange): Maybe<void> {
  // Reads the body for response.content.as.base64 in AM-Answer.
  return andThen(responseBody(x), () => afterResponseBody(x));
}

function afterResponseBody(x: Exchange): Maybe<void> {
  // AM-Answer · AssignMessage · proxies/chat/policies/AM-Answer.yaml
  if (responseOf(x).status === 101) switchedProtocols("AM-Answer");
  responseOf(x).content = needText(contentIn(x.response, "base64"), "AM-Answer", "response.content.as.base64");
  return proxyResponse(x);
}

/** Response flows: the target endpoint's, then the proxy endpoint's. */
function response(x: Exchange): Maybe<void> {
  if (x.target?.name === "default") {
    return defaultResponse(x);
  }
  return proxyResponse(x);
}

function afterRequestBody2(x: Exchange): Maybe<void> {
  // AM-Asked · AssignMessage · proxies/chat/policies/AM-Asked.yaml
  responseOf(x).setHeader("x-asked", headerValue("AM-Asked", needText(x.request.content, "AM-Asked", "request.content")));
}

/** Fault rules of the proxy endpoint. */
function proxyFault(x: Exchange): Maybe<void> {
  if ((x.fault === null ? null : x.response)?.content === "refused") {
    // Fault rule refused
    // Reads the body for request.content in AM-Asked.
    return andThen(requestBody(x), () => afterRequestBody2(x));
  }
}

function proxyFaultReading(x: Exchange): Maybe<void> {
  // Reads the body for error.content in fault rule refused.
  return andThen(responseBody(x), () => proxyFault(x));
}

/** Fault rules of the endpoint where the fault occurred. */
function fault(x: Exchange): Maybe<void> {
  if (!x.inTarget) {
    return proxyFaultReading(x);
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
    hash: "d6780231409330d7",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request, response, fault },
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
    url: "http://127.0.0.1:9",
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
