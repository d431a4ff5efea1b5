/** What flow variables say of targets (apigee-core section 6.4). It reads; others write. */
import type { Exchange, Value } from "../context.ts";
import type { TargetServer, TargetTimes } from "./target.ts";

/** The server of the exchange: the one that was tried last, before that the one of the target's URL. */
export function targetServer({ server, target }: Exchange): TargetServer | null {
  if (server !== null || target === null || target.balancer !== null) return server;
  return target.servers[0] ?? null;
}

/**
 * How it is reached; before a server is picked, how the first of a load balancer is. Null as long as only the template
 * of the target's URL will tell.
 */
export function targetScheme({ server, target }: Exchange): "http" | "https" | null {
  if (target === null || (server === null && target.otherTransport !== undefined)) return null;
  return (server ?? target.servers[0] ?? target).transport.scheme;
}

/**
 * `target.url`: what a flow has written, else the URL of the target endpoint. Null where it has none: beside a load
 * balancer, for another proxy, and as long as a template is not filled.
 */
export function targetUrl({ targetUrl: written, target }: Exchange): Value {
  const server = target?.servers[0];
  if (written !== null || target === null || target.balancer !== null || server === undefined) return written;
  const url = `${server.transport.scheme}://${server.name}${target.basePath}`;
  return target.query === null ? url : `${url}?${target.query}`;
}

/** `target.ip`: the address that the last connection went to; null while there is none. */
export function targetIp({ targetSocket }: Exchange): string | null {
  return targetSocket?.remoteAddress?.replace(/^::ffff:/, "") ?? null;
}

/** Parts of a certificate's subject, by their names in it. */
export type TargetSubjectField = "C" | "CN" | "L" | "O" | "OU" | "ST" | "emailAddress";

/** `target.cn` and its kin: the subject of the certificate that the target showed; null without TLS. */
export function targetSubject({ targetSocket }: Exchange, field: TargetSubjectField): string | null {
  if (targetSocket === null || !("getPeerCertificate" in targetSocket)) return null;
  if (typeof targetSocket.getPeerCertificate !== "function") return null;
  const certificate: unknown = targetSocket.getPeerCertificate();
  if (typeof certificate !== "object" || certificate === null || !("subject" in certificate)) return null;
  const { subject } = certificate;
  if (typeof subject !== "object" || subject === null || !Object.hasOwn(subject, field)) return null;
  const value: unknown = Reflect.get(subject, field);
  return typeof value === "string" ? value : Array.isArray(value) ? String(value[0]) : null;
}

/** `target.expectedcn`: the name that is expected in the certificate instead of the host. */
export function expectedName(x: Exchange): string | null {
  return targetServer(x)?.transport.expectedName ?? null;
}

/** `loadbalancing.targetserver`: the server that was tried last; null without a load balancer. */
export function balancedServer({ server }: Exchange): TargetServer | null {
  return server?.state == null ? null : server;
}

/** `loadbalancing.failedservers`: names of the servers that failed this call, in order; null while none has. */
export function failedServers(x: Exchange): string | null {
  return x.failedServers === null ? null : `[${x.failedServers.map(({ name }) => name).join(", ")}]`;
}

/** `target.sent.start.timestamp` and its kin, wall clock; null until then. */
export function targetTime({ targetTimes }: Exchange, moment: keyof TargetTimes): number | null {
  return targetTimes?.[moment] ?? null;
}

/** The same as text, in the form of `system.time`. */
export function targetTimeText(x: Exchange, moment: keyof TargetTimes): string | null {
  const ms = targetTime(x, moment);
  return ms === null ? null : new Date(ms).toUTCString();
}
