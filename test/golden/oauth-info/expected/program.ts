// program/proxies/tokens.ts
/** Proxy tokens, compiled from proxies/tokens/proxy.yaml. */
import { requestForm } from "#runtime/body/body.ts";
import { Exchange } from "#runtime/context.ts";
import { formValue, textOr, textOrNull } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { valueOr } from "#runtime/policies/assign-message.ts";
import { deleteAccessToken } from "#runtime/policies/delete-oauth-v2-info.ts";
import { getAccessTokenInfo } from "#runtime/policies/get-oauth-v2-info.ts";
import { faultResponse, raiseFault } from "#runtime/policies/raise-fault.ts";
import { revokeOAuthV2 } from "#runtime/policies/revoke-oauth-v2.ts";
import { setOAuthV2Info } from "#runtime/policies/set-oauth-v2-info.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";
import { issuedVariable } from "#runtime/token/issued.ts";

const GET_OAUTH_V2_INFO = { name: "GI-Token", variable: "request.formparam.token", ignoreStatus: true } as const;

const RAISE_FAULT = { name: "RF-Told", isShort: false } as const;

const SET_OAUTH_V2_INFO = { name: "SI-Token", variable: "request.formparam.token", keep: false } as const;

const DELETE_OAUTH_V2_INFO = { name: "DI-Token", variable: "request.formparam.token" } as const;

const REVOKE_OAUTH_V2 = { name: "RO-User", cascade: true } as const;

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

const HEADERS: HeaderOwnership = headerOwnership([], []);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  // A null route: no target.
  x.route = "default";
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  if (x.pathSuffix === "/look") {
    // Flow look
    // Reads the form for request.formparam.token in GI-Token.
    return andThen(requestForm(x), () => afterFormBody(x));
  }
  if (x.pathSuffix === "/mark") {
    // Flow mark
    // Reads the form for request.formparam.token in SI-Token.
    return andThen(requestForm(x), () => afterFormBody2(x));
  }
  if (x.pathSuffix === "/drop") {
    // Flow drop
    // Reads the form for request.formparam.token in DI-Token.
    return andThen(requestForm(x), () => afterFormBody3(x));
  }
  if (x.pathSuffix === "/logout") {
    // Flow logout
    // Reads the form for request.formparam.user in RO-User.
    return andThen(requestForm(x), () => afterFormBody4(x));
  }
  return route(x);
}

function afterFormBody(x: Exchange): Maybe<void> {
  // GI-Token · GetOAuthV2Info · proxies/tokens/policies/GI-Token.yaml
  return andThen(getAccessTokenInfo(x, GET_OAUTH_V2_INFO, formValue(x.request, "token")), () => afterGiToken(x));
}

function afterGiToken(x: Exchange): Maybe<void> {
  // RF-Told · RaiseFault · proxies/tokens/policies/RF-Told.yaml
  const answer = faultResponse();
  answer.status = 200;
  answer.content = textOr(issuedVariable(x, "GI-Token", "status"), "") + " " + textOr(issuedVariable(x, "GI-Token", "accesstoken.tier"), "");
  raiseFault(RAISE_FAULT, answer);
}

function afterFormBody2(x: Exchange): Maybe<void> {
  // SI-Token · SetOAuthV2Info · proxies/tokens/policies/SI-Token.yaml
  return andThen(
    setOAuthV2Info(x, SET_OAUTH_V2_INFO, formValue(x.request, "token"), [{ name: "tier", value: valueOr(formValue(x.request, "tier"), "free"), display: true }]),
    () => route(x),
  );
}

function afterFormBody3(x: Exchange): Maybe<void> {
  // DI-Token · DeleteOAuthV2Info · proxies/tokens/policies/DI-Token.yaml
  return andThen(deleteAccessToken(x, DELETE_OAUTH_V2_INFO, formValue(x.request, "token")), () => route(x));
}

function afterFormBody4(x: Exchange): Maybe<void> {
  // RO-User · RevokeOAuthV2 · proxies/tokens/policies/RO-User.yaml
  return andThen(
    revokeOAuthV2(x, REVOKE_OAUTH_V2, { appId: "chat-web", endUserId: textOrNull(formValue(x.request, "user")) }),
    () => route(x),
  );
}

/** Proxy endpoint default on /tokens, in one environment. */
export function tokens(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "tokens",
    endpoint: "default",
    environment,
    basePath: "/tokens",
    baseSegments: 1,
    hash: "52fd714b3f860c3f",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request, response: () => {}, fault: () => {} },
    traced: null,
  };
}

// program/routes.ts
/** Routes: hosts and base paths to compiled proxies, and the targets these reach. */
import { segmentEnd } from "#runtime/flow/routing.ts";
import type { ProxyProgram, RouteEntry } from "#runtime/program.ts";
import type { Target } from "#runtime/target/target.ts";
import { tokens } from "./proxies/tokens.ts";

const tokensDefaultTargets: Record<string, Target> = {};

const tokensInDefault = tokens("default", tokensDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: tokensInDefault },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(): void {
}

/** Environment group default: *. */
function routeDefault(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "tokens") {
    return tokensInDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
