/** Plans of small bundles, as the lines that `--print plan` shows. */
import { compile } from "#compiler/compile.ts";
import { optimisationsWithout, type Optimisation } from "#compiler/optimisations.ts";
import { printPlan } from "#compiler/print.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

/** The main document of proxy `p`; `request` is a list of steps in YAML's flow style. */
export function proxy(request: string, more = ""): string {
  return `kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [${request}] }${more} }]\n`
    + `targetEndpoints: [{ url: "http://t:1" }]\n`;
}

/** Assigns variables, each `name: text`. */
export function assign(values: Readonly<Record<string, string>>, more = ""): string {
  const actions = Object.entries(values).map(([name, text]) => `{ assignVariable: { name: ${name}, ${text} } }`);
  return `kind: AssignMessage\n${more}actions: [${actions.join(", ")}]\n`;
}

/** Sets header `x-told` to a template. */
export function tell(text: string): string {
  return `kind: AssignMessage\nignoreUnresolvedVariables: true\nactions: [{ set: { headers: { x-told: "${text}" } } }]\n`;
}

/** Lines of the plan's proxy; `files` are those of proxy `p`, policies by name. */
export async function planLines(
  main: string,
  policies: Readonly<Record<string, string>>,
  off: readonly Optimisation[] = [],
): Promise<readonly string[]> {
  const files = [
    new SourceFile("gateway.yaml", "kind: Gateway\n"),
    new SourceFile("proxies/p/proxy.yaml", main),
    ...Object.entries(policies).map(([name, text]) => new SourceFile(`proxies/p/policies/${name}.yaml`, text)),
  ];
  const { plan, diagnostics } = await compile(files, { until: "plan", optimisations: optimisationsWithout(off) });
  const errors = diagnostics.all.filter(({ severity }) => severity === "error");
  if (plan === undefined || errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return printPlan(plan).split("\n").map((line) => line.trim());
}
