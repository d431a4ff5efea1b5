/** Function calls of message templates as string expressions. Their mistakes were reported by the analysis. */
import type { CallPart, TemplateArgument } from "#runtime/language/template.ts";
import { isTemplateFunction, type TemplateFunction } from "#runtime/language/template-functions.ts";
import {
  digestForm,
  hmacEncodings,
  jsonPathForm,
  replaceRegex,
  replaceText,
  timeUnitMs,
} from "../expression/template-call.ts";
import { xegerForm } from "../expression/xeger-form.ts";
import { xpathForm } from "../expression/xpath-call.ts";
import { code, identifier, literal, regex, unbracketed, type Code } from "./code.ts";
import type { Scope } from "./scope.ts";

/** How arguments become expressions; template.ts knows. */
export interface CallContext {
  readonly scope: Scope;
  /** The policy that faults name. */
  readonly policy: string;
  /** An argument as an expression of type string. */
  text(argument: TemplateArgument): Code;
  /** The first of some variables or literals that has a value, as an expression of type string. */
  first(args: readonly TemplateArgument[]): Code;
}

/** An expression of type string. */
export function callCode(call: CallPart, context: CallContext): Code {
  // Nothing is emitted from a bundle with errors.
  if (!isTemplateFunction(call.name)) return literal("");
  const digest = digestForm(call.name);
  const [argument] = call.args;
  if (argument === undefined) return withoutArguments(call.name, context);
  if (digest !== null) {
    return code`${symbol(context, "digest")}(${digest.algorithm}, ${digest.encoding}, ${plain(argument, context)})`;
  }
  switch (call.name) {
    case "toUpperCase":
    case "toLowerCase":
      return code`${context.text(argument)}.${identifier(call.name)}()`;
    case "encodeBase64":
      return code`${symbol(context, "encodeBase64")}(${plain(argument, context)})`;
    case "decodeBase64":
      return code`${symbol(context, "decodeBase64")}(${plain(argument, context)})`;
    case "escapeJSON":
      return code`${symbol(context, "escapeJson")}(${plain(argument, context)})`;
    case "escapeXML":
      return code`${symbol(context, "escapeXml")}(${plain(argument, context)})`;
    case "escapeXML11":
      return code`${symbol(context, "escapeXml11")}(${plain(argument, context)})`;
    case "encodeHTML":
    case "escapeHTML":
      return code`${symbol(context, "escapeHtml")}(${plain(argument, context)})`;
    case "substring":
      return substringCode(call, argument, context);
    case "replaceAll":
    case "replaceFirst":
      return replaceCode(call, argument, context);
    case "timeFormat":
    case "timeFormatMs":
    case "timeFormatUTC":
    case "timeFormatUTCMs": {
      const time = optional(call.args[1], context);
      return code`${symbol(context, "formatTime")}(${plain(argument, context)}, ${time}, ${timeUnitMs(call.name)})`;
    }
    case "randomLong":
      return randomLongCode(call, context);
    case "firstnonnull":
      return context.first(call.args);
    case "jsonPath":
      return jsonPathCode(call, context);
    case "xpath":
      return xpathCode(call, context);
    case "xeger":
      return xegerCode(call, context);
    default:
      return hmacCode(call, call.name, argument, context);
  }
}

function symbol({ scope }: CallContext, name: Parameters<Scope["file"]["symbol"]>[0]): Code {
  return scope.file.symbol(name);
}

/** An argument where a comma or a parenthesis ends it. */
function plain(argument: TemplateArgument, context: CallContext): Code {
  return unbracketed(context.text(argument));
}

function optional(argument: TemplateArgument | undefined, context: CallContext): Code {
  return argument === undefined ? literal(null) : plain(argument, context);
}

function withoutArguments(name: TemplateFunction, context: CallContext): Code {
  if (name === "createUuid") return code`x.gateway.clock.randomId()`;
  return code`${symbol(context, "randomLong")}(x.gateway.clock, null, null)`;
}

function randomLongCode({ args }: CallPart, context: CallContext): Code {
  const [min, max] = args.map((argument) => plain(argument, context));
  return code`${symbol(context, "randomLong")}(x.gateway.clock, ${min ?? null}, ${max ?? null})`;
}

function substringCode({ args }: CallPart, text: TemplateArgument, context: CallContext): Code {
  const [, start, end] = args;
  const bounds = [start, end].flatMap((bound) => (bound === undefined ? [] : [bound]));
  const numbers = bounds.flatMap((bound) => (bound.kind === "literal" ? [Number(bound.text)] : []));
  const [from = 0, to] = numbers;
  if (numbers.length < bounds.length) {
    const [first, second] = [optional(start, context), optional(end, context)];
    return code`${symbol(context, "substring")}(${plain(text, context)}, ${first}, ${second})`;
  }
  if (to === undefined) return code`${context.text(text)}.slice(${from})`;
  return code`${context.text(text)}.slice(${from}, ${to})`;
}

function replaceCode(call: CallPart, text: TemplateArgument, context: CallContext): Code {
  const found = replaceRegex(call);
  if (found === null) return literal("");
  const pattern = context.scope.file.matcher("regex", regex(found.source, found.flags));
  const replacement = replaceText(call, found);
  if (replacement !== null) return code`${context.text(text)}.replace(${pattern}, ${replacement})`;
  const given = optional(call.args[2], context);
  return code`${symbol(context, "replaceWith")}(${plain(text, context)}, ${pattern}, ${given}, ${context.policy})`;
}

function jsonPathCode(call: CallPart, context: CallContext): Code {
  const form = jsonPathForm(call);
  if (form === null) return literal("");
  const json = optional(call.args[1], context);
  if ("plain" in form) {
    const path = context.scope.file.constant("path", code`${[...form.plain]} as const`);
    return code`${symbol(context, "jsonPath")}(${path}, ${json}, ${form.wantsArray})`;
  }
  const query = context.scope.file.constant("query", code`${[...form.query]} as const`);
  return code`${symbol(context, "jsonQuery")}(${query}, ${json}, ${form.wantsArray})`;
}

function xpathCode(call: CallPart, context: CallContext): Code {
  const form = xpathForm(call);
  if (form === null) return literal("");
  const expression = context.scope.file.constant("xpath", code`${{ ...form.expression }} as const`);
  return code`${symbol(context, "xpath")}(${expression}, ${form.type}, ${optional(call.args[1], context)})`;
}

function xegerCode({ args: [pattern] }: CallPart, context: CallContext): Code {
  const found = pattern?.kind === "literal" ? xegerForm(pattern.text) : null;
  if (found === null || "problem" in found) return literal("");
  if (typeof found.form === "string") return literal(found.form);
  const form = context.scope.file.constant("form", code`${{ ...found.form }} as const`);
  return code`${symbol(context, "xeger")}(x.gateway.clock, ${form})`;
}

function hmacCode(call: CallPart, name: TemplateFunction, key: TemplateArgument, context: CallContext): Code {
  const encodings = hmacEncodings(call);
  const algorithm = name.slice("hmac".length).toLowerCase();
  if (encodings === null) return literal("");
  const form = context.scope.file.constant("hmac", code`${literal({ algorithm, ...encodings })} as const`);
  const text = optional(call.args[1], context);
  return code`${symbol(context, "hmac")}(${form}, ${plain(key, context)}, ${text}, ${context.policy})`;
}
