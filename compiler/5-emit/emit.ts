/** Plan -> TypeScript. Every file is complete, formatted, and type-checks against runtime/ and templates/program. */
import { createHash } from "node:crypto";
import type { Plan } from "../ir/plan.ts";
import { camelCase, HASH_PLACEHOLDER } from "./names.ts";
import { ModulePrinter } from "./module.ts";
import { emitProgram, emitRoutes, emitSettings } from "./program.ts";
import { emitProxy, type EmittedProxy } from "./proxy.ts";
import { emitRouteReports } from "./route-report.ts";
import { emitStepExcerpts } from "./step-excerpts.ts";

/** A generated file. */
export interface EmittedModule {
  /** `program/main.ts`, `program/proxies/chat.ts`. */
  readonly path: string;
  readonly text: string;
  /** For the module of a proxy: its name, and the digest of its chain as `ProxyProgram.hash` has it. */
  readonly chain?: { readonly proxy: string; readonly hash: string };
  /** For program.ts: the digest of the whole program as `GatewayProgram.hash` has it. */
  readonly programHash?: string;
}

/** What emission needs besides the plan. */
export interface EmitOptions {
  /** The skeleton that starts the program (templates/program/main.ts). */
  readonly main: string;
  /** Version of this compiler. */
  readonly version: string;
}

/** Emits the whole program, files in path order. */
export function emit(plan: Plan, options: EmitOptions): EmittedModule[] {
  const printer = new ModulePrinter();
  const proxies = new Map<string, EmittedProxy>();
  const modules: EmittedModule[] = [{ path: "program/main.ts", text: options.main }];
  const taken = new Set<string>();
  for (const proxy of plan.proxies) {
    let base = camelCase(proxy.proxy.name);
    while (taken.has(base.toLowerCase())) base += "_";
    taken.add(base.toLowerCase());
    const emitted = emitProxy(plan, proxy, `proxies/${base}.ts`);
    proxies.set(proxy.proxy.name, emitted);
    const text = printer.print(emitted.file);
    const hash = digest(code(text)).slice(0, 16);
    const chain = { proxy: proxy.proxy.name, hash };
    modules.push({ path: `program/${emitted.file.path}`, text: withHash(text, hash), chain });
  }
  const reports = plan.features.admin ? [emitRouteReports(plan)] : [];
  const excerpts = plan.features.debug ? [emitStepExcerpts(plan)] : [];
  for (const file of [emitSettings(plan), emitRoutes(plan, proxies), ...reports, ...excerpts]) {
    modules.push({ path: `program/${file.path}`, text: printer.print(file) });
  }
  const program = emitProgram(plan, proxies, options.version);
  const text = printer.print(program);
  const programHash = digest([...modules.map((module) => code(module.text)), code(text)].join("\0"));
  modules.push({ path: `program/${program.path}`, text: withHash(text, programHash), programHash });
  return modules.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * What comments say changes neither a chain nor a program: who adds a policy that leaves nothing gets the same bytes.
 */
function code(text: string): string {
  return text.replace(/^ *\/\/.*\n/gm, "");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A digest is that of its own text before it stands there: as a line of its own, which no text of a user's is. */
function withHash(text: string, hash: string): string {
  return text
    .split("\n")
    .map((line) => (line.trim() === `hash: ${HASH_PLACEHOLDER},` ? line.replace(HASH_PLACEHOLDER, JSON.stringify(hash)) : line))
    .join("\n");
}
