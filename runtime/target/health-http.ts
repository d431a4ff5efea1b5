/**
 * The health check that asks over HTTP (Apigee: HTTPMonitor): one request on a connection of its own, whose answer's
 * head is judged and whose body is not read. Headers may hold secrets, which stay in it.
 */
import { fieldLines } from "../message/head.ts";
import { ResponseMessage } from "../message/message.ts";
import { ResponseHeadReader } from "./response-head.ts";
import { connectTcp } from "./connect.ts";
import type { HealthCheck, MonitorServices } from "./health-monitor.ts";
import { checkOver, type HealthOutcome } from "./health-socket.ts";
import type { ServerPlace } from "./server-event.ts";
import type { TargetServer, Transport } from "./target.ts";

/** What a bundle says of it; values from the environment are already filled in. */
export interface HttpCheckSpec {
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** Null: that of the server. */
  readonly port: number | null;
  readonly verb: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly payload: string | null;
  /** Names and values alternating. */
  readonly headers: readonly string[];
  /** `plain`, `own` for the server's TLS settings, or others (Apigee: IsSSL, UseTargetServerSSLInfo). */
  readonly reach: "plain" | "own" | Transport;
  /** Adds X-Apigee-Healthcheck-Id. */
  readonly hasId: boolean;
  /** Statuses of a server that is well; empty: 2xx. */
  readonly statuses: readonly number[];
  /** Headers that the answer must have, names and values alternating. */
  readonly answerHeaders: readonly string[];
}

/**
 * A server is well when it answers in time as it should. Throws at start when a header from the environment is none.
 */
export function httpCheck(spec: HttpCheckSpec): HealthCheck {
  if (typeof fieldLines(spec.headers) !== "string") throw new TypeError("a header of a health check is not valid");
  return (server, place, services, done) => {
    const { clock, limits } = services;
    const port = spec.port ?? server.port;
    const transport = spec.reach === "own" ? server.transport : spec.reach;
    const isTls = transport !== "plain" && transport.scheme === "https";
    const { tcpKeepAliveMs } = limits;
    const socket = transport === "plain"
      ? connectTcp({ host: server.host, port, tcpKeepAliveMs })
      : transport.connect(server.host, port);
    const reader = new ResponseHeadReader(limits);
    const text = requestText(spec, server, port, place, services);
    return checkOver(socket, isTls, spec, clock, {
      connected: () => socket.write(text) || true,
      received: (bytes) => judge(spec, reader, bytes),
    }, done);
  };
}

function requestText(
  spec: HttpCheckSpec,
  { name, host }: TargetServer,
  port: number,
  { environment }: ServerPlace,
  { organization, clock }: MonitorServices,
): string {
  const { verb, path, payload, headers, hasId } = spec;
  const isNamed = headers.some((header, at) => at % 2 === 0 && header.toLowerCase() === "host");
  const lines = [...(isNamed ? [] : ["Host", `${host.includes(":") ? `[${host}]` : host}:${port}`]), ...headers];
  if (hasId) lines.push("X-Apigee-Healthcheck-Id", `${organization}/${environment}/${name}/${Math.trunc(clock.wallMs())}`);
  if (payload !== null) lines.push("Content-Length", String(Buffer.byteLength(payload)));
  const fields = fieldLines([...lines, "Connection", "close"]);
  if (typeof fields !== "string") throw new TypeError(`invariant: a health check sends ${fields.refused}`);
  return `${verb} ${path} HTTP/1.1\r\n${fields}\r\n${payload ?? ""}`;
}

function judge(spec: HttpCheckSpec, reader: ResponseHeadReader, bytes: Buffer): HealthOutcome | null {
  let left = bytes;
  do {
    const read = reader.push(left);
    if (read === null) return null;
    if (read.kind === "problem") return { problem: read.reason };
    const { status, reason, lines } = read;
    if (status >= 200) return { problem: verdict(spec, new ResponseMessage(status, reason, lines)) };
    left = read.rest;
  } while (left.length > 0);
  return null;
}

function verdict({ statuses, answerHeaders }: HttpCheckSpec, head: ResponseMessage): string | null {
  const { status } = head;
  const isGood = statuses.length === 0 ? status < 300 : statuses.includes(status);
  if (!isGood) return `status ${status}`;
  for (let at = 0; at < answerHeaders.length; at += 2) {
    const name = (answerHeaders[at] ?? "").toLowerCase();
    if (head.headerJoined(name) !== answerHeaders[at + 1]) return `header ${name}`;
  }
  return null;
}
