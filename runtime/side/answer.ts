/**
 * What the side listeners (ops, admin) answer with: small and complete, or in pieces as fast as they are taken; never
 * cached. It owns their limits too; it knows no endpoint.
 */
import type { ServerResponse } from "node:http";
import type { Limits } from "../limits.ts";
import type { ListenLimits } from "../listen/listen.ts";

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** The whole of it, or pieces that are made while they are sent. */
  readonly body: string | Buffer | AsyncIterable<string>;
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

/** Sends it. To a HEAD request node sends no body. Rejects with what a body in pieces throws, the connection cut. */
export async function send(response: ServerResponse, answer: Answer): Promise<void> {
  const { body, contentType, headers = {}, status } = answer;
  const isWhole = typeof body === "string" || Buffer.isBuffer(body);
  const length = isWhole ? { "Content-Length": Buffer.byteLength(body) } : {};
  response.writeHead(status, {
    "Content-Type": contentType,
    ...length,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...headers,
  });
  if (isWhole) return void response.end(body);
  try {
    for await (const piece of body) {
      if (response.destroyed) return;
      if (!response.write(piece)) await drained(response);
    }
    response.end();
  } catch (thrown) {
    // The head has left: only a cut connection tells that something is missing.
    response.destroy();
    throw thrown;
  }
}

/** Until more can be written, or nothing any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off("drain", settle).off("close", settle);
      resolve();
    };
    response.on("drain", settle).on("close", settle);
  });
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
