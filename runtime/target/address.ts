/** Where a request goes: the path, query and Host that a target gets (apigee-core section 2.4). */
import type { Exchange, Value } from "../context.ts";
import { fault } from "../fault.ts";
import type { Target, TargetServer } from "./target.ts";

/** What is written into the request to a target. */
export interface TargetRequest {
  readonly server: TargetServer;
  readonly path: string;
  readonly query: string | null;
  /** Value of Host. */
  readonly host: string;
}

/**
 * Base path of the target, then the suffix; configured query first, then the client's. Sets them on `x.request`. A written
 * `target.url` takes the place of server and base path; the two copy flags hold then too (docs/differences.md).
 */
export function addressTarget(x: Exchange, target: Target, server: TargetServer): TargetRequest {
  const { request } = x;
  const dynamic = x.targetUrl === null ? null : parseUrl(x.targetUrl, target);
  const base = dynamic?.path ?? target.basePath;
  const path = isTrue(x.copyPathSuffix) ? joinPaths(base, x.pathSuffix) : base;
  const query = joinQueries(dynamic === null ? target.query : dynamic.query, isTrue(x.copyQueryParams) ? request.query : null);
  request.path = path === "" ? "/" : path;
  request.query = query;
  const at = dynamic?.server ?? server;
  const host = x.targetHost === null ? authority(at, target.scheme) : String(x.targetHost);
  return { server: at, path: request.path, query, host };
}

/** `host:port`, without the scheme's own port. */
function authority(server: TargetServer, scheme: "http" | "https"): string {
  const host = server.host.includes(":") ? `[${server.host}]` : server.host;
  return server.port === (scheme === "https" ? 443 : 80) ? host : `${host}:${server.port}`;
}

function parseUrl(value: Value, target: Target): { server: TargetServer; path: string; query: string | null } {
  const text = String(value);
  // URL drops line ends and turns backslashes; what is written is either a URL as it stands or none.
  const url = !/[\u0000-\u0020\u007f\\]/.test(text) && URL.canParse(text) ? new URL(text) : null;
  // The scheme decides how the connection is secured, which is the target's to say and not a variable's.
  if (url === null || url.protocol !== `${target.scheme}:` || url.username !== "" || url.password !== "") {
    throw fault("messaging.adaptors.http.flow.ServiceUnavailable", "target.url");
  }
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  const port = url.port === "" ? (target.scheme === "https" ? 443 : 80) : Number(url.port);
  return { server: { name: url.host, host, port }, path: basePathOf(url.pathname), query: url.search === "" ? null : url.search.slice(1) };
}

/** The path of a target without a suffix: as it is written, "" for the root. */
export function basePathOf(path: string): string {
  return path === "/" ? "" : path;
}

/** One slash where both have one. */
function joinPaths(base: string, suffix: string): string {
  return base.endsWith("/") && suffix.startsWith("/") ? base + suffix.slice(1) : base + suffix;
}

function joinQueries(configured: string | null, incoming: string | null): string | null {
  if (configured === null || configured === "") return incoming;
  return incoming === null || incoming === "" ? configured : `${configured}&${incoming}`;
}

function isTrue(value: Value): boolean {
  return value !== false && String(value).toLowerCase() !== "false";
}
