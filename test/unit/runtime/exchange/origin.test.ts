import { describe, expect, test } from "vitest";
import { RequestMessage } from "#runtime/message/message.ts";
import { originRefusal } from "#runtime/exchange/origin.ts";
import type { OriginRule } from "#runtime/exchange/origin.ts";

const ambient: OriginRule = { allowedOrigins: null, ambientCredential: true };
const listed: OriginRule = { allowedOrigins: ["https://chat.example.com", "null"], ambientCredential: true };

function refused(rule: OriginRule, origin: string | null, host = "api.example.com", scheme: "http" | "https" = "https"): boolean {
  const lines = origin === null ? ["Host", host] : ["Host", host, "Origin", origin];
  return originRefusal(new RequestMessage("GET", "/", null, "1.1", lines), rule, scheme) !== null;
}

describe("with an ambient credential and nothing written, pages of the own host connect and no others", () => {
  test.each<[string | null, string, "http" | "https", boolean]>([
    ["https://api.example.com", "api.example.com", "https", false],
    ["https://API.example.com", "api.EXAMPLE.com", "https", false],
    ["https://api.example.com", "api.example.com:443", "https", false],
    ["https://api.example.com:8443", "api.example.com:8443", "https", false],
    ["https://[::1]:8443", "[::1]:8443", "https", false],
    ["https://api.example.com", "api.example.com", "http", false],
    ["http://api.example.com", "api.example.com", "http", false],
    ["http://localhost:8080", "localhost:8080", "http", false],
    [null, "api.example.com", "https", false],
    ["https://evil.test", "api.example.com", "https", true],
    ["https://api.example.com.evil.test", "api.example.com", "https", true],
    ["https://evil.test/api.example.com", "api.example.com", "https", true],
    ["https://api.example.com@evil.test", "api.example.com", "https", true],
    ["https://example.com", "api.example.com", "https", true],
    ["https://api.example.com:8443", "api.example.com", "https", true],
    ["https://api.example.com", "api.example.com:80", "https", true],
    ["http://api.example.com", "api.example.com", "https", true],
    ["null", "api.example.com", "https", true],
    ["", "api.example.com", "https", true],
    ["chrome-extension://api.example.com", "api.example.com", "http", true],
    ["api.example.com", "api.example.com", "http", true],
  ])("%s to %s over %s", (origin, host, scheme, expected) => {
    expect(refused(ambient, origin, host, scheme)).toBe(expected);
  });
});

describe("with a list, its members connect and no others", () => {
  test.each([
    ["https://chat.example.com", false],
    ["https://Chat.example.com", false],
    ["null", false],
    [null, false],
    ["https://api.example.com", true],
    ["http://chat.example.com", true],
    ["https://chat.example.com:8443", true],
    ["https://chat.example.com.evil.test", true],
  ])("%s", (origin, expected) => {
    expect(refused(listed, origin)).toBe(expected);
    expect(refused({ ...listed, ambientCredential: false }, origin)).toBe(expected);
  });

  test("an empty list lets no page connect, and a star every one", () => {
    expect(refused({ ...listed, allowedOrigins: [] }, "https://api.example.com")).toBe(true);
    expect(refused({ ...listed, allowedOrigins: ["*"] }, "https://evil.test")).toBe(false);
  });
});

test("without an ambient credential any page may try: it has nothing that the visitor has", () => {
  expect(refused({ allowedOrigins: null, ambientCredential: false }, "https://evil.test")).toBe(false);
});
