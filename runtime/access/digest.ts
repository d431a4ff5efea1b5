/**
 * Digests of keys, secrets and tokens. They are long random strings, so one SHA-256 is enough (a password would need
 * more); the prefix names the function, so that another can be told apart later.
 */
import { hash, timingSafeEqual } from "node:crypto";

const PREFIX = "sha256:";
const FINGERPRINT_CHARS = 12;

/** The digest under which a key, secret or token is stored: `sha256:` and 43 base64url characters. */
export function digest(secret: string): string {
  return PREFIX + hash("sha256", secret, "base64url");
}

/** True when `expected` is the digest of `secret`. The time it takes tells nothing about either. */
export function matches(secret: string, expected: string): boolean {
  const given = Buffer.from(digest(secret), "latin1");
  const stored = Buffer.from(expected, "latin1");
  return given.length === stored.length && timingSafeEqual(given, stored);
}

/** True for text that has the form of a digest. */
export function isDigest(text: string): boolean {
  return /^sha256:[A-Za-z0-9_-]{43}$/.test(text);
}

/** The first characters of a digest: enough to recognise a key in a record or list, useless to present. */
export function fingerprint(ofDigest: string): string {
  const start = ofDigest.indexOf(":") + 1;
  return ofDigest.slice(start, start + FINGERPRINT_CHARS);
}
