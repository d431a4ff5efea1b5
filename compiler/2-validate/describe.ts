/** One schema error -> one diagnostic, at the key or value it is about, in the user's words. */
import { nearest } from "../diagnostics/nearest.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { PositionIndex } from "../source/position-index.ts";
import { explainFormat } from "./formats.ts";
import { keysOf, locate, spanOf, spanOfKey, type Located } from "./pointer.ts";
import type { AnnotatedSchema, SchemaError } from "./schema-error.ts";

const SHOWN_MAX = 80;
/** Lists of valid keys longer than this help nobody. */
const LISTED_KEYS_MAX = 10;

/** Where diagnostics go, and where values stand. */
export interface Context {
  readonly positions: PositionIndex;
  readonly diagnostics: Diagnostics;
}

/** Reports an error of the document `root`. */
export function describe(root: object, error: SchemaError, context: Context): void {
  const { diagnostics, positions } = context;
  const located = locate(root, error.instancePath);
  const schema = error.parentSchema ?? {};
  if (error.propertyName !== undefined) return describeKeyName(located, error.propertyName, error, context);
  switch (error.keyword) {
    case "additionalProperties":
      return describeUnknownKey(located, textParam(error, "additionalProperty"), schema, context);
    case "required": {
      const owner = schema["x-owner"] ?? (located.holder === null ? "" : located.words);
      return diagnostics.report("AGW1021", spanOf(located, positions), {
        key: textParam(error, "missingProperty"),
        owner,
      });
    }
    case "type":
      return describeType(located, schema, context);
    case "enum":
      return describeChoice(located, Object.values(paramList(error, "allowedValues")), schema, context);
    case "const":
      return describeChoice(located, [error.params["allowedValue"]], schema, context);
    case "pattern":
      return describeForm(located, schema, context);
    case "uniqueItems":
      return describeRepetition(located, error, context);
    case "dependentRequired": {
      const rule = `"${textParam(error, "property")}" needs "${textParam(error, "missingProperty")}" beside it`;
      return diagnostics.report("AGW1027", spanOfKey(located, textParam(error, "property"), positions), { rule });
    }
    default:
      return describeRule(located, error, schema, context);
  }
}

function describeUnknownKey(
  located: Located,
  key: string,
  schema: AnnotatedSchema,
  { diagnostics, positions }: Context,
): void {
  const span = spanOfKey(located, key, positions);
  if (schema["x-not-yet"]?.includes(key) === true) {
    const hint = schema["x-hints"]?.[key];
    diagnostics.report("AGW1026", span, { what: `"${key}"` }, hint === undefined ? {} : { help: hint });
    return;
  }
  const help = keyHelp(located, key, schema);
  if (schema["x-secret"] === true && schema["x-hints"]?.[key] !== undefined) {
    const { value } = located;
    const valueSpan = typeof value === "object" && value !== null ? positions.of(value, key) : span;
    diagnostics.report("AGW4001", valueSpan, { key: `"${key}"`, what: "a secret" }, { help });
    return;
  }
  const owner = located.holder === null ? "" : located.words;
  diagnostics.report("AGW1020", span, { key: shown(key), owner }, { help });
}

function keyHelp(located: Located, key: string, schema: AnnotatedSchema): string | null {
  const hint = schema["x-hints"]?.[key];
  if (hint !== undefined) return hint;
  const valid = Object.keys(schema.properties ?? {});
  const present = keysOf(located);
  const near =
    nearest(
      key,
      valid.filter((name) => !present.includes(name)),
    ) ?? nearest(key, valid);
  if (near !== null) return present.includes(near) ? `"${near}" is there already` : `did you mean "${near}"?`;
  return valid.length > 0 && valid.length <= LISTED_KEYS_MAX ? `keys here: ${valid.join(", ")}` : null;
}

