/**
 * Java's replacement texts (`$1`, `${name}`, `\$`) as those of String.replace. Refuses what Java would throw on, and
 * references to what a look-around saw, because those can make the result grow as the square of the value.
 */
import type { JavaScriptRegex } from "./java-regex.ts";

/** The JavaScript replacement text, or why there is none. */
export type JavaReplacement = { readonly text: string } | { readonly problem: string };

/** Translates a replacement for matches of `regex`. */
export function translateJavaReplacement(replacement: string, regex: JavaScriptRegex): JavaReplacement {
  // With an empty alternative the expression matches the empty text, whose result lists all groups.
  const probe = new RegExp(`${regex.source}|`, regex.flags).exec("");
  const groupCount = (probe?.length ?? 1) - 1;
  const names = Object.keys(probe?.groups ?? {});
  let text = "";
  let hasReference = false;
  for (let at = 0; at < replacement.length; ) {
    const char = replacement.charAt(at);
    if (char === "\\") {
      const escaped = replacement.charAt(at + 1);
      if (escaped === "") return { problem: "the replacement ends with a backslash that escapes nothing" };
      text += escaped === "$" ? "$$" : escaped;
      at += 2;
      continue;
    }
    if (char !== "$") {
      text += char;
      at += 1;
      continue;
    }
    const reference = readReference(replacement, at, groupCount, names);
    if ("problem" in reference) return reference;
    hasReference ||= reference.text !== "$&";
    text += reference.text;
    at = reference.end;
  }
  if (hasReference && /\(\?<?[=!]/.test(regex.source)) {
    return { problem: "the replacement cannot refer to groups while the expression looks ahead or behind" };
  }
  return { text };
}

type Reference = { readonly text: string; readonly end: number } | { readonly problem: string };

function readReference(replacement: string, at: number, groupCount: number, names: readonly string[]): Reference {
  const named = /^\$\{([A-Za-z][A-Za-z0-9]*)\}/.exec(replacement.slice(at));
  if (named !== null) {
    const [whole, name = ""] = named;
    if (!names.includes(name)) return { problem: `the expression has no group named ${name}` };
    return { text: `$<${name}>`, end: at + whole.length };
  }
  const first = /^\$([0-9])/.exec(replacement.slice(at))?.[1];
  if (first === undefined) {
    return { problem: "a $ in a replacement begins a reference such as $1; write \\$ for the sign" };
  }
  let number = Number(first);
  let end = at + 2;
  if (number > groupCount) return { problem: `the expression has no group ${number}` };
  // As in Java, further digits belong to the number while there is a group of that number.
  for (; number > 0 && /[0-9]/.test(replacement.charAt(end)); end += 1) {
    const longer = number * 10 + Number(replacement.charAt(end));
    if (longer > groupCount) break;
    number = longer;
  }
  if (number > 99) return { problem: "a replacement refers to groups 1 to 99" };
  return { text: number === 0 ? "$&" : `$${String(number).padStart(2, "0")}`, end };
}
