/** Private keys as they are written: a PEM, maybe encrypted. Nothing here is ever part of a message. */
import { createPrivateKey } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** A key's text, as it was read at start. */
export interface KeyText {
  readonly text: string;
  /** Of an encrypted private key. */
  readonly password: string | null;
}

/** The key, or why there is none. Names are those of the `steps.jwt` faults. */
export function readPrivateKey({ text, password }: KeyText): KeyObject | "KeyParsingFailed" | "WrongKeyType" {
  const pem = text.trim();
  if (!pem.startsWith("-----BEGIN ")) return "KeyParsingFailed";
  if (!pem.includes("PRIVATE KEY")) return "WrongKeyType";
  try {
    return createPrivateKey(password === null ? pem : { key: pem, passphrase: password });
  } catch {
    return "KeyParsingFailed";
  }
}
