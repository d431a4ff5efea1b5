import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalPath, pathAllowances } from "#runtime/exchange/path.ts";

const every = Object.values(pathAllowances).reduce((all, bit) => all | bit, 0);

describe("a target that has one meaning gets its canonical form", () => {
  test.each([
    ["/", "/", null],
    ["/v1/chat", "/v1/chat", null],
    ["/v1/chat/", "/v1/chat/", null],
    ["/v1/chat?room=a%2fb&x=1", "/v1/chat", "room=a%2fb&x=1"],
    ["/v1?", "/v1", ""],
    ["/v1?a=/../b//c", "/v1", "a=/../b//c"],
    ["/a/./b", "/a/b", null],
    ["/a/../b", "/b", null],
    ["/a/b/..", "/a/", null],
    ["/a/b/.", "/a/b/", null],
    ["/.", "/", null],
    ["/a/..", "/", null],
    ["/.well-known/x", "/.well-known/x", null],
    ["/a/...", "/a/...", null],
    ["/a/..b", "/a/..b", null],
    ["/%61bc", "/abc", null],
    ["/%7euser", "/~user", null],
    ["/caf%c3%a9", "/caf%C3%A9", null],
    ["/a%3bb", "/a%3Bb", null],
    ["/a;v=1/b", "/a;v=1/b", null],
    ["/a%252fb", "/a%252fb", null],
    ["/a|b{c}", "/a%7Cb%7Bc%7D", null],
    ["/a%20b", "/a%20b", null],
    ["/a!$&'()*+,=:@-_~b", "/a!$&'()*+,=:@-_~b", null],
  ])("%s", (target, path, query) => {
    expect(canonicalPath(target)).toEqual({ path, query, authority: null, used: 0 });
  });

  test("a clean path is returned as the very string it was", () => {
    const target = "/v1/chat/rooms/7";
    expect(canonicalPath(target).path).toBe(target);
  });
});

describe("absolute-form", () => {
  test.each([
    ["http://api.example.com/v1?x=1", "/v1", "x=1", "api.example.com"],
    ["HTTP://api.example.com:8080/v1", "/v1", null, "api.example.com:8080"],
    ["https://api.example.com", "/", null, "api.example.com"],
    ["http://api.example.com?x=1", "/", "x=1", "api.example.com"],
    ["http://a/../b", null, null, null],
    ["http://a/b/../c", "/c", null, "a"],
  ])("%s", (target, path, query, authority) => {
    const result = canonicalPath(target);
    if (path === null) expect(result).toMatchObject({ path: null, reason: "path leads above its root" });
    else expect(result).toEqual({ path, query, authority, used: 0 });
  });

  test.each(["*", "", "api.example.com:443", "ftp://a/b", "http:///v1", "http://user@a/v1", "v1/chat", "javascript:x"])(
    "%s is no target",
    (target) => {
      expect(canonicalPath(target)).toMatchObject({ path: null, status: 400, allowance: 0 });
    },
  );
});

describe("a target that servers read in different ways is refused", () => {
  test.each([
    ["/ws/..%2fadmin", "path holds an escaped slash", pathAllowances.encodedSlash],
    ["/ws/a%2Fb", "path holds an escaped slash", pathAllowances.encodedSlash],
    ["/ws/a%5cb", "path holds an escaped backslash", pathAllowances.encodedBackslash],
    ["/ws/a%00b", "path holds an escaped control character", pathAllowances.encodedControl],
    ["/ws/a%0d%0ab", "path holds an escaped control character", pathAllowances.encodedControl],
    ["/ws/a%7f", "path holds an escaped control character", pathAllowances.encodedControl],
    ["/ws/%2e%2e/admin", "path holds an escaped dot", pathAllowances.encodedDot],
    ["/ws/.%2e/admin", "path holds an escaped dot", pathAllowances.encodedDot],
    ["/ws/a%2ejs", "path holds an escaped dot", pathAllowances.encodedDot],
    ["/ws//admin", "path holds an empty segment", pathAllowances.emptySegment],
    ["/ws/..;/admin", "path holds a dot segment with parameters", pathAllowances.dotParameter],
    ["/ws/.;x=1/admin", "path holds a dot segment with parameters", pathAllowances.dotParameter],
    ["/ws/..%3b/admin", "path holds a dot segment with parameters", pathAllowances.dotParameter],
    ["//admin", "path begins with an empty segment", 0],
    ["/../admin", "path leads above its root", 0],
    ["/a/../../admin", "path leads above its root", 0],
    ["/ws\\..\\admin", "path holds a backslash", 0],
    ["/ws#/admin", "request target holds a fragment", 0],
    ["/ws?a#b", "query holds a character that must be escaped", 0],
    ["/ws?a b", "query holds a character that must be escaped", 0],
    ["/ws?caf\u00e9", "query holds a character that must be escaped", 0],
    ["/ws\u0001", "path holds a control character", 0],
    ["/w s", "path holds a control character", 0],
    ["/ws\u007f", "path holds a control character", 0],
    ["/caf\u00e9", "path holds a character that is not ASCII", 0],
    ["/a%", "path holds a broken escape", 0],
    ["/a%4", "path holds a broken escape", 0],
    ["/a%zz", "path holds a broken escape", 0],
    ["/a/%c0%ae%c0%ae/b", "path holds escapes that are not UTF-8", 0],
    ["/caf%e9", "path holds escapes that are not UTF-8", 0],
  ])("%s", (target, reason, allowance) => {
    expect(canonicalPath(target)).toEqual({ path: null, status: 400, reason, allowance });
  });
});

describe("an allowance lets exactly its own kind pass and says that it was used", () => {
  test.each([
    ["/ws/..%2fadmin", "encodedSlash", "/ws/..%2Fadmin"],
    ["/ws/a%5cb", "encodedBackslash", "/ws/a%5Cb"],
    ["/ws/a%00b", "encodedControl", "/ws/a%00b"],
    ["/ws/%2e%2e/admin", "encodedDot", "/admin"],
    ["/ws//admin", "emptySegment", "/ws//admin"],
    ["/ws/..;/admin", "dotParameter", "/ws/..;/admin"],
  ] as const)("%s with %s", (target, name, path) => {
    const bit = pathAllowances[name];
    expect(canonicalPath(target, bit)).toEqual({ path, query: null, authority: null, used: bit });
    expect(canonicalPath(target, every & ~bit).path).toBeNull();
  });

  test("nothing allows an empty first segment, also not one that dot segments make", () => {
    expect(canonicalPath("//a", every).path).toBeNull();
    expect(canonicalPath("/a/..//b", every).path).toBeNull();
  });
});

const pieces = fc.constantFrom("/", "a", ".", "..", "%2e", "%2F", "%5c", "%00", ";", "%41", "%c3%a9", "%25", "b|",
  "?q", "\\");

test("canonical form is a fixed point, without dot segments, and never wider than its allowances", () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), fc.nat(every), (parts, allowances) => {
      const result = canonicalPath(`/${parts.join("")}`, allowances);
      if (result.path === null) return;
      expect(result.used & ~allowances).toBe(0);
      expect(result.path).toMatch(/^\/(?!\/)[\x21-\x7e]*$/);
      expect(result.path.split("/")).not.toContain("..");
      expect(result.path.split("/")).not.toContain(".");
      expect(canonicalPath(result.path, allowances).path).toBe(result.path);
    }),
    { numRuns: 2_000 },
  );
});
