/** From all that ajv has to say about a mistake to the one thing that the user should hear. Pure. */
import type { SchemaError } from "./schema-error.ts";

/**
 * Drops the noise of unions and conditionals. A union fails with the errors of all its branches; what counts is those
 * of the branch whose type the value has, else that no branch fits. The schemas keep to one branch a type (a test
 * holds that).
 */
export function distil(errors: readonly SchemaError[]): SchemaError[] {
  let kept: SchemaError[] = [];
  for (const error of errors) {
    if (error.keyword === "if" || error.keyword === "propertyNames") continue;
    if (error.keyword === "anyOf" || error.keyword === "oneOf") kept = resolveUnion(kept, error);
    else kept.push(error);
  }
  return withoutEchoes(kept);
}

function resolveUnion(before: readonly SchemaError[], union: SchemaError): SchemaError[] {
  const branches: readonly unknown[] = Array.isArray(union.schema) ? union.schema : [];
  if (union.parentSchema?.["x-rule"] !== undefined) {
    return [...before.filter((error) => !branches.includes(error.parentSchema)), union];
  }
  const path = union.instancePath;
  const isInside = (error: SchemaError): boolean =>
    error.instancePath === path || error.instancePath.startsWith(`${path}/`);
  const outside = before.filter((error) => !isInside(error));
  const inside = before.filter(isInside);
  const misfits = inside.filter((error) => error.instancePath === path && error.keyword === "type");
  const misfitSchemas = misfits.map((error) => error.parentSchema);
  const telling = inside.filter((error) => error.instancePath !== path || !misfitSchemas.includes(error.parentSchema));
  return telling.length > 0 ? [...outside, ...telling] : [...outside, { ...union, keyword: "type" }];
}

/** A value of the wrong type breaks other rules too, and a key that does not belong need not be right inside. */
function withoutEchoes(errors: readonly SchemaError[]): SchemaError[] {
  const wrongType = new Set(errors.filter((error) => error.keyword === "type").map((error) => error.instancePath));
  const unwanted = errors.flatMap((error) => {
    const key = error.keyword === "not" ? error.parentSchema?.["x-key"] : undefined;
    return key === undefined ? [] : [`${error.instancePath}/${key}`];
  });
  const unknownKeys = new Set(
    errors.filter((error) => error.keyword === "additionalProperties").map((error) => error.instancePath),
  );
  const seen = new Set<string>();
  return errors.filter((error) => {
    const path = error.instancePath;
    if (error.keyword !== "type" && error.propertyName === undefined && wrongType.has(path)) return false;
    if (error.keyword === "maxProperties" && unknownKeys.has(path)) return false;
    if (unwanted.some((key) => path === key || path.startsWith(`${key}/`))) return false;
    const identity = identityOf(error);
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
}

function identityOf(error: SchemaError): string {
  const rule = error.parentSchema?.["x-rule"];
  const about =
    rule !== undefined && error.keyword !== "additionalProperties" && error.keyword !== "required"
      ? rule
      : JSON.stringify(error.params);
  return [error.instancePath, error.propertyName ?? "", error.keyword === "anyOf" ? "not" : error.keyword, about].join(
    "\n",
  );
}
