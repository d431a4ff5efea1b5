/**
 * Function calls of message templates at build time: what is wrong with their literal arguments, and which form a call
 * takes once these are understood. template-fold.ts computes the constant ones, 5-emit/template-call.ts writes others.
 */
import { parseJsonPath, plainSteps } from "#runtime/language/functions/json-path-syntax.ts";
import type { JsonPathStep } from "#runtime/language/functions/json-path.ts";
import type { JsonQueryStep } from "#runtime/language/functions/json-query.ts";
import { timePatternProblem } from "#runtime/language/functions/time-format.ts";
import type { CallPart, TemplateArgument } from "#runtime/language/template.ts";
import { isTemplateFunction, type TemplateFunction } from "#runtime/language/template-functions.ts";
import { unsettled, type CallProblem } from "./call-problem.ts";
import { translateJavaReplacement } from "./java-replacement.ts";
import { translateJavaSearch, type JavaScriptRegex } from "./java-regex.ts";
import { checkRegexSafety } from "./regex-safety.ts";
import { xegerForm } from "./xeger-form.ts";
import { xpathProblems } from "./xpath-call.ts";

/** How a signature is made: names as runtime/template/hmac.ts knows them. */
export interface HmacEncodings {
  readonly keyEncoding: "utf8" | "hex" | "base64";
  readonly outputEncoding: "hex" | "base64";
}

type KeyEncoding = HmacEncodings["keyEncoding"];

/** The mistakes in a call whose name and number of arguments are right. */
export function callProblems(call: CallPart): readonly CallProblem[] {
  if (!isTemplateFunction(call.name)) return [];
  switch (call.name) {
    case "substring":
      return integerProblems(call.name, call.args.slice(1));
    case "randomLong":
      return randomLongProblems(call);
    case "replaceAll":
    case "replaceFirst":
      return replaceProblems(call);
    case "timeFormat":
    case "timeFormatMs":
    case "timeFormatUTC":
    case "timeFormatUTCMs":
      return timeProblems(call);
    case "jsonPath":
      return jsonPathProblems(call);
    case "xpath":
      return xpathProblems(call);
    case "xeger":
      return xegerProblems(call);
    case "hmacMd5":
    case "hmacSha1":
    case "hmacSha224":
    case "hmacSha256":
    case "hmacSha384":
    case "hmacSha512":
      return hmacProblems(call);
    default:
      return [];
  }
}

/** The algorithm and encoding of a digest function; null for any other. */
export function digestForm(name: TemplateFunction): {
  readonly algorithm: "md5" | "sha1" | "sha256" | "sha384" | "sha512";
  readonly encoding: "hex" | "base64";
} | null {
  switch (name) {
    case "md5Hex":
      return { algorithm: "md5", encoding: "hex" };
    case "sha1Hex":
      return { algorithm: "sha1", encoding: "hex" };
    case "sha256Hex":
      return { algorithm: "sha256", encoding: "hex" };
    case "sha384Hex":
      return { algorithm: "sha384", encoding: "hex" };
    case "sha512Hex":
      return { algorithm: "sha512", encoding: "hex" };
    case "md5Base64":
      return { algorithm: "md5", encoding: "base64" };
    case "sha1Base64":
      return { algorithm: "sha1", encoding: "base64" };
    case "sha256Base64":
      return { algorithm: "sha256", encoding: "base64" };
    case "sha384Base64":
      return { algorithm: "sha384", encoding: "base64" };
    case "sha512Base64":
      return { algorithm: "sha512", encoding: "base64" };
    default:
      return null;
  }
}

/** The encodings of an hmac call, with their defaults; null after a problem. */
export function hmacEncodings(call: CallPart): HmacEncodings | null {
  const [, , key, output] = call.args;
  const keyEncoding = key === undefined ? "utf8" : encodingOf(key);
  const outputEncoding = output === undefined ? "base64" : encodingOf(output);
  if (keyEncoding === null || outputEncoding === null || outputEncoding === "utf8") return null;
  return { keyEncoding, outputEncoding };
}

/** The expression of a replace call as one of JavaScript; null after a problem. */
export function replaceRegex(call: CallPart): JavaScriptRegex | null {
  const [, pattern] = call.args;
  if (pattern?.kind !== "literal") return null;
  const regex = translateJavaSearch(pattern.text);
  if ("problem" in regex) return null;
  return call.name === "replaceAll" ? { ...regex, flags: [...regex.flags, "g"].sort().join("") } : regex;
}

/** The literal replacement of a replace call as String.replace takes it; null when it is a variable. */
export function replaceText(call: CallPart, regex: JavaScriptRegex): string | null {
  const [, , replacement] = call.args;
  if (replacement?.kind !== "literal") return null;
  const translated = translateJavaReplacement(replacement.text, regex);
  return "problem" in translated ? null : translated.text;
}

/** What a jsonPath call looks for: `plain` when json-path.ts can walk the path, else json-query.ts does. */
export type JsonPathForm = { readonly wantsArray: boolean } & (
  | { readonly plain: readonly JsonPathStep[] }
  | { readonly query: readonly JsonQueryStep[] }
);

/** The steps of a jsonPath call, and whether whole arrays are wanted; null after a problem. */
export function jsonPathForm(call: CallPart): JsonPathForm | null {
  const [path, , wanted] = call.args;
  if (path?.kind !== "literal") return null;
  const parsed = parseJsonPath(path.text);
  if ("problem" in parsed) return null;
  const wantsArray = wanted?.kind === "literal" && wanted.text === "true";
  const plain = plainSteps(parsed.steps);
  return plain === null ? { query: parsed.steps, wantsArray } : { plain, wantsArray };
}

