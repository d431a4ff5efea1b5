/** Where in the page the reader is, kept in the address behind its `#`, so that a reload and a link come back there. */
import { useEffect, useState } from "preact/hooks";

/** A view, what is open in it, and what narrows it. */
export interface Place {
  /** `sessions`, `traffic`, `routes`, `debug`. */
  readonly view: string;
  /** What is open: parts of the path behind the view, decoded. */
  readonly open: readonly string[];
  readonly filter: Readonly<Record<string, string>>;
}

/** The address of a place. */
export function addressOf({ view, open, filter }: Place): string {
  const path = [view, ...open].map(encodeURIComponent).join("/");
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== "")).toString();
  return query === "" ? `#/${path}` : `#/${path}?${query}`;
}

/** The place of an address; one that names nothing is the first view. */
function placeOf(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view = "", ...open] = path.split("/").map(decoded);
  return { view: view === "" ? "sessions" : view, open, filter: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Goes there. `replace`: the way back leads past where the reader is now. */
export function go(place: Place, { replace = false } = {}): void {
  if (!replace) {
    location.hash = addressOf(place);
    return;
  }
  history.replaceState(null, "", addressOf(place));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** The place, followed as it changes. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const moved = (): void => setPlace(placeOf(location.hash));
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return place;
}
