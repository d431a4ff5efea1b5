// program/proxies/oauth.ts
/** Proxy oauth, compiled from proxies/oauth/proxy.yaml. */
import { requestForm } from "#runtime/body/body.ts";
import { Exchange } from "#runtime/context.ts";
import { formValue } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { valueOr } from "#runtime/policies/assign-message.ts";
import { passwordGrant, refreshTokenGrant } from "#runtime/policies/oauth-v2-grants.ts";
import { clientCredentialsGrant, generateAccessToken } from "#runtime/policies/oauth-v2-issue.ts";
import { invalidateToken } from "#runtime/policies/oauth-v2.ts";
import { faultResponse, raiseFault } from "#runtime/policies/raise-fault.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const GENERATE_ACCESS_TOKEN = {
  name: "OA-Token",
  grants: {
    client_credentials: clientCredentialsGrant,
    password: passwordGrant,
    refresh_token: refreshTokenGrant,
  },
  respond: true,
  isRfc: false,
  respondErrors: false,
  realm: null,
  keep: false,
} as const;

const RAISE_FAULT = { name: "RF-NotFound", isShort: false } as const;

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
  const verbIsPost = x.request.verb === "POST";
  if (verbIsPost && x.pathSuffix === "/token") {
    // Flow token
    // Reads the form for request.formparam.grant_type in OA-Token.
    return andThen(requestForm(x), () => afterFormBody(x));
  }
  if (verbIsPost && x.pathSuffix === "/revoke") {
    // Flow revoke
    // Reads the form for request.formparam.token in OA-Revoke.
    return andThen(requestForm(x), () => afterFormBody2(x));
  }
  // Flow unknown
  // RF-NotFound · RaiseFault · proxies/oauth/policies/RF-NotFound.yaml
  const answer = faultResponse();
  answer.status = 404;
  raiseFault(RAISE_FAULT, answer);
}

function afterFormBody(x: Exchange): Maybe<void> {
  // OA-Token · OAuthV2 · proxies/oauth/policies/OA-Token.yaml
  return andThen(
    generateAccessToken(x, GENERATE_ACCESS_TOKEN, {
      grantType: formValue(x.request, "grant_type"),
      authorization: x.request.header("authorization"),
      clientId: formValue(x.request, "client_id"),
      clientSecret: formValue(x.request, "client_secret"),
      scope: formValue(x.request, "scope"),
      expiresInMs: 1800000,
      attributes: [],
      refreshExpiresInMs: valueOr(formValue(x.request, "lifetime"), 86400000),
      userName: formValue(x.request, "username"),
      passWord: formValue(x.request, "password"),
      refreshToken: formValue(x.request, "refresh_token"),
    }),
    () => route(x),
  );
}

function afterFormBody2(x: Exchange): Maybe<void> {
  // OA-Revoke · OAuthV2 · proxies/oauth/policies/OA-Revoke.yaml
  return andThen(
    invalidateToken(x, {
      name: "OA-Revoke",
      tokens: [
        {
          type: "accesstoken",
          cascade: false,
          variable: "request.formparam.token",
          value: formValue(x.request, "token"),
        },
      ],
    }),
    () => route(x),
  );
}

/** Proxy endpoint default on /oauth, in one environment. */
export function oauth(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "oauth",
    endpoint: "default",
    environment,
    basePath: "/oauth",
    baseSegments: 1,
    hash: "bc32562172d02e1e",
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
import { oauth } from "./proxies/oauth.ts";

const oauthDefaultTargets: Record<string, Target> = {};

const oauthInDefault = oauth("default", oauthDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: oauthInDefault },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(): void {
}

/** Environment group default: *. */
function routeDefault(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "oauth") {
    return oauthInDefault;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