/** Milliseconds in one unit of a time function's argument. */
export function timeUnitMs(name: TemplateFunction): 1 | 1000 {
  return name === "timeFormatMs" || name === "timeFormatUTCMs" ? 1 : 1000;
}

function at(part: TemplateArgument, problem: string): CallProblem {
  return { code: "AGW3005", problem, start: part.start, end: part.end };
}

function integerProblems(name: string, args: readonly TemplateArgument[]): readonly CallProblem[] {
  return args.flatMap((argument) => {
    if (argument.kind !== "literal" || /^-?[0-9]{1,15}$/.test(argument.text)) return [];
    return [at(argument, `${name} needs an integer here`)];
  });
}

function randomLongProblems(call: CallPart): readonly CallProblem[] {
  const bounds = call.args.map((argument) => ({ argument, bound: longOf(argument) }));
  const wrong = bounds.find(({ argument, bound }) => argument.kind === "literal" && bound === null);
  if (wrong !== undefined) return [at(wrong.argument, "randomLong needs an integer of 64 bits here")];
  const [min, max] = bounds;
  if (min === undefined || max === undefined || min.bound === null || max.bound === null) return [];
  return min.bound > max.bound ? [at(max.argument, "the largest number of randomLong is below the smallest")] : [];
}

function longOf(argument: TemplateArgument): bigint | null {
  if (argument.kind !== "literal" || !/^-?[0-9]{1,19}$/.test(argument.text)) return null;
  const value = BigInt(argument.text);
  return BigInt.asIntN(64, value) === value ? value : null;
}

function replaceProblems(call: CallPart): readonly CallProblem[] {
  const [, pattern, replacement] = call.args;
  if (pattern === undefined || replacement === undefined) return [];
  if (pattern.kind === "variable") {
    return [at(pattern, unsettled("regular expression"))];
  }
  const regex = translateJavaSearch(pattern.text);
  const span = { start: pattern.start, end: pattern.end };
  if ("problem" in regex) return [{ code: "AGW3009", problem: regex.problem.message, ...span }];
  if (!isPlainSearch(regex.judged)) {
    const safety = checkRegexSafety(regex.judged, regex.flags);
    if (!safety.safe) return [{ code: "AGW3010", complexity: safety.complexity, ...span }];
  }
  if (replacement.kind === "variable") return [];
  const translated = translateJavaReplacement(replacement.text, regex);
  return "problem" in translated ? [at(replacement, translated.problem)] : [];
}

/**
 * True for a row of single characters and classes, the last of them perhaps repeated: where a search for it begins to
 * repeat it has already matched, so that no position is looked at more often than the row is long.
 */
function isPlainSearch(source: string): boolean {
  const one = String.raw`(?:[^\\^$.*+?()[\]{}|]|\\[^\dkpPux]|\\u[0-9a-f]{4}|\[(?:[^\\\]]|\\.)*\])`;
  return new RegExp(`^(?:${one})+[*+]?$`, "s").test(source);
}

function timeProblems(call: CallPart): readonly CallProblem[] {
  const [pattern, time] = call.args;
  if (pattern === undefined || time === undefined) return [];
  const problem = pattern.kind === "literal" ? timePatternProblem(pattern.text) : null;
  if (problem !== null) return [at(pattern, problem)];
  return integerProblems(call.name, [time]);
}

function jsonPathProblems(call: CallPart): readonly CallProblem[] {
  const [path, , wanted] = call.args;
  if (path === undefined) return [];
  if (path.kind === "variable") {
    return [at(path, unsettled("path"))];
  }
  const parsed = parseJsonPath(path.text);
  if ("problem" in parsed) return [at(path, parsed.problem)];
  if (wanted === undefined || (wanted.kind === "literal" && /^(?:true|false)$/.test(wanted.text))) return [];
  return [at(wanted, "the third argument of jsonPath is true or false")];
}

function xegerProblems({ args: [pattern] }: CallPart): readonly CallProblem[] {
  if (pattern === undefined) return [];
  if (pattern.kind === "variable") return [at(pattern, unsettled("regular expression"))];
  const found = xegerForm(pattern.text);
  if ("form" in found) return [];
  return [{ code: "AGW3009", problem: found.problem, start: pattern.start, end: pattern.end }];
}

function hmacProblems(call: CallPart): readonly CallProblem[] {
  const [key, , keyEncoding, outputEncoding] = call.args;
  const problems: CallProblem[] = [];
  if (key?.kind === "literal") problems.push({ code: "AGW4001", function: call.name, start: key.start, end: key.end });
  if (key?.kind === "variable" && key.fallback !== undefined) {
    problems.push({ code: "AGW4001", function: call.name, start: key.start, end: key.end });
  }
  if (keyEncoding !== undefined && encodingOf(keyEncoding) === null) {
    problems.push(at(keyEncoding, "a key is encoded as 'utf-8', 'hex', 'base16' or 'base64', in single quotes"));
  }
  const output = outputEncoding === undefined ? "base64" : encodingOf(outputEncoding);
  if (outputEncoding !== undefined && (output === null || output === "utf8")) {
    problems.push(at(outputEncoding, "a result is encoded as 'hex', 'base16' or 'base64', in single quotes"));
  }
  return problems;
}

function encodingOf(argument: TemplateArgument): KeyEncoding | null {
  if (argument.kind !== "literal") return null;
  switch (argument.text.toLowerCase()) {
    case "utf-8":
      return "utf8";
    case "hex":
    case "base16":
      return "hex";
    case "base64":
      return "base64";
    default:
      return null;
  }
}
