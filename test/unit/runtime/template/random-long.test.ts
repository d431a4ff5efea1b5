/** Random integers: their range, both ends, and bounds that are none. */
import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import type { Clock } from "#runtime/clock.ts";
import { randomLong } from "#runtime/template/random-long.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

/** A clock whose random bytes are always the same. */
const stuck = (byte: number): Clock => ({ ...fakeClock(), randomBytes: (size) => Buffer.alloc(size, byte) });

describe("randomLong", () => {
  it("stays within its bounds and reaches all of them", () => {
    const clock = fakeClock();
    const seen = new Set(Array.from({ length: 200 }, () => randomLong(clock, "-1", "1")));
    expect([...seen].sort()).toEqual(["-1", "0", "1"]);
  });

  it.each([
    ["5", "5", "5"],
    ["-9223372036854775808", "-9223372036854775808", "-9223372036854775808"],
    ["9223372036854775807", null, "9223372036854775807"],
  ])("from %s to %s is %s", (min, max, expected) => expect(randomLong(fakeClock(), min, max)).toBe(expected));

  it("spans Java's long without bounds", () => {
    expect(randomLong(stuck(0), null, null)).toBe("-9223372036854775808");
    expect(randomLong(stuck(255), null, null)).toBe("9223372036854775807");
    expect(randomLong(stuck(0), "10", null)).toBe("10");
  });

  it.each([
    ["2", "1"],
    ["", "1"],
    ["a", null],
    ["1.5", null],
    [" 1", null],
    ["0x1", null],
    ["9223372036854775808", null],
    ["0", "-9223372036854775809"],
    ["0", "99999999999999999999"],
  ])("from %j to %j is empty", (min, max) => expect(randomLong(fakeClock(), min, max)).toBe(""));
});
