import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { readProxyHeader } from "#runtime/listen/proxy-protocol.ts";
import { v2Header } from "../../../support/proxy-header.ts";

const MAX = 2_048;
const v1 = (text: string): ReturnType<typeof readProxyHeader> => readProxyHeader(Buffer.from(text, "latin1"), "any", MAX);
const v2 = (bytes: Buffer): ReturnType<typeof readProxyHeader> => readProxyHeader(bytes, "any", MAX);

describe("version 1", () => {
  test.each([
    ["PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n", "192.0.2.1", 56_324],
    ["PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255", 65_535],
    ["PROXY TCP6 2001:DB8::1 ::1 0 443\r\n", "2001:db8::1", 0],
    ["PROXY TCP6 ::ffff:192.0.2.1 ::1 1 443\r\n", "192.0.2.1", 1],
    [`PROXY TCP6 ${"ffff:".repeat(7)}ffff ${"ffff:".repeat(7)}ffff 65535 65535\r\n`, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65_535],
  ])("%j", (text, address, port) => {
    expect(v1(`${text}GET / HTTP/1.1\r\n`)).toEqual({ length: text.length, source: { address, port } });
    for (let cut = 0; cut < text.length; cut++) expect(v1(text.slice(0, cut))).toBe("more");
  });

  test.each(["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 ffff::1 1 2\r\n", "PROXY UNKNOWN anything at all\r\n"])("%j names nobody", (text) => {
    expect(v1(`${text}GET`)).toEqual({ length: text.length, source: null });
  });

  test.each([
    "GET / HTTP/1.1\r\n",
    "PROXX TCP4 192.0.2.1 10.0.0.1 1 2\r\n",
    "PROXY  TCP4 192.0.2.1 10.0.0.1 1 2\r\n",
    "PROXY TCP4  192.0.2.1 10.0.0.1 1 2\r\n",
    "PROXY TCP4 192.0.2.1 10.0.0.1 1 2 \r\n",
    "PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n",
    "PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n",
    "PROXY TCP4 192.0.2.1 10.0.0.1 01 2\r\n",
    "PROXY TCP4 192.0.2.1 10.0.0.1 65536 2\r\n",
    "PROXY TCP4 192.0.2.1 10.0.0.1 -1 2\r\n",
    "PROXY TCP4 192.0.2.256 10.0.0.1 1 2\r\n",
    "PROXY TCP4 192.0.2.1 localhost 1 2\r\n",
    "PROXY TCP4 ::1 ::1 1 2\r\n",
    "PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n",
    "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    "PROXY tcp4 192.0.2.1 10.0.0.1 1 2\r\n",
    "PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n",
    "PROXY UNKNOWNX\r\n",
    "PROXY \r\n",
    `PROXY UNKNOWN ${"x".repeat(107)}`,
    `PROXY UNKNOWN ${"x".repeat(92)}\r\n`,
  ])("%j is refused", (text) => {
    expect(v1(text)).toBe("invalid");
  });

  test("107 bytes are the most, and are enough", () => {
    const longest = `PROXY UNKNOWN ${"x".repeat(91)}\r\n`;
    expect(longest.length).toBe(107);
    expect(v1(longest)).toEqual({ length: 107, source: null });
    expect(v1(longest.slice(0, 106))).toBe("more");
  });

  test("a line feed alone ends nothing", () => {
    expect(v1("PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n")).toBe("more");
    expect(v1("PROXY TCP4 192.0.2.1 10.0.0.1 1 2\nGET / HTTP/1.1\r\n")).toBe("invalid");
  });
});

describe("version 2", () => {
  const four = { family: 0x11, from: [192, 0, 2, 1], to: [10, 0, 0, 1], fromPort: 56_324 } as const;
  const six = { family: 0x21, from: [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(11).fill(0), 7], to: Array<number>(16).fill(1) };

  test.each([
    ["IPv4", v2Header(four), { address: "192.0.2.1", port: 56_324 }],
    ["IPv6", v2Header({ ...six, fromPort: 1 }), { address: "2001:db8::7", port: 1 }],
    ["IPv4 in IPv6", v2Header({ ...six, from: [...Array<number>(10).fill(0), 255, 255, 192, 0, 2, 1] }), { address: "192.0.2.1", port: 0 }],
    ["with extensions", v2Header({ ...four, tlvs: Buffer.alloc(300, 4) }), { address: "192.0.2.1", port: 56_324 }],
    ["LOCAL", v2Header({ ...four, command: 0x20 }), null],
    ["LOCAL without addresses", v2Header({ command: 0x20 }), null],
    ["LOCAL of no family known", v2Header({ command: 0x20, family: 0x7f }), null],
    ["no family", v2Header({}), null],
    ["no family with bytes", v2Header({ tlvs: Buffer.alloc(9) }), null],
    ["a Unix socket", v2Header({ family: 0x31, tlvs: Buffer.alloc(216) }), null],
  ])("%s", (_, bytes, source) => {
    expect(v2(Buffer.concat([bytes, Buffer.from("GET")]))).toEqual({ length: bytes.length, source });
    for (let cut = 0; cut < bytes.length; cut++) expect(v2(bytes.subarray(0, cut))).toBe("more");
  });

  test.each([
    ["a wrong signature", Buffer.from("\r\n\r\n\0\r\nQUIT\r", "latin1")],
    ["version 1 in binary", v2Header({ ...four, command: 0x11 })],
    ["an unknown command", v2Header({ ...four, command: 0x22 })],
    ["UDP", v2Header({ ...four, family: 0x12 })],
    ["an unknown family", v2Header({ ...four, family: 0x41 })],
    ["IPv4 cut short", v2Header({ family: 0x11, tlvs: Buffer.alloc(11) })],
    ["IPv6 of IPv4's length", v2Header({ ...four, family: 0x21 })],
    ["more than the bound", v2Header({ ...four, tlvs: Buffer.alloc(MAX) }).subarray(0, 16)],
  ])("%s is refused", (_, bytes) => {
    expect(v2(bytes)).toBe("invalid");
  });
});

test("only the version that was asked for is read", () => {
  const text = Buffer.from("PROXY UNKNOWN\r\n");
  const binary = v2Header({});
  expect(readProxyHeader(text, "v2", MAX)).toBe("invalid");
  expect(readProxyHeader(text, "v1", MAX)).toMatchObject({ length: text.length });
  expect(readProxyHeader(binary, "v1", MAX)).toBe("invalid");
  expect(readProxyHeader(binary, "v2", MAX)).toMatchObject({ length: binary.length });
});
