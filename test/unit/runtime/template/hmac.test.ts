/** Signatures, against RFC 4231 and RFC 2202, and keys that are refused. */
import { describe, expect, it } from "vitest";
import { hmac, type HmacForm } from "#runtime/template/hmac.ts";

const SAID = "what do ya want for nothing?";
const form = (algorithm: HmacForm["algorithm"], keyEncoding: HmacForm["keyEncoding"] = "utf8"): HmacForm => {
  return { algorithm, keyEncoding, outputEncoding: "hex" };
};

describe("hmac", () => {
  // RFC 2202 test case 2 and RFC 4231 test case 2: the key "Jefe".
  it.each([
    ["md5", "750c783e6ab0b503eaa86e310a5db738"],
    ["sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"],
    ["sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"],
    ["sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
    ["sha384", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"],
    [
      "sha512",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    ],
  ] as const)("%s", (algorithm, expected) => {
    expect(hmac(form(algorithm), "Jefe", SAID, "P")).toBe(expected);
    expect(hmac(form(algorithm, "hex"), "4A656665", SAID, "P")).toBe(expected);
    expect(hmac(form(algorithm, "base64"), "SmVmZQ==", SAID, "P")).toBe(expected);
    const base64 = hmac({ ...form(algorithm), outputEncoding: "base64" }, "Jefe", SAID, "P");
    expect(Buffer.from(base64, "base64").toString("hex")).toBe(expected);
  });

  it("takes keys of any bytes", () => {
    // RFC 4231 test case 3.
    const bytes = Buffer.alloc(50, 0xdd).toString("latin1");
    expect(hmac(form("sha256", "hex"), "aa".repeat(20), bytes, "P")).not.toBe("");
    expect(hmac(form("sha256"), "\u00e9", "x", "P")).toBe(hmac(form("sha256", "hex"), "c3a9", "x", "P"));
  });

  it.each([
    ["utf8", ""],
    ["hex", ""],
    ["hex", "abc"],
    ["hex", "zz"],
    ["hex", "ab "],
    ["base64", ""],
    ["base64", "-_8="],
    ["base64", "a"],
    ["base64", "SmVm ZQ=="],
  ] as const)("refuses the %s key %j, without telling it", (encoding, key) => {
    let thrown: unknown;
    try {
      hmac(form("sha256", encoding), key, SAID, "AM-Sign");
    } catch (found) {
      thrown = found;
    }
    expect(thrown).toMatchObject({ code: "steps.assignmessage.SetVariableFailed", policy: "AM-Sign" });
    if (key !== "") expect(JSON.stringify(thrown)).not.toContain(key === "a" ? "[a]" : key);
  });
});
