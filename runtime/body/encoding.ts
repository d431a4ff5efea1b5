/**
 * Content-Encoding of bodies in memory (RFC 9110 section 8.4.1): gzip, deflate and br are decoded within bounds and
 * encoded again. Linked only where something looks into bodies.
 */
import {
  brotliCompress, createBrotliDecompress, createGunzip, createInflate, createInflateRaw, deflate, gzip,
} from "node:zlib";
import { fault, type Fault } from "../fault.ts";
import type { HeldBytes } from "./held-bytes.ts";
import type { Message } from "../message/message.ts";

/** A coding that can be undone. */
export type Coding = "gzip" | "deflate" | "br";

/**
 * The coding of a message's body; null for none. Throws `UnsupportedEncoding`: 415 for a request, 502 for an answer.
 */
export function codingOf(message: Message, status: 415 | 502): Coding | null {
  const coding = knownCoding(message);
  if (coding === undefined) throw { ...fault("protocol.http.UnsupportedEncoding"), status } satisfies Fault;
  return coding;
}

/** The coding of a message's body; null for none, undefined for one that cannot be undone. */
export function knownCoding(message: Message): Coding | null | undefined {
  const value = message.headerJoined("content-encoding");
  switch (value?.trim().toLowerCase()) {
    case undefined:
    case "":
    case "identity":
      return null;
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
      return "deflate";
    case "br":
      return "br";
    default:
      return undefined;
  }
}

/** Undoes a coding piece by piece, so that a small body cannot become more than its bound. Rejects with a fault. */
export function decode(encoded: Buffer, coding: Coding, decoded: HeldBytes, broken: Fault): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = decoder(coding, encoded[0] ?? 0, encoded[1] ?? 0);
    stream.on("data", (bytes: Buffer) => {
      const cause = decoded.append(bytes);
      if (cause === null) return;
      stream.destroy();
      reject(cause);
    });
    stream.on("end", resolve).on("error", () => reject(broken));
    stream.end(encoded);
  });
}

/** Encodes a body as it was before. */
export function encode(body: Buffer, coding: Coding): Promise<Buffer> {
  const codec = { gzip, deflate, br: brotliCompress }[coding];
  return new Promise((resolve, reject) => {
    codec(body, (error, encoded) => (error === null ? resolve(encoded) : reject(error)));
  });
}

/** Undoes a coding; the first two bytes of what it is given tell which "deflate" it is. */
export function decoder(coding: Coding, first: number, second: number) {
  if (coding === "gzip") return createGunzip();
  if (coding === "br") return createBrotliDecompress();
  return isZlib(first, second) ? createInflate() : createInflateRaw();
}

/** Some senders leave out the zlib header (RFC 1950 section 2.2) that "deflate" means. */
function isZlib(first: number, second: number): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
