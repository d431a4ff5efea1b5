/**
 * Where a command writes: results to stdout, everything else to stderr, colours only where they are wanted. Commands
 * write through it and decide nothing about colours.
 */
import { styleText } from "node:util";

/** The streams of one run. */
export interface Terminal {
  /** Whether text for stderr may be coloured. */
  readonly color: boolean;
  /** A result; ends with its own line break. */
  out(text: string): void;
  /** Diagnostics, progress, advice; ends with its own line break. */
  err(text: string): void;
  /** Text in a style, on stdout's terms. */
  style(style: Style, text: string): string;
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** What decides about colours. */
export interface ColorSigns {
  /** `--color` or `--no-color`; null when neither was given. */
  readonly flag: boolean | null;
  readonly forceColor: string | undefined;
  readonly noColor: string | undefined;
  readonly isTty: boolean;
  /** TERM, whose value `dumb` means a terminal without colours. */
  readonly term: string | undefined;
}

/**
 * The flag beats FORCE_COLOR (as Node reads it), which beats NO_COLOR (any text but an empty one), which beats the
 * terminal.
 */
function wantsColor(signs: ColorSigns): boolean {
  if (signs.flag !== null) return signs.flag;
  if (signs.forceColor !== undefined) return signs.forceColor !== "0" && signs.forceColor !== "false";
  if (signs.noColor !== undefined && signs.noColor !== "") return false;
  return signs.isTty && signs.term !== "dumb";
}

/** The process's own streams. */
export function processTerminal(flag: boolean | null): Terminal {
  const { FORCE_COLOR: forceColor, NO_COLOR: noColor, TERM: term } = process.env;
  const wanted = (stream: NodeJS.WriteStream): boolean =>
    wantsColor({ flag, forceColor, noColor, isTty: stream.isTTY === true, term });
  const colorOut = wanted(process.stdout);
  return {
    color: wanted(process.stderr),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    style: (style, text) => (colorOut ? styleText(style, text, { validateStream: false }) : text),
  };
}
