/**
 * The form of a catalogue entry. Families build their tables with `error` and `warning`; nothing else decides a
 * severity.
 */

export type Severity = "error" | "warning";

/** One code of the catalogue. `P` are the parameters of its message. */
export interface Entry<P> {
  readonly severity: Severity;
  /** A few words: the headline of the reference page and the rule name in SARIF. */
  readonly title: string;
  /** A short paragraph: what is wrong, why it matters, what to do. */
  readonly explanation: string;
  /** YAML that causes it, and the same corrected. */
  readonly example: { readonly bad: string; readonly good: string };
  /** True when the place holds a secret, which no output may repeat. */
  readonly concealed?: boolean;
  /** The one-line message, in the user's terms. */
  readonly message: (params: P) => string;
}

type Texts<P> = Omit<Entry<P>, "severity">;

/** An entry that forbids an artifact. */
export function error<P>(texts: Texts<P>): Entry<P> {
  return { severity: "error", ...texts };
}

/** An entry that can be waived with a reason. */
export function warning<P>(texts: Texts<P>): Entry<P> {
  return { severity: "warning", ...texts };
}

/** No parameters. */
export type None = Readonly<Record<string, never>>;
