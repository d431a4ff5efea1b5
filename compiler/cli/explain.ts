/**
 * `explain`: the long text behind a diagnostic's code, a fault's code or a close reason. The texts live in their
 * tables.
 */
import type { Command } from "commander";
import { closeReasons, type CloseReason } from "#runtime/upgrade/close-reason.ts";
import type { FaultRow } from "#runtime/fault/row.ts";
import { faults } from "../diagnostics/fault-table.ts";
import { catalogue, codes, families, isCode, type Code } from "../diagnostics/catalogue.ts";
import { closeReasonDocs } from "../diagnostics/close-reason-docs.ts";
import { faultDocs } from "../diagnostics/fault-docs.ts";
import { nearest } from "../diagnostics/nearest.ts";
import { examples, type Run } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

export function addExplain(program: Command, run: Run): void {
  program
    .command("explain")
    .description("explain a diagnostic, a fault or a close reason; without a code, list them all")
    .argument("[code]", "AGW1012 or 1012, oauth.v2.InvalidApiKey or InvalidApiKey, tokenExpired or 3000")
    .addHelpText("after", examples(
      ["apigw-compile explain AGW1012", "what a diagnostic means, with an example of both kinds"],
      ["apigw-compile explain tokenRevoked", "what clients see when a session ends for this reason"],
    ))
    .action((code: string | undefined) =>
      run((terminal) => {
        if (code === undefined) {
          terminal.out(everything(terminal));
          return exitCodes.ok;
        }
        const texts = explanations(code.trim(), terminal);
        if (texts.length === 0) throw unknownCode(code);
        terminal.out(texts.join("\n"));
        return exitCodes.ok;
      }),
    );
}

/** A row of a runtime table with its line of the reference. */
type Documented<Row> = Row & { readonly doc: string };

const faultRows = documented<FaultRow>(faults, faultDocs);
const reasonRows = documented<CloseReason>(closeReasons, closeReasonDocs);

function documented<Row>(
  rows: Readonly<Record<string, Row>>,
  docs: Readonly<Record<string, string>>,
): readonly (readonly [string, Documented<Row>])[] {
  return Object.entries(rows).map(([name, row]) => [name, { ...row, doc: docs[name] ?? "" }]);
}

/** Every entry that the user may mean: a number can be both a diagnostic and a close code. */
function explanations(code: string, terminal: Terminal): readonly string[] {
  const typed = code.toLowerCase();
  const diagnostic = (/^\d{4}$/.test(code) ? `AGW${code}` : code).toUpperCase();
  return [
    ...(isCode(diagnostic) ? [diagnosticText(diagnostic, terminal)] : []),
    ...faultRows
      .filter(([name]) => name.toLowerCase() === typed || name.toLowerCase().endsWith(`.${typed}`))
      .map(([name, row]) => faultText(name, row, terminal)),
    ...reasonRows
      .filter(([id, row]) => [id.toLowerCase(), row.label, row.code === 0 ? "" : String(row.code)].includes(typed))
      .map(([id, row]) => reasonText(id, row, terminal)),
  ];
}

function diagnosticText(code: Code, terminal: Terminal): string {
  const { severity, title, explanation, example } = catalogue[code];
  const family = families[code.slice(3, 4)] ?? "";
  const blocks = [
    `${terminal.style("bold", code)}  ${title}\n${severity}, ${family}`,
    wrapped(explanation),
    ...(example.bad === "" ? [] : [`${terminal.style("red", "wrong")}\n${indented(example.bad)}`]),
    ...(example.good === "" ? [] : [`${terminal.style("green", "right")}\n${indented(example.good)}`]),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function faultText(code: string, row: Documented<FaultRow>, terminal: Terminal): string {
  const body = JSON.stringify({ fault: { faultstring: row.text.replace("{}", "..."), detail: { errorcode: code } } });
  const name = code.slice(code.lastIndexOf(".") + 1);
  const failed = row.failedPrefix === undefined ? [] : [`${row.failedPrefix}.<policy>.failed is true`];
  const facts = [`status ${String(row.status)}`, `fault.name ${name}`, `fault.category ${row.category}`, ...failed];
  const blocks = [
    `${terminal.style("bold", code)}  fault\n${facts.join(", ")}`,
    wrapped(row.doc),
    `The answer, unless a fault rule changes it:\n${indented(body)}`,
  ];
  return `${blocks.join("\n\n")}\n`;
}

function reasonText(id: string, row: Documented<CloseReason>, terminal: Terminal): string {
  const sent = `close code ${String(row.code)}, reason "${row.text}"`;
  const frame = row.code === 0 ? "the gateway sends no close frame of its own" : sent;
  const inFlight = row.cutsTraffic
    ? "no byte received after the decision is relayed"
    : "bytes already received are relayed";
  const lines = [
    `client      ${frame}`,
    `handshake   status ${String(row.status)}, while the 101 has not been sent`,
    `metrics     reason="${row.label}"${row.isError ? ", counted as an error" : ""}`,
    `in flight   ${inFlight}`,
  ];
  return `${terminal.style("bold", id)}  close reason\n\n${wrapped(row.doc)}\n\n${indented(lines.join("\n"))}\n`;
}

function everything(terminal: Terminal): string {
  const section = (title: string, rows: readonly (readonly [string, string])[]): string => {
    const width = Math.max(0, ...rows.map(([name]) => name.length));
    const lines = rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
    return [terminal.style("bold", title), ...lines, ""].join("\n");
  };
  return [
    section("Diagnostics", codes().map((code) => [code, `${catalogue[code].severity}: ${catalogue[code].title}`])),
    section("Faults", faultRows.map(([name, row]) => [name, `${String(row.status)}: ${row.doc}`])),
    section("Close reasons", reasonRows.map(([id, row]) => [id, `${String(row.code || "-")}: ${row.doc}`])),
  ].join("\n");
}

function unknownCode(code: string): CommandFailure {
  const names = [...codes(), ...faultRows.map(([name]) => name), ...reasonRows.map(([id]) => id)];
  // People type the last part of a fault's code; it is compared as well.
  const shorts = new Map(names.map((name) => [name.slice(name.lastIndexOf(".") + 1), name]));
  const short = nearest(code, [...shorts.keys()]) ?? nearest(code, names);
  const help =
    short === null ? "apigw-compile explain lists everything there is" : `did you mean ${shorts.get(short) ?? short}?`;
  return new CommandFailure(exitCodes.usage, `there is no diagnostic, fault or close reason "${code}"`, help);
}

/** Columns of running text. */
const TEXT_COLUMNS = 96;

function wrapped(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    if (line !== "" && line.length + 1 + word.length > TEXT_COLUMNS) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}

function indented(text: string): string {
  return text.replace(/\n$/, "").split("\n").map((line) => (line === "" ? "" : `    ${line}`)).join("\n");
}
