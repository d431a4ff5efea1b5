// program/proxies/chat.ts
/** Proxy chat, compiled from proxies/chat/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { textOrNull } from "#runtime/flow/variables.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import { captureData } from "#runtime/policies/data-capture.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

const DATA_CAPTURE = {
  policy: "DC-Room",
  ignoresUnresolved: false,
  throwsOnLimit: false,
  captures: [
    {
      collector: "dc_room",
      type: "STRING",
      otherwise: "none",
      patterns: [{ prefix: "/rooms/", suffix: "", ignoreCase: false, isPath: true }],
    },
  ],
} as const;

const DATA_CAPTURE2 = {
  policy: "DC-Seats",
  ignoresUnresolved: true,
  throwsOnLimit: false,
  captures: [{ collector: "dc_seats", type: "INTEGER", otherwise: null, patterns: [] }],
} as const;

const DATA_CAPTURE3 = {
  policy: "DC-Status",
  ignoresUnresolved: false,
  throwsOnLimit: false,
  captures: [{ collector: "dc_status", type: "INTEGER", otherwise: null, patterns: [] }],
} as const;

const DATA_CAPTURE4 = {
  policy: "DC-Closed",
  ignoresUnresolved: false,
  throwsOnLimit: false,
  captures: [{ collector: "dc_closed", type: "STRING", otherwise: null, patterns: [] }],
} as const;

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

const HEADERS: HeaderOwnership = headerOwnership([], []);

/** Route rules: the first whose condition holds. */
function route(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Request flow of the proxy endpoint. */
function request(x: Exchange): Maybe<void> {
  // DC-Room · DataCapture · proxies/chat/policies/DC-Room.yaml
  captureData(x, DATA_CAPTURE, [textOrNull(x.pathSuffix)]);
  return route(x);
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
  // DC-Seats · DataCapture · proxies/chat/policies/DC-Seats.yaml
  if ((x.response?.header("x-seats") ?? null) !== null) {
    captureData(x, DATA_CAPTURE2, [textOrNull((x.response?.header("x-seats") ?? null))]);
  }
}

/** PostClientFlow: the answer has left. */
function postClient(x: Exchange): Maybe<void> {
  // DC-Status · DataCapture · proxies/chat/policies/DC-Status.yaml
  captureData(x, DATA_CAPTURE3, [textOrNull((x.response?.status ?? null))]);
}

/** Session flow: a WebSocket session has ended. */
function sessionEnd(x: Exchange): Maybe<void> {
  // DC-Closed · DataCapture · proxies/chat/policies/DC-Closed.yaml
  captureData(x, DATA_CAPTURE4, [textOrNull((x.ended?.reason ?? null))]);
}

/** Proxy endpoint default on /v1/chat, in one environment. */
export function chat(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "chat",
    endpoint: "default",
    environment,
    basePath: "/v1/chat",
    baseSegments: 2,
    hash: "8c4509d9e3bf00c7",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request, response, fault: () => {}, postClient, sessionEnd },
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
    url: "http://chat.internal:3000",
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
  if (segment0 === "v1") {
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    if (segment1 === "chat") {
      return chatInDefault;
    }
    return null;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
