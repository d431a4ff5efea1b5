/** The few forms of JSON Schema from which the admin API is described. They describe; admin-body.ts is what checks. */
import type { Properties, Schema } from "./admin-route.ts";

export const text = (description: string, more: Schema = {}): Schema => ({ type: "string", description, ...more });

export const flag = (description: string): Schema => ({ type: "boolean", description });

export const count = (description: string): Schema => ({ type: "integer", minimum: 0, description });

export const number = (description: string): Schema => ({ type: "number", description });

export const integer = (description: string, minimum: number, maximum: number): Schema => {
  return { type: "integer", minimum, maximum, description };
};

export const choice = (description: string, choices: readonly string[]): Schema => {
  return { type: "string", enum: choices, description };
};

export const instant = (description: string): Schema => ({ type: "string", format: "date-time", description });

export const list = (description: string, items: Schema): Schema => ({ type: "array", items, description });

export const texts = (description: string): Schema => list(description, { type: "string" });

/** Texts by name. */
export const attributes = (description: string): Schema => {
  return { type: "object", additionalProperties: { type: "string" }, description };
};

/** The same, or null; not for choices, whose values are listed. */
export function orNull(schema: Schema): Schema {
  return { ...schema, type: [schema["type"], "null"] };
}

/** A schema of the document by its name. */
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** The schema of an object whose fields are known. */
export interface RecordSchema extends Schema {
  readonly properties: Properties;
}

/** An object with all of these fields and no others; `optional` names those that may be absent. */
export function record(description: string, properties: Properties, optional: readonly string[] = []): RecordSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", additionalProperties: false, required, properties, description };
}

/** A record with further fields. */
export function recordWith(base: RecordSchema, description: string, more: Properties): RecordSchema {
  return record(description, { ...base.properties, ...more });
}

/** One page of a list. */
export function page(name: string, item: string): Schema {
  const next = orNull(text("Give it back as `after` to get the next page; null when this was the last."));
  return record(`One page of ${name}.`, { [name]: list("In order of their ids.", ref(item)), next });
}

/** The two fields of every list's query. */
export function paging(rowsMax: number): Properties {
  return {
    limit: integer("Rows of the page. Default 100.", 1, rowsMax),
    after: text("`next` of the page before."),
  };
}
