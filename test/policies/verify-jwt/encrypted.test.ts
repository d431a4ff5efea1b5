/** Encrypted tokens: what GenerateJWT makes VerifyJWT takes, for every pair of algorithms, and nothing else. */
import { generateKeyPairSync, randomBytes, type KeyObject } from "node:crypto";
import { CompactEncrypt } from "jose/jwe/compact/encrypt";
import { describe, expect, test } from "vitest";
import { kidIdentity } from "#runtime/access/identity.ts";
import { revokeJwts } from "#runtime/access/jwt-revocation.ts";
import { generateEncryptedJwt } from "#runtime/policies/generate-jwt-encrypted.ts";
import { verifyEncryptedJwt } from "#runtime/policies/verify-jwt-encrypted.ts";
import type { VerifyEncryptedJwtConfig } from "#runtime/policies/verify-jwt-encrypted.ts";
import { contentAlgorithms, managementAlgorithms } from "#runtime/token/encryption.ts";
import type { ContentAlgorithm, EncryptionKeyForm, ManagementAlgorithm } from "#runtime/token/encryption.ts";
import type { EncryptedJwtKeys } from "#runtime/token/encrypted-jwt.ts";
import { signedTokens } from "#runtime/token/jwt.ts";
import { jwtVariable } from "#runtime/token/jwt-variables.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import { signCompact } from "#runtime/token/signing.ts";
import { ecKey, forge, part } from "../../support/jwt-forge.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const NOW_S = Date.UTC(2030, 0, 1, 12) / 1000;
const CLAIMS = { iss: "i", sub: "ann", exp: NOW_S + 60 };
const managements = Object.keys(managementAlgorithms) as ManagementAlgorithm[];
const contents = Object.keys(contentAlgorithms) as ContentAlgorithm[];

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const x25519 = generateKeyPairSync("x25519");
const signer = ecKey("s1");

const publicPem = ({ publicKey }: Pair): string => publicKey.export({ type: "spki", format: "pem" }).toString();
const privatePem = ({ privateKey }: Pair): string => privateKey.export({ type: "pkcs8", format: "pem" }).toString();

interface Keys {
  readonly made: { readonly form: EncryptionKeyForm; readonly text: string };
  readonly read: { readonly form: EncryptionKeyForm; readonly text: string };
}

/** Keys for both sides. */
function keysFor(management: ManagementAlgorithm, content: ContentAlgorithm, pair?: Pair): Keys {
  const demand = managementAlgorithms[management];
  if (demand.type === "rsa" || demand.type === "agreement") {
    const of = pair ?? (demand.type === "rsa" ? rsa : ec);
    return {
      made: { form: { form: "public" }, text: publicPem(of) },
      read: { form: { form: "private" }, text: privatePem(of) },
    };
  }
  const bytes = demand.type === "wrap" ? demand.bytes : demand.type === "direct" ? contentAlgorithms[content] : 24;
  const one = { form: { form: "secret", encoding: "base64url" }, text: randomBytes(bytes).toString("base64url") } as const;
  return { made: one, read: one };
}

const NESTED_READ = {
  rules: {
    name: "VJ", id: "VJ", algorithms: ["ES256"], keyForm: { form: "public" }, openKeys: localKeys, type: null,
    ignoreCriticalHeaders: false, knownHeaders: [], timeAllowanceMs: 0,
  },
  open: signedTokens,
} as const;
const NESTED_MADE = {
  rules: { name: "GJ", id: "GJ", algorithm: "ES256", keyForm: { form: "private" }, critical: [] },
  sign: signCompact,
} as const;

function config(
  management: ManagementAlgorithm,
  content: ContentAlgorithm,
  keyForm: EncryptionKeyForm,
  more: Partial<VerifyEncryptedJwtConfig> = {},
): VerifyEncryptedJwtConfig {
  return {
    name: "VJ", id: "VJ", encryption: { management, content, keyForm, iterations: 10_000 }, nested: null, type: null,
    prefix: "", ignoreCriticalHeaders: false, knownHeaders: [], ignoreUnresolved: false, keep: true, timeAllowanceMs: 0,
    ignoreIssuedAt: false, requiredClaims: [], lifespanMaxMs: null, ...more,
  };
}