function describeType(located: Located, schema: AnnotatedSchema, { diagnostics, positions }: Context): void {
  const span = spanOf(located, positions);
  const { value } = located;
  if (schema["x-secret"] === true && typeof value !== "object" && !isVariable(value, schema)) {
    const help = schema["x-expected"] === undefined ? null : `write ${schema["x-expected"]}`;
    diagnostics.report("AGW4001", span, { key: located.words, what: "a secret" }, { help });
    return;
  }
  const expected = schema["x-expected"] ?? typeWords(schema);
  diagnostics.report(
    "AGW1022",
    span,
    { key: located.words, expected, found: foundWords(value) },
    {
      help: typeHelp(located, span.file.text.slice(span.start, span.end), schema),
    },
  );
}

function typeHelp(located: Located, source: string, schema: AnnotatedSchema): string | null {
  const { value } = located;
  if (isVariable(value, schema)) return `write { ref: ${value} }`;
  const unit = unitHelp(value, schema);
  if (unit !== null) return unit;
  const takesText =
    (schema.type === "string" && schema.enum === undefined) ||
    (schema.type === undefined && schema["x-expected"]?.startsWith("a text") === true);
  if (takesText && (typeof value === "number" || typeof value === "boolean")) return `put it into quotes: "${source}"`;
  if (takesText && typeof value === "object" && value !== null && !Array.isArray(value) && source.startsWith("{")) {
    return `a template at the beginning of a value needs quotes: "${source.split("\n", 1)[0] ?? ""}"`;
  }
  if (schema.type === "array" && typeof value === "string") return `a list, even of one: [${value}]`;
  if (schema.type === "array" && typeof value === "object" && value !== null)
    return "begin each item with `- `, even when there is only one";
  if (schema.type === "boolean" && typeof value === "string" && /^(yes|no|on|off|true|false)$/i.test(value)) {
    return `write ${/^(yes|on|true)$/i.test(value) ? "true" : "false"}`;
  }
  const takesNumber =
    schema.type === "integer" || schema.type === "number" || schema["x-expected"]?.startsWith("a port") === true;
  if (takesNumber && typeof value === "string" && /^\d{1,15}$/.test(value)) return `write ${value} without quotes`;
  return value === null ? "give it a value, or remove the key" : null;
}

/** True for the name of a request's variable where a policy wants `{ ref: name }`: a slip, and no secret. */
function isVariable(value: unknown, schema: AnnotatedSchema): value is string {
  const takesRef = schema["x-expected"]?.startsWith("{ ref:") === true;
  return takesRef && typeof value === "string" && /^request\.(queryparam|header|formparam)\.[\w.-]{1,100}$/.test(value);
}

/** A bare number where a unit belongs. */
function unitHelp(value: unknown, schema: AnnotatedSchema): string | null {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) return null;
  const format = schema["x-format"] ?? "";
  const expected = schema["x-expected"] ?? "";
  if (format.endsWith("duration") || expected.startsWith("a duration")) return `write ${String(value)}s for seconds`;
  return format === "size" || expected.startsWith("a size") ? `write ${String(value)}KiB or another unit` : null;
}

function describeChoice(
  located: Located,
  allowed: readonly unknown[],
  schema: AnnotatedSchema,
  { diagnostics, positions }: Context,
): void {
  const span = spanOf(located, positions);
  const { value } = located;
  if (typeof value === "string" && schema["x-not-yet"]?.includes(value) === true) {
    diagnostics.report("AGW1026", span, { what: `"${value}" for ${located.words}` });
    return;
  }
  const words = allowed.map(String);
  const near = typeof value === "string" ? nearest(value, words) : null;
  const hint = typeof value === "string" ? schema["x-hints"]?.[value] : undefined;
  const help = hint ?? (near === null || words.length === 1 ? null : `did you mean "${near}"?`);
  const found = typeof value === "string" ? `"${shown(value)}"` : foundWords(value);
  diagnostics.report("AGW1023", span, { key: located.words, value: found, allowed: words }, { help });
}

