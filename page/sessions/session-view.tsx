/** Live sessions: who is connected, found by what admitted them, looked at, ended. */
import { useState } from "preact/hooks";
import type { ViewProps } from "../app.tsx";
import { count, counted, duration, size } from "../format.ts";
import { VirtualRows, type Column } from "../parts/virtual-rows.tsx";
import { go } from "../place.ts";
import { EndDialog, type EndWish } from "./end-dialog.tsx";
import { useSessionRows } from "./pages.ts";
import { SessionFilters } from "./session-filters.tsx";
import { SessionPanel } from "./session-panel.tsx";
import { emailOf, expiresInMs, sessionFilter, type SessionRow } from "./session.ts";

const allColumns: readonly Column[] = [
  { name: "state", title: "State" },
  { name: "age", title: "Age", kind: "number" },
  { name: "proxy", title: "Proxy" },
  { name: "app", title: "App" },
  { name: "developer", title: "Developer" },
  { name: "client", title: "Client" },
  { name: "target", title: "Target" },
  { name: "in", title: "From client", kind: "number" },
  { name: "out", title: "From target", kind: "number" },
  { name: "expires", title: "Expires in", kind: "number" },
];

/** Beside an open session, which shows them too, there is no room for these. */
const columnsBeside = allColumns.filter(({ name }) => !["developer", "target", "expires"].includes(name));

export function SessionView({ place }: ViewProps) {
  const filter = sessionFilter(place.filter);
  const [isLive, setLive] = useState(true);
  const [wish, setWish] = useState<EndWish | null>(null);
  const rows = useSessionRows(filter, isLive);
  const opened = place.open[0] ?? null;
  const isFiltered = Object.keys(filter).length > 0;
  const open = (id: string | null): void => go({ view: "sessions", open: id === null ? [] : [id], filter });
  return (
    <div class="sessions">
      <div class="bar">
        <h1>Live sessions</h1>
        <p class="tally" aria-live="polite">
          {!rows.isKnown ? (
            "…"
          ) : isFiltered ? (
            <>
              <strong>{count(rows.matched)}</strong> of {count(rows.total)}
            </>
          ) : (
            <strong>{count(rows.total)}</strong>
          )}
        </p>
        <span class="bar-side">
          <label class="check">
            <input type="checkbox" checked={isLive} onChange={(event) => setLive(event.currentTarget.checked)} />
            Follow
          </label>
          <button
            type="button"
            class="danger"
            disabled={rows.matched === 0}
            onClick={() => setWish({ filter, label: null })}
          >
            {isFiltered ? `End ${counted(rows.matched, "session")} …` : "End all …"}
          </button>
        </span>
      </div>
      <SessionFilters
        filter={filter}
        onChange={(next) => go({ view: "sessions", open: place.open, filter: next }, { replace: true })}
      />
      <div class="split" data-open={opened !== null}>
        <VirtualRows<SessionRow>
          label="Live sessions"
          columns={opened === null ? allColumns : columnsBeside}
          count={rows.matched}
          row={rows.row}
          idOf={(row) => row.id}
          cell={cell}
          opened={opened}
          onOpen={(row) => open(row.id)}
          onView={rows.look}
          empty={emptyText(rows.problem, rows.isKnown, isFiltered)}
        />
        {opened !== null && (
          <SessionPanel
            key={opened}
            id={opened}
            onClose={() => open(null)}
            onEnd={(label) => setWish({ filter: { session: opened }, label })}
          />
        )}
      </div>
      {wish !== null && <EndDialog wish={wish} onClose={() => setWish(null)} onEnded={rows.refresh} />}
    </div>
  );
}

function emptyText(problem: string | null, isKnown: boolean, isFiltered: boolean): string {
  if (problem !== null) return problem;
  if (!isKnown) return "";
  return isFiltered ? "No live session fits." : "Nobody is connected.";
}

function cell(row: SessionRow, column: string) {
  switch (column) {
    case "state":
      return (
        <span class="state" data-state={row.state}>
          {row.state}
        </span>
      );
    case "age":
      return duration(row.ageMs);
    case "proxy":
      return row.endpoint === "default" ? row.proxy : `${row.proxy} / ${row.endpoint}`;
    case "app":
      return row.app ?? none;
    case "developer":
      return row.developer === null ? none : emailOf(row.developer);
    case "client":
      return <span class="mono">{row.clientAddress}</span>;
    case "target":
      return row.target ?? none;
    case "in":
      return row.traffic === null ? none : size(row.traffic.bytesFromClient);
    case "out":
      return row.traffic === null ? none : size(row.traffic.bytesFromTarget);
    default: {
      const leftMs = expiresInMs(row, Date.now());
      return leftMs === null ? none : duration(leftMs);
    }
  }
}

const none = (
  <span class="none" aria-label="none">
    –
  </span>
);
