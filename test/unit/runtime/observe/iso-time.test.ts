import { describe, expect, it } from "vitest";
import { isoTime } from "#runtime/observe/iso-time.ts";

describe("ISO times", () => {
  const day = 86_400_000;
  it.each([
    0, -1, 1, 999, 1_000, -day, 951_782_399_999, 951_782_400_000, Date.UTC(2000, 1, 29), Date.UTC(1900, 1, 28, 23, 59, 59, 999),
    Date.UTC(2100, 1, 28) + day, Date.UTC(2024, 1, 29, 12), Date.UTC(2024, 11, 31, 23, 59, 59, 999), -62_135_596_800_000, 253_402_300_799_999,
  ])("are what a Date says of %d", (ms) => {
    expect(isoTime(ms)).toBe(new Date(ms).toISOString());
  });

  it("are what a Date says on every day of eight centuries", () => {
    for (let ms = Date.UTC(1700, 0, 1); ms < Date.UTC(2500, 0, 1); ms += day) {
      const at = ms + ((ms / day) * 7_919_317) % day;
      if (isoTime(at) !== new Date(at).toISOString()) expect(isoTime(at)).toBe(new Date(at).toISOString());
    }
  });

  it("cut parts of milliseconds off", () => {
    expect(isoTime(1_234.999)).toBe("1970-01-01T00:00:01.234Z");
    expect(isoTime(-0.5)).toBe("1969-12-31T23:59:59.999Z");
  });

  it("stay within what four digits can say", () => {
    expect(isoTime(Infinity)).toBe("9999-12-31T23:59:59.999Z");
    expect(isoTime(-Infinity)).toBe("0001-01-01T00:00:00.000Z");
    expect(isoTime(NaN)).toBe("0001-01-01T00:00:00.000Z");
  });
});
