/** The template functions `encodeBase64` and `decodeBase64` (RFC 4648 section 4). Texts are UTF-8. */
import { Buffer } from "node:buffer";

/** Standard base64 of a text's bytes, padded. */
export function encodeBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/** The text that base64 stands for; empty when it is not base64. Bytes that are no UTF-8 become U+FFFD. */
export function decodeBase64(text: string): string {
  return base64Bytes(text)?.toString("utf8") ?? "";
}

/**
 * The bytes that base64 stands for, null when it is not of the standard alphabet or length. Padding may be absent, as
 * in Java's decoder; base64url is refused.
 */
export function base64Bytes(text: string): Buffer | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const isPadded = text.endsWith("=");
  if (isPadded ? text.length % 4 !== 0 : text.length % 4 === 1) return null;
  return Buffer.from(text, "base64");
}
