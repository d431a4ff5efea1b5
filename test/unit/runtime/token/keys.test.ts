import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { algorithms } from "#runtime/token/algorithm.ts";
import type { Algorithm } from "#runtime/token/algorithm.ts";
import { pickKey, readKeys } from "#runtime/token/keys.ts";
import { ecKey, edKey, jwks, rsaKey } from "../../../support/jwt-forge.ts";

const rsa = rsaKey("rsa");
const weak = rsaKey("weak", 1024);
const ec = ecKey("ec");
const ed = edKey("ed");
const SET = { form: "jwks" } as const;
const PUBLIC = { form: "public" } as const;

describe("keys of a set", () => {
  const set = readKeys(
    jwks(
      rsa.jwk,
      { ...weak.jwk },
      { ...ec.jwk, alg: "ES256" },
      ed.jwk,
      { ...rsa.jwk, kid: "enc", use: "enc" },
      { ...rsa.jwk, kid: "ops", key_ops: ["sign"] },
      { ...rsa.privateKey.export({ format: "jwk" }), kid: "private" },
      { kty: "oct", k: "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", kid: "secret" },
      { kty: "RSA", e: "AQAB", kid: "broken" },
      { ...rsa.jwk, kid: "two" },
      { ...ec.jwk, kid: "two" },
      { ...rsa.jwk, kid: "__proto__" },
    ),
    SET,
    100,
  );
  if (typeof set === "string") throw new Error(set);

  const cases: [string, Algorithm, string | null, string][] = [
    ["the key with that kid", "RS256", "rsa", "rsa"],
    ["the other key with that kid", "ES256", "two", "ec"],
    ["Ed25519", "EdDSA", "ed", "ed25519"],
    ["a kid that every object has, as any other", "RS256", "__proto__", "rsa"],
    ["no kid", "RS256", null, "KeyIdMissing"],
    ["an unknown kid", "RS256", "other", "NoMatchingPublicKey"],
    ["a kid that objects inherit", "RS256", "constructor", "NoMatchingPublicKey"],
    ["a path as kid", "RS256", "../../jwks", "NoMatchingPublicKey"],
    ["a weak key", "RS256", "weak", "InsufficientKeyLength"],
    ["a key of another kind", "ES256", "rsa", "AlgorithmMismatch"],
    ["a key that its set keeps for another algorithm", "ES384", "ec", "AlgorithmMismatch"],
    ["a public key as a secret", "HS256", "rsa", "AlgorithmMismatch"],
    ["a key for encryption", "RS256", "enc", "NoMatchingPublicKey"],
    ["a key for signing only", "RS256", "ops", "NoMatchingPublicKey"],
    ["a private key", "RS256", "private", "NoMatchingPublicKey"],
    ["a secret in a public set", "HS256", "secret", "NoMatchingPublicKey"],
    ["a key that cannot be read", "RS256", "broken", "NoMatchingPublicKey"],
  ];
  test.each(cases)("%s", (_, algorithm, kid, expected) => {
    const found = pickKey(set, algorithm, kid);
    expect(typeof found === "string" ? found : found.asymmetricKeyType).toBe(expected);
  });

  test("is bounded", () => {
    const keys = readKeys(jwks(rsa.jwk, ec.jwk), SET, 1);
    if (typeof keys === "string") throw new Error(keys);
    expect(pickKey(keys, "ES256", "ec")).toBe("NoMatchingPublicKey");
    expect(typeof pickKey(keys, "RS256", "rsa")).toBe("object");
  });

  test.each(["", "{", "[]", '{"keys":{}}', "null", '{"keys":null}'])("%j is no set", (text) => {
    expect(readKeys(text, SET, 100)).toBe("KeyParsingFailed");
  });
});

describe("a key by itself", () => {
  test("as PEM, with or without white space around it", () => {
    const keys = readKeys(`\n  ${rsa.pem}\n`, PUBLIC, 1);
    if (typeof keys === "string") throw new Error(keys);
    expect(typeof pickKey(keys, "RS256", null)).toBe("object");
    expect(pickKey(keys, "HS256", null)).toBe("AlgorithmMismatch");
    expect(pickKey(keys, "ES256", null)).toBe("AlgorithmMismatch");
  });

  test.each([
    ["a private key", rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString(), "WrongKeyType"],
    ["text", "secret", "KeyParsingFailed"],
    ["a broken PEM", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "KeyParsingFailed"],
    ["nothing", "", "KeyParsingFailed"],
  ])("%s is refused", (_, text, problem) => {
    expect(readKeys(text, PUBLIC, 1)).toBe(problem);
  });

  test("weak RSA and wrong curves do not fit", () => {
    const keys = readKeys(weak.pem, PUBLIC, 1);
    const curve = readKeys(ecKey("k", "P-384").pem, PUBLIC, 1);
    if (typeof keys === "string" || typeof curve === "string") throw new Error("unreadable");
    expect(pickKey(keys, "PS512", null)).toBe("InsufficientKeyLength");
    expect(pickKey(curve, "ES256", null)).toBe("AlgorithmMismatch");
    expect(typeof pickKey(curve, "ES384", null)).toBe("object");
  });
});

describe("a secret", () => {
  test.each([
    ["utf-8", "s".repeat(32)],
    ["hex", "ab".repeat(32)],
    ["base64", `${Buffer.alloc(32, 7).toString("base64")}\n`],
    ["base64url", Buffer.alloc(32, 7).toString("base64url")],
  ] as const)("in %s, as long as the hash", (encoding, text) => {
    const keys = readKeys(text, { form: "secret", encoding }, 1);
    if (typeof keys === "string") throw new Error(keys);
    expect(typeof pickKey(keys, "HS256", null)).toBe("object");
    expect(pickKey(keys, "HS384", null)).toBe("InsufficientKeyLength");
    expect(pickKey(keys, "RS256", null)).toBe("AlgorithmMismatch");
  });

  test.each([
    ["a PEM", rsa.pem, "WrongKeyType"],
    ["a PEM behind white space", `\n\t ${rsa.pem}`, "WrongKeyType"],
    ["a key set", jwks(rsa.jwk), "WrongKeyType"],
    ["nothing", "", "KeyParsingFailed"],
  ])("%s is none", (_, text, problem) => {
    expect(readKeys(text, { form: "secret", encoding: "utf-8" }, 1)).toBe(problem);
  });

  test("text that is not in its encoding is none", () => {
    expect(readKeys(`${"ab".repeat(32)}zz`, { form: "secret", encoding: "hex" }, 1)).toBe("KeyParsingFailed");
    expect(readKeys("ab!d".repeat(16), { form: "secret", encoding: "base64" }, 1)).toBe("KeyParsingFailed");
  });
});

test("no algorithm is called none, and each key of Node's fits only its own family", () => {
  expect(Object.keys(algorithms).map((name) => name.toLowerCase())).not.toContain("none");
  const dsa = generateKeyPairSync("dsa", { modulusLength: 2048, divisorLength: 256 }).publicKey;
  const keys = readKeys(dsa.export({ type: "spki", format: "pem" }).toString(), PUBLIC, 1);
  if (typeof keys === "string") throw new Error(keys);
  for (const name of ["RS256", "PS256", "ES256", "HS256", "EdDSA"] as const) {
    expect(pickKey(keys, name, null)).toBe("AlgorithmMismatch");
  }
});
