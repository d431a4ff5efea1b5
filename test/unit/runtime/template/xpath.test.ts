/** XPath: which expressions are read, what they find in a document, and what they cost at most. */
import { describe, expect, it } from "vitest";
import type { XPathType } from "#runtime/language/functions/xpath-expression.ts";
import { parseXPath, XPATH_DEPTH_MAX, XPATH_LENGTH_MAX } from "#runtime/language/functions/xpath-syntax.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { xpath } from "#runtime/template/xpath.ts";

const namespaces = new Map([["s", "http://schemas.xmlsoap.org/soap/envelope/"], ["m", "urn:m"]]);

function found(expression: string, xml: string, type: XPathType = "nodeset"): string {
  const parsed = parseXPath(expression, namespaces);
  if ("problem" in parsed) throw new Error(`${expression}: ${parsed.problem.message}`);
  return xpath(parsed.expression, type, xml);
}

const orders = `<?xml version="1.0"?>
<orders total="3">
  <order id="1" open="true"><item>pen</item><price>2.50</price></order>
  <order id="2"><item>ink &amp; paper</item><price>10</price><note><![CDATA[<b>]]>bold</note></order>
  <!-- third -->
  <order id="3"><item>pad</item><price>4</price></order>
</orders>`;
const soap = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
<get xmlns="urn:m" id="x"><name>Ann</name></get></soap:Body></soap:Envelope>`;

describe("nodes", () => {
  it.each([
    ["/orders/order[1]/item", "<item>pen</item>"],
    ["/orders/order[1]/item/text()", "pen"],
    ["/orders/order/item/text()", "penink & paperpad"],
    ["/orders/@total", "3"],
    ["//order[@id='2']/price/text()", "10"],
    ["//order[price>3]/@id", "23"],
    ["//order[item='pad' or @open]/@id", "13"],
    ["//order[@open and item='pen']/@id", "1"],
    ["//order[last()]/@id", "3"],
    ["//order[position()<3]/@id", "12"],
    ["//order[price][2]/@id", "2"],
    ["(//order)[2]/item/text()", "ink & paper"],
    ["//note/text()", "<b>bold"],
    ["//item[.='pen']/../@id", "1"],
    ["//item[.='pen']/parent::order/@id", "1"],
    ["//price[. = 4]/ancestor::orders/@total", "3"],
    ["//price[. = 4]/ancestor-or-self::*[1]/text()", "4"],
    ["/orders/order[1]/following-sibling::order[1]/@id", "2"],
    ["/orders/order[3]/preceding-sibling::order[1]/@id", "2"],
    ["//comment()", "<!-- third -->"],
    ["//order[@id=1]/price | //order[@id=3]/price", "<price>2.50</price><price>4</price>"],
    ["//order[@id=3]/price/text() | //order[@id=1]/price/text()", "2.504"],
    ["/orders/*[self::order][2]/@*", "2"],
    ["//order[not(@open)]/@id", "23"],
    ["//order[contains(item,'&')]/@id", "2"],
    ["//order[starts-with(item, \"p\")]/@id", "13"],
    ["/orders/child::order[attribute::id = 2]/descendant::price/text()", "10"],
    ["//*[name()='note']/text()", "<b>bold"],
    ["/orders/none", ""],
    ["/none//item", ""],
    ["//order[4]", ""],
    ["//order[@id>1][1]/@id", "2"],
    ["/orders/order/price[. > ../../order/price]/text()", "104"],
  ])("%s", (expression, expected) => expect(found(expression, orders)).toBe(expected));

  it("are told apart by namespace", () => {
    expect(found("/s:Envelope/s:Body/m:get/m:name/text()", soap)).toBe("Ann");
    expect(found("//m:get/@id", soap)).toBe("x");
    expect(found("//get", soap)).toBe("");
    expect(found("/Envelope", soap)).toBe("");
    expect(found("//m:*[local-name()='name']/text()", soap)).toBe("Ann");
    expect(found("namespace-uri(//*[3])", soap, "string")).toBe("");
    expect(found("namespace-uri(//*[@id])", soap, "string")).toBe("urn:m");
    expect(found("//m:get", soap)).toBe('<get xmlns="urn:m" id="x"><name>Ann</name></get>');
  });
});

describe("types", () => {
  it.each<readonly [string, XPathType, string]>([
    ["//order/item/text()", "node", "pen"],
    ["//order/item", "string", "pen"],
    ["//order/price", "number", "2.5"],
    ["//order", "boolean", "true"],
    ["//none", "boolean", "false"],
    ["//none", "number", "NaN"],
    ["//none", "string", ""],
    ["count(//order)", "number", "3"],
    ["count(//order)", "nodeset", "3"],
    ["sum(//price)", "number", "16.5"],
    ["sum(//price) > 16 and 1 < 2", "boolean", "true"],
    ["1 + 2 * 3 - -4 div 2", "number", "9"],
    ["7 mod 3 = 1", "boolean", "true"],
    ["1 div 0", "number", "Infinity"],
    ["0 div -1", "number", "0"],
    ["concat('a', 'b', 1)", "string", "ab1"],
    ["substring('12345', 2, 3)", "string", "234"],
    ["substring('12345', 1.5, 2.6)", "string", "234"],
    ["substring('12345', 0, 3)", "string", "12"],
    ["substring('12345', 2)", "string", "2345"],
    ["substring-before('1999/04', '/')", "string", "1999"],
    ["substring-after('1999/04', '/')", "string", "04"],
    ["string-length('\u{1f600}a')", "number", "2"],
    ["normalize-space('  a  b ')", "string", "a b"],
    ["translate('bar', 'abc', 'AB')", "string", "BAr"],
    ["floor(2.6) + ceiling(2.1) + round(2.5)", "number", "8"],
    ["boolean('') or false() or not(true())", "boolean", "false"],
    ["string(//order[2]/@id)", "nodeset", "2"],
    ["name(/orders/order[1])", "string", "order"],
    ["number('x')", "string", "NaN"],
    ["number(' 4 ')", "string", "4"],
    ["'a' = 'a'", "boolean", "true"],
    ["//price = 10", "boolean", "true"],
    ["//price != 10", "boolean", "true"],
    ["//item = //note", "boolean", "false"],
    ["//order = true()", "boolean", "true"],
    ["2 < //price", "boolean", "true"],
    ["/", "string", "\n  pen2.50\n  ink & paper10<b>bold\n  \n  pad4\n"],
  ])("%s as %s", (expression, type, expected) => expect(found(expression, orders, type)).toBe(expected));
});

describe("expressions that are refused", () => {
  it.each([
    ["", "must follow", 0],
    ["/a/", "missing at the end", 3],
    ["/a]", "complete before", 2],
    ["/a[", "must follow", 3],
    ["/a[1", "] is missing", 4],
    ["//x:a", "the prefix x has no namespace", 2],
    ["/a/following::b", "no axis following", 3],
    ["id('a')", "no function id", 0],
    ["concat('a')", "wrong number", 0],
    ["count(//a", ") is missing", 9],
    ["$a", "variables", 0],
    ["/a/#b", "no meaning", 3],
    ["'a", "no meaning", 0],
    ["/a/processing-instruction()", "not supported", 3],
    ["/a[@b='1' and ]", "] stands where", 14],
  ])("%s", (expression, words, at) => {
    const parsed = parseXPath(expression, namespaces);
    if (!("problem" in parsed)) throw new Error("taken");
    expect(parsed.problem.message).toContain(words);
    expect(parsed.problem.at).toBe(at);
  });

  it("when they are too long or too deep", () => {
    expect(parseXPath("a".repeat(XPATH_LENGTH_MAX), namespaces)).toHaveProperty("expression");
    expect(parseXPath("a".repeat(XPATH_LENGTH_MAX + 1), namespaces)).toHaveProperty("problem");
    const nested = (depth: number): string => "(".repeat(depth) + "1" + ")".repeat(depth);
    expect(parseXPath(nested(XPATH_DEPTH_MAX), namespaces)).toHaveProperty("expression");
    expect(parseXPath(nested(XPATH_DEPTH_MAX + 1), namespaces)).toHaveProperty("problem");
  });
});

it("an expression that is no nodes is itself", () => {
  expect(found("1 = 1", orders)).toBe("true");
  expect(found("/orders/order[1]", "<orders/>", "node")).toBe("");
});

describe("documents that give nothing", () => {
  it.each([
    ["no XML", "text"],
    ["an empty text", ""],
    ["an open element", "<a><b></a>"],
    ["two roots", "<a/><a/>"],
    ["a document type", "<!DOCTYPE a><a>x</a>"],
    ["an entity", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'],
    ["an entity nobody declared", "<a>&e;</a>"],
    ["a prefix nobody declared", "<x:a>x</x:a>"],
  ])("%s", (_, xml) => expect(found("//a", xml)).toBe(""));

  it("more characters, tags or depth than a bound", () => {
    const long = (count: number): string => `<a>${"x".repeat(count - 7)}</a>`;
    expect(found("/a", long(defaultLimits.xmlCharsMax), "boolean")).toBe("true");
    expect(found("/a", long(defaultLimits.xmlCharsMax + 1), "boolean")).toBe("");
    const tags = (count: number): string => `<a>${"<b/>".repeat(count - 2)}</a>`;
    expect(found("count(//b)", tags(defaultLimits.xmlTagsMax))).toBe(String(defaultLimits.xmlTagsMax - 2));
    expect(found("count(//b)", tags(defaultLimits.xmlTagsMax + 1))).toBe("");
    const deep = (depth: number): string => "<a>".repeat(depth) + "</a>".repeat(depth);
    expect(found("count(//a)", deep(defaultLimits.xmlDepthMax))).toBe(String(defaultLimits.xmlDepthMax));
    expect(found("count(//a)", deep(defaultLimits.xmlDepthMax + 1))).toBe("");
  });

  it.each(["//b[preceding-sibling::b]", "//b[. = //b]", "//*[//b]", "//b[../b = '']"])(
    "a search that looks at too many nodes: %s",
    (expression) => expect(found(expression, `<a>${"<b>x</b>".repeat(5_000)}</a>`) === "").toBe(true),
  );
});
