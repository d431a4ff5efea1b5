/** JSON paths: which are read, where the others stop, and what they find. */
import { describe, expect, it } from "vitest";
import { JSON_PATH_LENGTH_MAX, jsonPath, parseJsonPath } from "#runtime/language/functions/json-path.ts";

describe("paths", () => {
  it.each([
    ["$", []],
    ["$.a", ["a"]],
    ["$.a.b-c_d$", ["a", "b-c_d$"]],
    ["$['a b']", ["a b"]],
    ['$["a.b"]', ["a.b"]],
    ["$['']", [""]],
    ["$[0][-1]", [0, -1]],
    ["$.*[*]", [null, null]],
    ["$.a[*].b", ["a", null, "b"]],
    ["$.__proto__", ["__proto__"]],
    ["$['*']", ["*"]],
  ])("%s", (path, steps) => expect(parseJsonPath(path)).toEqual({ steps }));

  it.each([
    ["", "begins with $", 0],
    ["a.b", "begins with $", 0],
    ["$a", '"a"', 1],
    ["$..a", "descent", 1],
    ["$.a..b", "descent", 3],
    ["$.a[?(@.b>1)]", "filters", 3],
    ["$.a[0:2]", "slices", 3],
    ["$.a[0,1]", "unions", 3],
    ["$.a.length()", "functions", 10],
    ["$.", '"."', 1],
    ["$[", '"["', 1],
    ["$[01a]", '"[01a]"', 1],
    ["$['a\\'b']", '"[', 1],
    ["$.a b", '" b"', 3],
  ])("%s is refused", (path, word, at) => {
    const found = parseJsonPath(path);
    expect(found).toMatchObject({ at });
    expect("problem" in found && found.problem).toContain(word);
  });

  it("have a length", () => {
    expect(parseJsonPath(`$.${"a".repeat(JSON_PATH_LENGTH_MAX - 2)}`)).toHaveProperty("steps");
    expect(parseJsonPath(`$.${"a".repeat(JSON_PATH_LENGTH_MAX - 1)}`)).toHaveProperty("problem");
  });
});

const document = JSON.stringify({
  store: { book: [{ title: "one", price: 8.95 }, { title: "two" }], open: true, owner: null, "a b": "c" },
  list: [],
  nested: [[1, 2], [3]],
});

/** The text of a path in the document, first as element, then as array. */
const results: readonly (readonly [path: string, first: string, whole: string])[] = [
  ["$.store.book[0].title", "one", "one"],
  ["$.store.book[-1].title", "two", "two"],
  ["$.store.book[2].title", "", ""],
  ["$.store.book[0].price", "8.95", "8.95"],
  ["$.store.open", "true", "true"],
  ["$.store.owner", "", ""],
  ["$.store['a b']", "c", "c"],
  ["$.store.book[0]", '{"title":"one","price":8.95}', '{"title":"one","price":8.95}'],
  ["$.store.book[*].title", "one", '["one","two"]'],
  ["$.store.book[*].price", "8.95", "[8.95]"],
  ["$.store.book", '{"title":"one","price":8.95}', '[{"title":"one","price":8.95},{"title":"two"}]'],
  ["$.list", "", "[]"],
  ["$.list[*]", "", ""],
  ["$.nested[*][*]", "1", "[1,2,3]"],
  ["$.nested[0]", "1", "[1,2]"],
  ["$.nested", "[1,2]", "[[1,2],[3]]"],
  ["$.none.deeper", "", ""],
  ["$.store.book.title", "", ""],
  ["$.store[0]", "", ""],
  ["$.store.open.x", "", ""],
  ["$.__proto__", "", ""],
  ["$.constructor", "", ""],
  ["$.list.length", "", ""],
];

describe("jsonPath", () => {
  it.each(results)("%s", (path, first, whole) => {
    const parsed = parseJsonPath(path);
    if ("problem" in parsed) throw new Error(parsed.problem);
    expect(jsonPath(parsed.steps, document, false)).toBe(first);
    expect(jsonPath(parsed.steps, document, true)).toBe(whole);
  });

  it("keeps every digit", () => {
    expect(jsonPath(["a"], '{"a":12345678901234567890}', false)).toBe("12345678901234567890");
    expect(jsonPath([], '{"a":[12345678901234567890],"b":1.5}', false)).toBe('{"a":[12345678901234567890],"b":1.5}');
    expect(jsonPath(["a"], '{"a":"12345678901234567890"}', false)).toBe("12345678901234567890");
  });

  it.each(["", "no", "{", "{'a':1}", "[1,]", "undefined"])("finds nothing in %j", (json) => {
    expect(jsonPath([], json, false)).toBe("");
  });

  it("takes members that a prototype has, where the document has them", () => {
    expect(jsonPath(["__proto__"], '{"__proto__":"x"}', false)).toBe("x");
    expect(jsonPath(["toString"], '{"toString":"y"}', false)).toBe("y");
  });

  it("survives nesting", () => {
    const deep = 200_000;
    expect(typeof jsonPath([0], "[".repeat(deep) + "]".repeat(deep), true)).toBe("string");
  });
});