async function make(
  management: ManagementAlgorithm,
  content: ContentAlgorithm,
  { made }: Keys,
  isNested = false,
): Promise<string> {
  const tokens: string[] = [];
  const pem = signer.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await generateEncryptedJwt(
    new PolicyFixture().exchange(),
    {
      name: "GJ", id: "GJ", ignoreUnresolved: false, keep: false, critical: [], nested: isNested ? NESTED_MADE : null,
      encryption: { management, content, keyForm: made.form, iterations: 1_000, saltBytes: 8 },
    },
    { text: made.text, password: null, nested: isNested ? { text: pem, password: null, kid: "s1" } : null },
    { subject: "ann", issuer: "i", expiresIn: "1m", kid: "k1" },
    (token) => void tokens.push(token),
  );
  return tokens[0] ?? "";
}

interface Read {
  readonly rules: VerifyEncryptedJwtConfig;
  readonly keys: EncryptedJwtKeys;
}

function reading(management: ManagementAlgorithm, content: ContentAlgorithm, { read }: Keys, isNested = false): Read {
  return {
    rules: config(management, content, read.form, isNested ? { nested: NESTED_READ } : {}),
    keys: { text: read.text, password: null, nested: isNested ? signer.pem : null },
  };
}

async function codeOf({ rules, keys }: Read, token: string): Promise<string> {
  const x = new PolicyFixture().exchange({ upgrade: true });
  const { code, status } = await faultOf(() => verifyEncryptedJwt(x, rules, keys, token, {}));
  expect(status).toBe(401);
  expect(x.session?.credentials).toEqual([]);
  return code.replace("steps.jwt.", "");
}

