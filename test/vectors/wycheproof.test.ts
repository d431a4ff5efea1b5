/**
 * Wycheproof's vectors for JWS, JWK and JWE: none that is invalid is taken. Valid ones that are refused are listed, with
 * the reason.
 */
import { createPrivateKey, createPublicKey, type JsonWebKeyInput } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { algorithms, type Algorithm } from "#runtime/token/algorithm.ts";
import { contentAlgorithms, managementAlgorithms } from "#runtime/token/encryption.ts";
import type { ContentAlgorithm, EncryptionKeyForm, ManagementAlgorithm } from "#runtime/token/encryption.ts";
import { encryptedTokens } from "#runtime/token/encrypted-jwt.ts";
import { verifyJwsSignature } from "#runtime/token/jws.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import type { KeyForm } from "#runtime/token/keys.ts";
import { PolicyFixture } from "../support/policy-fixture.ts";

type Jwk = Readonly<Record<string, string>>;
interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly jws?: string;
  readonly jwe?: string;
  readonly enc?: string;
  readonly result: "valid" | "invalid";
}
interface Group<K = Jwk> {
  readonly comment: string;
  readonly private: K;
  readonly public?: K;
  readonly tests: readonly Case[];
}

function groupsOf<K = Jwk>(name: string): readonly Group<K>[] {
  const groups: readonly Group<K>[] = JSON.parse(readFileSync(join(import.meta.dirname, `wycheproof-${name}.json`), "utf8"));
  return groups;
}

const isAlgorithm = (name: string | undefined): name is Algorithm => name !== undefined && Object.hasOwn(algorithms, name);
const isManagement = (name: string | undefined): name is ManagementAlgorithm =>
  name !== undefined && Object.hasOwn(managementAlgorithms, name);
const isContent = (name: string | undefined): name is ContentAlgorithm =>
  name !== undefined && Object.hasOwn(contentAlgorithms, name);

/** What a policy with that key and algorithm says; null: the signature is taken. */
async function signatureVerdict(algorithm: Algorithm, form: KeyForm, text: string, jws: string): Promise<string | null> {
  const rules = {
    name: "VS", id: "VS", algorithms: [algorithm], type: null, ignoreCriticalHeaders: false, knownHeaders: [],
    keyForm: form, openKeys: localKeys,
  };
  const found = await verifyJwsSignature(new PolicyFixture().exchange(), rules, text, { jws, content: null });
  return typeof found === "string" ? found : null;
}

/** A key by itself, as a policy's own text. */
function ownKey(jwk: Jwk): { readonly form: KeyForm; readonly text: string } {
  if (jwk["kty"] === "oct") return { form: { form: "secret", encoding: "base64url" }, text: jwk["k"] ?? "" };
  const key: JsonWebKeyInput = { key: jwk, format: "jwk" };
  return { form: { form: "public" }, text: createPublicKey(key).export({ type: "spki", format: "pem" }).toString() };
}

const setOf = (...keys: readonly Jwk[]): { readonly form: KeyForm; readonly text: string } =>
  ({ form: { form: "jwks" }, text: JSON.stringify({ keys }) });

function keysIn(set: Jwk | { readonly keys: readonly Jwk[] }): readonly Jwk[] {
  return Array.isArray(set.keys) ? set.keys : [set as Jwk];
}

/** The algorithm that a signature names. */
function named(jws: string): Algorithm {
  const header: { readonly alg?: string } = JSON.parse(Buffer.from(jws.split(".")[0] ?? "", "base64url").toString("utf8"));
  if (!isAlgorithm(header.alg)) throw new Error(`no algorithm: ${String(header.alg)}`);
  return header.alg;
}

