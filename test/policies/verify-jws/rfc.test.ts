/** Published values of RFC 7515 appendix A, RFC 7520 section 4 and RFC 8037 appendix A, through VerifyJWS. */
import { createPublicKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { verifyJws } from "#runtime/policies/verify-jws.ts";
import type { VerifyJwsConfig } from "#runtime/policies/verify-jws.ts";
import type { Algorithm } from "#runtime/token/algorithm.ts";
import { issuedVariable } from "#runtime/token/issued.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const JOE =
  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const FRODO =
  "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwg" +
  "YW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

interface Vector {
  readonly algorithm: Algorithm;
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
  readonly key: string | Readonly<Record<string, string>>;
  readonly detached?: boolean;
}

const vectors: Readonly<Record<string, Vector>> = {
  "RFC 7515 A.1": {
    algorithm: "HS256",
    header: "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
    payload: JOE,
    signature: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    key: "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
  },
  "RFC 7515 A.2": {
    algorithm: "RS256",
    header: "eyJhbGciOiJSUzI1NiJ9",
    payload: JOE,
    signature:
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t" +
      "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j" +
      "zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ" +
      "Ge77Rw",
    key: {
      kty: "RSA",
      e: "AQAB",
      n:
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ" +
        "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2" +
        "R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD" +
        "TW9gb54h4FRWyuXpoQ",
    },
  },
  "RFC 7515 A.3": {
    algorithm: "ES256",
    header: "eyJhbGciOiJFUzI1NiJ9",
    payload: JOE,
    signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    key: {
      kty: "EC",
      crv: "P-256",
      x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
      y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    },
  },
  "RFC 7520 4.4": {
    algorithm: "HS256",
    header: "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
    payload: FRODO,
    signature: "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
    key: "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
  },
  "RFC 7520 4.5": {
    algorithm: "HS256",
    header: "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
    payload: FRODO,
    signature: "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
    key: "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
    detached: true,
  },
  "RFC 8037 A.4": {
    algorithm: "EdDSA",
    header: "eyJhbGciOiJFZERTQSJ9",
    payload: "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
    signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
  },
};

function run({ algorithm, header, payload, signature, key, detached = false }: Vector): Promise<unknown> {
  const isSecret = typeof key === "string";
  const config: VerifyJwsConfig = {
    name: "VS",
    id: "VS",
    algorithms: [algorithm],
    keyForm: isSecret ? { form: "secret", encoding: "base64url" } : { form: "public" },
    openKeys: localKeys,
    type: null,
    prefix: "",
    isDetached: detached,
    ignoreCriticalHeaders: false,
    knownHeaders: [],
    ignoreUnresolved: false,
    keep: true,
  };
  const keyText = isSecret
    ? key
    : createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" }).toString();
  const text = Buffer.from(payload, "base64url").toString("utf8");
  const presented = detached
    ? { jws: `${header}..${signature}`, content: text }
    : { jws: `${header}.${payload}.${signature}`, content: null };
  const x = new PolicyFixture().exchange();
  return Promise.resolve(verifyJws(x, config, keyText, presented, {})).then(() => issuedVariable(x, "VS", "payload"));
}

describe.each(Object.entries(vectors))("%s", (_, vector) => {
  test("verifies", async () => {
    expect(await run(vector)).toBe(Buffer.from(vector.payload, "base64url").toString("utf8"));
  });

  test("does not with another payload, or with a bit of the signature turned", async () => {
    const other = { ...vector, payload: Buffer.from("another").toString("base64url") };
    expect((await faultOf(() => run(other))).code).toBe("steps.jws.InvalidSignature");
    const bytes = Buffer.from(vector.signature, "base64url");
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    const turned = { ...vector, signature: bytes.toString("base64url") };
    expect((await faultOf(() => run(turned))).code).toBe("steps.jws.InvalidSignature");
  });
});

test("RFC 7515 A.5, the unsecured one, is refused", async () => {
  const raised = await faultOf(() =>
    run({ algorithm: "HS256", header: "eyJhbGciOiJub25lIn0", payload: JOE, signature: "", key: "A".repeat(43) }),
  );
  expect(raised.code).toBe("steps.jws.AlgorithmInTokenNotPresentInConfiguration");
});
