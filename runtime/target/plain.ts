/** Targets reached over plain TCP, and what targets of all kinds are made of. */
import type { Socket } from "node:net";
import type { Compression } from "../body/compression.ts";
import type { Limits } from "../limits.ts";
import { basePathOf } from "./address.ts";
import { connectTcp } from "./connect.ts";
import { ConnectionPool } from "./pool.ts";
import type { Target, TargetServer, Transport } from "./target.ts";

/** What every target endpoint says, as compiled. */
export interface EndpointSpec {
  readonly name: string;
  readonly connectTimeoutMs: number;
  readonly ioTimeoutMs: number;
  /** How long an idle connection of the pool is kept. */
  readonly keepAliveTimeoutMs: number;
  /** Apigee's success.codes (`2xx`, `404`); empty: 1xx, 2xx and 3xx. */
  readonly successCodes: readonly string[];
  /** See Target. */
  readonly responseBytesMax?: number;
  /** See Target. */
  readonly compression?: Compression;
  /** See Target; header names in lower case. */
  readonly retainedHeaders?: readonly string[];
  readonly retainedResponseHeaders?: readonly string[];
  readonly retainedQueryParams?: readonly string[];
  /** ignore.allow.header.for.405 is false. */
  readonly needsAllowHeader?: true;
}

/** A target endpoint with a URL; values from the environment are already filled in. */
export interface TargetSpec extends EndpointSpec {
  /** Absolute http or https URL; checked by the compiler, or when the gateway read it at start. */
  readonly url: string;
}

/** A target over http. */
export function plainTarget(spec: TargetSpec, limits: Limits): Target {
  return urlTarget(spec, plainTransport(spec, limits), 80);
}

/** A target whose URL is a template that says http. */
export function plainTemplateTarget(spec: EndpointSpec, limits: Limits): Target {
  return templateTarget(spec, plainTransport(spec, limits));
}

/** Plain TCP with a pool of its own. */
export function plainTransport(spec: EndpointSpec, limits: Limits): Transport {
  const { tcpKeepAliveMs } = limits;
  const { keepAliveTimeoutMs } = spec;
  const connect = (host: string, port: number): Socket => connectTcp({ host, port, tcpKeepAliveMs });
  const pool = new ConnectionPool({ limits, connect, isTls: false, keepAliveTimeoutMs });
  return { scheme: "http", connect, expectedName: null, pool };
}

/** A target whose only server is that of its URL. */
export function urlTarget(spec: TargetSpec, transport: Transport, defaultPort: number): Target {
  const url = new URL(spec.url);
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  const port = url.port === "" ? defaultPort : Number(url.port);
  const server: TargetServer = { name: url.host, host, port, transport, isFallback: false, state: null };
  const query = url.search === "" ? null : url.search.slice(1);
  const basePath = basePathOf(url.pathname);
  return { ...endpointParts(spec), transport, servers: [server], balancer: null, basePath, query };
}

/** A target without servers of its own: each exchange names one by its `target.url`. */
export function templateTarget(spec: EndpointSpec, transport: Transport): Target {
  return { ...endpointParts(spec), transport, servers: [], balancer: null, basePath: "", query: null };
}

/** What targets with and without a URL share. */
export function endpointParts(spec: EndpointSpec) {
  const { name, connectTimeoutMs, ioTimeoutMs, responseBytesMax, compression, needsAllowHeader = false } = spec;
  const { retainedHeaders, retainedResponseHeaders, retainedQueryParams } = spec;
  const isSuccess = successTest(spec.successCodes);
  const own = {
    ...(responseBytesMax === undefined ? {} : { responseBytesMax }),
    ...(compression === undefined ? {} : { compression }),
    ...(retainedHeaders === undefined ? {} : { retainedHeaders: new Set(retainedHeaders) }),
    ...(retainedResponseHeaders === undefined ? {} : { retainedResponseHeaders: new Set(retainedResponseHeaders) }),
    ...(retainedQueryParams === undefined ? {} : { retainedQueryParams: new Set(retainedQueryParams) }),
  };
  return { name, connectTimeoutMs, ioTimeoutMs, isSuccess, needsAllowHeader, ...own };
}

function successTest(codes: readonly string[]): (status: number) => boolean {
  if (codes.length === 0) return (status) => status < 400;
  const statuses = new Set<number>();
  for (const code of codes) {
    const first = Number(code.charAt(0)) * 100;
    if (/xx$/i.test(code)) for (let status = first; status < first + 100; status++) statuses.add(status);
    else statuses.add(Number(code));
  }
  return (status) => statuses.has(status);
}
