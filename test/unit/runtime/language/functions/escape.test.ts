/** Escapes: what each leaves, replaces and drops. */
import { describe, expect, it } from "vitest";
import { escapeHtml, escapeJson, escapeXml, escapeXml11 } from "#runtime/language/functions/escape.ts";

describe("escapeJson", () => {
  it.each([
    ["", ""],
    ["plain \u00e9\u{1f600}/", "plain \u00e9\u{1f600}/"],
    ['say "hi"', 'say \\"hi\\"'],
    ["a\\b", "a\\\\b"],
    ["\b\f\n\r\t\u0000\u001f", "\\b\\f\\n\\r\\t\\u0000\\u001f"],
    ["\ud800", "\\ud800"],
    ['","admin":true,"x":"', '\\",\\"admin\\":true,\\"x\\":\\"'],
  ])("%j", (text, expected) => {
    expect(escapeJson(text)).toBe(expected);
    expect(JSON.parse(`"${expected}"`)).toBe(text);
  });
});

/** Text, what XML 1.0 makes of it, what XML 1.1 does. */
const xml: readonly (readonly [string, string, string])[] = [
  ["", "", ""],
  ["plain \t\r\n~", "plain \t\r\n~", "plain \t\r\n~"],
  [`<a b="c">'&'</a>`, "&lt;a b=&quot;c&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;", "&lt;a b=&quot;c&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;"],
  ["&amp;", "&amp;amp;", "&amp;amp;"],
  ["a\u0000b", "ab", "ab"],
  ["\u0001\u0008\u000b\u000c\u000e\u001f", "", "&#1;&#8;&#11;&#12;&#14;&#31;"],
  ["\u007f\u0084\u0085\u0086\u009f\u00a0", "&#127;&#132;\u0085&#134;&#159;\u00a0", "&#127;&#132;\u0085&#134;&#159;\u00a0"],
  ["\ufffd\ufffe\uffff", "\ufffd", "\ufffd"],
  ["\ud7ff\ue000\u{10000}\u{10ffff}", "\ud7ff\ue000\u{10000}\u{10ffff}", "\ud7ff\ue000\u{10000}\u{10ffff}"],
  ["a\ud800b\udc00c", "abc", "abc"],
  ["\u{1f600}<", "\u{1f600}&lt;", "\u{1f600}&lt;"],
];

describe("escapeXml", () => {
  it.each(xml)("%j", (text, expected) => expect(escapeXml(text)).toBe(expected));
});

describe("escapeXml11", () => {
  it.each(xml)("%j", (text, _, expected) => expect(escapeXml11(text)).toBe(expected));
});

describe("escapeHtml", () => {
  it.each([
    ["plain", "plain"],
    [`<script>alert("1" & '2')</script>`, "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;"],
    ["\u0001\ud800", "\u0001\ud800"],
  ])("%j", (text, expected) => expect(escapeHtml(text)).toBe(expected));
});
