/** The template functions `md5Hex` to `sha512Base64`: a digest of a text's UTF-8 bytes. */
import { hash } from "node:crypto";

/** A digest as lower-case hexadecimal or base64 text. */
export function digest(
  algorithm: "md5" | "sha1" | "sha256" | "sha384" | "sha512",
  encoding: "hex" | "base64",
  text: string,
): string {
  return hash(algorithm, text, encoding);
}
