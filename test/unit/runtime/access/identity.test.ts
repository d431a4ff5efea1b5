import { expect, it } from "vitest";
import {
  appIdentity,
  jtiIdentity,
  kidIdentity,
  sessionIdentity,
  sessionIdOf,
  subjectIdentity,
} from "#runtime/access/identity.ts";

it("never gives two pairs of issuer and id one key", () => {
  const pairs: readonly (readonly [string, string])[] = [["a|b", "c"], ["a", "b|c"], ["a%7Cb", "c"], ["a%b", "c"]];
  for (const make of [jtiIdentity, kidIdentity, subjectIdentity]) {
    expect(new Set(pairs.map(([issuer, id]) => make(issuer, id))).size).toBe(pairs.length);
  }
  expect(jtiIdentity("a", "b")).not.toBe(kidIdentity("a", "b"));
});

it("tells a session's id from its own identity only", () => {
  expect(sessionIdOf(sessionIdentity("x"))).toBe("x");
  expect(sessionIdOf(appIdentity("session:x"))).toBe(null);
});
