import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { digest, fingerprint, isDigest, matches } from "#runtime/access/digest.ts";

it("is SHA-256 in base64url behind a prefix", () => {
  const expected = createHash("sha256").update("kä").digest("base64url");
  expect(digest("kä")).toBe(`sha256:${expected}`);
  expect(isDigest(digest("kä"))).toBe(true);
});

it.each([
  ["the digest of the secret", "s", digest("s"), true],
  ["another secret's digest", "s", digest("t"), false],
  ["the secret itself", "s", "s", false],
  ["nothing", "s", "", false],
  ["text of the same length", "s", "x".repeat(50), false],
])("matches %s: %j %j is %j", (_, secret, stored, expected) => {
  expect(matches(secret, stored)).toBe(expected);
});

it.each(["", "sha256:", digest("s").slice(0, -1), `${digest("s")}A`, digest("s").replace("sha256", "sha1")])(
  "%j is no digest",
  (text) => expect(isDigest(text)).toBe(false),
);

it("shows twelve characters of a digest and not its prefix", () => {
  expect(fingerprint(digest("s"))).toBe(digest("s").slice(7, 19));
});
