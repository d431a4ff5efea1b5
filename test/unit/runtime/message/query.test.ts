import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addQueryParam, copiedParams, decodeQuery, encodeQuery, queryNames, queryParam, queryParamValues, removeQueryParam,
  setQueryParam,
} from "#runtime/message/query.ts";

describe("queryParam", () => {
  test.each([
    [null, "a", null],
    ["", "a", null],
    ["a=1", "a", "1"],
    ["a=1&a=2", "a", "1"],
    ["aa=1&a=2", "a", "2"],
    ["a", "a", ""],
    ["a=", "a", ""],
    ["a=b=c", "a", "b=c"],
    ["b&a=1", "a", "1"],
    ["a=x+y%20z", "a", "x y z"],
    ["a=%zz%41", "a", "%zzA"],
    ["a=%ff%41", "a", "%ff%41"],
    ["a=%", "a", "%"],
    ["%61pikey=k", "apikey", "k"],
    ["api%6Bey=k", "apikey", "k"],
    ["a+b=1", "a b", "1"],
    ["a+b=1", "a+b", null],
    ["a%2Bb=1", "a+b", "1"],
    ["caf%C3%A9=1", "caf\u00e9", "1"],
    ["&&a=1&", "a", "1"],
    ["=x&a=1", "a", "1"],
    ["A=1", "a", null],
    ["__proto__=1", "__proto__", "1"],
  ])("%s: %s is %s", (query, name, value) => {
    expect(queryParam(query, name)).toBe(value);
    expect(queryParamValues(query, name)[0] ?? null).toBe(value);
  });

  test("every value, in order", () => {
    expect(queryParamValues("a=1&b=2&%61=3&a", "a")).toEqual(["1", "3", ""]);
  });

  test("names are decoded and come once", () => {
    expect(queryNames("a=1&b&%61=2&&c+d=3")).toEqual(["a", "b", "c d"]);
    expect(queryNames(null)).toEqual([]);
  });
});

describe("edits leave every other byte alone", () => {
  test.each([
    ["apikey=k&room=%7e+x", "room=%7e+x"],
    ["room=1&apikey=k", "room=1"],
    ["a=1&apikey=k&b=2", "a=1&b=2"],
    ["apikey=k&apikey=l", null],
    ["api%6bey=k&b=%2F", "b=%2F"],
    ["apikey", null],
    ["a=1&&b=2&", "a=1&&b=2&"],
    ["", ""],
    ["x=%zz&apikey=1", "x=%zz"],
  ])("remove from %s", (query, left) => {
    expect(removeQueryParam(query, "apikey")).toBe(left);
  });

  test.each([
    [null, "a=1%262"],
    ["", "a=1%262"],
    ["b=%7e", "b=%7e&a=1%262"],
    ["a=x&b=%7e&a=y", "a=1%262&b=%7e"],
    ["b=1&%61=x&c", "b=1&a=1%262&c"],
  ])("set in %s", (query, result) => {
    expect(setQueryParam(query, "a", "1&2")).toBe(result);
  });

  test.each([
    [null, "a=x%20y"],
    ["a=1", "a=1&a=x%20y"],
  ])("add to %s", (query, result) => {
    expect(addQueryParam(query, "a", "x y")).toBe(result);
  });
});

test("what is written needs no guessing to read", () => {
  expect(encodeQuery("a+b c&d=e#'()*!~\u00e9")).toBe("a%2Bb%20c%26d%3De%23%27%28%29%2A%21~%C3%A9");
  expect(encodeQuery("\ud800")).toBe("%EF%BF%BD");
});

test("a written value reads back as itself, and removal takes it away again", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme", minLength: 1 }), (value, name) => {
      const query = addQueryParam("keep=%7e", name, value);
      fc.pre(name !== "keep");
      expect(queryParam(query, name)).toBe(value.toWellFormed());
      expect(decodeQuery(encodeQuery(value))).toBe(value.toWellFormed());
      expect(removeQueryParam(query, name)).toBe("keep=%7e");
    }),
  );
});

/** Name by name, as the policies say it. */
function copiedOneByOne(from: string | null, to: string | null, wanted: readonly string[] | null): string | null {
  return (wanted ?? queryNames(from)).reduce<string | null>((result, name) => {
    const values = queryParamValues(from, name);
    const rest = values.length > 0 ? removeQueryParam(result, name) : result;
    return values.reduce((query, value) => addQueryParam(query, name, value), rest);
  }, to);
}

/** Empty ones mean nothing. */
function pairsOf(query: string | null): string[] {
  return query?.split("&").filter((pair) => pair !== "") ?? [];
}

test("copying in one pass is copying name by name", () => {
  const part = fc.constantFrom("a", "b=1", "b", "%61=2", "c=%e9", "%e9=3", "+=4", "", "=5", "d=x%20y", "b=6");
  const query = fc.option(fc.array(part, { maxLength: 8 }).map((parts) => parts.join("&")));
  const names = fc.option(fc.uniqueArray(fc.constantFrom("a", "b", "c", " ", "%e9", "z"), { maxLength: 4 }));
  fc.assert(
    fc.property(query, query, names, (from, to, wanted) => {
      expect(pairsOf(copiedParams(from, to, wanted))).toEqual(pairsOf(copiedOneByOne(from, to, wanted)));
    }),
  );
});

describe("a form of some megabytes takes no longer than reading it", () => {
  const count = 500_000;

  test.each(["a&", "%e9&", "a=%zz%e9&", "+&"])("of nothing but %s", (pair) => {
    const form = pair.repeat(count);
    expect(queryParam(form, "z")).toBeNull();
    expect(queryNames(form)).toHaveLength(1);
    expect(setQueryParam(form, "z", "1")).toHaveLength(form.length + 4);
    expect(removeQueryParam(form, "z")).toBe(form);
  });

  test("of nothing but names", () => {
    const form = Array.from({ length: count }, (_, at) => at.toString(36)).join("&");
    expect(queryNames(form)).toHaveLength(count);
    expect(copiedParams(form, form, null)).toHaveLength(form.length + count);
  });
});
