import { BlockList, isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inRange, ipAddressText, ipRange, parseIpAddress, parseIpRange } from "#runtime/language/ip-address.ts";

describe("addresses", () => {
  test.each([
    ["192.0.2.1", 4, [0xc0000201]],
    ["0.0.0.0", 4, [0]],
    ["255.255.255.255", 4, [0xffffffff]],
    ["::", 6, [0, 0, 0, 0]],
    ["::1", 6, [0, 0, 0, 1]],
    ["2001:db8::ff00:42:8329", 6, [0x20010db8, 0, 0xff00, 0x00428329]],
    ["1:2:3:4:5:6:7:8", 6, [0x00010002, 0x00030004, 0x00050006, 0x00070008]],
    ["::ffff:192.0.2.1", 4, [0xc0000201]],
    ["::FFFF:c000:201", 4, [0xc0000201]],
    ["64:ff9b::192.0.2.1", 6, [0x0064ff9b, 0, 0, 0xc0000201]],
  ])("%s", (text, family, words) => {
    expect(parseIpAddress(text)).toEqual({ family, words });
  });

  test.each([
    "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80", "0x7f.0.0.1", "127.1",
    ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "[::1]", "::1%eth0", "g::1", "12345::", "::1.2.3",
    "1.2.3.4::", "1:2:3:4:5:6:7::8", "unknown", "a.example",
  ])("%j is none", (text) => {
    expect(parseIpAddress(text)).toBeNull();
  });

  test("what is taken is what Node takes, of any short text of their characters", () => {
    const text = fc.string({ unit: fc.constantFrom("0", "1", "9", "a", "F", ":", "::", ".", "255"), maxLength: 14 });
    fc.assert(
      fc.property(text, (candidate) => {
        const taken = parseIpAddress(candidate) !== null;
        expect(taken).toBe(isIP(candidate) !== 0);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("ranges", () => {
  test.each([
    ["192.0.2.0", 24, "192.0.2.255", true],
    ["192.0.2.0", 24, "192.0.3.0", false],
    ["192.0.2.77", 32, "192.0.2.77", true],
    ["192.0.2.77", 32, "192.0.2.76", false],
    ["0.0.0.0", 0, "8.8.8.8", true],
    ["0.0.0.0", 0, "::1", false],
    ["128.0.0.0", 1, "255.0.0.1", true],
    ["2001:db8::", 32, "2001:db8:ffff::1", true],
    ["2001:db8::", 33, "2001:db8:8000::", false],
    ["::ffff:192.0.2.0", 120, "192.0.2.9", true],
    ["192.0.2.0", 24, "::ffff:192.0.2.9", true],
    ["2001:db8::1", 128, "2001:db8::1", true],
  ])("%s/%i and %s: %s", (text, bits, address, expected) => {
    const range = ipRange(text, bits);
    const parsed = parseIpAddress(address);
    if (range === null || parsed === null) throw new Error("not parsed");
    expect(inRange(parsed, range)).toBe(expected);
  });

  test.each([
    ["192.0.2.0", 33], ["192.0.2.0", -1], ["192.0.2.0", 1.5], ["::", 129], ["::ffff:192.0.2.0", 24], ["x", 8], [
      "::1",
      Number.NaN,
    ],
  ])("%s/%d is none", (text, bits) => {
    expect(ipRange(text, bits)).toBeNull();
  });

  test("agree with Node's BlockList", () => {
    const four = fc.ipV4();
    const six = fc.ipV6();
    const check = (network: string, bits: number, address: string, family: "ipv4" | "ipv6"): void => {
      const list = new BlockList();
      list.addSubnet(network, bits, family);
      const range = ipRange(network, bits);
      const parsed = parseIpAddress(address);
      if (range === null || parsed === null) throw new Error(`${network}/${bits} ${address}`);
      expect(inRange(parsed, range)).toBe(list.check(address, family));
    };
    fc.assert(fc.property(four, fc.integer({ min: 1, max: 32 }), four, (n, bits, a) => check(n, bits, a, "ipv4")));
    fc.assert(fc.property(six, fc.integer({ min: 1, max: 128 }), six, (n, bits, a) => check(n, bits, a, "ipv6")));
    fc.assert(fc.property(four, fc.integer({ min: 1, max: 32 }), (n, bits) => check(n, bits, n, "ipv4")));
  });
});

describe("ranges as they are written", () => {
  test.each([
    ["10.0.0.0/8", 4, 8],
    ["192.0.2.1", 4, 32],
    ["2001:db8::/32", 6, 32],
    ["::1", 6, 128],
    ["::ffff:10.0.0.0/104", 4, 8],
    ["0.0.0.0/0", 4, 0],
  ])("%s", (text, family, bits) => {
    expect(parseIpRange(text)).toMatchObject({ family, bits });
  });

  test.each(["", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8/8", "::/129", "::ffff:10.0.0.0/8"])(
    "%j is none", (text) => {
      expect(parseIpRange(text)).toBeNull();
    });
});

describe("addresses as text", () => {
  test.each([
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["255.0.0.1", "255.0.0.1"],
  ])("%s is %s", (text, expected) => {
    const address = parseIpAddress(text);
    expect(address === null ? null : ipAddressText(address)).toBe(expected);
  });

  test("is the address that it was made of, written as URLs write it", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const address = parseIpAddress(text);
        if (address === null) throw new Error(text);
        const written = ipAddressText(address);
        expect(parseIpAddress(written)).toEqual(address);
        if (address.family === 6) expect(`[${written}]`).toBe(new URL(`http://[${text}]/`).hostname);
      }),
    );
  });
});
