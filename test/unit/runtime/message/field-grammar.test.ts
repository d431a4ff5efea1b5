import { describe, expect, test } from "vitest";
import {
  fieldValueKind, isBase64Text, isHostName, isToken, isVisible, listHas, listHasExactly, sameName, tokenList,
  VALUE_FORBIDDEN, VALUE_PLAIN, VALUE_WIDE,
} from "#runtime/message/field-grammar.ts";

const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

describe("character classes", () => {
  test("tokens are RFC 9110's tchar and nothing else", () => {
    expect(ascii.filter((sign) => isToken(sign)).join("")).toBe(
      ascii.filter((sign) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(sign)).join(""),
    );
  });

  test.each([
    ["isVisible", isVisible, /[!-~]/],
    ["isHostName", isHostName, /[-._~0-9A-Za-z]/],
    ["isBase64Text", isBase64Text, /[+/0-9A-Za-z]/],
  ])("%s", (_name, is, pattern) => {
    expect(ascii.filter((sign) => is(sign))).toEqual(ascii.filter((sign) => pattern.test(sign)));
  });

  test.each([isToken, isVisible, isHostName, isBase64Text])("empty text and text beyond ASCII belong to none", (is) => {
    expect(is("a")).toBe(true);
    expect(is("")).toBe(false);
    expect(is("a\u00e9")).toBe(false);
    expect(is("a\u0161")).toBe(false);
  });
});

test.each([
  ["", VALUE_PLAIN],
  ["text/plain; q=0.5\t\u00ff", VALUE_PLAIN],
  ["\u0100", VALUE_WIDE],
  ["\u010a injected", VALUE_WIDE],
  ["a\r\nb", VALUE_FORBIDDEN],
  ["a\nb", VALUE_FORBIDDEN],
  ["a\0", VALUE_FORBIDDEN],
  ["\u010a\n", VALUE_FORBIDDEN],
  ["\u007f", VALUE_FORBIDDEN],
])("the value %j has kind %i, behind long text too", (text, kind) => {
  expect(fieldValueKind(text)).toBe(kind);
  expect(fieldValueKind(`Bearer ${"x".repeat(600)}${text}`)).toBe(kind);
});

test.each([
  ["upgrade", true],
  ["Upgrade", true],
  ["keep-alive, Upgrade", true],
  [" Upgrade ", true],
  ["upgrades", false],
  ["keep-alive", false],
  ["", false],
])("listHas: %j", (list, expected) => {
  expect(listHas(list, "upgrade")).toBe(expected);
});

test("exact lists and names", () => {
  expect(listHasExactly("chat, v2", "v2")).toBe(true);
  expect(listHasExactly("chat, V2", "v2")).toBe(false);
  expect(sameName("HOST", "host")).toBe(true);
  expect(sameName("hosts", "host")).toBe(false);
});

test.each([
  ["a", ["a"]],
  ["a, b ,c", ["a", "b", "c"]],
  ["a,b,c,d", null],
  ["a,", null],
  ["", null],
  ["a b", null],
])("tokenList of at most three: %j", (list, expected) => {
  expect(tokenList(list, 3)).toEqual(expected);
});
