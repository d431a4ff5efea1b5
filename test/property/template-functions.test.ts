/** Laws of template functions on random input, against slow and obvious definitions. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, it } from "vitest";
import { translateJavaReplacement } from "#compiler/expression/java-replacement.ts";
import { translateJavaSearch } from "#compiler/expression/java-regex.ts";
import { constantText, parseTemplate } from "#runtime/language/template.ts";
import { foldTemplate } from "#compiler/expression/template-fold.ts";
import { escapeHtml, escapeJson, escapeXml, escapeXml11 } from "#runtime/language/functions/escape.ts";
import { jsonPath, type JsonPathStep } from "#runtime/language/functions/json-path.ts";
import { substring } from "#runtime/language/functions/substring.ts";
import { formatTime, timePatternProblem } from "#runtime/language/functions/time-format.ts";
import { base64Bytes, decodeBase64, encodeBase64 } from "#runtime/template/base64.ts";
import { replaceWith } from "#runtime/template/replace.ts";

/** Any UTF-16 text, lone surrogates too. */
const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
const wellFormed = fc.string({ unit: "binary" }).map((text) => text.toWellFormed());

it("base64 is undone by decoding, and nothing else decodes", () => {
  fc.assert(fc.property(wellFormed, (text) => {
    expect(decodeBase64(encodeBase64(text))).toBe(text);
  }));
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom("A", "z", "+", "/", "=", "-", "_", " ") }), (text) => {
    const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(text);
    expect(base64Bytes(text) !== null).toBe(isBase64);
    if (isBase64) expect(base64Bytes(text)).toEqual(Buffer.from(text, "base64"));
  }));
});

it("escaped JSON is the inside of a string", () => {
  fc.assert(fc.property(anyText, (text) => {
    expect(JSON.parse(`"${escapeJson(text)}"`)).toBe(text);
  }));
});

it("escaped XML and HTML is text without markup, and says the same", () => {
  const read = (text: string): string =>
    text
      .replace(/&#([0-9]+);/g, (_, code: string) => String.fromCharCode(Number(code)))
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&apos;", "'")
      .replaceAll("&amp;", "&");
  const isLone = (char: string): boolean => char.length === 1 && char >= "\ud800" && char <= "\udfff";
  const kept = (text: string, dropped: RegExp): string => {
    return [...text].filter((char) => !isLone(char) && !dropped.test(char)).join("");
  };
  const units = [..."<>&\"'a;#\u0000\u0007\u0090\u{1f600}\ufffe", "\ud800"];
  const markup = fc.string({ unit: fc.constantFrom(...units) });
  fc.assert(fc.property(fc.oneof(anyText, markup), (text) => {
    for (const escape of [escapeXml, escapeXml11, escapeHtml]) {
      expect(escape(text)).not.toMatch(/[<>"']|&(?!#?[a-z0-9]+;)/);
    }
    expect(read(escapeXml(text))).toBe(kept(text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/));
    expect(read(escapeXml11(text))).toBe(kept(text, /[\u0000\ufffe\uffff]/));
    expect(read(escapeHtml(text))).toBe(text);
  }));
});

it("substring takes the characters between its bounds", () => {
  const bound = fc.integer({ min: -30, max: 30 });
  fc.assert(fc.property(anyText, bound, fc.option(bound), (text, start, end) => {
    const index = (at: number): number => (at < 0 ? text.length + at : at);
    const [from, to] = [index(start), end === null ? text.length : index(end)];
    const expected = text.split("").filter((_, at) => at >= from && at < to).join("");
    expect(substring(text, String(start), end === null ? null : String(end))).toBe(expected);
  }));
});

it("ISO patterns print what Date prints", () => {
  const [min, max] = [new Date("0001-01-01T00:00:00Z"), new Date("9999-12-31T23:59:59.999Z")];
  fc.assert(fc.property(fc.date({ noInvalidDate: true, min, max }), (date) => {
    expect(formatTime("yyyy-MM-dd'T'HH:mm:ss.SSSX", String(date.getTime()), 1)).toBe(date.toISOString());
    expect(formatTime("EEE, dd MMM yyyy HH:mm:ss 'GMT'", String(date.getTime()), 1)).toBe(date.toUTCString());
  }));
});

it("any date pattern is either refused or printed, and quoted text is itself", () => {
  const letters = fc.string({ unit: fc.constantFrom("y", "M", "d", "'", "T", "X", "-", " ", "Q") });
  fc.assert(fc.property(letters, (pattern) => {
    const isRefused = timePatternProblem(pattern) !== null;
    expect(formatTime(`-${pattern}`, "0", 1) === "").toBe(isRefused);
  }));
  // A quote right behind the opening one would close it.
  const quotable = fc.string({ minLength: 1 }).filter((text) => !text.startsWith("'"));
  fc.assert(fc.property(quotable, (text) => {
    expect(formatTime(`-'${text.replaceAll("'", "''")}'`, "0", 1)).toBe(`-${text}`);
  }));
});

it("a literal text is replaced by a literal text, whatever signs they hold", () => {
  const signs = fc.string({ unit: fc.constantFrom("$", "\\", "&", "1", "{", "}", "a", "b", ".", "(", "\u{1f600}") });
  fc.assert(fc.property(signs, signs.filter((text) => text !== ""), signs, (text, what, by) => {
    const pattern = what.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    const regex = translateJavaSearch(pattern);
    if ("problem" in regex) throw new Error(regex.problem.message);
    const replacement = translateJavaReplacement(by.replace(/[\\$]/g, "\\$&"), regex);
    if ("problem" in replacement) throw new Error(replacement.problem);
    const expected = text.split(what).join(by);
    expect(text.replace(new RegExp(regex.source, `${regex.flags}g`), replacement.text)).toBe(expected);
    expect(replaceWith(text, new RegExp(regex.source, `${regex.flags}g`), by, "P")).toBe(expected);
  }));
});

it("a path finds what walking finds", () => {
  const index = fc.integer({ min: -2, max: 2 });
  const step: fc.Arbitrary<JsonPathStep> = fc.oneof(fc.constantFrom("a", "b", "length"), index);
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(1, "x", null, true),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b"), tie("tree")),
    ),
  }));
  const walk = (value: unknown, [first, ...rest]: readonly JsonPathStep[]): unknown => {
    if (first === undefined) return value;
    if (Array.isArray(value)) return typeof first === "number" ? walk(value.at(first), rest) : undefined;
    if (typeof value !== "object" || value === null) return undefined;
    const found = Object.entries(value).find(([name]) => name === first);
    return found === undefined ? undefined : walk(found[1], rest);
  };
  fc.assert(fc.property(tree, fc.array(step, { maxLength: 4 }), (value, steps) => {
    const found = walk(value, steps);
    const text = typeof found === "string" ? found : JSON.stringify(found);
    const expected = found === undefined || found === null ? "" : text;
    expect(jsonPath(steps, JSON.stringify(value), true)).toBe(expected);
  }));
});

it("any text is a literal once its quotes are doubled", () => {
  fc.assert(fc.property(wellFormed, (text) => {
    expect(constantText(foldTemplate(parseTemplate(`{firstnonnull('${text.replaceAll("'", "''")}')}`)))).toBe(text);
  }));
});
