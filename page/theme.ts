/** Light, dark, or as the system has it. The choice is all that the page leaves on the machine. */

export type Theme = "auto" | "light" | "dark";

const STORAGE_KEY = "apigw-theme";

/** What was chosen before; a browser that keeps nothing gets `auto`. */
export function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return stored === "light" || stored === "dark" ? stored : "auto";
  } catch {
    return "auto";
  }
}

/** Puts it to use and remembers it. */
export function applyTheme(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme;
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}
