// program/proxies/orders.ts
/** Proxy orders, compiled from proxies/orders/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

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
function routeOuter(x: Exchange): Maybe<void> {
  takeRoute(x, "default", "default");
}

/** Response flow. */
function responseOuter(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint outer on /v1/orders, in one environment. */
export function ordersOuter(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "orders",
    endpoint: "outer",
    environment,
    basePath: "/v1/orders",
    baseSegments: 2,
    hash: "d3c917cd0a3abc99",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeOuter, response: responseOuter, fault: () => {} },
    traced: null,
  };
}

/** Proxy endpoint inner on /inner/orders, in one environment. */
export function ordersInner(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "orders",
    endpoint: "inner",
    environment,
    basePath: "/inner/orders",
    baseSegments: 2,
    hash: "d3c917cd0a3abc99",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: routeOuter, response: responseOuter, fault: () => {} },
    traced: null,
  };
}

// program/proxies/shop.ts
/** Proxy shop, compiled from proxies/shop/proxy.yaml. */
import { Exchange } from "#runtime/context.ts";
import { takeRoute } from "#runtime/flow/chain.ts";
import { startsWith } from "#runtime/language/operators.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { headerOwnership, type HeaderOwnership } from "#runtime/message/header-ownership.ts";
import type { ProxyProgram, Targets, WebSocketRoute } from "#runtime/program.ts";

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
  if (startsWith(x.pathSuffix, "/old/")) {
    takeRoute(x, "old", "by-path");
    return;
  }
  takeRoute(x, "default", "orders");
}

/** Response flow. */
function response(x: Exchange): Maybe<void> {
  x.inTarget = false;
}

/** Proxy endpoint default on /v1/shop, in one environment. */
export function shop(environment: string, targets: Targets): ProxyProgram {
  return {
    proxy: "shop",
    endpoint: "default",
    environment,
    basePath: "/v1/shop",
    baseSegments: 2,
    hash: "ff9fb48c596ec947",
    webSocket: WEB_SOCKET,
    apiTimeoutMs: null,
    targets,
    headers: HEADERS,
    positions: [],
    open: (start) => new Exchange(start),
    plain: { request: route, response, fault: () => {} },
    traced: null,
  };
}

// program/routes.ts
/** Routes: hosts and base paths to compiled proxies, and the targets these reach. */
import { segmentEnd } from "#runtime/flow/routing.ts";
import type { Limits } from "#runtime/limits.ts";
import type { ProxyProgram, RouteEntry } from "#runtime/program.ts";
import { localPathTarget, localTarget } from "#runtime/target/local.ts";
import { plainTarget } from "#runtime/target/plain.ts";
import type { Target } from "#runtime/target/target.ts";
import { ordersInner, ordersOuter } from "./proxies/orders.ts";
import { shop } from "./proxies/shop.ts";

const ordersDefaultTargets: Record<string, Target> = {};

const ordersOuterInDefault = ordersOuter("default", ordersDefaultTargets);

const ordersInnerInDefault = ordersInner("default", ordersDefaultTargets);

const shopDefaultTargets: Record<string, Target> = {};

const shopInDefault = shop("default", shopDefaultTargets);

/** Every deployed route. */
export const routes: readonly RouteEntry[] = [
  { hostnames: ["*"], program: ordersOuterInDefault },
  { hostnames: ["*"], program: ordersInnerInDefault },
  { hostnames: ["*"], program: shopInDefault },
];

/** Makes the targets; called once, when the settings have been read. */
export function makeTargets(limits: Limits): void {
  ordersDefaultTargets["default"] = plainTarget({
    name: "default",
    url: "http://orders.internal:3000",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, limits);
  shopDefaultTargets["orders"] = localTarget({
    name: "orders",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: ["1xx", "2xx", "404"],
  }, ordersInnerInDefault, limits);
  shopDefaultTargets["by-path"] = localPathTarget({
    name: "by-path",
    connectTimeoutMs: 3000,
    ioTimeoutMs: 55000,
    keepAliveTimeoutMs: 60000,
    successCodes: [],
  }, "/v1/orders/old", limits);
}

/** Environment group default: *. */
function routeDefault(path: string): ProxyProgram | null {
  const end0 = segmentEnd(path, 1);
  const segment0 = path.slice(1, end0);
  if (segment0 === "inner") {
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    if (segment1 === "orders") {
      return ordersInnerInDefault;
    }
    return null;
  }
  if (segment0 === "v1") {
    const end1 = segmentEnd(path, end0 + 1);
    const segment1 = path.slice(end0 + 1, end1);
    if (segment1 === "orders") {
      return ordersOuterInDefault;
    }
    if (segment1 === "shop") {
      return shopInDefault;
    }
    return null;
  }
  return null;
}

/** The program for a host (lower-case, without port) and a canonical path. */
export function route(_host: string, path: string): ProxyProgram | null {
  return routeDefault(path);
}
