// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { carryOn, carryOnLater, takeRoute, traceEnd, traceSkipped, traceStep } from "#runtime/flow/chain.ts";
import { hasFailed, queryValue, textOr } from "#runtime/flow/variables.ts";
import { andThen, type Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { headerValue } from "#runtime/policies/assign-message.ts";
import { faultResponse, raiseFault } from "#runtime/policies/raise-fault.ts";
import { spikeArrest } from "#runtime/policies/spike-arrest.ts";
import { verifyApiKey } from "#runtime/policies/verify-api-key.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const POSITIONS = [
  {
    policy: "SA-Burst",
    kind: "SpikeArrest",
    file: "proxies/chat/policies/SA-Burst.yaml",
    line: 1,
    flow: "PreFlow",
  },
  {
    policy: "VK-Key",
    kind: "VerifyAPIKey",
    file: "proxies/chat/policies/VK-Key.yaml",
    line: 1,
    flow: "PreFlow",
  },
  {
    policy: "RF-No",
    kind: "RaiseFault",
    file: "proxies/chat/policies/RF-No.yaml",
    line: 1,
    flow: "PreFlow",
    condition: "oauthV2.VK-Key.failed = true",
  },
  {
    policy: "AM-Last",
    kind: "AssignMessage",
    file: "proxies/chat/policies/AM-Last.yaml",
    line: 1,
    flow: "PreFlow",
  },
];

const SPIKE_ARREST = { name: "SA-Burst", id: "SA-Burst", rateVariable: "", effectiveCount: false, keep: false } as const;

const VERIFY_API_KEY = { name: "VK-Key", variable: "request.queryparam.apikey", keep: false } as const;

const RAISE_FAULT = { name: "RF-No", isShort: false } as const;

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

const HEADERS: HeaderOwnership = headerOwnership(["x-app"], []);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // SA-Burst · SpikeArrest · proxies/chat/policies/SA-Burst.yaml
  try {
    spikeArrest(x, SPIKE_ARREST, { rate: "10ps", identifier: null, weight: 1 });
  } catch (error) {
    carryOn(x, error, "SA-Burst");
  }
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  return andThen(
    carryOnLater(x, "VK-Key", () => verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey"))),
    () => afterVkKey(x),
  );
}

function afterVkKey(x: Exchange): Maybe<void> {
  // RF-No · RaiseFault · proxies/chat/policies/RF-No.yaml
  if (hasFailed(x, "VK-Key") === true) {
    const answer = faultResponse();
    answer.status = 403;
    raiseFault(RAISE_FAULT, answer);
  }
  // AM-Last · AssignMessage · proxies/chat/policies/AM-Last.yaml
  x.request.setHeader("x-app", headerValue("AM-Last", textOr(x.access?.app.name ?? null, "none")));
  return route(x);
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Request flow of the proxy endpoint. */
function tracedRequest(x: Exchange): Maybe<void> {
  // SA-Burst · SpikeArrest · proxies/chat/policies/SA-Burst.yaml
  traceStep(x, 0, null);
  try {
    spikeArrest(x, SPIKE_ARREST, { rate: "10ps", identifier: null, weight: 1 });
  } catch (error) {
    carryOn(x, error, "SA-Burst");
  }
  traceEnd(x);
  // VK-Key · VerifyAPIKey · proxies/chat/policies/VK-Key.yaml
  traceStep(x, 1, null);
  return andThen(
    carryOnLater(x, "VK-Key", () => verifyApiKey(x, VERIFY_API_KEY, queryValue(x.request, "apikey"))),
    () => {
      traceEnd(x);
      return tracedAfterVkKey(x);
    },
  );
}

function tracedAfterVkKey(x: Exchange): Maybe<void> {
  // RF-No · RaiseFault · proxies/chat/policies/RF-No.yaml
  if (hasFailed(x, "VK-Key") === true) {
    traceStep(x, 2, true);
    {
      const answer = faultResponse();
      answer.status = 403;
      raiseFault(RAISE_FAULT, answer);
    }
  } else {
    traceSkipped(x, 2);
  }
  // AM-Last · AssignMessage · proxies/chat/policies/AM-Last.yaml
  traceStep(x, 3, null);
  x.request.setHeader("x-app", headerValue("AM-Last", textOr(x.access?.app.name ?? null, "none")));
  traceEnd(x);
  return route(x);
}

/** Proxy endpoint default on /chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/chat",
    baseSegments: 1,
    hash: "120ee2ceb463249b",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: POSITIONS,
    open: (start) => new Exchange(start),
    plain: { request, response, fault: () => {} },
    traced: { request: tracedRequest, response, fault: () => {} },
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
