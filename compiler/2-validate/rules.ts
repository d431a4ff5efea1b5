/** Rules about single documents that a JSON Schema cannot say. */
import type { ParsedDocument, PlainMap } from "../ir/syntax.ts";
import type { Context } from "./describe.ts";

/** RFC 6455 section 5.5: a control frame has 125 bytes, of which the code takes two. */
const CLOSE_TEXT_BYTES_MAX = 123;

/** Checks a document of the right kind, whether or not it fits its schema. */
export function checkRules(document: ParsedDocument, context: Context): void {
  if (document.place.kind === "proxy") checkCloseTexts(document.value, context);
  if (document.place.kind === "access") checkName(document, context);
}

function checkCloseTexts(proxy: PlainMap, { diagnostics, positions }: Context): void {
  const endpoints = proxy["proxyEndpoints"];
  if (!Array.isArray(endpoints)) return;
  for (const endpoint of endpoints) {
    for (const frame of Object.values(mapAt(mapAt(endpoint, "webSocket"), "close"))) {
      const reason = mapOf(frame)["reason"];
      if (typeof reason !== "string" || Buffer.byteLength(reason) <= CLOSE_TEXT_BYTES_MAX) continue;
      const limit = `at most ${String(CLOSE_TEXT_BYTES_MAX)} bytes of UTF-8`;
      diagnostics.report("AGW1024", positions.of(mapOf(frame), "reason"), { key: '"reason"', limit });
    }
  }
}

/** A file with several documents gives none of them its name. */
function checkName({ value, alone }: ParsedDocument, { diagnostics, positions }: Context): void {
  const kind = value["kind"];
  if (alone || kind === "Developer" || value["name"] !== undefined) return;
  const help = "only a document that is alone in its file can take the file's name";
  diagnostics.report("AGW1021", positions.of(value, "kind"), { key: "name", owner: `this ${String(kind)}` }, { help });
}

function mapAt(holder: unknown, key: string): PlainMap {
  return mapOf(mapOf(holder)[key]);
}

function mapOf(value: unknown): PlainMap {
  return isMap(value) ? value : {};
}

function isMap(value: unknown): value is PlainMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
