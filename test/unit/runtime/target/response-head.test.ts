import { describe, expect, test } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { ResponseHeadReader } from "#runtime/target/response-head.ts";
import type { HeadProblem, ReadHead } from "#runtime/target/response-head.ts";

const limits = { ...defaultLimits, responseHeadBytesMax: 512, responseHeadersMax: 5 };

function readWhole(text: string): ReadHead | HeadProblem | null {
  return new ResponseHeadReader(limits).push(Buffer.from(text, "latin1"));
}

/** Feeds single bytes; what comes behind the head stays unread. */
function readBytes(text: string): ReadHead | HeadProblem | null {
  const reader = new ResponseHeadReader(limits);
  for (const byte of Buffer.from(text, "latin1")) {
    const read = reader.push(Buffer.of(byte));
    if (read !== null) return read;
  }
  return null;
}

describe("heads that are read", () => {
  test.each([
    ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nA:b\r\n\r\n", 101, "Switching Protocols", ["Upgrade",
      "websocket", "A", "b"]],
    ["HTTP/1.1 200 OK\r\n\r\n", 200, "OK", []],
    ["HTTP/1.1 200 \r\n\r\n", 200, "", []],
    ["HTTP/1.1 200\r\n\r\n", 200, "", []],
    ["HTTP/1.0 404 Not  Found \r\n\r\n", 404, "Not  Found ", []],
    ["HTTP/1.1 999 \r\nA:\r\nB: \t \r\nC: \t x y\t \r\n\r\n", 999, "", ["A", "", "B", "", "C", "x y"]],
    ["HTTP/1.1 200 OK\r\nA: b: c\r\nA: caf\u00e9\r\n\r\n", 200, "OK", ["A", "b: c", "A", "caf\u00e9"]],
  ])("%j", (text, status, reason, lines) => {
    expect(readWhole(text)).toMatchObject({ kind: "head", status, reason, lines });
    expect(readBytes(text)).toMatchObject({ kind: "head", status, reason, lines });
  });

  test("the version is told", () => {
    expect(readWhole("HTTP/1.0 200 OK\r\n\r\n")).toMatchObject({ version: "1.0" });
    expect(readWhole("HTTP/1.1 200 OK\r\n\r\n")).toMatchObject({ version: "1.1" });
  });
});

describe("heads that are refused, whole and byte by byte", () => {
  test.each([
    ["HTTP/1.1 200 OK\nA: b\n\n", "line ends without carriage return"],
    ["HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "line ends without carriage return"],
    ["HTTP/1.1 200 OK\r\nA: b\r\n\n", "line ends without carriage return"],
    ["HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", "carriage return inside a line"],
    ["HTTP/1.1 200 OK\r\r\n\r\n", "carriage return inside a line"],
    ["HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "header line is folded"],
    ["HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n", "header line is folded"],
    ["HTTP/1.1 200 OK\r\n A: b\r\n\r\n", "header line is folded"],
    ["HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "header name is no token"],
    ["HTTP/1.1 200 OK\r\n: b\r\n\r\n", "header name is no token"],
    ["HTTP/1.1 200 OK\r\nA(b): c\r\n\r\n", "header name is no token"],
    ["HTTP/1.1 200 OK\r\nA\u00e9: c\r\n\r\n", "header name is no token"],
    ["HTTP/1.1 200 OK\r\nA b\r\n\r\n", "header line has no colon"],
    ["HTTP/1.1 200 OK\r\nA\r\nB: c\r\n\r\n", "header line has no colon"],
    ["HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "control character in the head"],
    ["HTTP/1.1 200 O\x1bK\r\n\r\n", "control character in the head"],
    ["HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n", "control character in the head"],
    ["HTTP/1.2 200 OK\r\n\r\n", "HTTP version is neither 1.1 nor 1.0"],
    ["HTTP/2.0 200 OK\r\n\r\n", "no HTTP/1 status line"],
    ["HTTP/1.1  200 OK\r\n\r\n", "status code is not three digits"],
    ["http/1.1 200 OK\r\n\r\n", "no HTTP/1 status line"],
    ["ICY 200 OK\r\n\r\n", "no HTTP/1 status line"],
    ["\r\n\r\n", "no HTTP/1 status line"],
    ["\r\nHTTP/1.1 200 OK\r\n\r\n", "no HTTP/1 status line"],
    ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "no HTTP/1 status line"],
    ["HTTP/1.1 20 OK\r\n\r\n", "status code is not three digits"],
    ["HTTP/1.1 2000 OK\r\n\r\n", "status code is not three digits"],
    ["HTTP/1.1 2x0 OK\r\n\r\n", "status code is not three digits"],
    ["HTTP/1.1 099 OK\r\n\r\n", "status code is not three digits"],
    ["HTTP/1.1 \r\n\r\n", "status code is not three digits"],
    [`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(6)}\r\n`, "too many header lines"],
    [`HTTP/1.1 200 OK\r\nA: ${"b".repeat(512)}\r\n\r\n`, "head is too large"],
    ["x".repeat(513), "head is too large"],
  ])("%j", (text, reason) => {
    expect(readWhole(text)).toEqual({ kind: "problem", reason });
    expect(readBytes(text)).toEqual({ kind: "problem", reason });
  });
});

test("a head of exactly the limit is read, one byte more is not", () => {
  const fill = (bytes: number): string => `HTTP/1.1 200 OK\r\nA: ${"b".repeat(bytes - 24)}\r\n\r\n`;
  for (const read of [readWhole, readBytes]) {
    expect(fill(512)).toHaveLength(512);
    expect(read(fill(512))).toMatchObject({ kind: "head" });
    expect(read(fill(513))).toEqual({ kind: "problem", reason: "head is too large" });
  }
});

test("an incomplete head asks for more", () => {
  expect(readWhole("HTTP/1.1 200 OK\r\nA: b\r\n\r")).toBeNull();
  expect(readWhole("")).toBeNull();
});

test("bytes behind the head are handed back, and one reader reads one head after another", () => {
  const reader = new ResponseHeadReader(limits);
  const bytes = Buffer.from("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 x\r\n\r\n\x81\x00");
  const first = reader.push(bytes);
  expect(first).toMatchObject({ status: 103 });
  const second = first?.kind === "head" ? reader.push(first.rest) : null;
  expect(second).toMatchObject({ status: 101 });
  expect(second?.kind === "head" ? [...second.rest] : []).toEqual([...Buffer.from("\x81\x00")]);
});

test("a large head in single bytes is linear work: quadratic work would not end within the time of a test", () => {
  const large = { ...defaultLimits, responseHeadBytesMax: 400_000 };
  const reader = new ResponseHeadReader(large);
  const text = Buffer.from(`HTTP/1.1 200 OK\r\nA: ${"b".repeat(390_000)}\r\n\r\n`);
  let read: ReadHead | HeadProblem | null = null;
  for (let at = 0; at < text.length; at++) read = reader.push(text.subarray(at, at + 1));
  expect(read).toMatchObject({ kind: "head", status: 200 });
});
