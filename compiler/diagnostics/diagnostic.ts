/**
 * A diagnostic: something the user should know about their bundle. Collected, never thrown. Codes, severities and
 * texts come from catalogue.ts alone.
 */
import { messageOf, severityOf, type Code, type ParamsOf } from "./catalogue.ts";
import type { SourceFile } from "../source/source-file.ts";
import type { Span } from "../source/positions.ts";
import type { Severity } from "./catalogue/entry.ts";

/** A second place, and what it has to do with the first. */
export interface Related {
  readonly span: Span;
  readonly message: string;
}

export interface Diagnostic {
  /** `AGWnnnn`, stable. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** Where; null only for problems of the project as a whole (a missing gateway.yaml). */
  readonly span: Span | null;
  /** Second places: the other of two that disagree, the definition that is meant. */
  readonly related: readonly Related[];
  /** What to write instead. */
  readonly help: string | null;
}

/** What a report may carry besides its place and its parameters. */
export interface ReportDetails {
  readonly related?: readonly Related[];
  readonly help?: string | null;
}

/** A user's `# apigw-ignore AGWnnnn -- reason`: warnings of that code on that line are not shown. */
export interface Waiver {
  readonly code: string;
  /** The line that is excused, counted from 1. */
  readonly line: number;
  readonly reason: string;
  readonly span: Span;
}

/** Receives diagnostics while phases run. Waived warnings are kept apart; errors cannot be waived. */
export class Diagnostics {
  readonly all: Diagnostic[] = [];
  /** Warnings that a waiver in the user's file excuses. */
  readonly waived: Diagnostic[] = [];
  readonly #waivers = new Map<string, Waiver>();
  readonly #used = new Set<Waiver>();
  readonly #seen = new Set<string>();

  /** Reports a problem of the catalogue: `params` are those that the code's message asks for. */
  report<C extends Code>(code: C, span: Span | null, params: ParamsOf<C>, details: ReportDetails = {}): void {
    this.add({
      code,
      severity: severityOf(code),
      message: messageOf(code, params),
      span,
      related: details.related ?? [],
      help: details.help ?? null,
    });
  }

  /** Adds a finished diagnostic, once: what proxies share is looked at once for each. `report` is the ordinary way. */
  add(diagnostic: Diagnostic): void {
    const { code, span, message } = diagnostic;
    const place = span === null ? "" : `${span.file.path}:${String(span.start)}:${String(span.end)}`;
    const identity = `${code}:${place}:${message}`;
    if (this.#seen.has(identity)) return;
    this.#seen.add(identity);
    const waiver = this.#waiverFor(diagnostic);
    if (waiver === undefined) {
      this.all.push(diagnostic);
      return;
    }
    this.#used.add(waiver);
    this.waived.push(diagnostic);
  }

  /** Registers a waiver; it must be known before the warning that it excuses is reported. */
  waive(waiver: Waiver): void {
    this.#waivers.set(waiverKey(waiver.span.file, waiver.line, waiver.code), waiver);
  }

  /** Reports each waiver that excused nothing. To be called once, after the last phase has run. */
  reportUnusedWaivers(): void {
    for (const waiver of this.#waivers.values()) {
      if (!this.#used.has(waiver)) this.report("AGW1030", waiver.span, { code: waiver.code });
    }
  }

  /** True when something was found that forbids an artifact. */
  get hasErrors(): boolean {
    return this.all.some((diagnostic) => diagnostic.severity === "error");
  }

  #waiverFor(diagnostic: Diagnostic): Waiver | undefined {
    if (diagnostic.severity !== "warning" || diagnostic.span === null) return undefined;
    const { file, start } = diagnostic.span;
    return this.#waivers.get(waiverKey(file, file.place(start).line, diagnostic.code));
  }
}

function waiverKey(file: SourceFile, line: number, code: string): string {
  return `${code}:${String(line)}:${file.path}`;
}
