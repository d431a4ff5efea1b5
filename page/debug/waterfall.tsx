/** Steps one below the other, each with the time it took, its line of YAML, and what it read and wrote. */
import { useState } from "preact/hooks";
import { fineDuration } from "../format.ts";
import type { Step, Transaction, Variable } from "./transaction.ts";

/** A bar narrower than this cannot be seen. */
const BAR_PERCENT_MIN = 0.6;

/** What stands in the waterfall: a step, or the time that the target took. */
type Row =
  | { readonly kind: "step"; readonly step: Step; readonly at: number }
  | { readonly kind: "target"; readonly name: string; readonly startMs: number; readonly durationMs: number };

export function Waterfall({ transaction }: { readonly transaction: Transaction }) {
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const [showsAll, setShowsAll] = useState(true);
  const rows = rowsOf(transaction);
  const totalMs = Math.max(transaction.durationMs, ...rows.map(endMs), 0.001);
  const shown = showsAll
    ? rows
    : rows.filter((row) => row.kind === "target" || row.step.outcome === "ran" || row.step.outcome === "fault");
  const toggle = (at: number): void => {
    const next = new Set(opened);
    if (!next.delete(at)) next.add(at);
    setOpened(next);
  };
  return (
    <section aria-label="Steps">
      <div class="section-head">
        <h3>Steps</h3>
        <label class="check">
          <input
            type="checkbox"
            checked={!showsAll}
            onChange={(event) => setShowsAll(!event.currentTarget.checked)}
          />
          Only those that ran
        </label>
      </div>
      {rows.length === 0 && <p class="faint">No policy saw it.</p>}
      {rows.length > 0 && (
        <div class="sideways">
          <table class="waterfall">
            <thead>
              <tr>
                <th scope="col">Policy</th>
                <th scope="col">Outcome</th>
                <th scope="col" class="lane">
                  <span class="scale">
                    <span>0</span>
                    <span>{fineDuration(totalMs / 2)}</span>
                    <span>{fineDuration(totalMs)}</span>
                  </span>
                </th>
                <th scope="col" data-kind="number">
                  Took
                </th>
                <th scope="col">Source</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row, place) => {
                if (row.kind === "target") return <TargetRow key="target" row={row} totalMs={totalMs} />;
                const last = shown[place - 1];
                const isFirst = last === undefined || last.kind === "target" || last.step.flow !== row.step.flow;
                return (
                  <StepRows
                    key={row.at}
                    row={row}
                    isFirst={isFirst}
                    isOpen={opened.has(row.at)}
                    source={transaction.sources?.[placeOf(row.step)] ?? null}
                    totalMs={totalMs}
                    onToggle={() => toggle(row.at)}
                  />
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** As the transaction's sources are named. */
function placeOf({ file, line }: Step): string {
  return `${file}:${line}`;
}

/** A policy on one line; its kind stands in the first column already. */
function glanceOf(source: string): string {
  const lines = source.split("\n").map((text) => text.trim());
  return lines.filter((text) => !text.startsWith("kind:")).join("  ");
}

function rowsOf({ messages, steps, target }: Transaction): readonly Row[] {
  const rows: Row[] = steps.map((step, at) => ({ kind: "step", step, at }));
  const askedMs = messages?.targetRequest?.afterMs;
  const answeredMs = messages?.targetResponse?.afterMs;
  if (askedMs === undefined || answeredMs === undefined) return rows;
  const behind = rows.findIndex((row) => row.kind === "step" && row.step.startMs >= answeredMs);
  const wait: Row = {
    kind: "target",
    name: target?.server ?? target?.endpoint ?? "target",
    startMs: askedMs,
    durationMs: answeredMs - askedMs,
  };
  rows.splice(behind < 0 ? rows.length : behind, 0, wait);
  return rows;
}

function endMs(row: Row): number {
  return row.kind === "step" ? row.step.startMs + row.step.durationMs : row.startMs + row.durationMs;
}

interface StepRowsProps {
  readonly row: Extract<Row, { kind: "step" }>;
  readonly isFirst: boolean;
  readonly isOpen: boolean;
  /** The YAML of its policy; null where it is not told. */
  readonly source: string | null;
  readonly totalMs: number;
  readonly onToggle: () => void;
}

function StepRows({ row: { at, step }, isFirst, isOpen, source, totalMs, onToggle }: StepRowsProps) {
  const { condition, durationMs, file, flow, line, outcome, policy, startMs, type } = step;
  return (
    <>
      {isFirst && (
        <tr class="flow-row">
          <th scope="rowgroup" colSpan={5}>
            {flow}
          </th>
        </tr>
      )}
      <tr class="step-row" data-outcome={outcome}>
        <th scope="row">
          <button
            type="button"
            class="quiet toggle"
            aria-expanded={isOpen}
            aria-controls={`step-${at}`}
            onClick={onToggle}
          >
            <span class="arrow" aria-hidden="true" />
            <span class="step-name">{policy}</span> <span class="faint">{type}</span>
          </button>
        </th>
        <td>
          <Outcome step={step} />
        </td>
        <td class="lane">
          <Bar startMs={startMs} durationMs={durationMs} totalMs={totalMs} tone={outcome} />
        </td>
        <td data-kind="number">{outcome === "ran" || outcome === "fault" ? fineDuration(durationMs) : ""}</td>
        <td class="source mono" title={source === null ? placeOf(step) : `${placeOf(step)}\n${source}`}>
          {file.slice(file.lastIndexOf("/") + 1)}:{line}
          {source !== null && <span class="glance">{glanceOf(source)}</span>}
        </td>
      </tr>
      {isOpen && (
        <tr class="detail-row" id={`step-${at}`}>
          <td colSpan={5}>
            <p class="mono faint">{placeOf(step)}</p>
            {source !== null && <pre class="yaml">{source}</pre>}
            {condition !== null && (
              <p>
                <span class="faint">if</span> <code>{condition.text}</code>{" "}
                <span class="badge" data-tone={condition.result === false ? "off" : "good"}>
                  {condition.result === null ? "not asked" : String(condition.result)}
                </span>
              </p>
            )}
            {step.fault !== null && (
              <p class="problem">
                <strong>{step.fault.name}</strong> {step.fault.message}
              </p>
            )}
            <Variables title="Read" variables={step.reads ?? []} />
            <Variables title="Wrote" variables={step.writes ?? []} />
          </td>
        </tr>
      )}
    </>
  );
}

function Outcome({ step: { condition, outcome } }: { readonly step: Step }) {
  if (outcome === "fault")
    return (
      <span class="badge" data-tone="bad">
        fault
      </span>
    );
  if (outcome === "folded")
    return (
      <span class="faint" title="The compiler found that it never runs">
        never runs
      </span>
    );
  if (outcome === "skipped") return <span class="faint">{condition === null ? "skipped" : "if false"}</span>;
  return <span>{condition === null ? "ran" : "if true, ran"}</span>;
}

function TargetRow({ row, totalMs }: { readonly row: Extract<Row, { kind: "target" }>; readonly totalMs: number }) {
  return (
    <tr class="target-row">
      <th scope="row">
        <span class="step-name">Target</span> <span class="faint">{row.name}</span>
      </th>
      <td>answered</td>
      <td class="lane">
        <Bar startMs={row.startMs} durationMs={row.durationMs} totalMs={totalMs} tone="target" />
      </td>
      <td data-kind="number">{fineDuration(row.durationMs)}</td>
      <td />
    </tr>
  );
}

interface BarProps {
  readonly startMs: number;
  readonly durationMs: number;
  readonly totalMs: number;
  readonly tone: Step["outcome"] | "target";
}

function Bar({ startMs, durationMs, totalMs, tone }: BarProps) {
  if (tone === "skipped" || tone === "folded") return null;
  const left = Math.min((startMs / totalMs) * 100, 100 - BAR_PERCENT_MIN);
  const width = Math.max(Math.min((durationMs / totalMs) * 100, 100 - left), BAR_PERCENT_MIN);
  return <span class="bar-of" data-tone={tone} style={{ marginLeft: `${left}%`, width: `${width}%` }} />;
}

function Variables({ title, variables }: { readonly title: string; readonly variables: readonly Variable[] }) {
  if (variables.length === 0) return null;
  return (
    <table class="small variables">
      <caption>{title}</caption>
      <tbody>
        {variables.map(({ name, unread, value }) => (
          <tr key={name}>
            <th scope="row" class="mono">
              {name}
            </th>
            <td class="mono">
              {value === null ? <span class="none">null</span> : String(value)}
              {unread === true && <span class="faint"> read by nobody</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
