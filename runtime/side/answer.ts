/**
 * What the side listeners (ops, admin) answer with: small, complete, never cached. It owns their limits too; it knows
 * no endpoint.
 */
import type { ServerResponse } from "node:http";
import type { Limits } from "../limits.ts";
import type { ListenLimits } from "../listen.ts";

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Further header lines. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Plain text, one line. */
export function textAnswer(status: number, line: string, headers?: Answer["headers"]): Answer {
  const answer = { status, contentType: "text/plain; charset=utf-8", body: `${line}\n` };
  return headers === undefined ? answer : { ...answer, headers };
}

/** JSON, for whoever asked: it may hold a key that is shown once. */
export function jsonAnswer(status: number, value: unknown, headers?: Answer["headers"]): Answer {
  const answer = { status, contentType: "application/json", body: `${JSON.stringify(value)}\n` };
  return headers === undefined ? answer : { ...answer, headers };
}

/** `{ "error": { "code", "message" } }`: codes are for programs, messages for people; neither holds a secret. */
export function errorAnswer(status: number, code: string, message: string, headers?: Answer["headers"]): Answer {
  return jsonAnswer(status, { error: { code, message } }, headers);
}

/** 400 with a message for people. */
export function badRequest(message: string, headers?: Answer["headers"]): Answer {
  return errorAnswer(400, "bad_request", message, headers);
}

/** Sends it. To a HEAD request node sends no body. */
export function send(response: ServerResponse, { body, contentType, headers = {}, status }: Answer): void {
  response.writeHead(status, {
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...headers,
  });
  response.end(body);
}

/** The gateway's limits with far fewer connections. */
export function sideLimits(limits: Limits): ListenLimits {
  return { ...limits, connectionsMax: limits.sideConnectionsMax, requestTimeoutMs: limits.requestHeadTimeoutMs };
}

/** Path of a request target, without query. */
export function pathOf(target: string | undefined): string {
  const path = target ?? "/";
  const query = path.indexOf("?");
  return query < 0 ? path : path.slice(0, query);
}
