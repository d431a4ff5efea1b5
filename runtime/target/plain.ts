/** Targets reached over plain TCP. */
import { Agent, type AgentOptions } from "node:http";
import type { Limits } from "../limits.ts";
import { basePathOf } from "./address.ts";
import { connectTcp } from "./connect.ts";
import type { Target, TargetServer } from "./target.ts";

/** A target endpoint as compiled; values from the environment are already filled in. */
export interface TargetSpec {
  readonly name: string;
  /** Absolute http or https URL; null with servers. */
  readonly url: string | null;
  readonly servers: readonly TargetServer[];
  /** Path in front of the suffix, with servers. */
  readonly path: string;
  readonly connectTimeoutMs: number;
  readonly ioTimeoutMs: number;
  /** How long an idle connection of the pool is kept. */
  readonly keepAliveTimeoutMs: number;
  /** Apigee's success.codes (`2xx`, `404`); empty: 1xx, 2xx and 3xx. */
  readonly successCodes: readonly string[];
}

/** A target over http. */
export function plainTarget(spec: TargetSpec, limits: Limits): Target {
  const { tcpKeepAliveMs } = limits;
  return {
    ...targetParts(spec, 80),
    scheme: "http",
    agent: new Agent(agentOptions(spec, limits)),
    connect: (server) => connectTcp({ ...server, tcpKeepAliveMs }),
  };
}

/** Keep-alive towards targets: bounded, the most recently used connection first, so that idle ones can go. */
export function agentOptions(spec: TargetSpec, limits: Limits): AgentOptions {
  return {
    keepAlive: true,
    keepAliveMsecs: limits.tcpKeepAliveMs,
    maxSockets: limits.targetConnectionsMax,
    maxTotalSockets: limits.targetConnectionsMax,
    maxFreeSockets: limits.targetIdleConnectionsMax,
    scheduling: "lifo",
    timeout: spec.keepAliveTimeoutMs,
  };
}

/** What plain and TLS targets share. `url` was checked by the compiler, or when the gateway read it at start. */
export function targetParts(spec: TargetSpec, defaultPort: number): Omit<Target, "scheme" | "agent" | "connect"> {
  const { name, connectTimeoutMs, ioTimeoutMs } = spec;
  const rest = { name, connectTimeoutMs, ioTimeoutMs, isSuccess: successTest(spec.successCodes), next: 0 };
  if (spec.url === null) return { ...rest, servers: spec.servers, basePath: basePathOf(spec.path), query: null };
  const url = new URL(spec.url);
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  const port = url.port === "" ? defaultPort : Number(url.port);
  const server = { name: url.host, host, port };
  const query = url.search === "" ? null : url.search.slice(1);
  return { ...rest, servers: [server], basePath: basePathOf(url.pathname), query };
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
