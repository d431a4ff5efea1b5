/** Finds `# apigw-ignore AGWnnnn -- reason` comments. Whether they excuse anything is the diagnostics' business. */
import { isCode, severityOf } from "../diagnostics/catalogue.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "../source/source-file.ts";

const marker = "apigw-ignore";
const form = /^#\s*apigw-ignore\s+(AGW\d{4})\s+--\s+(\S.*)$/;

/** A comment of a file: its text from `#` on, and where it begins. */
export interface Comment {
  readonly text: string;
  readonly offset: number;
}

/** True when a file is worth looking through for waivers. */
export function mayHaveWaivers(file: SourceFile): boolean {
  return file.text.includes(marker);
}

/** Registers the waivers among a file's comments; malformed ones are warned about. */
export function registerWaivers(file: SourceFile, comments: readonly Comment[], diagnostics: Diagnostics): void {
  const commentLines = new Set(
    comments.filter((comment) => standsAlone(file, comment)).map((c) => file.place(c.offset).line),
  );
  for (const comment of comments) {
    if (!/^#\s*apigw-ignore\b/.test(comment.text)) continue;
    const span = { file, start: comment.offset, end: comment.offset + comment.text.trimEnd().length };
    const match = form.exec(comment.text.trimEnd());
    const code = match?.[1] ?? "";
    const problem = match === null ? "it needs the form `# apigw-ignore AGWnnnn -- reason`" : problemOf(code);
    if (problem !== null) {
      diagnostics.report("AGW1029", span, { problem });
      continue;
    }
    const line = excusedLine(file, comment, commentLines);
    diagnostics.waive({ code, line, reason: match?.[2] ?? "", span });
  }
}

function problemOf(code: string): string | null {
  if (!isCode(code)) return `there is no ${code}`;
  return severityOf(code) === "error" ? `${code} is an error, and errors cannot be waived` : null;
}

/** A comment beside something excuses its own line; one on a line of its own the next line that is not a comment. */
function excusedLine(file: SourceFile, comment: Comment, commentLines: ReadonlySet<number>): number {
  let { line } = file.place(comment.offset);
  if (!commentLines.has(line)) return line;
  while (commentLines.has(line)) line++;
  return line;
}

function standsAlone(file: SourceFile, comment: Comment): boolean {
  const lineStart = file.text.lastIndexOf("\n", comment.offset - 1) + 1;
  return file.text.slice(lineStart, comment.offset).trim() === "";
}
