/**
 * BasicAuthentication: the value of a Basic Authorization header from a user and a password, and back (RFC 7617). It
 * compares them with nothing, and no message of its faults holds them.
 */
import { Buffer, isUtf8 } from "node:buffer";
import type { Value } from "../context.ts";
import { faultIn } from "../fault.ts";
import { basicAuthenticationFaults } from "../fault/basic-authentication.ts";
import { base64Bytes } from "../template/base64.ts";

export interface BasicAuthenticationConfig {
  readonly name: string;
  /** What has no value is empty, or stays without one, instead of a fault. */
  readonly ignoreUnresolved: boolean;
}

/** What a header's value holds; nulls when there was no value. */
export interface BasicPair {
  readonly user: string | null;
  readonly password: string | null;
}

const NOBODY: BasicPair = { user: null, password: null };
/** RFC 7617 section 2: neither part may hold control characters. */
const CONTROL = /[\u0000-\u001f\u007f]/;
const SCHEME = /^basic +/i;

/** `Basic` and the pair in base64 of its UTF-8. A user with a colon could not be told from its password. */
export function encodeBasic(config: BasicAuthenticationConfig, user: Value, password: Value): string {
  const { name, ignoreUnresolved } = config;
  if (!ignoreUnresolved && (user === null || password === null)) {
    throw faultIn(basicAuthenticationFaults, "steps.basicauthentication.UnresolvedVariable", name, name);
  }
  const first = user === null ? "" : String(user);
  const pair = `${first}:${password === null ? "" : String(password)}`;
  if (first.includes(":") || CONTROL.test(pair)) {
    throw faultIn(basicAuthenticationFaults, "steps.basicauthentication.InvalidBasicAuthenticationSource", name, name);
  }
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}

/** The user up to the first colon and the password behind it. */
export function decodeBasic(config: BasicAuthenticationConfig, source: Value): BasicPair {
  const { name, ignoreUnresolved } = config;
  if (source === null || source === "") {
    if (ignoreUnresolved) return NOBODY;
    throw faultIn(basicAuthenticationFaults, "steps.basicauthentication.UnresolvedVariable", name, name);
  }
  const pair = pairIn(String(source));
  const colon = pair?.indexOf(":") ?? -1;
  if (pair === null || colon < 0 || CONTROL.test(pair)) {
    throw faultIn(basicAuthenticationFaults, "steps.basicauthentication.InvalidBasicAuthenticationSource", name, name);
  }
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

function pairIn(value: string): string | null {
  const scheme = SCHEME.exec(value);
  if (scheme === null) return null;
  const bytes = base64Bytes(value.slice(scheme[0].length).trimEnd());
  return bytes === null || !isUtf8(bytes) ? null : bytes.toString("utf8");
}
