/** What stops a gateway from starting, and what is told of causes that were thrown. */

/** What stops a gateway from starting, all of it at once. */
export class StartProblems {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    this.problems = problems;
  }
}

/** Several at once where the cause has them (certificates), else its message. */
export function problemsOf(cause: unknown): readonly string[] {
  if (cause instanceof Error && "problems" in cause && Array.isArray(cause.problems)) return cause.problems.map(String);
  return [messageOf(cause)];
}

/** What is told of a cause. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Where a defect was thrown; null for what is no Error. */
export function stackOf(cause: unknown): string | null {
  return cause instanceof Error ? (cause.stack ?? null) : null;
}
