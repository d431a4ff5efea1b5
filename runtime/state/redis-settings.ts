/**
 * Where the distributed store is and how to get in: what generated code hands over, read and checked when the gateway
 * starts. It opens nothing, and its errors show no value.
 */
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";

/** A host and its port. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** What the bundle says, its settings filled in. One of `url`, `cluster` and `sentinel` is not null. */
export interface RedisSettings {
  /** `redis://` or `rediss://`, with or without user, password and number of the database. */
  readonly url: string | null;
  /** Some nodes of a cluster; it tells the others. */
  readonly cluster: readonly RedisNode[] | null;
  readonly sentinel: {
    readonly master: string;
    readonly nodes: readonly RedisNode[];
    readonly password: string | null;
  } | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: RedisTlsFiles | null;
  /** Begins the name of every key and of the channel; in braces, so that a cluster keeps all keys together. */
  readonly keyPrefix: string;
  /** Channel of wake-ups. */
  readonly channel: string;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
}

/** Paths of PEM files; null: the system's authorities, no certificate of one's own. */
export interface RedisTlsFiles {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Name that the server's certificate must stand for; null: the host. */
  readonly serverName: string | null;
}

/** Where to connect, and credentials that the URL carries. */
export type RedisEndpoint = {
  readonly username: string | undefined;
  readonly password: string | undefined;
} & (
  | { readonly kind: "single"; readonly host: string; readonly port: number; readonly database: number }
  | { readonly kind: "cluster"; readonly nodes: readonly RedisNode[] }
  | {
      readonly kind: "sentinel";
      readonly master: string;
      readonly nodes: readonly RedisNode[];
      readonly sentinelPassword: string | null;
    }
);

const DEFAULT_PORT = 6379;

/** Reads the URL, or takes the nodes. Throws when the URL is none. */
export function endpointOf(settings: RedisSettings): RedisEndpoint {
  const { cluster, sentinel, url } = settings;
  const nobody = { username: undefined, password: undefined };
  if (cluster !== null) return { ...nobody, kind: "cluster", nodes: cluster };
  if (sentinel !== null) {
    const { master, nodes, password } = sentinel;
    return { ...nobody, kind: "sentinel", master, nodes, sentinelPassword: password };
  }
  const parsed = urlOf(url ?? "");
  return {
    kind: "single",
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: parsed.port === "" ? DEFAULT_PORT : Number(parsed.port),
    database: parsed.pathname.length > 1 ? Number(parsed.pathname.slice(1)) : 0,
    username: parsed.username === "" ? undefined : decodeURIComponent(parsed.username),
    password: parsed.password === "" ? undefined : decodeURIComponent(parsed.password),
  };
}

/** Options of TLS connections, undefined for none. Throws when a file cannot be read. */
export function tlsOf({ tls, url }: RedisSettings): ConnectionOptions | undefined {
  if (tls === null) return url !== null && urlOf(url).protocol === "rediss:" ? {} : undefined;
  const options: ConnectionOptions = { minVersion: "TLSv1.2" };
  if (tls.caFile !== null) options.ca = readFileSync(tls.caFile);
  if (tls.certFile !== null) options.cert = readFileSync(tls.certFile);
  if (tls.keyFile !== null) options.key = readFileSync(tls.keyFile);
  if (tls.serverName !== null) options.servername = tls.serverName;
  return options;
}

function urlOf(text: string): URL {
  const url = URL.parse(text);
  const isRedis = url !== null && /^rediss?:$/.test(url.protocol) && url.hostname !== "";
  if (!isRedis || !/^\/?\d{0,3}$/.test(url.pathname)) {
    throw new TypeError("the store's url must look like redis://host:6379 or rediss://host:6379");
  }
  return url;
}
