// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText, textOr } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { decodeJws } from "#runtime/policies/decode-jws.ts";
import { generateJws } from "#runtime/policies/generate-jws.ts";
import { verifyJws } from "#runtime/policies/verify-jws.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";
import { issuedVariable } from "#runtime/token/issued.ts";
import { remoteKeys } from "#runtime/token/remote-keys.ts";
import { settings } from "../settings.ts";

const VERIFY_JWS = {
  name: "VS-Request",
  id: "VS-Request",
  algorithms: ["ES256"],
  keyForm: { form: "url", allowPrivateAddresses: false },
  openKeys: remoteKeys,
  type: null,
  prefix: "",
  ignoreCriticalHeaders: false,
  knownHeaders: [],
  ignoreUnresolved: false,
  keep: true,
  isDetached: true,
} as const;

const CLAIMS = {} as const;

const DECODE_JWS = { name: "DS-Hint", prefix: "", ignoreUnresolved: true, keep: true } as const;

const GENERATE_JWS = {
  name: "GS-Backend",
  id: "GS-Backend",
  algorithm: "HS256",
  keyForm: { form: "secret", encoding: "utf-8" },
  critical: [],
  ignoreUnresolved: false,
  keep: false,
  detach: true,
} as const;

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

const HEADERS: HeaderOwnership = headerOwnership(["x-backend-signature", "x-key"], ["digest", "x-hint", "x-signature"]);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // VS-Request · VerifyJWS · proxies/chat/policies/VS-Request.yaml
  return andThen(
    verifyJws(x, VERIFY_JWS, "https://id.example.com/keys", { jws: x.request.header("x-signature"), content: x.request.header("digest") }, CLAIMS),
    () => afterVsRequest(x),
  );
}

function afterVsRequest(x: Exchange): Maybe<void> {
  // DS-Hint · DecodeJWS · proxies/chat/policies/DS-Hint.yaml
  decodeJws(x, DECODE_JWS, x.request.header("x-hint"));
  // GS-Backend · GenerateJWS · proxies/chat/policies/GS-Backend.yaml
  return andThen(
    generateJws(x, GENERATE_JWS, { text: settings.backendSecret, password: null }, { kid: "backend-1", payload: x.request.path === null ? null : textOr(x.request.path, "") }, (token) => {
      x.request.setHeader("x-backend-signature", textOr(headerValue("GS-Backend", token), ""));
    }),
    () => afterGsBackend(x),
  );
}

function afterGsBackend(x: Exchange): Maybe<void> {
  // AM-Key · AssignMessage · proxies/chat/policies/AM-Key.yaml
  x.request.setHeader("x-key", headerValue("AM-Key", needText(issuedVariable(x, "VS-Request", "header.kid"), "AM-Key", "jws.VS-Request.header.kid")));
  x.request.setHeader("x-hint", headerValue("AM-Key", textOr(issuedVariable(x, "DS-Hint", "payload"), "none")));
  return route(x);
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint default on /chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/chat",
    baseSegments: 1,
    hash: "5f0880e300b03367",
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
