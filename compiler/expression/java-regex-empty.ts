/**
 * Whether a part of a Java regular expression may match nothing, and when it tries to. The two languages treat a
 * repetition that takes nothing differently, which only shows where nothing is tried before something.
 */
import type { RegexNode } from "./java-regex-tree.ts";

/** `never`; `last`: after all else failed; `early`: while it might still match something. */
export type Emptiness = "never" | "last" | "early";

/** When a part matches nothing. Where that is not seen at once the answer is `early`. */
export function emptinessOf(node: RegexNode): Emptiness {
  switch (node.kind) {
    case "set":
      return "never";
    case "anchor":
    case "look":
      return "last";
    case "sequence":
      return sequenceEmptiness(node.parts.map(emptinessOf));
    case "choice":
      return choiceEmptiness(node.options.map(emptinessOf));
    case "group":
    case "atomic":
      return emptinessOf(node.body);
    case "repeat": {
      const body = emptinessOf(node.body);
      if (node.min > 0 && body === "never") return "never";
      return body === "early" || node.mode === "lazy" ? "early" : "last";
    }
  }
}

function sequenceEmptiness(parts: readonly Emptiness[]): Emptiness {
  if (parts.includes("never")) return "never";
  return parts.includes("early") ? "early" : "last";
}

function choiceEmptiness(options: readonly Emptiness[]): Emptiness {
  const last = options.length - 1;
  if (options.every((option) => option === "never")) return "never";
  return options.every((option, at) => option === "never" || (option === "last" && at === last)) ? "last" : "early";
}
