/** What compiling costs: the example, 1,000 proxies of 5 policies; and what routing costs among 10, 1,000 and 10,000 base paths. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { compile } from "#compiler/compile.ts";
import { readProject } from "#compiler/1-parse/read-project.ts";
import { FileWriter } from "#compiler/5-emit/file.ts";
import { code, identifier } from "#compiler/5-emit/code.ts";
import { ModulePrinter } from "#compiler/5-emit/module.ts";
import { emitRouter } from "#compiler/5-emit/router.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import type { Plan, RoutePlan } from "#compiler/ir/plan.ts";

const example = join(import.meta.dirname, "..", "..", "examples", "websocket-chat", "gateway");

/** 1,000 proxies with five policies each. */
function manyProxies(count: number): SourceFile[] {
  const files = [new SourceFile("gateway.yaml", "kind: Gateway\nstore: { kind: memory }\n")];
  for (let at = 0; at < count; at++) {
    const base = `proxies/p${at}`;
    files.push(new SourceFile(`${base}/proxy.yaml`, `kind: ApiProxy
proxyEndpoints:
  - basePath: /v1/p${at}
    preFlow: { request: [SA, AC, VK, AM] }
    flows: [{ name: admin, condition: 'proxy.pathsuffix MatchesPath "/admin/**"', request: [RF] }]
targetEndpoints: [{ url: "http://127.0.0.1:9000/p${at}" }]
`));
    const policies: Readonly<Record<string, string>> = {
      SA: "kind: SpikeArrest\nrate: 100ps\n",
      AC: "kind: AccessControl\nipRules: { noRuleMatchAction: ALLOW, matchRules: [{ action: DENY, sourceAddresses: [{ mask: 8, value: 10.0.0.0 }] }] }\n",
      VK: "kind: VerifyAPIKey\napiKey: { ref: request.header.x-api-key }\n",
      AM: "kind: AssignMessage\nactions: [{ set: { headers: { x-app: '{developer.app.name}' } } }]\n",
      RF: "kind: RaiseFault\nactions: [{ set: { statusCode: 403 } }]\n",
    };
    for (const [name, text] of Object.entries(policies)) files.push(new SourceFile(`${base}/policies/${name}.yaml`, text));
  }
  return files;
}

async function timed(name: string, files: readonly SourceFile[]): Promise<void> {
  const wall = performance.now();
  const cpu = process.cpuUsage();
  const { diagnostics, modules } = await compile(files);
  if (modules === undefined) throw new Error(diagnostics.all.map((diagnostic) => diagnostic.message).slice(0, 3).join("\n"));
  const { code: text } = await bundleProgram(modules, { minify: true });
  const { user, system } = process.cpuUsage(cpu);
  console.log(`| ${name} | ${((performance.now() - wall) / 1000).toFixed(2)} | ${((user + system) / 1e6).toFixed(2)} | ${text.length} |`);
}

console.log("| compiled | wall, s | CPU of the compiler, s | artifact, bytes |\n|---|---:|---:|---:|");
await timed("the example", readProject(example).files);
await timed("1,000 proxies of 5 policies", manyProxies(1_000));

/** A router over `count` base paths of two segments; programs are stand-ins. */
async function router(count: number): Promise<(host: string, path: string) => unknown> {
  const routes: RoutePlan[] = Array.from({ length: count }, (_, at) => ({
    segments: ["v1", `p${at}`],
    basePath: `/v1/p${at}`,
    environment: "default",
    proxy: `p${at}`,
    endpoint: "default",
  }));
  const file = new FileWriter("routes.ts", "Routes.");
  file.constants.push({ name: "programs", type: null, value: code`Array.from({ length: ${count} }, (_, at) => ({ at }))`, doc: null, isExported: false });
  const plan = { hosts: [{ group: "default", hostnames: ["*"], routes }] } as unknown as Plan;
  emitRouter(plan, file, (route) => code`${identifier("programs")}[${Number(route.proxy.slice(1))}] as never`);
  const folder = mkdtempSync(join(tmpdir(), "apigw-router-"));
  const path = join(folder, "routes.ts");
  const runtime = pathToFileURL(join(import.meta.dirname, "..", "..", "runtime/")).href;
  writeFileSync(path, new ModulePrinter().print(file).replaceAll('"#runtime/', `"${runtime}`));
  const module = (await import(pathToFileURL(path).href)) as { route: (host: string, path: string) => unknown };
  rmSync(folder, { recursive: true });
  return module.route;
}

console.log("\n| base paths | ns per look-up, best of 7 |\n|---:|---:|");
for (const count of [10, 1_000, 10_000]) {
  const route = await router(count);
  // Ten paths spread over all, so that the caches of the processor see the same number of them each time.
  const paths = Array.from({ length: 10 }, (_, at) => `/v1/p${Math.floor((at * count) / 10)}/rooms/1`);
  let best = Infinity;
  for (let round = 0; round < 7; round++) {
    const start = performance.now();
    let found = 0;
    for (let at = 0; at < 2_000_000; at++) if (route("a.example", paths[at % 10] ?? "") !== null) found++;
    if (found !== 2_000_000) throw new Error("a path was not found");
    best = Math.min(best, ((performance.now() - start) * 1e6) / 2_000_000);
  }
  console.log(`| ${count} | ${best.toFixed(0)} |`);
}
