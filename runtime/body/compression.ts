/**
 * `compression.algorithm` (apigee-core sections 2.5 and 2.6): bodies that leave an endpoint in one content coding,
 * whatever they came in. It decides and edits heads; transcoder.ts does the work. Linked only where a bundle says so.
 */
import { bringsBody, hasBody, takesBody } from "./framing.ts";
import type { Exchange } from "../context.ts";
import { knownCoding, type Coding } from "./encoding.ts";
import { fault } from "../fault.ts";
import type { Message, RequestMessage, ResponseMessage } from "../message/message.ts";
import { digestNames } from "../message/trailers.ts";
import { recode, Transcoder, type CodedSink, type RecodingSpec } from "./transcoder.ts";

/** Apigee's values: always this coding, or none. */
export type CompressionAlgorithm = "gzip" | "deflate" | "none";

/** What one endpoint does to the bodies that it sends. */
export interface Compression {
  /** What is to be done to the body of a request to a target, its head edited; null: it goes as it is. */
  request(x: Exchange): Recoding | null;
  /** The same for the answer to a client. */
  answer(x: Exchange, response: ResponseMessage): Recoding | null;
}

/** A body's way from its coding into another. */
export interface Recoding {
  /** A body in memory. Rejects with a fault when it is not encoded as it says. */
  whole(body: Buffer): Promise<Buffer>;
  /** A body that streams. */
  stream(sink: CodedSink): Transcoder;
}

/** What an endpoint with that property does. */
export function compression(algorithm: CompressionAlgorithm): Compression {
  const wanted = algorithm === "none" ? null : algorithm;
  return {
    request: (x) => requestRecoding(x, wanted),
    answer: (x, response) => answerRecoding(x, response, wanted),
  };
}

function requestRecoding(x: Exchange, wanted: Coding | null): Recoding | null {
  const { request, wire } = x;
  const isHeld = request.isHeld;
  if (isHeld ? request.body?.length === 0 : wire === null || !hasBody(wire.incoming)) return null;
  const from = codingToUndo(request);
  if (from === undefined || from === wanted) return null;
  describe(request, wanted);
  return recoding({
    from,
    to: wanted,
    decodedBytesMax: x.program.requestBytesMax ?? x.gateway.limits.bodyBytesMax,
    tooBig: fault("protocol.http.TooBigBody"),
    broken: fault("messaging.adaptors.http.flow.DecompressionFailureAtRequest"),
  });
}

function answerRecoding(x: Exchange, response: ResponseMessage, wanted: Coding | null): Recoding | null {
  const { wire } = x;
  const { status } = response;
  if (wire === null || !takesBody(status) || status === 206 || isEmpty(x, response)) return null;
  const from = codingToUndo(response);
  if (from === undefined) return null;
  if (wanted !== null) vary(response);
  if (from === wanted) return null;
  // A client that does not ask for a coding gets the body as it is.
  if (wanted !== null && !accepts(wire.incoming.headers["accept-encoding"], wanted)) return null;
  describe(response, wanted);
  return recoding({
    from,
    to: wanted,
    decodedBytesMax: x.target?.responseBytesMax ?? x.gateway.limits.bodyBytesMax,
    tooBig: { ...fault("protocol.http.TooBigBody"), status: 502 },
    broken: fault("messaging.adaptors.http.flow.DecompressionFailureAtResponse"),
  });
}

function isEmpty(x: Exchange, response: ResponseMessage): boolean {
  if (response.isHeld) return response.body?.length === 0;
  const answer = x.wire?.answer ?? null;
  if (answer === null || response.headerLine("content-length") === "0") return true;
  // The head of an answer to HEAD says what that to GET would.
  return x.request.verb !== "HEAD" && !bringsBody(x, answer);
}

/** The coding to undo, null for none; undefined where the body must stay as it is. */
function codingToUndo(message: Message): Coding | null | undefined {
  const isFixed = /(?:^|[,\s])no-transform(?:$|[,;\s])/i.test(message.headerJoined("cache-control") ?? "");
  // RFC 9110 section 7.7; and part of a body is in no coding of its own.
  if (isFixed || message.names.includes("content-range")) return undefined;
  return knownCoding(message);
}

/** What the head says of a body in another coding: not its length, and of its versions only that they mean the same. */
function describe(message: RequestMessage | ResponseMessage, coding: Coding | null): void {
  if (coding === null) message.removeHeader("content-encoding");
  else message.setHeader("Content-Encoding", coding);
  message.removeHeader("content-length");
  for (const name of digestNames) message.removeHeader(name);
  const tag = message.headerLine("etag");
  if (tag !== null && !tag.startsWith("W/")) message.setHeader("ETag", `W/${tag}`);
}

function vary(response: ResponseMessage): void {
  const names = response.headerJoined("vary")?.toLowerCase().split(",").map((name) => name.trim()) ?? [];
  if (!names.includes("*") && !names.includes("accept-encoding")) response.addHeader("Vary", "Accept-Encoding");
}

/** True when the header names a coding, or any, and does not rule it out (RFC 9110 section 12.5.3). */
function accepts(header: string | string[] | undefined, coding: string): boolean {
  if (typeof header !== "string") return false;
  let any = false;
  for (const part of header.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const isRefused = parameters.some((parameter) => /^q\s*=\s*0(?:\.0{0,3})?$/.test(parameter));
    if (name === coding || name === `x-${coding}`) return !isRefused;
    if (name === "*") any = !isRefused;
  }
  return any;
}

function recoding(spec: RecodingSpec): Recoding {
  return { whole: (body) => recode(body, spec), stream: (sink) => new Transcoder(spec, sink) };
}