describe("signatures", () => {
  /** Valid ones that are refused: a payload of nothing looks like a detached one; and base64url is taken as written. */
  const refused: Readonly<Record<number, string>> = {
    ...Object.fromEntries([259, 264, 268, 272, 320, 325].map((number) => [number, "MissingPayload"])),
    372: "FailedToDecode",
    373: "FailedToDecode",
  };
  /** Named after a padding that is not in them: the same texts are valid under another number. */
  const misnamed = [367, 370];
  const cases = groupsOf("signature").flatMap((group) => group.tests.map((test) => ({ ...test, group })));

  it.each(cases)("$tcId: $group.comment, $comment is $result", async ({ tcId, group, jws = "", result }) => {
    const jwk = group.public ?? group.private;
    // The keys of the RFC's figures name other algorithms, and keys for encryption name none.
    const alg = isAlgorithm(jwk["alg"]) && !group.comment.startsWith("rfc7520") ? jwk["alg"] : named(jws);
    const { form, text } = jwk["use"] === "sig" || group.comment.startsWith("rfc7520") ? ownKey(jwk) : setOf(jwk);
    const verdict = await signatureVerdict(alg, form, text, jws);
    if (misnamed.includes(tcId)) expect(cases.some((other) => other.jws === jws && other.result === "valid")).toBe(true);
    else if (result === "invalid") expect(verdict).not.toBeNull();
    else expect(verdict).toBe(refused[tcId] ?? null);
  });
});

describe("key sets", () => {
  const cases = groupsOf<Jwk | { readonly keys: readonly Jwk[] }>("key").flatMap((group) => group.tests.map((test) => ({ ...test, group })));
  /** Secrets have no place in a key set. */
  const refused: Readonly<Record<number, string>> =
    Object.fromEntries([2, 13, 14, 15].map((number) => [number, "NoMatchingPublicKey"]));

  it.each(cases)("$tcId: $group.comment, $comment is $result", async ({ tcId, group, jws = "", result }) => {
    expect(jws).not.toBe("");
    const list = keysIn(group.public ?? group.private);
    for (const algorithm of new Set(list.map(({ alg }) => alg).filter(isAlgorithm))) {
      const { form, text } = setOf(...list);
      const verdict = await signatureVerdict(algorithm, form, text, jws);
      if (result === "invalid") expect(verdict).not.toBeNull();
      else expect(verdict).toBe(refused[tcId] ?? null);
    }
  });
});

describe("encrypted texts", () => {
  /** Nothing is decompressed. */
  const refused: Readonly<Record<number, string>> = { 135: "InvalidToken" };
  const cases = groupsOf("encryption").flatMap((group) => group.tests.map((test) => ({ ...test, group })));

  it.each(cases)("$tcId: $group.comment, $comment is $result", async ({ tcId, group, jwe = "", enc, result }) => {
    const { kty = "", k = "" } = group.private;
    // A key that names the content's algorithm is used as it is.
    const alg = isContent(group.private["alg"]) ? "dir" : (group.private["alg"] ?? "");
    const isOurs = isManagement(alg);
    const management = isOurs ? alg : kty === "RSA" ? "RSA-OAEP-256" : "ECDH-ES";
    const content = isContent(enc) ? enc : "A128GCM";
    const isSecret = kty === "oct";
    const keyForm: EncryptionKeyForm = isSecret ? { form: "secret", encoding: "base64url" } : { form: "private" };
    const text = isSecret
      ? k
      : createPrivateKey({ key: group.private, format: "jwk" }).export({ type: "pkcs8", format: "pem" }).toString();
    const x = new PolicyFixture().exchange();
    const prover = encryptedTokens(x, {
      name: "VJ", id: "VJ", encryption: { management, content, keyForm, iterations: 10_000 }, nested: null, type: null,
      ignoreCriticalHeaders: false, knownHeaders: [],
    }, { text, password: null, nested: null });
    const verdict = await prover.prove(x, jwe);
    // The texts are no JSON objects, which only shows when they were decrypted.
    const isDecrypted = typeof verdict !== "string" || verdict === "InvalidJsonFormat";
    if (result === "invalid") expect(isDecrypted).toBe(false);
    else if (!isOurs) expect(verdict).toBe("AlgorithmInTokenNotPresentInConfiguration");
    else expect(isDecrypted ? null : verdict).toBe(refused[tcId] ?? null);
  });
});
