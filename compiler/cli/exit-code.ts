/** Exit codes of `apigw-compile`: part of its stable interface. */

/** What each outcome exits with. */
export const exitCodes = {
  /** Fine. */
  ok: 0,
  /** Problems found: errors, or more warnings than `--max-warnings`. */
  problems: 1,
  /** Differences found. Kept for commands that compare. */
  differences: 2,
  /** Wrong usage of the command line (sysexits: EX_USAGE). */
  usage: 64,
  /** A defect of the compiler (sysexits: EX_SOFTWARE). */
  internal: 70,
  /** The project or the environment cannot be read, or is not there (sysexits: EX_CONFIG). */
  configuration: 78,
  /** Ctrl-C (128 and SIGINT). */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An outcome that ends a command with one line for the user. Thrown by commands, printed by cli.ts; never a defect. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;
  /** What to do about it; null when the message says it. */
  readonly help: string | null;

  constructor(exitCode: ExitCode, message: string, help: string | null = null) {
    super(message);
    this.exitCode = exitCode;
    this.help = help;
  }
}
