/** Members that policies add to a token: a text from the bundle or a flow variable becomes a value of its type. */
import { isObject } from "./compact.ts";
import type { ClaimValue } from "./claims.ts";

/** The JSON value; undefined when the text is none of that type. */
export function typedValue({ type, isArray, value }: ClaimValue): unknown {
  if (value === null) return undefined;
  if (!isArray) return single(type, value);
  if (type === "map") return mapsIn(value);
  const items = value.split(",").map((item) => single(type, item.trim()));
  return items.includes(undefined) ? undefined : items;
}

function single(type: ClaimValue["type"], text: string): unknown {
  switch (type) {
    case "string":
      return text;
    case "number": {
      const number = text.trim() === "" ? Number.NaN : Number(text);
      return Number.isFinite(number) ? number : undefined;
    }
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "map": {
      const map = parsed(text);
      return isObject(map) ? map : undefined;
    }
  }
}

/** Commas part no maps: a list of them is JSON itself. */
function mapsIn(text: string): unknown {
  const list = parsed(text);
  return Array.isArray(list) && list.every((item) => isObject(item)) ? list : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
