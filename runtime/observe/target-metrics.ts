/** What load balancers know of their servers, as metrics. Labels are the names that the bundle gives them. */
import type { Target, TargetServer } from "../target/target.ts";
import type { Labels, MetricText, MetricType } from "./metric-text.ts";

/** A program with its targets; several endpoints of one proxy share them. */
export interface MetricTargets {
  readonly environment: string;
  readonly proxy: string;
  readonly targets: Readonly<Record<string, Target>>;
}

type State = NonNullable<TargetServer["state"]>;

type Family = readonly [name: string, type: MetricType, help: string, of: (state: State) => number];

const families: readonly Family[] = [
  ["apigw_target_server_up", "gauge", "1 while a target server is in rotation.", ({ isUp }) => (isUp ? 1 : 0)],
  ["apigw_target_server_open", "gauge", "HTTP requests under way and WebSocket sessions.", ({ open }) => open],
  ["apigw_target_server_failures_total", "counter", "Tries and health checks that failed.", (of) => of.failuresTotal],
  ["apigw_target_server_retries_total", "counter", "Failures that another server made good.", (of) => of.retriesTotal],
];

/** Writes a family for each fact; nothing where no target has a load balancer. */
export function writeTargetServers(out: MetricText, programs: Iterable<MetricTargets>): void {
  const rows = new Map<State, Labels>();
  for (const { environment, proxy, targets } of programs) {
    for (const target of Object.values(targets)) {
      for (const { name, state } of target.servers) {
        if (state === null) continue;
        rows.set(state, ["environment", environment, "proxy", proxy, "target", target.name, "server", name]);
      }
    }
  }
  if (rows.size === 0) return;
  for (const [name, type, help, of] of families) {
    out.family(name, type, help);
    for (const [state, labels] of rows) out.sample(labels, of(state));
  }
}
