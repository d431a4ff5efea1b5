/** The YAML library's syntax errors, said in the words of someone who edits a file. */
import type { ErrorCode } from "yaml";

/** What the problem is, and what helps. */
export interface SyntaxProblem {
  readonly problem: string;
  readonly help: string | null;
  /** Where, from the start of the library's place; `opening`: at the quote that begins the text. */
  readonly at?: number | "opening";
}

const quoteHelp = "put the text into quotes";

const problems: Readonly<Partial<Record<ErrorCode, SyntaxProblem>>> = {
  BAD_ALIAS: { problem: "* begins a YAML alias", help: quoteHelp },
  BAD_COLLECTION_TYPE: { problem: "this tag does not fit its value", help: null },
  BAD_DIRECTIVE: { problem: "a line that begins with % is a YAML directive, and these are not allowed", help: null },
  BAD_DQ_ESCAPE: {
    problem: "this \\ escape does not exist in a text in double quotes",
    help: "write \\\\ for a backslash, or use single quotes, in which \\ is an ordinary character",
  },
  BAD_INDENT: {
    problem: "the indentation does not fit the lines around it",
    help: "items of one map or list begin in the same column",
  },
  BAD_PROP_ORDER: { problem: "tags and anchors are not allowed", help: null },
  BAD_SCALAR_START: { problem: "an unquoted text cannot begin with this character", help: quoteHelp },
  BLOCK_AS_IMPLICIT_KEY: {
    problem: "a second `: ` on one line",
    help: "put the value into quotes if it contains `: `, or begin a new line for a map inside a map",
  },
  BLOCK_IN_FLOW: {
    problem: "between { } or [ ] there can be no indented map or list",
    help: "use { } and [ ] inside too",
  },
  KEY_OVER_1024_CHARS: { problem: "a key is longer than 1024 characters", help: null },
  MULTILINE_IMPLICIT_KEY: {
    problem: "a key, and the `:` after it, must stand on one line",
    help: "is there a `:` missing, or a line indented by mistake?",
  },
  RESOURCE_EXHAUSTION: { problem: "values stand inside each other too deeply", help: null },
  TAB_AS_INDENT: { problem: "a tab in the indentation", help: "indent with spaces" },
  UNEXPECTED_TOKEN: { problem: "this cannot stand here", help: "a text with special characters needs quotes" },
};

/**
 * Words for an error of the library.
 * @param source what stands in its place
 */
export function syntaxProblem(code: ErrorCode, message: string, source: string): SyntaxProblem {
  if (code === "MISSING_CHAR") return missing(message);
  const closer = /end with a (.)/.exec(message)?.[1];
  if (closer !== undefined) return { problem: `the closing ${closer} is missing before this line`, help: null };
  const lineEnd = source.indexOf("\n");
  if (code === "BLOCK_AS_IMPLICIT_KEY" && lineEnd >= 0) {
    const at = lineEnd + 1 + (/^\s*/.exec(source.slice(lineEnd + 1))?.[0].length ?? 0);
    return {
      problem: "this line is indented as if it belonged to the value before it",
      help: "keys of one map begin in the same column",
      at,
    };
  }
  return problems[code] ?? { problem: "this is not YAML", help: null };
}

function missing(message: string): SyntaxProblem {
  const quote = /closing (["'])/.exec(message)?.[1];
  if (quote !== undefined)
    return { problem: `the closing ${quote} of this text is missing`, help: null, at: "opening" };
  if (/flow (map|sequence)|Flow (map|sequence)/.test(message)) {
    const closer = /end with a (.)/.exec(message)?.[1];
    if (closer !== undefined) return { problem: `the closing ${closer} is missing`, help: null };
    return { problem: "a comma is missing between two items", help: null };
  }
  if (message.includes("space"))
    return { problem: "a space is missing", help: "`:`, `-`, `,` and `#` need a space beside them" };
  return { problem: "something is missing here: a `:` after a key, a comma or a closing bracket", help: null };
}
