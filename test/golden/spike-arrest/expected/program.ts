// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { textOr } from "#runtime/flow/variables.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { accessControl } from "#runtime/policies/access-control.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { rateVariable, spikeArrest } from "#runtime/policies/spike-arrest.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const ACCESS_CONTROL = { name: "AC-Home", noRuleMatchAction: "DENY", basedOn: null, variable: null } as const;

const ACCESS_RULES = [
  {
    action: "ALLOW",
    ranges: [
      { family: 4, words: [167772160], bits: 8 },
      { family: 6, words: [536939960, 0, 0, 0], bits: 32 },
    ],
  },
] as const;

const SPIKE_ARREST = { name: "SA-Client", id: "SA-Client", rateVariable: "", effectiveCount: true, keep: true } as const;

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

const HEADERS: HeaderOwnership = headerOwnership(["x-left"], ["x-client", "x-weight"]);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // AC-Home · AccessControl · proxies/chat/policies/AC-Home.yaml
  accessControl(x, ACCESS_CONTROL, ACCESS_RULES, null);
  // SA-Client · SpikeArrest · proxies/chat/policies/SA-Client.yaml
  if (x.request.verb !== "OPTIONS") {
    spikeArrest(x, SPIKE_ARREST, {
      rate: "30ps",
      identifier: x.request.header("x-client"),
      weight: x.request.header("x-weight"),
    });
  }
  // AM-Left · AssignMessage · proxies/chat/policies/AM-Left.yaml
  x.request.setHeader("x-left", headerValue("AM-Left", textOr(rateVariable(x, "SA-Client", "available.count"), "")));
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
    hash: "4f6e8e8329b45d7c",
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
