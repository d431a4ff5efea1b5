// program/proxies/oauth.ts
/** Proxy oauth, compiled from proxies/oauth/proxy.yaml. */
import { requestForm } from "#runtime/body/body.ts";
import { Exchange } from "#runtime/context.ts";
import { formValue } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { generateJwtAccessToken } from "#runtime/policies/oauth-v2-issue-jwt.ts";
import { clientCredentialsGrant } from "#runtime/policies/oauth-v2-issue.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";
import { settings } from "../settings.ts";

const GENERATE_ACCESS_TOKEN = {
  name: "OA-Token",
  grants: { client_credentials: clientCredentialsGrant },
  respond: true,
  isRfc: true,
  respondErrors: false,
  realm: null,
  keep: false,
} as const;

const SIGNING = {
  name: "OA-Token",
  id: "OA-Token",
  algorithm: "ES256",
  keyForm: { form: "private" },
  critical: [],
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

const HEADERS: HeaderOwnership = headerOwnership([], []);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  // A null route: no target.
  x.route = "default";
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // Reads the form for request.formparam.grant_type in OA-Token.
  return andThen(requestForm(x), () => afterFormBody(x));
}

function afterFormBody(x: Exchange): Maybe<void> {
  // OA-Token · OAuthV2 · proxies/oauth/policies/OA-Token.yaml
  return andThen(
    generateJwtAccessToken(x, GENERATE_ACCESS_TOKEN, SIGNING, {
      text: settings.tokenKey,
      password: null,
      issuer: "https://api.example.com/oauth",
      audience: "chat",
      kid: "2026-11",
    }, {
      grantType: formValue(x.request, "grant_type"),
      authorization: x.request.header("authorization"),
      clientId: formValue(x.request, "client_id"),
      clientSecret: formValue(x.request, "client_secret"),
      scope: null,
      expiresInMs: 600000,
      attributes: [],
    }),
    () => route(x),
  );
}

/** Proxy endpoint default on /oauth/token, in one environment. */
export function oauth(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "oauth",
    endpoint: "default",
    environment,
    basePath: "/oauth/token",
    baseSegments: 2,
    hash: "01dfd2f22124d4a8",
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
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    if (segment1 === "token") {
      return oauthInDefault;
    }
    return null;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
