/**
 * Partial evaluation of message templates: a call whose arguments are all literal, of a function that gives the same
 * answer every time, becomes the text of its answer. Judges nothing: what is wrong stays a call.
 */
import { createHash } from "node:crypto";
import { escapeHtml, escapeJson, escapeXml, escapeXml11 } from "#runtime/language/functions/escape.ts";
import { jsonPath } from "#runtime/language/functions/json-path.ts";
import { jsonQuery } from "#runtime/language/functions/json-query.ts";
import { substring } from "#runtime/language/functions/substring.ts";
import { formatTime } from "#runtime/language/functions/time-format.ts";
import type { CallPart, Template, TemplatePart } from "#runtime/language/template.ts";
import { isTemplateFunction } from "#runtime/language/template-functions.ts";
import { callProblems, digestForm, jsonPathForm, replaceRegex, replaceText, timeUnitMs } from "./template-call.ts";

/** The template with its constant calls computed; literals that come to touch become one. */
export function foldTemplate(template: Template): Template {
  if (template.problems.length > 0 || !template.parts.some((part) => part.kind === "call")) return template;
  const parts: TemplatePart[] = [];
  for (const part of template.parts) {
    const folded = part.kind === "call" ? foldCall(part) : part;
    const last = parts.at(-1);
    if (folded.kind !== "literal" || last?.kind !== "literal") parts.push(folded);
    else parts[parts.length - 1] = { ...last, text: last.text + folded.text, end: folded.end };
  }
  return { parts, problems: template.problems };
}

function foldCall(call: CallPart): TemplatePart {
  const text = constantResult(call);
  return text === null ? call : { kind: "literal", text, start: call.start, end: call.end };
}

/** What a call always gives; null when that is not known now. */
function constantResult(call: CallPart): string | null {
  const { name, args } = call;
  if (!isTemplateFunction(name)) return null;
  const [first, second, third] = args.map((argument) => (argument.kind === "literal" ? argument.text : null));
  // The left-most literal is the answer when nothing before it could be.
  if (name === "firstnonnull") return first ?? null;
  if (args.some((argument) => argument.kind !== "literal") || first === undefined || first === null) return null;
  const digest = digestForm(name);
  if (digest !== null) return createHash(digest.algorithm).update(first, "utf8").digest(digest.encoding);
  switch (name) {
    case "encodeBase64":
      return Buffer.from(first, "utf8").toString("base64");
    case "toUpperCase":
      return first.toUpperCase();
    case "toLowerCase":
      return first.toLowerCase();
    case "escapeJSON":
      return escapeJson(first);
    case "escapeXML":
      return escapeXml(first);
    case "escapeXML11":
      return escapeXml11(first);
    case "encodeHTML":
    case "escapeHTML":
      return escapeHtml(first);
    case "substring":
      return substring(first, second ?? "", third ?? null);
    case "timeFormat":
    case "timeFormatMs":
    case "timeFormatUTC":
    case "timeFormatUTCMs":
      return formatTime(first, second ?? "", timeUnitMs(name));
    case "replaceAll":
    case "replaceFirst":
      return replaced(call, first);
    case "jsonPath": {
      const form = jsonPathForm(call);
      if (form === null) return null;
      const json = second ?? "";
      if ("plain" in form) return jsonPath(form.plain, json, form.wantsArray);
      return jsonQuery(form.query, json, form.wantsArray);
    }
    default:
      return null;
  }
}

function replaced(call: CallPart, text: string): string | null {
  if (callProblems(call).length > 0) return null;
  const regex = replaceRegex(call);
  const replacement = regex === null ? null : replaceText(call, regex);
  if (regex === null || replacement === null) return null;
  return text.replace(new RegExp(regex.source, regex.flags), replacement);
}
