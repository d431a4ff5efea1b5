// program/proxies/p.ts
/** Proxy p, compiled from proxies/p/proxy.yaml. */
import { Exchange, type Value } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText, queryValue, textOr } from "#runtime/flow/variables.ts";
import { escapeJson } from "#runtime/language/functions/escape.ts";
import { jsonPath } from "#runtime/language/functions/json-path.ts";
import { jsonQuery } from "#runtime/language/functions/json-query.ts";
import { substring } from "#runtime/language/functions/substring.ts";
import { formatTime } from "#runtime/language/functions/time-format.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";
import { encodeBase64 } from "#runtime/template/base64.ts";
import { digest } from "#runtime/template/digest.ts";
import { hmac } from "#runtime/template/hmac.ts";
import { randomLong } from "#runtime/template/random-long.ts";
import { replaceWith } from "#runtime/template/replace.ts";
import { xeger } from "#runtime/template/xeger.ts";
import { xpath } from "#runtime/template/xpath.ts";

/** An exchange with the variables that p reads. */
class PExchange extends Exchange {
  who: Value = null;
}

const HMAC = { algorithm: "sha256", keyEncoding: "hex", outputEncoding: "hex" } as const;

const REGEX = /[^A-Za-z]+/gu;

const REGEX2 = /([^\n\r\u0085\u2028\u2029])/u;

const FORM = {
  all: [
    { of: { from: [[65, 90]] }, min: 2, max: 2 },
    "-",
    { of: { from: [[48, 57]] }, min: 4, max: 6 },
    { one: ["foo", "bar"] },
  ],
} as const;

const QUERY = [
  { deep: "book" },
  {
    filter: {
      and: [
        { test: "<", left: { from: "@", steps: ["price"] }, right: { literal: 10 } },
        { exists: { from: "@", steps: ["isbn"] } },
      ],
    },
  },
  "title",
] as const;

const XPATH = {
  from: "document",
  where: [],
  steps: [
    { axis: "child", test: { uri: "urn:soap", name: "Envelope" }, where: [] },
    { axis: "descendant-or-self", test: "node", where: [] },
    {
      axis: "child",
      test: { uri: "", name: "id" },
      where: [
        {
          compare: "=",
          left: {
            from: "here",
            where: [],
            steps: [{ axis: "attribute", test: { uri: "", name: "n" }, where: [] }],
          },
          right: { number: 1 },
        },
      ],
    },
    { axis: "child", test: "text", where: [] },
  ],
} as const;

const PATH = ["a", 0, "b c"] as const;

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

const HEADERS: HeaderOwnership = headerOwnership([
  "x-clean",
  "x-constant",
  "x-digest",
  "x-id",
  "x-json",
  "x-part",
  "x-query",
  "x-signature",
  "x-time",
  "x-token",
  "x-user",
  "x-xml",
], ["a", "key", "user"]);

/** Route rules: the first whose condition holds. */
function route(x: PExchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: PExchange): Maybe<void> {
  // AM-Functions · AssignMessage · proxies/p/policies/AM-Functions.yaml
  x.who = x.request.header("user") === null && queryValue(x.request, "user") === null ? "nobody" : textOr(x.request.header("user") ?? queryValue(x.request, "user"), "");
  x.request.setHeader("x-constant", "V1-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  x.request.setHeader("x-digest", headerValue("AM-Functions", digest("md5", "hex", needText(x.who, "AM-Functions", "who"))));
  x.request.setHeader("x-signature", headerValue("AM-Functions", hmac(HMAC, needText(x.request.header("key"), "AM-Functions", "request.header.key"), needText(x.request.path, "AM-Functions", "request.path"), "AM-Functions")));
  x.request.setHeader("x-user", headerValue("AM-Functions", needText(x.who, "AM-Functions", "who").toLowerCase() + "|" + textOr(x.request.header("a") ?? (x.response?.status ?? null), "none")));
  x.request.setHeader("x-clean", headerValue("AM-Functions", textOr(x.request.header("a"), "none").replace(REGEX, "_") + replaceWith(needText(x.who, "AM-Functions", "who"), REGEX2, x.client.scheme, "AM-Functions")));
  x.request.setHeader("x-part", headerValue("AM-Functions", "p".slice(-1) + substring(needText(x.who, "AM-Functions", "who"), "1", needText(x.client.port, "AM-Functions", "client.port"))));
  x.request.setHeader("x-time", headerValue("AM-Functions", formatTime("yyyy-MM-dd'T'HH:mm:ss'Z'", needText(x.gateway.clock.wallMs(), "AM-Functions", "system.timestamp"), 1)));
  x.request.setHeader("x-id", headerValue("AM-Functions", x.gateway.clock.randomId() + "-" + randomLong(x.gateway.clock, "1", "9")));
  x.request.setHeader("x-token", headerValue("AM-Functions", xeger(x.gateway.clock, FORM)));
  x.request.setHeader("x-query", headerValue("AM-Functions", jsonQuery(QUERY, needText(x.request.header("a"), "AM-Functions", "request.header.a"), true)));
  x.request.setHeader("x-xml", headerValue("AM-Functions", xpath(XPATH, "nodeset", needText(x.request.header("a"), "AM-Functions", "request.header.a"))));
  x.request.setHeader("x-json", headerValue("AM-Functions", jsonPath(PATH, needText(x.request.header("a"), "AM-Functions", "request.header.a"), false) + escapeJson(needText(x.who, "AM-Functions", "who")) + encodeBase64(needText(x.who, "AM-Functions", "who"))));
  return route(x);
}

/** Response flow. */
function response(x: PExchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint default on /p, in one environment. */
export function p(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "p",
    endpoint: "default",
    environment,
    basePath: "/p",
    baseSegments: 1,
    hash: "9f6046d7cbbc5612",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new PExchange(start),
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
import { p } from "./proxies/p.ts";

const pDefaultTargets: Record<string, Target> = {};

const pInDefault = p("default", pDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: pInDefault },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  pDefaultTargets["default"] = plainTarget({
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
  if (segment0 === "p") {
    return pInDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
