/** Replacements from variables: they stand for themselves and cannot grow without bound. */
import { describe, expect, it } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { replaceWith } from "#runtime/template/replace.ts";

describe("replaceWith", () => {
  it.each([
    ["banana", /a/gu, "o", "bonono"],
    ["banana", /a/u, "o", "bonana"],
    ["banana", /x/gu, "o", "banana"],
    ["banana", /a/gu, "", "bnn"],
    ["aXb", /(X)/gu, "$1$&$$$<n>\\1", "a$1$&$$$<n>\\1b"],
    ["ab", /x*/gu, "-", "-a-b-"],
  ])("%j", (text, pattern, replacement, expected) => {
    expect(replaceWith(text, pattern, replacement, "P")).toBe(expected);
    expect(replaceWith(text, pattern, replacement, "P")).toBe(expected);
  });

  it("ends in a fault before the result is too large", () => {
    const max = defaultLimits.replacedCharsMax;
    const half = "y".repeat(max / 2 - 1);
    expect(replaceWith("xx", /x/gu, half, "P").length).toBe(max - 2);
    const fault = { code: "steps.assignmessage.SetVariableFailed", policy: "P" };
    expect(() => replaceWith("xxx", /x/gu, half, "P")).toThrow(expect.objectContaining(fault));
    expect(replaceWith("xxx", /x/gu, "z", "P")).toBe("zzz");
  });
});
