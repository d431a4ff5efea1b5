/**
 * Java's replacement texts (`$1`, `${name}`, `\$`) as those of String.replace. Refuses what Java would throw on, and
 * references to groups that may hold something else than in Java. What a look-around saw is one of them; it could also
 * make the result grow as the square of the value.
 */
import type { JavaScriptGroup, JavaScriptRegex } from "./java-regex.ts";

/** The JavaScript replacement text, or why there is none. */
export type JavaReplacement = { readonly text: string } | { readonly problem: string };

/** Translates a replacement for matches of `regex`. */
export function translateJavaReplacement(replacement: string, regex: JavaScriptRegex): JavaReplacement {
  let text = "";
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
    const reference = readReference(replacement, at, regex.groups);
    if ("problem" in reference) return reference;
    text += reference.text;
    at = reference.end;
  }
  return { text };
}

type Reference = { readonly text: string; readonly end: number } | { readonly problem: string };

function readReference(replacement: string, at: number, groups: readonly JavaScriptGroup[]): Reference {
  const named = /^\$\{([A-Za-z][A-Za-z0-9]*)\}/.exec(replacement.slice(at));
  if (named !== null) {
    const [whole, name = ""] = named;
    const group = groups.find((known) => known.name === name);
    if (group === undefined) return { problem: `the expression has no group named ${name}` };
    return reference(group, at + whole.length);
  }
  const first = /^\$([0-9])/.exec(replacement.slice(at))?.[1];
  if (first === undefined) {
    return { problem: "a $ in a replacement begins a reference such as $1; write \\$ for the sign" };
  }
  let number = Number(first);
  let end = at + 2;
  if (number === 0) return { text: "$&", end };
  // As in Java, further digits belong to the number while there is a group of that number.
  for (; /[0-9]/.test(replacement.charAt(end)); end += 1) {
    const longer = number * 10 + Number(replacement.charAt(end));
    if (longer > groups.length) break;
    number = longer;
  }
  const group = groups[number - 1];
  return group === undefined ? { problem: `the expression has no group ${number}` } : reference(group, end);
}

function reference({ number, name, unsure }: JavaScriptGroup, end: number): Reference {
  if (unsure !== null) return { problem: `the replacement cannot refer to a group inside ${unsure}` };
  if (name !== null) return { text: `$<${name}>`, end };
  if (number > 99) return { problem: "a replacement refers to groups 1 to 99" };
  return { text: `$${String(number).padStart(2, "0")}`, end };
}
