/** Debug sessions: begun on a proxy, watched live, read transaction by transaction. */
import { useState } from "preact/hooks";
import type { ViewProps } from "../app.tsx";
import { line, Refusal } from "../connection.ts";
import { clock, counted, duration, fineDuration } from "../format.ts";
import { addressOf, go } from "../place.ts";
import { usePoll } from "../poll.ts";
import { StartForm } from "./start-form.tsx";
import { TransactionReading } from "./transaction-reading.tsx";
import { toneOf, type DebugSession, type Summary } from "./transaction.ts";

const REFRESH_MS = 1_000;
const PAGE_ROWS = 500;

export function DebugView({ place }: ViewProps) {
  const [session = null, transaction = null] = place.open;
  const sessions = usePoll(
    () => line.get<{ debugSessions: readonly DebugSession[] }>("/v1/debugSessions"),
    REFRESH_MS,
    "sessions",
  );
  const all = [...(sessions.value?.debugSessions ?? [])].reverse();
  const opened = all.find(({ id }) => id === session) ?? null;
  const isOff = sessions.problem?.status === 404;
  return (
    <div class="debug">
      <div class="bar">
        <h1>Debug</h1>
        <p class="tally">{all.length === 0 ? "" : counted(all.length, "session")}</p>
      </div>
      {isOff && (
        <p class="note off">
          This gateway was compiled without Debug (<code>observability: {"{ debug: off }"}</code>).
        </p>
      )}
      {!isOff && (
        <div class="split">
          <section class="side-list" aria-label="Debug sessions">
            <StartForm onStarted={(id) => (sessions.refresh(), go({ view: "debug", open: [id], filter: {} }))} />
            <ul>
              {all.map((one) => (
                <SessionItem key={one.id} session={one} isOpen={one.id === session} onChanged={sessions.refresh} />
              ))}
            </ul>
            {opened !== null && <Transactions session={opened} opened={transaction} />}
            {sessions.value !== null && all.length === 0 && (
              <p class="faint">No Debug session yet. One records the next exchanges of a proxy, step by step.</p>
            )}
          </section>
          <section class="reading" aria-label="Transaction" tabIndex={-1}>
            {opened !== null && transaction !== null && (
              <TransactionReading key={transaction} session={opened.id} id={transaction} />
            )}
            {opened !== null && transaction === null && (
              <p class="empty">
                {opened.transactions === 0 ? "Waiting for the first exchange …" : "Choose a transaction."}
              </p>
            )}
          </section>
        </div>
      )}
    </div>
  );
}

interface SessionItemProps {
  readonly session: DebugSession;
  readonly isOpen: boolean;
  readonly onChanged: () => void;
}

function SessionItem({ session, isOpen, onChanged }: SessionItemProps) {
  const {
    count,
    createdAt,
    dropped,
    endsAt,
    environment,
    filter,
    filteredOut = 0,
    id,
    proxy,
    sampledOut,
    state,
    transactions,
  } = session;
  const remove = async (): Promise<void> => {
    try {
      await line.delete(`/v1/debugSessions/${encodeURIComponent(id)}`);
    } catch (problem) {
      // Somebody else was first; the list shows it.
      if (!(problem instanceof Refusal)) throw problem;
    }
    onChanged();
  };
  const left = Math.max(Date.parse(endsAt) - Date.now(), 0);
  const lost = [
    filteredOut > 0 ? `${filteredOut} did not fit the filter` : "",
    dropped > 0 ? `${dropped} too large` : "",
    sampledOut > 0 ? `${sampledOut} not sampled` : "",
  ].filter((text) => text !== "");
  return (
    <li class="session-item">
      <a href={addressOf({ view: "debug", open: [id], filter: {} })} aria-current={isOpen ? "true" : undefined}>
        <span class="item-main">
          {proxy}
          {environment === null ? "" : ` in ${environment}`}
        </span>
        <span class="state" data-state={state === "active" ? "open" : "closed"}>
          {state === "active" ? `${duration(left)} left` : state === "completed" ? "complete" : "time over"}
        </span>
        <span class="item-sub">
          {`${transactions} of ${count} · since ${clock(createdAt)}`}
          {lost.length === 0 ? "" : ` · ${lost.join(", ")}`}
          {filter === undefined || filter === null ? null : (
            <>
              {" "}
              · <code>{filter}</code>
            </>
          )}
        </span>
      </a>
      <button
        type="button"
        class="quiet remove"
        aria-label={`${state === "active" ? "End and delete" : "Delete"} the session of ${proxy} since ${clock(createdAt)}`}
        onClick={() => void remove()}
      >
        ×
      </button>
    </li>
  );
}

function Transactions({ session, opened }: { readonly session: DebugSession; readonly opened: string | null }) {
  const path = `/v1/debugSessions/${encodeURIComponent(session.id)}/transactions`;
  const { value } = usePoll(
    () => line.get<{ transactions: readonly Summary[] }>(path, { limit: PAGE_ROWS }),
    REFRESH_MS,
    session.id,
  );
  const rows = value?.transactions ?? [];
  return (
    <section class="transactions" aria-label="Transactions">
      <h3 class="side-head">Transactions</h3>
      <ul aria-live="polite">
        {rows.map((row) => (
          <li key={row.id}>
            <a
              href={addressOf({ view: "debug", open: [session.id, row.id], filter: {} })}
              aria-current={row.id === opened ? "true" : undefined}
            >
              <span class="item-main mono">
                {row.method} {row.path}
              </span>
              <span class="badge" data-tone={toneOf(row)}>
                {row.status}
              </span>
              <span class="item-sub">
                {clock(row.startedAt)} · {fineDuration(row.durationMs)}
                {endText(row)}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function endText({ close, fault, kind, status }: Summary): string {
  if (fault !== null) return ` · ${fault.name}`;
  if (kind === "http" || status !== 101) return "";
  return close === null ? " · open" : ` · closed ${close.code} ${close.reason}`;
}
