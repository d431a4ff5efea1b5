/** Digests, against published vectors (RFC 1321 A.5, FIPS 180-4 examples). */
import { expect, it } from "vitest";
import { digest } from "#runtime/template/digest.ts";

const of = { hex: "hex", base64: "base64" } as const;

it.each([
  ["md5", of.hex, "abc", "900150983cd24fb0d6963f7d28e17f72"],
  ["md5", of.hex, "", "d41d8cd98f00b204e9800998ecf8427e"],
  ["sha1", of.hex, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  ["sha256", of.hex, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["sha256", of.base64, "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="],
  [
    "sha384", of.hex, "abc",
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
  ],
  [
    "sha512", of.hex, "abc",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  ],
  // UTF-8: c3 a9.
  ["md5", of.hex, "\u00e9", "66ddcd97cfdeabb2f6fb8a999b4bc76f"],
] as const)("%s %s of %j", (algorithm, encoding, text, expected) => {
  expect(digest(algorithm, encoding, text)).toBe(expected);
});
