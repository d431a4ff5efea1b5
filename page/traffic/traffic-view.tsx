/** What went through the gateway, over time: how much, how it ended, what was refused, where the time went. */
import type { ViewProps } from "../app.tsx";
import { count, counted, fineDuration } from "../format.ts";
import { Chart, type Curve } from "../parts/chart.tsx";
import { go } from "../place.ts";
import { usePoll } from "../poll.ts";
import { allRoutes, choices } from "../routes/all-routes.ts";
import { PolicyTimes } from "./policy-times.tsx";
import { Refusals } from "./refusals.tsx";
import { askTraffic, partNames, ranges, type Stats, type Traffic } from "./stats.ts";

const REFRESH_MS = 5_000;
const COUNT = "sum(message_count)";
const ERRORS = "sum(is_error)";
const TIME = "avg(total_response_time)";
/** Close reasons with a colour of their own. */
const REASONS_MAX = 6;

export function TrafficView({ place }: ViewProps) {
  const range = ranges.find(({ name }) => name === place.filter["range"]) ?? ranges[0];
  const proxy = place.filter["proxy"] ?? "";
  const routes = usePoll(allRoutes, Infinity, "routes");
  const proxies = choices(routes.value, "proxy");
  const { value, problem } = usePoll(
    async () => (range === undefined ? null : askTraffic(range, proxy)),
    REFRESH_MS,
    `${range?.name ?? ""} ${proxy}`,
  );
  if (range === undefined) return null;
  const narrow = (filter: Readonly<Record<string, string>>): void =>
    go({ view: "traffic", open: [], filter: { ...place.filter, ...filter } });
  return (
    <div class="traffic">
      <div class="bar">
        <h1>Traffic</h1>
        <span class="bar-side">
          <label class="pick">
            Proxy
            <select value={proxy} onChange={(event) => narrow({ proxy: event.currentTarget.value })}>
              <option value="">all</option>
              {proxies.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label class="pick">
            Time
            <select value={range.name} onChange={(event) => narrow({ range: event.currentTarget.value })}>
              {ranges.map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </label>
        </span>
      </div>
      {problem?.status === 404 && (
        <p class="note off">
          This gateway keeps no analytics. Write <code>observability: {"{ analytics: on }"}</code> into gateway.yaml,
          and what goes through is counted from the next start on.
        </p>
      )}
      {problem !== null && problem.status !== 404 && <p class="note off">{problem.message}</p>}
      <div class="traffic-body">
        {value !== null && <Charts traffic={value} unit={range.unit} />}
        <PolicyTimes proxy={proxy} kind={place.filter["of"] ?? ""} onKind={(kind) => narrow({ of: kind })} />
      </div>
    </div>
  );
}

function Charts({ traffic, unit }: { readonly traffic: Traffic; readonly unit: string }) {
  const { closes, kinds, parts, refusals } = traffic;
  const times = (kinds.times ?? []).map((iso) => Date.parse(iso) / 1_000);
  return (
    <>
      <Tally kinds={kinds} />
      <div class="charts">
        <Chart title="Exchanges" note={`per ${unit}`} times={times} curves={kindCurves(kinds)} format={count} />
        <Chart
          title="Time until the answer"
          note={`mean, per ${unit}; of an upgrade until its 101`}
          times={times}
          curves={partCurves(parts)}
          format={fineDuration}
          isStacked
        />
        <Chart
          title="Sessions closed, by reason"
          note={`per ${unit}`}
          times={times}
          curves={closeCurves(closes)}
          format={count}
          isStacked
          empty="No session has ended."
        />
        <Refusals refusals={refusals} />
      </div>
    </>
  );
}

function Tally({ kinds }: { readonly kinds: Stats }) {
  const { total } = kinds;
  const all = total[COUNT] ?? 0;
  const errors = total[ERRORS] ?? 0;
  const sum = (type: string): number => groupOf(kinds, type)?.totals[COUNT] ?? 0;
  const facts = [
    { name: "HTTP exchanges", value: count(sum("http")) },
    { name: "Upgrades and sessions", value: count(sum("websocket")) },
    { name: "Errors", value: all === 0 ? "0" : `${count(errors)} (${((errors / all) * 100).toFixed(1)} %)` },
    {
      name: "Mean time until the answer",
      value: total[TIME] === null || total[TIME] === undefined ? "–" : fineDuration(total[TIME]),
    },
  ];
  return (
    <dl class="tallies">
      {facts.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function groupOf({ groups }: Stats, type: string) {
  return groups.find(({ dimensions }) => dimensions["message_type"] === type);
}

function kindCurves(kinds: Stats): readonly Curve[] {
  const length = kinds.times?.length ?? 0;
  const values = (type: string): readonly (number | null)[] =>
    groupOf(kinds, type)?.series?.[COUNT] ?? new Array<number>(length).fill(0);
  const errors = Array.from({ length }, (_, at) =>
    kinds.groups.reduce((sum, { series }) => sum + (series?.[ERRORS]?.[at] ?? 0), 0),
  );
  return [
    {
      name: "HTTP",
      colour: "--curve-1",
      values: values("http"),
      total: count(groupOf(kinds, "http")?.totals[COUNT] ?? 0),
    },
    {
      name: "WebSocket",
      colour: "--curve-2",
      values: values("websocket"),
      total: count(groupOf(kinds, "websocket")?.totals[COUNT] ?? 0),
    },
    { name: "Errors", colour: "--curve-bad", values: errors, total: count(kinds.total[ERRORS] ?? 0) },
  ];
}

const partTitles: Readonly<Record<string, string>> = {
  [partNames[0]]: "request policies",
  [partNames[1]]: "target",
  [partNames[2]]: "response policies",
};

function partCurves(parts: Stats): readonly Curve[] {
  const [group] = parts.groups;
  return partNames.map((name, at) => ({
    name: partTitles[name] ?? name,
    colour: `--curve-${at + 1}`,
    values: group?.series?.[name] ?? [],
    total: parts.total[name] === null || parts.total[name] === undefined ? "–" : fineDuration(parts.total[name]),
  }));
}

function closeCurves({ groups, times = [] }: Stats): readonly Curve[] {
  const shown = groups.slice(0, REASONS_MAX).map(({ dimensions, series, totals }, at): Curve => ({
    name: closeTitle(dimensions["close_reason"] ?? "", dimensions["closed_by"] ?? ""),
    colour: `--curve-${at + 1}`,
    values: series?.[COUNT] ?? [],
    total: count(totals[COUNT] ?? 0),
  }));
  const others = groups.slice(REASONS_MAX);
  if (others.length === 0) return shown;
  const values = times.map((_, at) => others.reduce((sum, { series }) => sum + (series?.[COUNT]?.[at] ?? 0), 0));
  const total = others.reduce((sum, { totals }) => sum + (totals[COUNT] ?? 0), 0);
  return [
    ...shown,
    { name: counted(others.length, "other reason"), colour: "--line-strong", values, total: count(total) },
  ];
}

/** `idle by gateway`; a peer that closed needs no second word. */
function closeTitle(reason: string, by: string): string {
  return reason === by ? `closed by ${by}` : `${reason} by ${by}`;
}
