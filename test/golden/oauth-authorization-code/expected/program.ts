// program/proxies/login.ts
/** Proxy login, compiled from proxies/login/proxy.yaml. */
import { requestForm } from "#runtime/body/body.ts";
import { Exchange } from "#runtime/context.ts";
import { formValue, queryValue } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { valueOr } from "#runtime/policies/assign-message.ts";
import { authorizationCodeGrant, generateAuthorizationCode } from "#runtime/policies/oauth-v2-code.ts";
import { generateAccessToken } from "#runtime/policies/oauth-v2-issue.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const GENERATE_AUTHORIZATION_CODE = {
  name: "OA-Code",
  respond: true,
  isRfc: false,
  respondErrors: false,
  realm: null,
  requirePkce: true,
  challengeMethods: ["S256"],
  keep: false,
} as const;

const GENERATE_ACCESS_TOKEN = {
  name: "OA-Token",
  grants: { authorization_code: authorizationCodeGrant },
  respond: true,
  isRfc: true,
  respondErrors: false,
  realm: null,
  keep: false,
} as const;

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

const HEADERS: HeaderOwnership = headerOwnership([], ["x-tier", "x-user"]);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  // A null route: no target.
  x.route = "default";
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  if (x.pathSuffix === "/authorize") {
    // Flow authorize
    // OA-Code · OAuthV2 · proxies/login/policies/OA-Code.yaml
    return andThen(
      generateAuthorizationCode(x, GENERATE_AUTHORIZATION_CODE, {
        responseType: queryValue(x.request, "response_type"),
        clientId: queryValue(x.request, "client_id"),
        redirectUri: queryValue(x.request, "redirect_uri"),
        scope: null,
        state: queryValue(x.request, "state"),
        appEndUser: x.request.header("x-user"),
        expiresInMs: 600000,
        attributes: [],
        codeChallenge: queryValue(x.request, "code_challenge"),
        codeChallengeMethod: queryValue(x.request, "code_challenge_method"),
      }),
      () => route(x),
    );
  }
  if (x.pathSuffix === "/token") {
    // Flow token
    // Reads the form for request.formparam.grant_type in OA-Token.
    return andThen(requestForm(x), () => afterFormBody(x));
  }
  return route(x);
}

function afterFormBody(x: Exchange): Maybe<void> {
  // OA-Token · OAuthV2 · proxies/login/policies/OA-Token.yaml
  return andThen(
    generateAccessToken(x, GENERATE_ACCESS_TOKEN, {
      grantType: formValue(x.request, "grant_type"),
      authorization: x.request.header("authorization"),
      clientId: formValue(x.request, "client_id"),
      clientSecret: formValue(x.request, "client_secret"),
      scope: null,
      expiresInMs: 3600000,
      attributes: [{ name: "tier", value: valueOr(x.request.header("x-tier"), "free"), display: false }],
      refreshExpiresInMs: 2592000000,
      code: formValue(x.request, "code"),
      redirectUri: formValue(x.request, "redirect_uri"),
      codeVerifier: formValue(x.request, "code_verifier"),
    }),
    () => route(x),
  );
}

/** Proxy endpoint default on /login, in one environment. */
export function login(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "login",
    endpoint: "default",
    environment,
    basePath: "/login",
    baseSegments: 1,
    hash: "9681b50069c5a8c1",
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
import { login } from "./proxies/login.ts";

const loginDefaultTargets: Record<string, Target> = {};

const loginInDefault = login("default", loginDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: loginInDefault },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(): void {
}

/** Environment group default: *. */
function routeDefault(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "login") {
    return loginInDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
