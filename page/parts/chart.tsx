/**
 * Curves over time, with a legend that is text. The door to uPlot. Colours come from the style sheet, so that a chart is
 * drawn anew when they change.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export interface Curve {
  readonly name: string;
  /** A custom property of the style sheet: `--curve-1`. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  /** What it comes to over the whole time, as the legend says it. */
  readonly total: string;
}

export interface ChartProps {
  readonly title: string;
  /** What one point stands for: `per minute`. */
  readonly note: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly curves: readonly Curve[];
  /** Curves stand on each other. */
  readonly isStacked?: boolean;
  readonly format: (value: number) => string;
  /** What is said where there is no curve. */
  readonly empty?: string;
}

const HEIGHT_PX = 190;
const AXIS_WIDTH_PX = 62;
const AXIS_FONT = "11px system-ui, sans-serif";

export function Chart({ title, note, times, curves, isStacked = false, format, empty }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [shown, setShown] = useState<number | null>(null);
  const look = useColours();
  const shape = JSON.stringify([look, isStacked, curves.map(({ name, colour }) => [name, colour])]);
  const data = dataOf(times, curves, isStacked);
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const made = new uPlot(optionsOf(current, curves, isStacked, format, setShown), data, current);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height: HEIGHT_PX }));
    observer.observe(current);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(data), [times, curves]);
  const at = shown === null ? null : times[shown];
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <span class="faint">{at === null || at === undefined ? note : new Date(at * 1_000).toLocaleString()}</span>
      </figcaption>
      <div ref={box} class="chart-box" aria-hidden="true" />
      {curves.length === 0 && <p class="chart-empty">{empty}</p>}
      <ul class="legend">
        {curves.map(({ colour, name, total, values }) => {
          const value = shown === null ? null : values[shown];
          return (
            <li key={name}>
              <span class="swatch" style={{ background: `var(${colour})` }} aria-hidden="true" />
              {name} <strong>{value === null || value === undefined ? total : format(value)}</strong>
            </li>
          );
        })}
      </ul>
    </figure>
  );
}

/** Numbers as uPlot takes them; stacked, each curve is the sum of itself and those below. */
function dataOf(times: readonly number[], curves: readonly Curve[], isStacked: boolean): uPlot.AlignedData {
  if (!isStacked) return [[...times], ...curves.map(({ values }) => [...values])];
  const sums = new Array<number>(times.length).fill(0);
  const stacked = curves.map(({ values }) => times.map((_, at) => (sums[at] = (sums[at] ?? 0) + (values[at] ?? 0))));
  // The tallest is drawn first, the others over it.
  return [[...times], ...stacked.reverse()];
}

function optionsOf(
  box: HTMLElement,
  curves: readonly Curve[],
  isStacked: boolean,
  format: (value: number) => string,
  onPoint: (at: number | null) => void,
): uPlot.Options {
  const colour = (name: string): string => colourOf(box, `var(${name})`);
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--faint"), grid, ticks: grid, font: AXIS_FONT };
  const drawn = isStacked ? [...curves].reverse() : curves;
  return {
    width: Math.max(box.clientWidth, 1),
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false, points: { show: !isStacked }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => [0, max <= 0 ? 1 : max * 1.08] } },
    axes: [
      { ...axis, size: 28, values: (_, splits) => splits.map(timeTitle(splits)) },
      { ...axis, size: AXIS_WIDTH_PX, values: (_, values) => values.map(format) },
    ],
    series: [
      {},
      ...drawn.map((curve) => {
        const stroke = colour(curve.colour);
        return {
          label: curve.name,
          stroke,
          width: 1.5,
          points: { show: false },
          ...(isStacked ? { fill: stroke } : {}),
        };
      }),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
}

const DAYS_FROM_S = 36 * 3_600;
const two = (value: number): string => String(value).padStart(2, "0");

/** Times of the day, or days where there are several. */
function timeTitle(splits: readonly number[]): (seconds: number) => string {
  const isDays = (splits.at(-1) ?? 0) - (splits[0] ?? 0) > DAYS_FROM_S;
  return (seconds) => {
    const at = new Date(seconds * 1_000);
    return isDays
      ? `${two(at.getMonth() + 1)}-${two(at.getDate())}`
      : `${two(at.getHours())}:${two(at.getMinutes())}`;
  };
}

/** A colour as the canvas takes it. */
function colourOf(box: HTMLElement, text: string): string {
  const probe = document.createElement("span");
  probe.style.color = text;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Changes when light becomes dark. */
function useColours(): string {
  const read = (): string => getComputedStyle(document.body).backgroundColor;
  const [colours, setColours] = useState(read);
  useEffect(() => {
    const changed = (): void => setColours(read());
    const system = matchMedia("(prefers-color-scheme: dark)");
    const observer = new MutationObserver(changed);
    system.addEventListener("change", changed);
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      system.removeEventListener("change", changed);
      observer.disconnect();
    };
  }, []);
  return colours;
}
