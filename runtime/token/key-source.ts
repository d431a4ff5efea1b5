/** Where a policy's keys come from, seen by who verifies: text that was read at start, or a set that is fetched. */
import type { KeyObject } from "node:crypto";
import type { Gateway } from "../gateway.ts";
import type { Maybe } from "../maybe.ts";
import type { Algorithm } from "./algorithm.ts";
import { pickKey, readKeys } from "./keys.ts";
import type { KeyForm, KeyProblem } from "./keys.ts";

/** Keys of one policy. */
export interface KeySource {
  /** The `kid` of tokens that say none; absent: they have none. */
  readonly kid?: string;
  /** The key for a token's algorithm and `kid` (null: it has none). */
  pick(algorithm: Algorithm, kid: string | null): Maybe<KeyObject | KeyProblem>;
  /** False once a key that verified a token is gone. */
  holds(key: KeyObject, kid: string | null): Maybe<boolean>;
}

/** Makes a policy's source, once; `text` is what was read at start: the keys, or where they are. */
export type OpenKeys = (gateway: Gateway, form: KeyForm, text: string) => KeySource;

/** Keys that were read at start and stay. */
export function localKeys(gateway: Gateway, form: KeyForm, text: string): KeySource {
  const read = readKeys(text, form, gateway.limits.jwksKeysMax);
  const named = "kid" in form && form.kid !== undefined ? { kid: form.kid } : {};
  const keys = typeof read === "string" ? read : { ...read, ...named };
  return {
    ...named,
    pick: (algorithm, kid) => (typeof keys === "string" ? keys : pickKey(keys, algorithm, kid)),
    holds: () => true,
  };
}
