/** The flow variables `jws.<policy>.*` of a signature that was verified or decoded. It verifies nothing. */
import { isUtf8 } from "node:buffer";
import type { Value } from "../context.ts";
import type { CompactJws } from "./compact.ts";
import type { IssuedVariables } from "./issued.ts";

/** Members of the header with names of their own (apigee-policies section 3.13). */
const NAMED: Readonly<Record<string, string>> = { alg: "algorithm", typ: "type" };

/** What a policy keeps: `header.<name>`, `header-json`, `payload` where it is text, and `valid` when it verified. */
export function jwsVariables({ header, headerJson, payload }: CompactJws, isVerified: boolean): IssuedVariables {
  const fields = new Map<string, Value>([["header-json", headerJson]]);
  for (const [name, value] of Object.entries(header)) {
    const shown = shownValue(value);
    fields.set(`header.${name}`, shown);
    if (Object.hasOwn(NAMED, name)) fields.set(`header.${NAMED[name] ?? name}`, shown);
  }
  if (isUtf8(payload)) fields.set("payload", payload.toString("utf8"));
  if (isVerified) fields.set("valid", true);
  return { kind: "issued", fields };
}

function shownValue(value: unknown): Value {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null ? null : JSON.stringify(value);
}
