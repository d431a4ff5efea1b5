/**
 * A table of any length of which only the rows in view exist. Arrows, Page, Home and End move through it, Enter opens.
 * It knows how high a row is and nothing of what stands in it.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Column {
  readonly name: string;
  readonly title: string;
  /** `number`: aligned to the right, digits of one width. */
  readonly kind?: "text" | "number";
}

export interface VirtualRowsProps<R> {
  /** What the table is, for those who do not see it. */
  readonly label: string;
  readonly columns: readonly Column[];
  readonly count: number;
  /** The row at a place; null while it is on its way. */
  readonly row: (at: number) => R | null;
  readonly idOf: (row: R) => string;
  readonly cell: (row: R, column: string) => ComponentChildren;
  readonly opened: string | null;
  readonly onOpen: (row: R) => void;
  /** The rows that are in view, or soon will be. */
  readonly onView: (from: number, to: number) => void;
  readonly empty: ComponentChildren;
}

/** As in style/parts.css. */
const ROW_PX = 30;
const OVERSCAN_ROWS = 8;

export function VirtualRows<R>(props: VirtualRowsProps<R>) {
  const { label, columns, count, row, idOf, cell, opened, onOpen, onView, empty } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ from: 0, to: 40 });
  const [active, setActive] = useState(0);
  /** A row that was moved to may have to be drawn before it can have the focus. */
  const wantsFocus = useRef(false);
  const look = (): void => {
    const { current } = box;
    if (current === null) return;
    const first = Math.floor(current.scrollTop / ROW_PX);
    const rows = Math.ceil(current.clientHeight / ROW_PX);
    const from = Math.max(first - OVERSCAN_ROWS, 0);
    const to = first + rows + OVERSCAN_ROWS;
    setView((before) => (before.from === from && before.to === to ? before : { from, to }));
  };
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const observer = new ResizeObserver(look);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => onView(view.from, view.to), [view.from, view.to, count === 0]);
  const last = Math.max(count - 1, 0);
  const at = Math.min(active, last);
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    const drawn = box.current?.querySelector<HTMLElement>(`[data-at="${at}"]`) ?? null;
    drawn?.focus({ preventScroll: true });
    wantsFocus.current = drawn === null;
  }, [at, view.from, view.to]);
  const move = (to: number): void => {
    const next = Math.min(Math.max(to, 0), last);
    const { current } = box;
    setActive(next);
    wantsFocus.current = true;
    if (current === null) return;
    // The head of the table covers the top of the box.
    const top = next * ROW_PX;
    const room = current.clientHeight - ROW_PX;
    if (top < current.scrollTop) current.scrollTop = top;
    else if (top + ROW_PX > current.scrollTop + room) current.scrollTop = top + ROW_PX - room;
    look();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(Math.floor((box.current?.clientHeight ?? 0) / ROW_PX) - 2, 1);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    const here = row(at);
    if (to !== undefined) move(to);
    else if ((event.key === "Enter" || event.key === " ") && here !== null) onOpen(here);
    else return;
    event.preventDefault();
  };
  const to = Math.min(view.to, count);
  const from = Math.min(view.from, to);
  const places = Array.from({ length: to - from }, (_, offset) => from + offset);
  return (
    <div class="rows" ref={box} onScroll={look}>
      <table role="grid" aria-label={label} aria-rowcount={count + 1} onKeyDown={onKeyDown}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ name, title, kind }) => (
              <th key={name} scope="col" class={`column-${name}`} data-kind={kind ?? "text"}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap rows={from} columns={columns.length} />
          {places.map((place) => {
            const here = row(place);
            return (
              <tr
                key={place}
                data-at={place}
                aria-rowindex={place + 2}
                aria-selected={here !== null && idOf(here) === opened}
                tabIndex={place === at ? 0 : -1}
                onClick={() => {
                  setActive(place);
                  if (here !== null) onOpen(here);
                }}
              >
                {columns.map(({ name, kind }) => (
                  <td key={name} data-kind={kind ?? "text"}>
                    {here === null ? <span class="waiting" /> : cell(here, name)}
                  </td>
                ))}
              </tr>
            );
          })}
          <Gap rows={count - to} columns={columns.length} />
        </tbody>
      </table>
      {count === 0 && <div class="empty">{empty}</div>}
    </div>
  );
}

/** Stands for rows that are not there. */
function Gap({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true" class="gap">
      <td colSpan={columns} style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );
}
