/** Where a request goes: the path, query and Host that a target gets (apigee-core section 2.4). */
import type { Exchange, Value } from "../context.ts";
import { fault } from "../fault.ts";
import { canonicalPath } from "../exchange/path.ts";
import { keepQueryParams } from "../message/query.ts";
import type { Target, TargetServer, Transport } from "./target.ts";

/** What the target is asked for, whichever of its servers gets it. */
export interface TargetRequest {
  /** The server of a written `target.url`; null: one of the target's own. */
  readonly server: TargetServer | null;
  readonly path: string;
  readonly query: string | null;
}

/**
 * Base path of the target, then the suffix; configured query first, then the client's. Sets them on `x.request`, so it
 * is called once. A written `target.url` takes the place of server and base path; the two copy flags hold then too
 * (docs/differences.md).
 */
export function addressTarget(x: Exchange, target: Target): TargetRequest {
  const { request } = x;
  const dynamic = x.targetUrl === null ? null : parseUrl(x.targetUrl, target);
  const base = dynamic?.path ?? templatePath(x) ?? target.basePath;
  request.path = pathBehind(x, base);
  request.query = queryBehind(x, dynamic === null ? target.query : dynamic.query);
  return { server: dynamic?.server ?? null, path: request.path, query: request.query };
}

/** The path that a template has made, null where there is none: one that means the same to every reader, as a whole. */
export function templatePath({ targetPath }: Exchange): string | null {
  if (targetPath === null) return null;
  const { path } = /(?:^|\/)\.\.?(?:\/|$)|^[^/]|\?/.test(targetPath) ? { path: null } : canonicalPath(targetPath);
  if (path === null) throw fault("messaging.adaptors.http.flow.ServiceUnavailable", "path of the target");
  return basePathOf(path);
}

/** A base path with the suffix of the request, unless `target.copy.pathsuffix` says otherwise. */
export function pathBehind(x: Exchange, base: string): string {
  const path = isTrue(x.copyPathSuffix) ? joinPaths(base, x.pathSuffix) : base;
  return path === "" ? "/" : path;
}

/** A configured query with what of the request's goes on (`target.copy.queryparams`, `retain.queryparams`). */
export function queryBehind(x: Exchange, configured: string | null): string | null {
  if (!isTrue(x.copyQueryParams)) return joinQueries(configured, null);
  const retained = x.target?.retainedQueryParams;
  return joinQueries(configured, retained === undefined ? x.request.query : keepQueryParams(x.request.query, retained));
}

/** Value of Host towards a server: what `target.header.host` says, else `host:port` without the scheme's own port. */
export function hostFor(x: Exchange, { host, port, transport }: TargetServer): string {
  if (x.targetHost !== null) return String(x.targetHost);
  const name = host.includes(":") ? `[${host}]` : host;
  return port === (transport.scheme === "https" ? 443 : 80) ? name : `${name}:${port}`;
}

function parseUrl(value: Value, target: Target): { server: TargetServer; path: string; query: string | null } {
  const text = String(value);
  // URL drops line ends and turns backslashes; what is written is either a URL as it stands or none.
  const url = !/[\u0000-\u0020\u007f\\]/.test(text) && URL.canParse(text) ? new URL(text) : null;
  // The scheme decides how the connection is secured: the target says whether a variable may choose it.
  const transport = url === null ? null : transportFor(target, url.protocol);
  if (url === null || transport === null || url.username !== "" || url.password !== "") {
    throw fault("messaging.adaptors.http.flow.ServiceUnavailable", "target.url");
  }
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  const port = url.port === "" ? (transport.scheme === "https" ? 443 : 80) : Number(url.port);
  const server: TargetServer = { name: url.host, host, port, transport, isFallback: false, state: null };
  return { server, path: basePathOf(url.pathname), query: url.search === "" ? null : url.search.slice(1) };
}

function transportFor({ transport, otherTransport = transport }: Target, protocol: string): Transport | null {
  if (protocol === `${transport.scheme}:`) return transport;
  return protocol === `${otherTransport.scheme}:` ? otherTransport : null;
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