function describeForm(located: Located, schema: AnnotatedSchema, { diagnostics, positions }: Context): void {
  const text = String(located.value);
  if (schema["x-format"] === "digest") {
    const what = "something that is no digest, and so perhaps the secret itself,";
    diagnostics.report(
      "AGW4001",
      spanOf(located, positions),
      { key: located.words, what },
      { help: "`apigw-compile digest` makes a digest" },
    );
    return;
  }
  if (schema["x-format"] === "redis-url" && text.includes("@")) {
    const params = { key: located.words, what: "a URL with user and password" };
    const help = "write username and password beside it";
    diagnostics.report("AGW4001", spanOf(located, positions), params, { help });
    return;
  }
  diagnostics.report("AGW1025", spanOf(located, positions), { key: located.words, ...formParams(text, schema) });
}

function describeKeyName(
  located: Located,
  name: string,
  error: SchemaError,
  { diagnostics, positions }: Context,
): void {
  const schema = error.parentSchema ?? {};
  const key = located.holder === null ? "a key" : `a key of ${located.words}`;
  diagnostics.report("AGW1025", spanOfKey(located, name, positions), { key, ...formParams(name, schema) });
}

function formParams(text: string, schema: AnnotatedSchema): { value: string; expected: string; reason: string | null } {
  const format = schema["x-format"];
  const reason = format === undefined ? null : explainFormat(format, text);
  return { value: shown(text), expected: schema["x-expected"] ?? "another form", reason };
}

function describeRepetition(located: Located, error: SchemaError, { diagnostics, positions }: Context): void {
  const items: readonly unknown[] = Array.isArray(located.value) ? located.value : [];
  const later = Number(error.params["i"]);
  const earlier = Number(error.params["j"]);
  const item = items[later];
  const value = typeof item === "string" ? `"${shown(item)}"` : "the same item";
  if (!Array.isArray(located.value)) return;
  const related = [{ span: positions.of(located.value, earlier), message: "the first is here" }];
  diagnostics.report("AGW1031", positions.of(located.value, later), { value, key: located.words }, { related });
}

function describeRule(
  located: Located,
  error: SchemaError,
  schema: AnnotatedSchema,
  { diagnostics, positions }: Context,
): void {
  const limit = limitWords(error, schema);
  if (limit !== null) {
    diagnostics.report("AGW1024", spanOf(located, positions), { key: located.words, limit });
    return;
  }
  const key = schema["x-key"];
  const span = key === undefined ? spanOf(located, positions) : spanOfKey(located, key, positions);
  diagnostics.report("AGW1027", span, {
    rule: schema["x-rule"] ?? `${located.words} breaks a rule of its schema (${error.keyword})`,
  });
}

/** Words for a bound; null when the keyword is none, or has a rule in words. */
function limitWords(error: SchemaError, schema: AnnotatedSchema): string | null {
  const limit = String(error.params["limit"]);
  switch (error.keyword) {
    case "minimum":
    case "maximum":
      if ("minimum" in schema && "maximum" in schema)
        return `from ${String(schema.minimum)} to ${String(schema.maximum)}`;
      return error.keyword === "minimum" ? `at least ${limit}` : `at most ${limit}`;
    case "minLength":
      return limit === "1" ? "a text that is not empty" : `at least ${limit} characters long`;
    case "maxLength":
      return `at most ${limit} characters long`;
    case "minItems":
      return limit === "1" ? "a list that is not empty" : `a list of at least ${limit} items`;
    case "maxItems":
      return `a list of at most ${limit} items`;
    case "maxProperties":
      return schema["x-rule"] === undefined ? `a map of at most ${limit} keys` : null;
    default:
      return null;
  }
}

function typeWords(schema: AnnotatedSchema): string {
  switch (schema.type) {
    case "string":
      return schema.enum === undefined ? "a text" : schema.enum.map((value) => `"${String(value)}"`).join(" or ");
    case "integer":
      return "a whole number";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    case "array":
      return "a list";
    case "object":
      return "a map";
    default:
      return "another type of value";
  }
}

function foundWords(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "string") return `the text "${shown(value)}"`;
  return typeof value === "number" ? `the number ${String(value)}` : String(value);
}

function textParam(error: SchemaError, name: string): string {
  return String(error.params[name]);
}

function paramList(error: SchemaError, name: string): readonly unknown[] {
  const value = error.params[name];
  return Array.isArray(value) ? value : [];
}

function shown(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}