describe.each(managements)("%s", (management) => {
  test.each(contents)("with %s: what is made is taken, plain and nested", async (content) => {
    const keys = keysFor(management, content);
    for (const isNested of [false, true]) {
      const token = await make(management, content, keys, isNested);
      const read = reading(management, content, keys, isNested);
      const fixture = new PolicyFixture();
      const x = fixture.exchange({ upgrade: true });
      await verifyEncryptedJwt(x, read.rules, read.keys, token, { subject: "ann", issuer: "i" });
      expect(jwtVariable(x, "VJ", "claim.subject")).toBe("ann");
      expect(jwtVariable(x, "VJ", "header.algorithm")).toBe(isNested ? "ES256" : management);
      expect(x.session?.credentials[0]).toMatchObject({ kind: "jwt", expiresAtMs: (NOW_S + 60) * 1000 });
      // The second time nothing is decrypted and nothing waits.
      expect(verifyEncryptedJwt(fixture.exchange(), read.rules, read.keys, token, {})).toBeUndefined();
      // The one kind is not taken for the other.
      expect(await codeOf(reading(management, content, keys, !isNested), token)).toBe("InvalidToken");
    }
  });

  test("another key, other algorithms and changed tokens are refused", async () => {
    const keys = keysFor(management, "A256GCM");
    const token = await make(management, "A256GCM", keys);
    const other = keysFor(management, "A256GCM", management.startsWith("RSA")
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" }));
    expect(await codeOf(reading(management, "A256GCM", other), token)).toBe("InvalidToken");
    const wrong = management === "dir" ? "A128KW" : "dir";
    expect(await codeOf(reading(wrong, "A256GCM", keysFor(wrong, "A256GCM")), token)).toBe("AlgorithmInTokenNotPresentInConfiguration");
    expect(await codeOf(reading(management, "A128GCM", keysFor(management, "A128GCM")), token)).toBe("AlgorithmInTokenNotPresentInConfiguration");
    const read = reading(management, "A256GCM", keys);
    const parts = token.split(".");
    for (let at = 1; at < parts.length; at++) {
      const original = parts[at] ?? "";
      for (const changed of ["", "AAAA", "A".repeat(400), original.split("").toReversed().join(""), `${original}AAAA`]) {
        if (changed === original) continue;
        const code = await codeOf(read, parts.with(at, changed).join("."));
        expect(["InvalidToken", "FailedToDecode"]).toContain(code);
      }
    }
  });
});

test.each([["P-384", generateKeyPairSync("ec", { namedCurve: "P-384" })], ["P-521", generateKeyPairSync("ec", { namedCurve: "P-521" })], ["X25519", x25519]])(
  "ECDH-ES on %s, and no token of another curve",
  async (_, pair) => {
    const keys = keysFor("ECDH-ES", "A128GCM", pair);
    const read = reading("ECDH-ES", "A128GCM", keys);
    await verifyEncryptedJwt(new PolicyFixture().exchange(), read.rules, read.keys, await make("ECDH-ES", "A128GCM", keys), {});
    expect(await codeOf(read, await make("ECDH-ES", "A128GCM", keysFor("ECDH-ES", "A128GCM")))).toBe("InvalidToken");
  },
);

describe("headers", () => {
  const keys = keysFor("dir", "A128GCM");
  const read = reading("dir", "A128GCM", keys);
  const secret = Buffer.from(keys.made.text, "base64url");
  const jwe = (header: object, payload: string | Uint8Array = JSON.stringify(CLAIMS), key: Uint8Array = secret): Promise<string> =>
    new CompactEncrypt(typeof payload === "string" ? new TextEncoder().encode(payload) : payload)
      .setProtectedHeader({ alg: "dir", enc: "A128GCM", ...header })
      .encrypt(key, { crit: { x: true } });

  test.each([
    ["zip", { zip: "DEF" }, "InvalidToken"],
    ["an unknown critical header", { crit: ["x"], x: 1 }, "UnhandledCriticalHeader"],
    ["a kid that is no text", { kid: 1 as never }, "FailedToDecode"],
    ["a content type of a nested token", { cty: "JWT" }, "InvalidToken"],
  ])("%s: %s is refused", async (_, header, code) => {
    expect(await codeOf(read, await jwe(header))).toBe(code);
  });

  test.each([
    ["no JSON", "hello", "InvalidJsonFormat"],
    ["a list", "[]", "InvalidJsonFormat"],
    ["a claim twice", '{"sub":1,"sub":2}', "InvalidJsonFormat"],
    ["no text", Uint8Array.of(0xff, 0xfe), "InvalidToken"],
    ["an expired token", JSON.stringify({ ...CLAIMS, exp: NOW_S }), "TokenExpired"],
    ["a token of tomorrow", JSON.stringify({ ...CLAIMS, nbf: NOW_S + 60 }), "TokenNotYetValid"],
  ])("%s within is refused", async (_, payload, code) => {
    expect(await codeOf(read, await jwe({}, payload))).toBe(code);
  });

  test.each([
    ["no alg", { enc: "A128GCM" }, "NoAlgorithmFoundInHeader"],
    ["no enc", { alg: "dir" }, "NoAlgorithmFoundInHeader"],
    ["none", { alg: "none", enc: "A128GCM" }, "AlgorithmInTokenNotPresentInConfiguration"],
    ["RSA1_5", { alg: "RSA1_5", enc: "A128GCM" }, "AlgorithmInTokenNotPresentInConfiguration"],
    ["repeated members", '{"alg":"dir","alg":"dir","enc":"A128GCM"}', "FailedToDecode"],
  ])("%s", async (_, header, code) => {
    expect(await codeOf(read, `${part(header)}..AAAA.AAAA.AAAA`)).toBe(code);
  });

  test("what is no encrypted token is not taken for one, nor the reverse", async () => {
    expect(await codeOf(read, forge({ alg: "HS256" }, CLAIMS, "x".repeat(32)))).toBe("FailedToDecode");
    for (const text of ["a", "....", "a.b.c.d.e.f", `${part({ alg: "dir", enc: "A128GCM" })}..AAAA.AAAA.AAA=`]) {
      expect(await codeOf(read, text)).toBe("FailedToDecode");
    }
  });

  test("a password's rounds are bounded before any is spent", async () => {
    const password = keysFor("PBES2-HS256+A128KW", "A128GCM");
    const costly = reading("PBES2-HS256+A128KW", "A128GCM", password);
    for (const p2c of [10_001, 2 ** 31, Number.MAX_SAFE_INTEGER, 1e300, "1000", null]) {
      const header = { alg: "PBES2-HS256+A128KW", enc: "A128GCM", p2s: part("saltsalt"), p2c };
      expect(await codeOf(costly, `${part(header)}.${"A".repeat(32)}.AAAA.AAAA.AAAA`)).toBe("InvalidToken");
    }
  });

  test.each([
    ["none", undefined], ["a text", "x"], ["no point", { kty: "EC", crv: "P-256" }],
    ["off the curve", { kty: "EC", crv: "P-256", x: part("x".repeat(32)), y: part("y".repeat(32)) }],
    ["another curve", generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "jwk" })],
    ["another kind", rsa.publicKey.export({ format: "jwk" })],
    ["with a private part", ec.privateKey.export({ format: "jwk" })],
  ])("an ephemeral key that is %s", async (_, epk) => {
    const header = { alg: "ECDH-ES", enc: "A128GCM", epk };
    const agreed = reading("ECDH-ES", "A128GCM", keysFor("ECDH-ES", "A128GCM"));
    expect(await codeOf(agreed, `${part(header)}..AAAA.AAAA.AAAA`)).toBe("InvalidToken");
  });
});

