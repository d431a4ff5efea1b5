/**
 * JWTs for tests, put together by hand so that they can also be wrong in every way. Keys are made once for each test
 * file.
 */
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { Buffer } from "node:buffer";

/** A key pair and its public half as PEM and as a JWK with that kid. */
export interface TestKey {
  readonly privateKey: KeyObject;
  readonly pem: string;
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Makes an RSA pair. */
export function rsaKey(kid: string, bits = 2048): TestKey {
  return testKey(kid, generateKeyPairSync("rsa", { modulusLength: bits }));
}

/** Makes a pair on a curve. */
export function ecKey(kid: string, namedCurve = "P-256"): TestKey {
  return testKey(kid, generateKeyPairSync("ec", { namedCurve }));
}

/** Makes an Ed25519 pair. */
export function edKey(kid: string): TestKey {
  return testKey(kid, generateKeyPairSync("ed25519"));
}

function testKey(kid: string, pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }): TestKey {
  const pem = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
  return { privateKey: pair.privateKey, pem, jwk: { ...pair.publicKey.export({ format: "jwk" }), kid } };
}

/** A key set's text. */
export function jwks(...keys: readonly Readonly<Record<string, unknown>>[]): string {
  return JSON.stringify({ keys });
}

/** One part of a token. */
export function part(value: string | object): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value), "utf8").toString("base64url");
}

/** A token of these texts or objects, signed by the header's algorithm (`RS256` when it names none). */
export function forge(header: string | object, claims: string | object, key: KeyObject | string): string {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${signature(algorithmIn(header), input, key)}`;
}

function algorithmIn(header: string | object): string {
  const parsed: unknown = typeof header === "string" ? JSON.parse(header) : header;
  const named = typeof parsed === "object" && parsed !== null && "alg" in parsed ? parsed.alg : undefined;
  return typeof named === "string" && named !== "none" ? named : "RS256";
}

function signature(algorithm: string, input: string, key: KeyObject | string): string {
  const bits = algorithm.slice(2);
  if (typeof key === "string") return createHmac(`sha${bits}`, key).update(input).digest("base64url");
  const data = Buffer.from(input);
  if (key.asymmetricKeyType === "ed25519") return sign(null, data, key).toString("base64url");
  if (key.asymmetricKeyType === "ec") {
    return sign(`sha${bits}`, data, { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
  }
  const saltLength = Number(bits) / 8;
  const padding = algorithm.startsWith("PS") ? { padding: 6, saltLength } : {};
  return sign(`sha${bits}`, data, { key, ...padding }).toString("base64url");
}
