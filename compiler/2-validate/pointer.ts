/** Finds the value that a JSON pointer of a schema error means, and says in words what it is. */
import type { PositionIndex } from "../source/position-index.ts";
import type { Span } from "../source/positions.ts";

/** A value inside a document, with the map or list that holds it. */
export interface Located {
  readonly value: unknown;
  /** Null for the document itself. */
  readonly holder: object | null;
  readonly key: string | number;
  /** The value in a sentence: `"rate"`, `an item of "steps"`, `the document`. */
  readonly words: string;
}

/** Follows a pointer from a document's root. */
export function locate(root: object, pointer: string): Located {
  let located: Located = { value: root, holder: null, key: "", words: "the document" };
  let named = "";
  for (const raw of pointer.split("/").slice(1)) {
    const segment = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    const holder = located.value;
    if (typeof holder !== "object" || holder === null) return located;
    if (Array.isArray(holder)) {
      const index = Number(segment);
      const items: readonly unknown[] = holder;
      located = { value: items[index], holder, key: index, words: named === "" ? "an item" : `an item of "${named}"` };
    } else {
      named = segment;
      const entries = new Map<string, unknown>(Object.entries(holder));
      located = { value: entries.get(segment), holder, key: segment, words: `"${segment}"` };
    }
  }
  return located;
}

/** The span of the value; of its key when there is no value. */
export function spanOf(located: Located, positions: PositionIndex): Span {
  if (located.holder !== null) return positions.of(located.holder, located.key);
  if (typeof located.value === "object" && located.value !== null) return positions.of(located.value);
  throw new Error("assertion: a document is a map");
}

/** The span of a key of the located map; of the map itself when it has no such key. */
export function spanOfKey(located: Located, key: string, positions: PositionIndex): Span {
  const { value } = located;
  if (typeof value === "object" && value !== null && Object.hasOwn(value, key)) return positions.ofKey(value, key);
  return spanOf(located, positions);
}

/** Keys of the located map. */
export function keysOf(located: Located): readonly string[] {
  return typeof located.value === "object" && located.value !== null ? Object.keys(located.value) : [];
}
