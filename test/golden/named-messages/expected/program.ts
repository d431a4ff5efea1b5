// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { requestForm, responseBody } from "#runtime/body/body.ts";
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText, queryValue, requestUri, responseOf, textOr } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { addFormParam, removeFormParam, setFormParam } from "#runtime/message/form.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import type { RequestMessage, ResponseMessage } from "#runtime/message/message.ts";
import { removeQueryParam, setQueryParam } from "#runtime/message/query.ts";
import { copyHeaders, copyPayload, copyQueryParams, headerValue, needMessage, newRequest, newResponse, renewMessage, requestMethod, switchedProtocols } from "#runtime/policies/assign-message.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

/** An exchange with the variables that chat reads and the messages that it makes. */
class ChatExchange extends Exchange {
  /** The message kept. */
  keptMessage: ResponseMessage | null = null;
  /** The message ask. */
  askMessage: RequestMessage | null = null;
}

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

const HEADERS: HeaderOwnership = headerOwnership(["x-ask"], ["x-id"]);

/** Route rules: the first whose condition holds. */
function route(x: ChatExchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: ChatExchange): Maybe<void> {
  // AM-Ask · AssignMessage · proxies/chat/policies/AM-Ask.yaml
  {
    const message = (x.askMessage = newRequest());
    message.setHeader("x-id", headerValue("AM-Ask", x.id));
    message.query = setQueryParam(message.query, "q", "1");
    message.verb = requestMethod("AM-Ask", "POST");
    message.path = "/ask";
    message.version = "1.0";
    message.setHeader("Content-Type", "application/json");
    message.content = "{\"id\":\"" + x.id + "\"}";
    copyHeaders(x.request, message, ["accept"]);
    copyQueryParams(x.request, message, null);
  }
  // AM-Demand · AssignMessage · proxies/chat/policies/AM-Demand.yaml
  {
    const message = needMessage(x.askMessage, "AM-Demand");
    addFormParam(message, "user", needText(x.askMessage?.header("x-id") ?? null, "AM-Demand", "ask.header.x-id"));
    message.query = removeQueryParam(message.query, "q");
  }
  // AM-Back · AssignMessage · proxies/chat/policies/AM-Back.yaml
  copyHeaders(x.askMessage, x.request, null);
  copyQueryParams(x.askMessage, x.request, null);
  if (x.askMessage !== null) if (x.session === null) x.request.verb = x.askMessage.verb;
  copyPayload(x.askMessage, x.request);
  if (x.askMessage !== null) x.askMessage.setHeader("x-late", headerValue("AM-Back", "yes"));
  x.request.setHeader("x-ask", headerValue("AM-Back", needText(x.askMessage?.verb ?? null, "AM-Back", "ask.verb") + " " + needText(requestUri(x.askMessage), "AM-Back", "ask.uri") + " " + textOr(queryValue(x.askMessage, "q"), "none") + " " + needText(x.askMessage?.content ?? null, "AM-Back", "ask.content")));
  // Reads the form for request.formstring in AM-Form.
  return andThen(requestForm(x), () => afterFormBody(x));
}

function afterFormBody(x: ChatExchange): Maybe<void> {
  // AM-Form · AssignMessage · proxies/chat/policies/AM-Form.yaml
  setFormParam(x.request, "a", "1");
  removeFormParam(x.request, "b");
  return route(x);
}

/** Response flow. */
function response(x: ChatExchange): Maybe<void> {
  x.inTarget = false;
  // Reads the body for response.content in AM-Log.
  return andThen(responseBody(x), () => afterResponseBody(x));
}

function afterResponseBody(x: ChatExchange): Maybe<void> {
  // AM-Log · AssignMessage · proxies/chat/policies/AM-Log.yaml
  {
    const message = (x.keptMessage ??= newResponse());
    copyHeaders(responseOf(x), message, null);
    message.status = responseOf(x).status;
    message.reason = responseOf(x).reason;
    copyPayload(responseOf(x), message);
  }
  // AM-Renew · AssignMessage · proxies/chat/policies/AM-Renew.yaml
  if (responseOf(x).status === 101) switchedProtocols("AM-Renew");
  renewMessage(responseOf(x));
  if (responseOf(x).status === 101) switchedProtocols("AM-Renew");
  responseOf(x).status = 202;
  responseOf(x).content = needText(x.keptMessage?.status ?? null, "AM-Renew", "kept.status.code") + " " + needText(x.keptMessage?.content ?? null, "AM-Renew", "kept.content");
}

/** Proxy endpoint default on /chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/chat",
    baseSegments: 1,
    hash: "5af214f2b2d178d1",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new ChatExchange(start),
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
