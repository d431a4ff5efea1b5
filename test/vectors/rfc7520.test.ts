/** The compact examples of RFC 7520, the JOSE cookbook: signatures, encryption, and one within the other. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { algorithms, type Algorithm } from "#runtime/token/algorithm.ts";
import { managementAlgorithms } from "#runtime/token/encryption.ts";
import type { ContentAlgorithm, EncryptionKeyForm, ManagementAlgorithm } from "#runtime/token/encryption.ts";
import { encryptedTokens } from "#runtime/token/encrypted-jwt.ts";
import { verifyJwsSignature } from "#runtime/token/jws.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import type { KeyForm } from "#runtime/token/keys.ts";
import { PolicyFixture } from "../support/policy-fixture.ts";

interface Example {
  readonly section: string;
  readonly title: string;
  readonly alg: string;
  readonly enc?: ContentAlgorithm;
  readonly key?: Readonly<Record<string, string>>;
  readonly password?: string;
  readonly compact: string;
  readonly text: string;
  readonly signed?: { readonly alg: string; readonly key: Readonly<Record<string, string>> };
}

const examples: readonly Example[] = JSON.parse(readFileSync(join(import.meta.dirname, "rfc7520.json"), "utf8"));
const isAlgorithm = (name: string): name is Algorithm => Object.hasOwn(algorithms, name);
const isManagement = (name: string): name is ManagementAlgorithm => Object.hasOwn(managementAlgorithms, name);

async function verified(key: NonNullable<Example["key"]>, alg: string, jws: string, content: string | null): Promise<unknown> {
  if (!isAlgorithm(alg)) throw new Error(alg);
  const isSecret = key["kty"] === "oct";
  const form: KeyForm = isSecret ? { form: "secret", encoding: "base64url" } : { form: "public" };
  const pem = (): string => createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" }).toString();
  const rules = {
    name: "VS", id: "VS", algorithms: [alg], type: null, ignoreCriticalHeaders: false, knownHeaders: [],
    keyForm: form, openKeys: localKeys,
  };
  const found = await verifyJwsSignature(new PolicyFixture().exchange(), rules, isSecret ? (key["k"] ?? "") : pem(), { jws, content });
  return typeof found === "string" ? found : found.payload.toString("utf8");
}

describe("signatures", () => {
  it.each(examples.filter(({ section }) => section.startsWith("4")))("$section $title", async ({ key = {}, alg, compact, text }) => {
    const isDetached = compact.includes("..");
    expect(await verified(key, alg, compact, isDetached ? text : null)).toBe(text);
    const other = isDetached ? await verified(key, alg, compact, `${text} `) : await verified(key, alg, `${compact.slice(0, -8)}AAAAAAAA`, null);
    expect(other).toBe("InvalidSignature");
  });
});

describe("encryption", () => {
  /** Algorithms that are not offered, and a text that would have to be decompressed. */
  const refused: Readonly<Record<string, string>> = {
    "5.1": "AlgorithmInTokenNotPresentInConfiguration",
    "5.2": "AlgorithmInTokenNotPresentInConfiguration",
    "5.9": "InvalidToken",
    "6": "AlgorithmInTokenNotPresentInConfiguration",
  };

  it.each(examples.filter(({ enc }) => enc !== undefined))("$section $title", async (example) => {
    const { section, alg, enc = "A128GCM", key = {}, password, compact } = example;
    const management = isManagement(alg) ? alg : "RSA-OAEP-256";
    const isSecret = key["kty"] === "oct";
    const keyForm: EncryptionKeyForm = password !== undefined
      ? { form: "secret", encoding: "utf-8" }
      : isSecret ? { form: "secret", encoding: "base64url" } : { form: "private" };
    const pem = (): string => createPrivateKey({ key, format: "jwk" }).export({ type: "pkcs8", format: "pem" }).toString();
    const text = password ?? (isSecret ? (key["k"] ?? "") : pem());
    const x = new PolicyFixture().exchange();
    const prover = encryptedTokens(x, {
      name: "VJ", id: "VJ", encryption: { management, content: enc, keyForm, iterations: 10_000 }, nested: null, type: null,
      ignoreCriticalHeaders: false, knownHeaders: ["cty"],
    }, { text, password: null, nested: null });
    const found = await prover.prove(x, compact);
    if (refused[section] !== undefined) expect(found).toBe(refused[section]);
    // Most texts are no JSON objects, which only shows when they were decrypted.
    else if (typeof found === "string") expect([found, example.text.startsWith("{")]).toEqual(["InvalidJsonFormat", false]);
    else expect(found.token.claimsJson).toBe(example.text);
  });

  it("6: the signed token within verifies by itself", async () => {
    const { signed, text } = examples.find(({ section }) => section === "6") ?? {};
    if (signed === undefined || text === undefined) throw new Error("no example");
    expect(await verified(signed.key, signed.alg, text, null)).toContain("hobbiton.example");
  });
});
