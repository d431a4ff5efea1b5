/** JSON paths: which are read, where the others stop, and what they find. */
import { describe, expect, it } from "vitest";
import { JSON_PATH_LENGTH_MAX, parseJsonPath, plainSteps } from "#runtime/language/functions/json-path-syntax.ts";
import { jsonPath } from "#runtime/language/functions/json-path.ts";
import { jsonQuery } from "#runtime/language/functions/json-query.ts";
import { defaultLimits } from "#runtime/limits.ts";

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
    ["$.a.length()", "functions", 10],
    ["$..a..b..c", "at most 2 descents", 7],
    ["$[1,]", '"[1,]"', 1],
    ["$[0,'a']", "\"[0,'a']\"", 1],
    ["$[0:1:0]", '"[0:1:0]"', 1],
    ["$[?(@.a =~ /x/)]", "regular expressions", 10],
    ["$[?(@.a size 2)]", "do not know size", 12],
    ["$[?(@.a == b)]", "a path, a text in quotes", 10],
    ["$[?(@.a]", "not closed", 7],
    ["$[?(@.a == 1)", "closed by ]", 13],
    ["$[?(1)]", "no condition", 5],
    ["$[?(@..a)]", "members and indexes only", 5],
    ["$[?(@.a in 'x')]", "need a list", 10],
    [`$[?(${"(".repeat(30)}`, "nest at most", 23],
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
    const steps = plainSteps(parsed.steps);
    if (steps === null) throw new Error("json-query.ts has to walk it");
    expect(jsonPath(steps, document, false)).toBe(first);
    expect(jsonPath(steps, document, true)).toBe(whole);
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

const shop = JSON.stringify({
  store: {
    book: [
      { category: "reference", author: "Rees", title: "Sayings", price: 8.95 },
      { category: "fiction", author: "Waugh", title: "Sword", price: 12.99, isbn: null },
      { category: "fiction", author: "Melville", title: "Moby", isbn: "0-553", price: 8.99 },
      { category: "fiction", author: "Tolkien", title: "Rings", isbn: "0-395", price: 22.99 },
    ],
    bicycle: { color: "red", price: 19.95 },
  },
  expensive: 10,
  max: 8.95,
});

describe("jsonQuery, as Jayway has it", () => {
  it.each<readonly [path: string, whole: string]>([
    ["$..author", '["Rees","Waugh","Melville","Tolkien"]'],
    ["$.store..price", "[8.95,12.99,8.99,22.99,19.95]"],
    ["$..book[2].title", '["Moby"]'],
    ["$..book[-1].title", '["Rings"]'],
    ["$..book[0,1].title", '["Sayings","Sword"]'],
    ["$..book[:2].title", '["Sayings","Sword"]'],
    ["$..book[1:2].title", '["Sword"]'],
    ["$..book[-2:].title", '["Moby","Rings"]'],
    ["$..book[2:].title", '["Moby","Rings"]'],
    ["$..book[::2].title", '["Sayings","Moby"]'],
    ["$..book[?(@.isbn)].title", '["Sword","Moby","Rings"]'],
    ["$..book[?(!@.isbn)].title", '["Sayings"]'],
    ["$.store.book[?(@.price < 10)].title", '["Sayings","Moby"]'],
    ["$.store.book[?(@.price <= $.expensive)].author", '["Rees","Melville"]'],
    ["$.store.book[?(@.price == $['max'])].author", '["Rees"]'],
    ["$.store.book[?(@.category == 'fiction' && @.price > 20)].title", '["Rings"]'],
    ['$.store.book[?(@.author=="Rees"||@.author=="Waugh")].title', '["Sayings","Sword"]'],
    ["$.store.book[?(!(@.category != 'reference'))].title", '["Sayings"]'],
    ["$.store.book[?(@.author in ['Rees', 'Melville'])].title", '["Sayings","Moby"]'],
    ["$.store.book[?(@.author nin ['Rees', 'Melville'])].title", '["Sword","Rings"]'],
    ["$.store.book[?(@.isbn == null)].title", '["Sword"]'],
    ["$.store.book[?(@.title >= 'Rings')].title", '["Sayings","Sword","Rings"]'],
    ["$.store.book[?(@.price < '9')].title", ""],
    ["$.store.book[?('fiction' == @.category)][0]", ""],
    ["$.store.bicycle[?(@.color == 'red')].price", "[19.95]"],
    ["$.store.bicycle['color','price']", '{"color":"red","price":19.95}'],
    ["$.store.book[*]['title','none']", '["Sayings","Sword","Moby","Rings"]'],
    ["$.store.book[0,9].price", "[8.95]"],
    ["$..[0].title", '["Sayings"]'],
    ["$..none", ""],
    ["$.store.book[5:]", ""],
    ["$.store.bicycle[0:1]", ""],
    ["$.store..*..color", '["red"]'],
  ])("%s", (path, whole) => {
    const parsed = parseJsonPath(path);
    if ("problem" in parsed) throw new Error(parsed.problem);
    expect(plainSteps(parsed.steps)).toBeNull();
    expect(jsonQuery(parsed.steps, shop, true)).toBe(whole);
    const list: unknown = whole === "" ? [] : JSON.parse(whole);
    const first: unknown = Array.isArray(list) ? list[0] : whole;
    expect(jsonQuery(parsed.steps, shop, false)).toBe(typeof first === "string" ? first : (JSON.stringify(first) ?? ""));
  });

  it("takes nothing for an answer where there is no JSON", () => {
    expect(jsonQuery([{ deep: "a" }], "{", true)).toBe("");
    expect(jsonQuery([{ deep: "a" }], '"a"', true)).toBe("");
  });

  it("gives up where two descents multiply, and survives nesting", () => {
    const wide = JSON.stringify({ a: Array.from({ length: 2_000 }, () => ({ a: [1] })) });
    expect(jsonQuery([{ deep: "a" }, { deep: null }], wide, true)).not.toBe("");
    const deep = `${'{"a":'.repeat(3_000)}1${"}".repeat(3_000)}`;
    expect(3_000 * 3_000).toBeGreaterThan(defaultLimits.jsonQueryVisitsMax);
    expect(jsonQuery([{ deep: "a" }, { deep: "a" }], deep, true)).toBe("");
    expect(jsonQuery([{ deep: "b" }], `${"[".repeat(50_000)}${"]".repeat(50_000)}`, true)).toBe("");
  });

  it("compares values of several members by what they say, in order, within the same bound", () => {
    const filter = (json: string): string => {
      const parsed = parseJsonPath("$.list[?(@.a == $.b)].n");
      if ("problem" in parsed) throw new Error(parsed.problem);
      return jsonQuery(parsed.steps, json, true);
    };
    const one = '{"x":[1,{"y":null}],"z":12345678901234567890}';
    const others = ['{"z":12345678901234567890,"x":[1,{"y":null}]}', '{"x":[1,{"y":0}],"z":1}', "[]", '"x"', "null"];
    const list = [one, ...others].map((a, n) => `{"a":${a},"n":${n}}`).join();
    expect(filter(`{"b":${one},"list":[${list}]}`)).toBe("[0]");
    const nested = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(filter(`{"b":${nested},"list":[{"a":${nested},"n":1}]}`)).toBe("[1]");
    const large = JSON.stringify(Array.from({ length: 100_000 }, () => 0));
    expect(filter(`{"b":${large},"list":[{"n":0},${`{"a":[],"n":1},{"a":${large}},`.repeat(20)}0]}`)).toBe("");
  });
});
