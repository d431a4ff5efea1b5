import { describe, expect, test } from "vitest";
import { member, parseCompact, parseObject } from "#runtime/token/compact.ts";
import { part } from "../../../support/jwt-forge.ts";

const HEADER = part({ alg: "RS256" });
const CLAIMS = part({ sub: "ann" });
const SIGNATURE = part("0123456789");

describe("the grammar of a compact token", () => {
  test("takes a token apart and says what was parsed", () => {
    expect(parseCompact(`${HEADER}.${CLAIMS}.${SIGNATURE}`, 1_000)).toMatchObject({
      header: { alg: "RS256" },
      claims: { sub: "ann" },
      headerJson: '{"alg":"RS256"}',
      claimsJson: '{"sub":"ann"}',
    });
  });

  const refused: [string, string][] = [
    ["nothing", ""],
    ["two parts", `${HEADER}.${CLAIMS}`],
    ["four parts", `${HEADER}.${CLAIMS}.${SIGNATURE}.${SIGNATURE}`],
    ["five parts, as an encrypted one", `${HEADER}.${CLAIMS}.${SIGNATURE}.${SIGNATURE}.${SIGNATURE}`],
    ["an empty header", `.${CLAIMS}.${SIGNATURE}`],
    ["empty claims", `${HEADER}..${SIGNATURE}`],
    ["padding", `${HEADER}=.${CLAIMS}.${SIGNATURE}`],
    ["padding of the signature", `${HEADER}.${CLAIMS}.${SIGNATURE}==`],
    ["plain base64", `${HEADER}.${CLAIMS}.ab+/`],
    ["a space before", ` ${HEADER}.${CLAIMS}.${SIGNATURE}`],
    ["a line end behind", `${HEADER}.${CLAIMS}.${SIGNATURE}\n`],
    ["a tab inside", `${HEADER}.${CLAIMS}\t.${SIGNATURE}`],
    ["stray bits in a last character", `${HEADER}.${CLAIMS}.${part("a").slice(0, -1)}R`],
    ["a length that base64 cannot have", `${HEADER}.${CLAIMS}.abcde`],
    ["a header that is no JSON", `${part("alg")}.${CLAIMS}.${SIGNATURE}`],
    ["a header that is a list", `${part("[]")}.${CLAIMS}.${SIGNATURE}`],
    ["claims that are text", `${HEADER}.${part('"a"')}.${SIGNATURE}`],
    ["claims that are null", `${HEADER}.${part("null")}.${SIGNATURE}`],
    ["alg named twice", `${part('{"alg":"RS256","alg":"none"}')}.${CLAIMS}.${SIGNATURE}`],
    ["alg named twice, once escaped", `${part('{"alg":"RS256","\\u0061lg":"none"}')}.${CLAIMS}.${SIGNATURE}`],
    ["exp named twice", `${HEADER}.${part('{"exp":1, "x": {"exp": 2}, "exp" : 3}')}.${SIGNATURE}`],
    [
      "bytes that are no UTF-8",
      `${HEADER}.${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString("base64url")}.${SIGNATURE}`,
    ],
    ["more than the limit", `${HEADER}.${part({ pad: "x".repeat(1_000) })}.${SIGNATURE}`],
  ];
  test.each(refused)("refuses %s", (_, token) => {
    expect(parseCompact(token, 1_000)).toBeNull();
  });

  test("a name inside another object is not the same name", () => {
    expect(parseObject('{"exp":1,"x":{"exp":2},"y":["exp","exp"],"z":"\\"exp\\":"}')).not.toBeNull();
  });

  test("deep nesting is refused or read, never a crash", () => {
    const deep = `${'{"a":'.repeat(3_000)}1${"}".repeat(3_000)}`;
    expect(() => parseObject(deep)).not.toThrow();
  });

  test("members that every object inherits are not there", () => {
    const object = parseObject('{"a":1,"__proto__":{"b":2}}') ?? {};
    expect(member(object, "constructor")).toBeUndefined();
    expect(member(object, "b")).toBeUndefined();
    expect(member(object, "a")).toBe(1);
  });
});
