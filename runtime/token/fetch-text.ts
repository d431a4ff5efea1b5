/**
 * One GET or POST of a small text, bounded in bytes and time. It follows no redirect, sends no credential but what it
 * is given, and keeps no connection.
 */
import { Buffer } from "node:buffer";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Clock } from "../clock.ts";
import type { KeySetUrl } from "./key-set-url.ts";

/** Bounds of the fetch. */
export interface FetchBounds {
  readonly bytesMax: number;
  readonly headBytesMax: number;
  readonly timeoutMs: number;
}

/** What is sent; a body makes it a POST. */
export interface SentText {
  readonly accept: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const KEY_SET: SentText = { accept: "application/jwk-set+json, application/json" };

/** The text of an answer 200. Rejects with an Error whose message says in a few words what was wrong. */
export function fetchText(
  { url, lookup }: KeySetUrl,
  clock: Clock,
  bounds: FetchBounds,
  { accept, headers = {}, body }: SentText = KEY_SET,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
    const sent = request(url, {
      agent: false,
      lookup,
      method: body === undefined ? "GET" : "POST",
      headers: { Accept: accept, ...headers, ...length },
      maxHeaderSize: bounds.headBytesMax,
    });
    const fail = (cause: Error): void => {
      clock.clearTimer(timer);
      reject(cause);
      sent.destroy();
    };
    const timer = clock.setTimer(() => fail(new Error("no answer in time")), bounds.timeoutMs);
    sent.on("error", fail);
    // Without a listener node ends the connection and tells nobody.
    sent.on("upgrade", (_, socket) => {
      socket.destroy();
      fail(new Error("status 101"));
    });
    sent.on("response", (answer) => {
      if (answer.statusCode !== 200) return fail(new Error(`status ${answer.statusCode ?? 0}`));
      const pieces: Buffer[] = [];
      let bytes = 0;
      answer.on("data", (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > bounds.bytesMax) return fail(new Error("more bytes than allowed"));
        pieces.push(piece);
      });
      answer.on("error", fail);
      answer.on("end", () => {
        clock.clearTimer(timer);
        resolve(Buffer.concat(pieces).toString("utf8"));
      });
      answer.on("close", () => fail(new Error("the answer broke off")));
    });
    sent.end(body);
  });
}
