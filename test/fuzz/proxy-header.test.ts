/**
 * The reader of PROXY protocol headers on input that nobody thought of: it never throws, never reads past its bounds, and a
 * verdict on some bytes stays what it is when more of them come.
 */
import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readProxyHeader, type ProxyVersion } from "#runtime/listen/proxy-protocol.ts";
import { v2Header } from "../support/proxy-header.ts";

const MAX = 300;
const RUNS = 3_000;
const word = fc.constantFrom("PROXY", "TCP4", "TCP6", "UNKNOWN", "1.2.3.4", "::1", "80", "65536", "\r\n", "\n", " ", "GET", "x");
const lines = fc.array(word, { maxLength: 12 }).map((words) => Buffer.from(words.join(" "), "latin1"));
const binary = fc
  .record({
    command: fc.constantFrom(0x20, 0x21, 0x11, 0x2f),
    family: fc.constantFrom(0, 0x11, 0x21, 0x12, 0x31, 0xff),
    tlvs: fc.uint8Array({ maxLength: MAX }).map((bytes) => Buffer.from(bytes)),
  })
  .map(v2Header);
/** Near misses: one byte of a header is another. */
const spoilt = fc.tuple(fc.oneof(lines, binary), fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[at % copy.length] = byte;
  return copy;
});
const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
const input = fc.oneof(lines, binary, spoilt, noise);
const versions = fc.constantFrom<ProxyVersion>("v1", "v2", "any");

test("verdicts are stable, bounded, and hold a real address", () => {
  fc.assert(
    fc.property(input, versions, noise, (bytes, version, more) => {
      const verdict = readProxyHeader(bytes, version, MAX);
      if (verdict === "more") {
        expect(bytes.length).toBeLessThan(MAX);
        return;
      }
      expect(readProxyHeader(Buffer.concat([bytes, more]), version, MAX)).toEqual(verdict);
      if (verdict === "invalid") return;
      expect(verdict.length).toBeLessThanOrEqual(Math.min(bytes.length, MAX));
      // No shorter start of it is a header, or is refused.
      for (let cut = 0; cut < verdict.length; cut++) expect(readProxyHeader(bytes.subarray(0, cut), version, MAX)).toBe("more");
      if (verdict.source === null) return;
      expect(isIP(verdict.source.address)).not.toBe(0);
      expect(verdict.source.port).toBe(verdict.source.port & 0xffff);
    }),
    { numRuns: RUNS },
  );
});

test("a header that is written is read as it was meant", () => {
  const port = fc.nat(65_535);
  const text = fc.oneof(
    fc.tuple(fc.constant("TCP4"), fc.ipV4(), fc.ipV4(), port, port),
    fc.tuple(fc.constant("TCP6"), fc.ipV6(), fc.ipV6(), port, port),
  );
  fc.assert(
    fc.property(text, (parts) => {
      const verdict = readProxyHeader(Buffer.from(`PROXY ${parts.join(" ")}\r\n`), "any", MAX);
      expect(verdict).toMatchObject({ source: { port: parts[3] } });
    }),
    { numRuns: RUNS },
  );
});
