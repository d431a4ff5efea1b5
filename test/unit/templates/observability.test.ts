/** The dashboard and the alerts that users copy ask for metrics, labels and values that gateways have; promtool agrees. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { closeReasons } from "#runtime/upgrade/close-reason.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { fullMetrics } from "../../support/full-metrics.ts";
import { until } from "../../support/until.ts";

const folder = join(import.meta.dirname, "../../../templates/observability");
const dashboard: { readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[] } =
  JSON.parse(readFileSync(join(folder, "grafana-dashboard.json"), "utf8"));
const rules = readFileSync(join(folder, "prometheus-rules.yaml"), "utf8");

/** Every family with its labels, by name of its samples. */
function samplesOf(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const line of text.split("\n")) {
    const [, name = "", labels = ""] = /^([a-z_0-9]+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === "" || line.startsWith("#")) continue;
    const names = found.get(name) ?? new Set(["instance", "job"]);
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) names.add(label);
    found.set(name, names);
  }
  return found;
}

async function metricsText(): Promise<string> {
  const clock = fakeClock();
  const metrics = fullMetrics(clock);
  metrics.text("prometheus");
  // The kernel's clock measures the event loop from the first scrape on, in steps of 50 ms; the window is of our clock.
  const startMs = performance.now();
  await until(() => performance.now() > startMs + 150, () => "a measurement of the event loop");
  clock.advance(10_000);
  const text = metrics.text("prometheus");
  metrics.close();
  return text;
}

const statuses = [101, 400, 401, 403, 404, 405, 408, 414, 426, 429, 431, 499, 500, 502, 503, 504].map(String);
/** Values that a label can have, where a closed table says so. */
const values: Readonly<Record<string, readonly string[]>> = {
  reason: Object.values(closeReasons).map(({ label }) => label),
  result: [...statuses, "other"],
  "code of apigw_http_requests_total": ["1xx", "2xx", "3xx", "4xx", "5xx"],
  direction: ["from_client", "from_target"],
};

/** What an expression asks for that no gateway has. */
function strays(expression: string, samples: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  const found: string[] = [];
  const asked = [...expression.matchAll(/\b((?:apigw|process)_[a-z_]+)(?:\{([^}]*)\})?/g)];
  if (asked.length === 0) found.push("no metric");
  for (const [, name = "", selector = ""] of asked) {
    const labels = samples.get(name);
    if (labels === undefined) found.push(name);
    for (const [, label = "", , value = ""] of selector.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)) {
      if (labels?.has(label) !== true) found.push(`${name}{${label}}`);
      const known = values[`${label} of ${name}`] ?? values[label];
      const isKnown = (one: string): boolean => known === undefined || known.some((other) => new RegExp(`^(?:${one})$`).test(other));
      for (const one of value.startsWith("$") ? [] : value.split("|")) if (!isKnown(one)) found.push(`${label}="${one}"`);
    }
    for (const [, by = ""] of expression.matchAll(/\bby \(([^)]*)\)/g)) {
      for (const label of by.split(",").map((one) => one.trim())) if (labels?.has(label) !== true) found.push(`${name} by ${label}`);
    }
  }
  return found;
}

function promtool(kind: "metrics" | "rules", input: string): { readonly status: number | null; readonly said: string } {
  const args = kind === "metrics" ? ["check", "metrics"] : ["check", "rules", input];
  const { error, status, stderr, stdout } = spawnSync("promtool", args, { encoding: "utf8", ...(kind === "metrics" ? { input } : {}) });
  if (error !== undefined) throw new Error("promtool is missing: apt-get install --no-install-recommends prometheus", { cause: error });
  return { status, said: stdout + stderr };
}

describe("metrics", () => {
  it("are what promtool calls good", async () => {
    const text = await metricsText();
    expect(text).toContain('apigw_eventloop_delay_seconds{quantile="');
    expect(promtool("metrics", text)).toEqual({ status: 0, said: "" });
    expect(promtool("metrics", "# TYPE apigw_things counter\napigw_things 1\n").status).not.toBe(0);
  });
});

describe("ready material", () => {
  const expressions = [
    ...dashboard.panels.flatMap(({ targets, title }) => targets.map(({ expr }) => [title, expr] as const)),
    ...[...rules.matchAll(/- alert: (\w+)\n\s+expr: (?:\|\n((?:\s{10,}.*\n)+)|(.*)\n)/g)].map(
      ([, alert = "", block, line]) => [alert, block ?? line ?? ""] as const,
    ),
  ];

  it("is all found", () => {
    expect(expressions.length).toBe(dashboard.panels.flatMap(({ targets }) => targets).length + (rules.match(/- alert:/g)?.length ?? 0));
    expect(expressions.length).toBeGreaterThan(40);
  });

  it("asks only for what gateways have", async () => {
    const samples = samplesOf(await metricsText());
    const found = expressions.flatMap(([title, expression]) => strays(expression, samples).map((stray) => `${title}: ${stray}`));
    expect(found).toEqual([]);
    expect(strays('sum by (path) (rate(apigw_ws_sessions_total{reason="x",client="y"}[5m]))', samples)).toEqual([
      "apigw_ws_sessions_total", "apigw_ws_sessions_total{reason}", 'reason="x"', "apigw_ws_sessions_total{client}",
      "apigw_ws_sessions_total by path",
    ]);
  });

  it("is what promtool calls good", () => {
    const { said, status } = promtool("rules", join(folder, "prometheus-rules.yaml"));
    expect([status, said.includes("SUCCESS")]).toEqual([0, true]);
  });

  it("has an explanation for each alert", () => {
    expect(rules.match(/description: /g)?.length).toBe(rules.match(/- alert: /g)?.length);
  });
});
