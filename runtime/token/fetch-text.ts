/**
 * One GET of a small text, bounded in bytes and time. It follows no redirect, sends no credential and keeps no
 * connection.
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

/** The text of an answer 200. Rejects with an Error whose message says in a few words what was wrong. */
export function fetchText({ url, lookup }: KeySetUrl, clock: Clock, bounds: FetchBounds): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    const sent = request(url, {
      agent: false,
      lookup,
      headers: { Accept: "application/jwk-set+json, application/json" },
      maxHeaderSize: bounds.headBytesMax,
    });
    const timer = clock.setTimer(() => sent.destroy(new Error("no answer in time")), bounds.timeoutMs);
    const fail = (cause: Error): void => {
      clock.clearTimer(timer);
      reject(cause);
      sent.destroy();
    };
    sent.on("error", fail);
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
    sent.end();
  });
}