describe("keys of a policy", () => {
  const token = `${part({ alg: "A128KW", enc: "A128GCM" })}.AAAA.AAAA.AAAA.AAAA`;
  const small = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const edwards = generateKeyPairSync("ed25519");
  const secret = (bytes: number): Keys["read"] =>
    ({ form: { form: "secret", encoding: "hex" }, text: randomBytes(bytes).toString("hex") });
  test.each<readonly [string, ManagementAlgorithm, Keys["read"], string]>([
    ["too short", "A128KW", secret(15), "InsufficientKeyLength"],
    ["too long", "A128KW", secret(17), "InvalidSecretKey"],
    ["a PEM as a secret", "A128KW", { form: { form: "secret", encoding: "utf-8" }, text: publicPem(rsa) }, "WrongKeyType"],
    ["not of its encoding", "A128KW", { form: { form: "secret", encoding: "hex" }, text: "xyz" }, "KeyParsingFailed"],
    ["a small RSA key", "RSA-OAEP-256", { form: { form: "private" }, text: privatePem(small) }, "InsufficientKeyLength"],
    ["a public key", "RSA-OAEP-256", { form: { form: "private" }, text: publicPem(rsa) }, "WrongKeyType"],
    ["RSA for an agreement", "ECDH-ES", { form: { form: "private" }, text: privatePem(rsa) }, "AlgorithmMismatch"],
    ["Ed25519 for an agreement", "ECDH-ES", { form: { form: "private" }, text: privatePem(edwards) }, "AlgorithmMismatch"],
    ["EC for RSA", "RSA-OAEP-256", { form: { form: "private" }, text: privatePem(ec) }, "AlgorithmMismatch"],
    ["no PEM", "RSA-OAEP-256", { form: { form: "private" }, text: "-----BEGIN PRIVATE KEY-----" }, "KeyParsingFailed"],
  ])("%s", async (_, management, read, code) => {
    const { rules, keys } = reading(management, "A128GCM", { made: read, read });
    expect(await codeOf({ rules, keys }, token)).toBe(code);
  });
});

test("a revoked key of the signer refuses nested tokens seen before", async () => {
  const keys = keysFor("dir", "A128GCM");
  const { rules, keys: read } = reading("dir", "A128GCM", keys, true);
  const token = await make("dir", "A128GCM", keys, true);
  const fixture = await new PolicyFixture().start();
  await verifyEncryptedJwt(fixture.exchange(), rules, read, token, {});
  await revokeJwts(fixture.gateway, kidIdentity("i", "s1"), null);
  const raised = await faultOf(() => verifyEncryptedJwt(fixture.exchange(), rules, read, token, {}));
  expect(raised.code).toBe("steps.jwt.InvalidToken");
});
