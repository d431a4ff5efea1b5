/** Base64: what is taken (as Java's decoder does) and what is empty. */
import { expect, it } from "vitest";
import { base64Bytes, decodeBase64, encodeBase64 } from "#runtime/template/base64.ts";

// RFC 4648 section 10.
it.each([
  ["", ""],
  ["f", "Zg=="],
  ["fo", "Zm8="],
  ["foo", "Zm9v"],
  ["foob", "Zm9vYg=="],
  ["fooba", "Zm9vYmE="],
  ["foobar", "Zm9vYmFy"],
  ["h\u00e9llo \u{1f600}", "aMOpbGxvIPCfmIA="],
])("%j is %s, and back", (text, encoded) => {
  expect(encodeBase64(text)).toBe(encoded);
  expect(decodeBase64(encoded)).toBe(text);
  expect(decodeBase64(encoded.replaceAll("=", ""))).toBe(text);
});

it.each([
  ["YR==", "a"],
  ["/w==", "\ufffd"],
  ["AA==", "\u0000"],
])("%s decodes to %j", (encoded, text) => expect(decodeBase64(encoded)).toBe(text));

it.each(["-_8=", "YQ=", "=", "====", "Y", "Y Q==", "YQ==\n", "YQ==YQ==", "Y=Q=", "YQ===", "YWJj=", "\u00e9"])(
  "%j is no base64",
  (encoded) => {
    expect(base64Bytes(encoded)).toBeNull();
    expect(decodeBase64(encoded)).toBe("");
  },
);
