import { describe, expect, test } from "vitest";
import { challengeLines, prefixedToken } from "#runtime/token/bearer.ts";

describe("a token behind its prefix", () => {
  test.each([
    ["Bearer abc.def-_~+/==", "Bearer", "abc.def-_~+/=="],
    ["bearer   abc", "Bearer", "abc"],
    ["BEARER abc", "Bearer", "abc"],
    ["Bearer abc ", "Bearer", "abc"],
    ["abc", "", "abc"],
    ["Token abc", "token", "abc"],
  ])("%j with prefix %j is %j", (value, prefix, token) => {
    expect(prefixedToken(value, prefix)).toBe(token);
  });

  test.each([
    ["", "Bearer"],
    ["Bearer", "Bearer"],
    ["Bearer ", "Bearer"],
    ["Bearerabc", "Bearer"],
    ["Basic abc", "Bearer"],
    ["Bearer a b", "Bearer"],
    ["Bearer a,b", "Bearer"],
    ["Bearer a\u0000", "Bearer"],
    ["Bearer =", "Bearer"],
    ["Bearer ä", "Bearer"],
    ["a b", ""],
    ["", ""],
  ])("%j with prefix %j is none", (value, prefix) => {
    expect(prefixedToken(value, prefix)).toBeNull();
  });
});

test("a challenge cannot be broken out of", () => {
  const lines = challengeLines({ realm: 'a"b', error: "insufficient_scope", description: "x\\\r\ny", scope: 'r"w' });
  expect(lines).toEqual([
    "WWW-Authenticate",
    `Bearer realm="a'b",error="insufficient_scope",error_description="x'''y",scope="r'w"`,
  ]);
});
