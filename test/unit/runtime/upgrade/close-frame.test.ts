import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import {
  closeFrameForClient, closeFrameForTarget, cutCloseText, isWireCode, parseClosePayload,
} from "#runtime/upgrade/close-frame.ts";
import { closeReasons } from "#runtime/upgrade/close-reason.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import { readClose } from "../../../support/frames.ts";

describe("a close frame", () => {
  test("for a client is not masked", () => {
    expect(closeFrameForClient(3000, "token expired").toString("hex")).toBe(
      `880f0bb8${Buffer.from("token expired").toString("hex")}`,
    );
  });

  test("for a target is masked with a fresh key each time", () => {
    const clock = fakeClock();
    const one = closeFrameForTarget(1001, "bye", clock);
    const two = closeFrameForTarget(1001, "bye", clock);
    expect(readClose(one)).toEqual({ masked: true, code: 1001, text: "bye" });
    expect(readClose(two)).toEqual({ masked: true, code: 1001, text: "bye" });
    expect(one.equals(two)).toBe(false);
  });

  test("without text has a payload of two bytes", () => {
    expect(closeFrameForClient(1001, "").toString("hex")).toBe("880203e9");
  });

  test.each([
    ["ASCII that just fits", "x".repeat(123), 123],
    ["ASCII too long", "x".repeat(200), 123],
    ["two-byte characters, 123 is odd", "é".repeat(100), 122],
    ["three-byte characters", "€".repeat(100), 123],
    ["four-byte characters", "😀".repeat(40), 120],
    ["a cut behind three ASCII bytes", `abc${"😀".repeat(40)}`, 123],
    ["a combining sequence is cut between code points", `${"x".repeat(122)}é`, 122],
  ])("cuts its text between characters: %s", (_name, text, bytes) => {
    const cut = cutCloseText(text);
    expect(Buffer.byteLength(cut)).toBe(bytes);
    expect(text.startsWith(cut)).toBe(true);
    expect(readClose(closeFrameForClient(1000, text)).text).toBe(cut);
  });
});

describe("a received close payload", () => {
  test.each([
    ["empty", "", { code: 1005, text: "" }],
    ["code only", "03e8", { code: 1000, text: "" }],
    ["code and text", `0bb8${Buffer.from("später").toString("hex")}`, { code: 3000, text: "später" }],
    ["a replacement character that was sent as such", "03e861efbfbd62", { code: 1000, text: "a\ufffdb" }],
    ["one byte", "03", null],
    ["more than 125 bytes", `03e8${"61".repeat(124)}`, null],
    ["a lone continuation byte", "03e880", null],
    ["an overlong encoding", "03e8c0af", null],
    ["half a character", "03e8e282", null],
    ["a surrogate", "03e8eda080", null],
    ["a byte order mark stays", "03e8efbbbf61", { code: 1000, text: "\ufeffa" }],
  ])("%s", (_name, hex, expected) => {
    expect(parseClosePayload(Buffer.from(hex, "hex"))).toEqual(expected);
  });

  test.each([0, 1, 999, 1004, 1005, 1006, 1015, 5000, 65_535])("refuses code %i", (code) => {
    expect(isWireCode(code)).toBe(false);
    expect(parseClosePayload(Buffer.from([code >> 8, code & 255]))).toBeNull();
  });

  test.each([1000, 1001, 1003, 1007, 1014, 1016, 2999, 3000, 3008, 4999])("takes code %i", (code) => {
    expect(parseClosePayload(Buffer.from([code >> 8, code & 255]))).toEqual({ code, text: "" });
  });

  test("every code of the table of reasons may travel", () => {
    const codes = Object.values(closeReasons).map((row) => row.code).filter((code) => code > 0);
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => !isWireCode(code))).toEqual([]);
  });
});
