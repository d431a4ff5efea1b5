import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { ChunkedBody } from "#runtime/target/chunked-body.ts";

const limits = { ...defaultLimits, responseHeadBytesMax: 16 };

function decode(coded: Buffer, cuts: readonly number[] = []): { sound: boolean; done: boolean; text: string } {
  const body = new ChunkedBody(limits);
  const content: Buffer[] = [];
  let sound = true;
  const ends = [...cuts, coded.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    sound = body.push(coded.subarray(start, end), (bytes) => content.push(bytes)) >= 0 && sound;
    start = end;
  }
  return { sound, done: body.done, text: Buffer.concat(content).toString() };
}

describe("chunked bodies", () => {
  test.each([
    ["3\r\nabc\r\n0\r\n\r\n", "abc"],
    ["0\r\n\r\n", ""],
    ["a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a"],
    ["003\r\nabc\r\n000\r\n\r\n", "abc"],
    ["3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n", "abc"],
    ["1;0123456789\r\na\r\n1;0123456789\r\nb\r\n0;0123456789\r\nX: 3456789\r\n\r\n", "ab"],
    ["3\r\n\r\n\r\r\n0\r\n\r\nGARBAGE", "\r\n\r"],
  ])("%j", (coded, text) => {
    expect(decode(Buffer.from(coded))).toEqual({ sound: true, done: true, text });
  });

  test.each([
    "\r\n", "x\r\n", "3\nabc", "3\r\nabcd\r\n", "3\r\nabc\n0\r\n\r\n", "-1\r\n", "+3\r\nabc\r\n", "0x3\r\nabc\r\n",
      " 3\r\nabc\r\n",
    "3 \r\nabc\r\n", "123456789\r\n", "0\r\n\rX", "0\n\n", "3;\x00\r\nabc\r\n", "3;abcdefghijklmnopqrstuvw\r\nabc",
      "0\r\nX: yyyyyyyyyyyyyyyyyyyyy\r\n\r\n",
    "0\r\nX: yyyyyyyyy\r\nX: yyyyyyyyy\r\n\r\n",
  ])("%j is broken", (coded) => {
    expect(decode(Buffer.from(coded))).toMatchObject({ sound: false, done: false });
  });

  test.each(["", "3", "3\r\nab", "3\r\nabc", "3\r\nabc\r\n0\r\n", "0\r\nX: y\r\n"])("%j is not the end", (coded) => {
    expect(decode(Buffer.from(coded))).toMatchObject({ sound: true, done: false });
  });
});

test("any split gives the same content", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 5 }), fc.array(fc.nat(120)), (parts,
      cuts) => {
      const coded = Buffer.concat([
        ...parts.map((part) => Buffer.from(part)).flatMap((bytes) => [Buffer.from(`${bytes.length.toString(16)}\r\n`),
          bytes, Buffer.from("\r\n")]),
        Buffer.from("0\r\n\r\n"),
      ]);
      expect(decode(coded, cuts.filter((cut) => cut < coded.length))).toEqual({ sound: true, done: true,
        text: parts.join("") });
    }),
  );
});

test("trailers are kept as lines, and how much was used is told", () => {
  const body = new ChunkedBody({ ...limits, responseHeadBytesMax: 64 });
  const coded = Buffer.from("1\r\na\r\n0\r\nX-Sum: 7\r\nb:c\r\n\r\nNEXT");
  expect(body.push(coded, () => {})).toBe(coded.length - "NEXT".length);
  expect(body.trailers()).toEqual(["X-Sum", "7", "b", "c"]);
});

test("a trailer that is no header line is told", () => {
  const body = new ChunkedBody({ ...limits, responseHeadBytesMax: 64 });
  body.push(Buffer.from("0\r\nno colon\r\n\r\n"), () => {});
  expect([body.done, body.trailers()]).toEqual([true, null]);
});
