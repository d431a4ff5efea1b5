/**
 * A request of the gateway's own (for keys, about a token, with spans), not of a client: one small text there, one
 * back, both bounded. It follows no redirect, sends nothing but what it is given, and judges no status.
 */
import { request as requestHttp, type Agent, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import type { Clock } from "./clock.ts";

/** What is sent; a body makes it a POST. */
export interface OwnRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Keeps connections; false: each request has its own. */
  readonly agent: Agent | false;
  readonly lookup?: LookupFunction;
}

/** Bounds of the answer. */
export interface OwnRequestBounds {
  readonly bytesMax: number;
  readonly headBytesMax: number;
  /** From the first byte sent to the last one received. */
  readonly timeoutMs: number;
}

/** What came back. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Null where it had more bytes than allowed. */
  readonly text: string | null;
}

/**
 * Resolves with any whole answer. Rejects with node's error, or one whose message says in a few words what was wrong.
 */
export function sendOwnRequest(own: OwnRequest, clock: Clock, bounds: OwnRequestBounds): Promise<OwnAnswer> {
  const { url, headers, body, agent, lookup } = own;
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
  return new Promise<OwnAnswer>((resolve, reject) => {
    const sent = request(url, {
      agent,
      method: body === undefined ? "GET" : "POST",
      headers: { ...headers, ...length },
      maxHeaderSize: bounds.headBytesMax,
      ...(lookup === undefined ? {} : { lookup }),
    });
    const done = (answer: OwnAnswer): void => {
      clock.clearTimer(timer);
      resolve(answer);
    };
    const failed = (cause: Error): void => {
      clock.clearTimer(timer);
      reject(cause);
      sent.destroy();
    };
    const timer = clock.setTimer(() => failed(new Error("no answer in time")), bounds.timeoutMs);
    sent.on("error", failed);
    // Without a listener node ends the connection and tells nobody.
    sent.on("upgrade", ({ headers }, socket) => {
      socket.destroy();
      done({ status: 101, headers, text: "" });
    });
    sent.on("response", (answer) => {
      const { statusCode = 0, headers } = answer;
      readText(answer, bounds.bytesMax, failed, (text) => done({ status: statusCode, headers, text }));
    });
    sent.end(body);
  });
}

/** Calls one of both, the first call of which counts. */
function readText(
  answer: IncomingMessage,
  bytesMax: number,
  failed: (cause: Error) => void,
  done: (text: string | null) => void,
): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  answer.on("data", (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= bytesMax) pieces.push(piece);
    else {
      done(null);
      answer.destroy();
    }
  });
  answer.on("error", failed);
  answer.on("end", () => done(Buffer.concat(pieces).toString("utf8")));
  answer.on("close", () => failed(new Error("the answer broke off")));
}
