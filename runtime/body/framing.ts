/** Which messages have a body, by what their heads say (RFC 9112 section 6.3). It reads none. */
import type { IncomingMessage } from "node:http";
import type { Exchange } from "../context.ts";
import type { TargetAnswer } from "../target/answer.ts";

/** True when a request has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** True when a body can follow the target's answer. */
export function bringsBody(x: Exchange, { statusCode }: TargetAnswer): boolean {
  return statusCode !== 204 && statusCode !== 304 && x.request.verb !== "HEAD";
}

/** True when an answer with that status may have a body (RFC 9110 section 6.4.1). */
export function takesBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

/** What the head of a request says about the length of its body; 0 where it says nothing. */
export function declaredBytes({ headers }: IncomingMessage): number {
  const length = headers["content-length"];
  return length === undefined ? 0 : Number(length);
}
