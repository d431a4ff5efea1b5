/** The fields that sessions are found by. */
import { useEffect, useState } from "preact/hooks";
import { filterFields } from "./session.ts";

/** Time without a key after which what was typed is asked for. */
const REST_MS = 350;

export interface SessionFiltersProps {
  readonly filter: Readonly<Record<string, string>>;
  readonly onChange: (filter: Readonly<Record<string, string>>) => void;
}

export function SessionFilters({ filter, onChange }: SessionFiltersProps) {
  const about = JSON.stringify(filter);
  const [typed, setTyped] = useState(filter);
  useEffect(() => setTyped(filter), [about]);
  useEffect(() => {
    if (JSON.stringify(trimmed(typed)) === about) return undefined;
    const timer = setTimeout(() => onChange(trimmed(typed)), REST_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const isFiltered = Object.keys(trimmed(typed)).length > 0;
  return (
    <form
      class="filters"
      role="search"
      aria-label="Filter sessions"
      onSubmit={(event) => (event.preventDefault(), onChange(trimmed(typed)))}
    >
      {filterFields.map((field) => (
        <label key={field.name} style={{ flexGrow: field.width }}>
          {field.label}
          <input
            type="text"
            name={field.name}
            value={typed[field.name] ?? ""}
            placeholder={"hint" in field ? field.hint : "any"}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setTyped({ ...typed, [field.name]: event.currentTarget.value })}
          />
        </label>
      ))}
      <button type="button" class="quiet" disabled={!isFiltered} onClick={() => onChange({})}>
        Clear
      </button>
    </form>
  );
}

/** In the order of the fields, so that equal filters have equal texts. */
function trimmed(typed: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = filterFields.map(({ name }) => [name, typed[name]?.trim() ?? ""] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}
