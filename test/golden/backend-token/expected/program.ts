// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { needText, textOr, textOrNull } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { decodeJwt } from "#runtime/policies/decode-jwt.ts";
import { generateJwt } from "#runtime/policies/generate-jwt.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";
import { jwtVariable } from "#runtime/token/jwt-variables.ts";
import { settings } from "../settings.ts";

const DECODE_JWT = { name: "DJ-Hint", prefix: "Bearer", ignoreUnresolved: true, keep: true } as const;

const GENERATE_JWT = {
  name: "GJ-Backend",
  id: "GJ-Backend",
  algorithm: "ES256",
  keyForm: { form: "private" },
  critical: [],
  ignoreUnresolved: false,
  keep: false,
} as const;

const GENERATE_JWT2 = {
  name: "GJ-Plain",
  id: "GJ-Plain",
  algorithm: "HS256",
  keyForm: { form: "secret", encoding: "base64" },
  critical: [],
  ignoreUnresolved: false,
  keep: true,
} as const;

const CONTENT = { audience: "backend" } as const;

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

const HEADERS: HeaderOwnership = headerOwnership(["x-backend-token", "x-plain"], ["authorization"]);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // DJ-Hint · DecodeJWT · proxies/chat/policies/DJ-Hint.yaml
  decodeJwt(x, DECODE_JWT, x.request.header("authorization"));
  // GJ-Backend · GenerateJWT · proxies/chat/policies/GJ-Backend.yaml
  return andThen(
    generateJwt(x, GENERATE_JWT, { text: settings.runSecretsBackendPem, password: null }, {
      kid: "backend-1",
      subject: textOrNull(jwtVariable(x, "DJ-Hint", "claim.subject")) ?? "anonymous",
      issuer: "https://api.example.com",
      expiresIn: "5m",
    }, (token) => {
      x.request.setHeader("x-backend-token", textOr(headerValue("GJ-Backend", token), ""));
    }),
    () => afterGjBackend(x),
  );
}

function afterGjBackend(x: Exchange): Maybe<void> {
  // GJ-Plain · GenerateJWT · proxies/chat/policies/GJ-Plain.yaml
  return andThen(
    generateJwt(x, GENERATE_JWT2, { text: settings.backendSecret, password: null }, CONTENT, null),
    () => afterGjPlain(x),
  );
}

function afterGjPlain(x: Exchange): Maybe<void> {
  // AM-Tokens · AssignMessage · proxies/chat/policies/AM-Tokens.yaml
  x.request.setHeader("x-plain", headerValue("AM-Tokens", needText(jwtVariable(x, "GJ-Plain", "generated_jwt"), "AM-Tokens", "jwt.GJ-Plain.generated_jwt")));
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
    hash: "5de537ef1f11e935",
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
