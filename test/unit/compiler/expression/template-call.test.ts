/** Calls at build time: which literal arguments are mistakes, and which calls are computed. */
import { describe, expect, it } from "vitest";
import { callProblems } from "#compiler/expression/template-call.ts";
import { foldTemplate } from "#compiler/expression/template-fold.ts";
import { constantText, parseTemplate } from "#runtime/language/template.ts";

function problems(text: string): string[] {
  const template = parseTemplate(text);
  expect(template.problems).toEqual([]);
  return template.parts.flatMap((part) => {
    if (part.kind !== "call") return [];
    return callProblems(part).map((problem) => `${problem.code} ${text.slice(problem.start, problem.end)}`);
  });
}

describe("mistakes", () => {
  it.each([
    ["{substring(a,'x')}", "AGW3005 'x'"],
    ["{substring(a,0,1.5)}", "AGW3005 1.5"],
    ["{randomLong('x')}", "AGW3005 'x'"],
    ["{randomLong(9223372036854775808)}", "AGW3005 9223372036854775808"],
    ["{randomLong(2,1)}", "AGW3005 1"],
    ["{replaceAll(a,b,'c')}", "AGW3005 b"],
    ["{replaceAll(a,b:c,'c')}", "AGW3005 b:c"],
    ["{replaceFirst(a,'(','c')}", "AGW3009 '('"],
    ["{replaceFirst(a,'\\Gx','c')}", "AGW3009 '\\Gx'"],
    ["{replaceAll(a,'(a+)+b','c')}", "AGW3010 '(a+)+b'"],
    ["{replaceAll(a,'\\s+$','')}", "AGW3010 '\\s+$'"],
    ["{replaceAll(a,'(\\d+)-','')}", "AGW3010 '(\\d+)-'"],
    ["{replaceAll(a,'b','$1')}", "AGW3005 '$1'"],
    ["{timeFormatUTC('QQ',a)}", "AGW3005 'QQ'"],
    ["{timeFormatUTC('''',a)}", "AGW3005 ''''"],
    ["{timeFormatUTC('y','now')}", "AGW3005 'now'"],
    ["{jsonPath(p,a)}", "AGW3005 p"],
    ["{jsonPath($..a..b..c,a)}", "AGW3005 $..a..b..c"],
    ["{jsonPath('$[?(a)]',a)}", "AGW3005 '$[?(a)]'"],
    ["{xpath(p,a)}", "AGW3005 p"],
    ["{xpath('/a[',a)}", "AGW3005 '/a['"],
    ["{xpath('/x:a',a)}", "AGW3005 '/x:a'"],
    ["{xpath('/a',a,t)}", "AGW3005 t"],
    ["{xpath('/a',a,'text')}", "AGW3005 'text'"],
    ["{xpath('/a',a,'string','node')}", "AGW3005 'node'"],
    ["{xpath('/a',a,'a:b','b:b','c:b','d:b','e:b','f:b','g:b','h:b','i:b','j:b','k:b')}",
      "AGW3005 {xpath('/a',a,'a:b','b:b','c:b','d:b','e:b','f:b','g:b','h:b','i:b','j:b','k:b')}"],
    ["{xeger(p)}", "AGW3005 p"],
    ["{xeger('a(?=b)')}", "AGW3009 'a(?=b)'"],
    ["{jsonPath('a',a)}", "AGW3005 'a'"],
    ["{jsonPath($.a,a,wanted)}", "AGW3005 wanted"],
    ["{jsonPath($.a,a,'yes')}", "AGW3005 'yes'"],
    ["{hmacSha256('k',a)}", "AGW4001 'k'"],
    ["{hmacSha256(k:secret,a)}", "AGW4001 k:secret"],
    ["{hmacSha256(k,a,hex)}", "AGW3005 hex"],
    ["{hmacSha256(k,a,'latin1')}", "AGW3005 'latin1'"],
    ["{hmacSha256(k,a,'hex','utf-8')}", "AGW3005 'utf-8'"],
    ["{hmacSha256(k,a,'hex',out)}", "AGW3005 out"],
  ])("%s", (text, expected) => expect(problems(text)).toEqual([expected]));

  it.each([
    "{md5Hex(a)}",
    "{substring(a,b,c)}",
    "{substring(a,-1)}",
    "{randomLong(a,b)}",
    "{randomLong(1,a)}",
    "{replaceAll(a,'[^a-z0-9]+','')}",
    "{replaceAll(a,'\\s+','')}",
    "{replaceAll(a,'^\\s+','')}",
    "{replaceAll(a,'\\d{1,4}-','')}",
    "{replaceAll(a,'x',b)}",
    "{timeFormatUTC(f,a)}",
    "{jsonPath($.a,a,true)}",
    "{jsonPath('$..a[?(@.b==1)][0:2]',a)}",
    "{xpath('/x:a',a,'x:urn:x','node','y:urn:y')}",
    "{xeger('[a-z]{3}')}",
    "{hmacSha256(k,'text','BASE16','Base64')}",
  ])("%s has none", (text) => expect(problems(text)).toEqual([]));
});

describe("folding", () => {
  it.each([
    ["{toUpperCase('a')}", "A"],
    ["a{toUpperCase('b')}c{toLowerCase('D')}", "aBcd"],
    ["{sha256Hex('abc')}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ["{encodeBase64('\u00e9')}", "w6k="],
    ["{substring('ABCDEFGHIJKLMNOPQRSTUVWXYZ',-8,-4)}", "STUV"],
    ["{replaceAll('banana','a','o')}", "bonono"],
    ["{replaceFirst('banana','(a)','<$1>')}", "b<a>nana"],
    ["{escapeJSON('\"')}", '\\"'],
    ["{escapeXML('it''s')}", "it&apos;s"],
    ["{timeFormatUTC('yyyy-MM-dd''T''HH:mm',0)}", "1970-01-01T00:00"],
    ["{jsonPath($.a,'{\"a\":1}')}", "1"],
    ["{firstnonnull('a',b)}", "a"],
    ["{escapeHTML('{')}", "{"],
  ])("%s is %j", (text, expected) => {
    const folded = foldTemplate(parseTemplate(text));
    expect(constantText(folded)).toBe(expected);
    expect(folded.parts.length).toBe(1);
    expect(folded.parts[0]).toMatchObject({ start: 0, end: text.length });
  });

  it.each([
    "{toUpperCase(a)}",
    "{toUpperCase(a:b)}",
    "{createUuid()}",
    "{randomLong(1,2)}",
    "{firstnonnull(a,'b')}",
    "{hmacSha256('k','v')}",
    "{replaceAll('aaaa','(a+)+b','')}",
    "{replaceAll('a','(','')}",
    "{jsonPath('$.a.length()','{}')}",
  ])("%s stays", (text) => expect(foldTemplate(parseTemplate(text)).parts).toMatchObject([{ kind: "call" }]));

  it("leaves templates without calls, and those with problems, alone", () => {
    for (const text of ["a{b}c", "{nothing(a)}", ""]) {
      const template = parseTemplate(text);
      expect(foldTemplate(template)).toBe(template);
    }
  });
});
