/** Identifiers from any text: valid, unique, and none that the program uses itself. */
import { describe, expect, it } from "vitest";
import { EXCHANGE_MEMBERS, Names, camelCase } from "#compiler/5-emit/names.ts";
import { symbols } from "#compiler/5-emit/symbols.ts";
import { PolicyFixture } from "../../../support/policy-fixture.ts";

describe("camelCase", () => {
  const cases: readonly [text: string, expected: string][] = [
    ["VK-Key", "vkKey"],
    ["rooms.list", "roomsList"],
    ["Chat Exchange", "chatExchange"],
    ["2fast", "v2fast"],
    ["%$", "v"],
    ["", "v"],
    ["__proto__", "proto"],
    ["mehr-Öl", "mehrL"],
  ];

  it.each(cases)("%j -> %s", (text, expected) => {
    expect(camelCase(text)).toBe(expected);
  });
});

describe("names", () => {
  it("are handed out once", () => {
    const names = new Names();
    expect([names.camel("a"), names.camel("A"), names.camel("a ")]).toEqual(["a", "a2", "a3"]);
    expect([names.constant("rate limit"), names.constant("rateLimit"), names.constant("9")]).toEqual(["RATE_LIMIT", "RATE_LIMIT2", "C_9"]);
  });

  it("are no words of the language and none that every file declares", () => {
    const names = new Names(Object.keys(symbols));
    for (const word of ["class", "await", "x", "undefined", "andThen", "arguments"]) expect(names.camel(word)).toBe(`${word}2`);
    for (const type of ["Exchange", "Maybe", "ProxyProgram"]) expect(names.pascal(type)).toBe(`${type}2`);
  });
});

it("no custom variable hides a member of the exchange", () => {
  const x = new PolicyFixture().exchange();
  const members = [...Object.getOwnPropertyNames(x), ...Object.getOwnPropertyNames(Object.getPrototypeOf(x))];
  expect(members.length).toBeGreaterThan(20);
  expect(members.filter((member) => !EXCHANGE_MEMBERS.includes(member))).toEqual([]);
});
