/**
 * The template functions `hmacMd5` to `hmacSha512` (RFC 2104). A key that is empty or unreadable is a fault, never
 * used.
 */
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { fault } from "../fault.ts";
import { base64Bytes } from "./base64.ts";

/** Which signature, how the key is written, how the result is. */
export interface HmacForm {
  readonly algorithm: "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512";
  readonly keyEncoding: "utf8" | "hex" | "base64";
  readonly outputEncoding: "hex" | "base64";
}

/** Signs a text's UTF-8 bytes. `policy` is whom the fault names; the key is in no message. */
export function hmac(form: HmacForm, key: string, text: string, policy: string): string {
  const bytes = keyBytes(key, form.keyEncoding);
  // Without a key anybody could make the same signature.
  if (bytes === null || bytes.length === 0) throw fault("steps.assignmessage.SetVariableFailed", policy, policy);
  return createHmac(form.algorithm, bytes).update(text, "utf8").digest(form.outputEncoding);
}

function keyBytes(key: string, encoding: HmacForm["keyEncoding"]): Buffer | null {
  if (encoding === "base64") return base64Bytes(key);
  if (encoding === "hex") return /^(?:[0-9A-Fa-f]{2})*$/.test(key) ? Buffer.from(key, "hex") : null;
  return Buffer.from(key, "utf8");
}
