/**
 * The text forms of metrics: Prometheus 0.0.4 and OpenMetrics 1.0. It owns their grammar and escaping, not the
 * numbers.
 */

export type MetricType = "counter" | "gauge" | "histogram" | "summary";
export type TextForm = "prometheus" | "openmetrics";

/** Label names and values alternating. */
export type Labels = readonly string[];

export const contentTypes: Readonly<Record<TextForm, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The form that an Accept header asks for; Prometheus text unless OpenMetrics is named with a weight above 0. */
export function formOf(accept: string | undefined): TextForm {
  for (const range of (accept ?? "").split(",")) {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (type !== "application/openmetrics-text") continue;
    return parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) ? "prometheus" : "openmetrics";
  }
  return "prometheus";
}

/** Collects samples, family by family. */
export class MetricText {
  readonly #form: TextForm;
  #text = "";
  #name = "";

  constructor(form: TextForm) {
    this.#form = form;
  }

  /** Begins a family. Counter names end in `_total`, which OpenMetrics keeps for the samples alone. */
  family(name: string, type: MetricType, help: string): void {
    this.#name = name;
    const family = this.#form === "openmetrics" && type === "counter" ? name.replace(/_total$/, "") : name;
    const line = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    this.#text += `# HELP ${family} ${line}\n# TYPE ${family} ${type}\n`;
  }

  /** One sample of the family that began last. */
  sample(labels: Labels, value: number, suffix = ""): void {
    this.#text += `${this.#name}${suffix}${labelText(labels)} ${numberText(value)}\n`;
  }

  /** A histogram's samples. `counts[i]` observations lie in the i-th bucket; the last bucket has no bound. */
  histogram(labels: Labels, bounds: readonly number[], counts: ArrayLike<number>, sum: number): void {
    let total = 0;
    for (let at = 0; at < bounds.length; at++) {
      total += counts[at] ?? 0;
      this.sample([...labels, "le", this.#bound(bounds[at] ?? 0)], total, "_bucket");
    }
    total += counts[bounds.length] ?? 0;
    this.sample([...labels, "le", "+Inf"], total, "_bucket");
    this.sample(labels, sum, "_sum");
    this.sample(labels, total, "_count");
  }

  /** Everything collected. */
  end(): string {
    return this.#form === "openmetrics" ? `${this.#text}# EOF\n` : this.#text;
  }

  /** OpenMetrics wants bounds as floating point: `1.0`. */
  #bound(bound: number): string {
    return this.#form === "openmetrics" && Number.isInteger(bound) ? `${bound}.0` : String(bound);
  }
}

function labelText(labels: Labels): string {
  if (labels.length === 0) return "";
  let text = "";
  for (let at = 0; at < labels.length; at += 2) {
    const value = (labels[at + 1] ?? "").replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
    text += `${text === "" ? "" : ","}${labels[at]}="${value}"`;
  }
  return `{${text}}`;
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}
