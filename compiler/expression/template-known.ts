/**
 * Message templates in which the values of some variables are known: these become text. Arguments of functions only
 * where a text means the same as a variable that holds it; a replacement, for one, does not.
 */
import type { Template, TemplateArgument, TemplatePart } from "#runtime/language/template.ts";
import type { KnownValues } from "./fold.ts";

/** Functions that treat every argument as text. */
const TEXT_FUNCTIONS: readonly string[] = [
  "toUpperCase", "toLowerCase", "encodeBase64", "escapeJSON", "escapeXML", "escapeXML11", "escapeHTML", "encodeHTML",
  "md5Hex", "sha1Hex", "sha256Hex", "sha384Hex", "sha512Hex", "md5Base64", "sha1Base64", "sha256Base64", "sha384Base64",
  "sha512Base64", "firstnonnull",
];

/**
 * The template with known variables as text; the same one when none is known. What is known to be null needs a default.
 */
export function withKnown(template: Template, known: KnownValues): Template {
  const parts = template.parts.map((part) => knownPart(part, known));
  if (parts.every((part, at) => part === template.parts[at])) return template;
  return { parts: joined(parts), problems: template.problems };
}

function knownPart(part: TemplatePart, known: KnownValues): TemplatePart {
  if (part.kind !== "call") return knownArgument(part, known);
  if (!TEXT_FUNCTIONS.includes(part.name)) return part;
  const args = part.args.map((argument) => knownArgument(argument, known));
  return args.every((argument, at) => argument === part.args[at]) ? part : { ...part, args };
}

function knownArgument(argument: TemplateArgument, known: KnownValues): TemplateArgument {
  if (argument.kind === "literal") return argument;
  const value = known(argument.name);
  const text = value === null ? argument.fallback : value === undefined ? undefined : String(value);
  return text === undefined ? argument : { kind: "literal", text, start: argument.start, end: argument.end };
}

/** No two literals touch in a template. */
function joined(parts: readonly TemplatePart[]): TemplatePart[] {
  const all: TemplatePart[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (part.kind !== "literal" || last?.kind !== "literal") all.push(part);
    else all[all.length - 1] = { ...last, text: last.text + part.text, end: part.end };
  }
  return all;
}
