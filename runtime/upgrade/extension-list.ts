/**
 * Sec-WebSocket-Extensions (RFC 6455 section 9.1): its grammar and the names in it. Parameters pass from end to end and
 * are checked for form only.
 */
import { isToken } from "../message/field-grammar.ts";

/**
 * The extension names of a list in order, repeated where they repeat; null when the list breaks the grammar or has more
 * than `countMax` extensions or parameters of one.
 */
export function extensionNames(list: string, countMax: number): string[] | null {
  const names: string[] = [];
  const extensions = list.split(",", countMax + 1);
  if (extensions.length > countMax) return null;
  for (const extension of extensions) {
    const parts = extension.split(";", countMax + 2);
    if (parts.length > countMax + 1) return null;
    const name = (parts[0] ?? "").trim();
    if (!isToken(name)) return null;
    for (let at = 1; at < parts.length; at++) if (!isParameter((parts[at] ?? "").trim())) return null;
    names.push(name);
  }
  return names;
}

/** `token`, `token=token` or `token="token"`: what a quoted string holds must be a token as well. */
function isParameter(text: string): boolean {
  const equals = text.indexOf("=");
  if (equals < 0) return isToken(text);
  if (!isToken(text.slice(0, equals).trimEnd())) return false;
  const value = text.slice(equals + 1).trimStart();
  const quoted = value.length > 2 && value.startsWith('"') && value.endsWith('"');
  return isToken(quoted ? value.slice(1, -1) : value);
}
