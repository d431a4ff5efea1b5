/** Shared secrets as they are written: text to bytes, or a refusal. Nothing here is ever part of a message. */
import { Buffer } from "node:buffer";

/** How a secret is written. */
export type SecretEncoding = "utf-8" | "hex" | "base64" | "base64url";

/** The bytes, null when the text is not wholly of the encoding or stands for none. */
export function secretBytes(text: string, encoding: SecretEncoding): Buffer | null {
  if (encoding === "utf-8") return text === "" ? null : Buffer.from(text, "utf8");
  const written = text.trim();
  const bytes = Buffer.from(written, encoding);
  // Buffer.from stops or skips at what it cannot read; only text that comes back the same was all read.
  const again = bytes.toString(encoding);
  const isWhole =
    encoding === "hex" ? again === written.toLowerCase() : again.replace(/=+$/, "") === written.replace(/=+$/, "");
  return isWhole && bytes.length > 0 ? bytes : null;
}
