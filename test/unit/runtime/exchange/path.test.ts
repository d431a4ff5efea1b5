import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalPath } from "#runtime/exchange/path.ts";

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
    expect(canonicalPath(target)).toEqual({ path, query, authority: null });
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
    else expect(result).toEqual({ path, query, authority });
  });

  test.each(["*", "", "api.example.com:443", "ftp://a/b", "http:///v1", "http://user@a/v1", "v1/chat", "javascript:x"])(
    "%s is no target",
    (target) => {
      expect(canonicalPath(target)).toMatchObject({ path: null });
    },
  );
});

describe("a target that servers read in different ways is refused", () => {
  test.each([
    ["/ws/..%2fadmin", "path holds an escaped slash"],
    ["/ws/a%2Fb", "path holds an escaped slash"],
    ["/ws/a%5cb", "path holds an escaped backslash"],
    ["/ws/a%00b", "path holds an escaped control character"],
    ["/ws/a%0d%0ab", "path holds an escaped control character"],
    ["/ws/a%7f", "path holds an escaped control character"],
    ["/ws/%2e%2e/admin", "path holds an escaped dot"],
    ["/ws/.%2e/admin", "path holds an escaped dot"],
    ["/ws/a%2ejs", "path holds an escaped dot"],
    ["/ws//admin", "path holds an empty segment"],
    ["/ws/..;/admin", "path holds a dot segment with parameters"],
    ["/ws/.;x=1/admin", "path holds a dot segment with parameters"],
    ["/ws/..%3b/admin", "path holds a dot segment with parameters"],
    ["/a/..//b", "path holds an empty segment"],
    ["//admin", "path begins with an empty segment"],
    ["/../admin", "path leads above its root"],
    ["/a/../../admin", "path leads above its root"],
    ["/ws\\..\\admin", "path holds a backslash"],
    ["/ws#/admin", "request target holds a fragment"],
    ["/ws?a#b", "query holds a character that must be escaped"],
    ["/ws?a b", "query holds a character that must be escaped"],
    ["/ws?caf\u00e9", "query holds a character that must be escaped"],
    ["/ws\u0001", "path holds a control character"],
    ["/w s", "path holds a control character"],
    ["/ws\u007f", "path holds a control character"],
    ["/caf\u00e9", "path holds a character that is not ASCII"],
    ["/a%", "path holds a broken escape"],
    ["/a%4", "path holds a broken escape"],
    ["/a%zz", "path holds a broken escape"],
    ["/a/%c0%ae%c0%ae/b", "path holds escapes that are not UTF-8"],
    ["/caf%e9", "path holds escapes that are not UTF-8"],
  ])("%s", (target, reason) => {
    expect(canonicalPath(target)).toEqual({ path: null, reason });
  });
});

const pieces = fc.constantFrom("/", "a", ".", "..", "%2e", "%2F", "%5c", "%00", ";", "%41", "%c3%a9", "%25", "b|",
  "?q", "\\");

test("canonical form is a fixed point, without dot segments", () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const result = canonicalPath(`/${parts.join("")}`);
      if (result.path === null) return;
      expect(result.path).toMatch(/^\/(?!\/)[\x21-\x7e]*$/);
      expect(result.path.split("/")).not.toContain("..");
      expect(result.path.split("/")).not.toContain(".");
      expect(canonicalPath(result.path).path).toBe(result.path);
    }),
    { numRuns: 2_000 },
  );
});
