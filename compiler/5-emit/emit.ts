/** Plan -> TypeScript. Every file is complete, formatted, and type-checks against runtime/ and templates/program. */
import { createHash } from "node:crypto";
import type { Plan } from "../ir/plan.ts";
import { camelCase } from "./names.ts";
import { ModulePrinter } from "./module.ts";
import { emitProgram, emitRoutes, emitSettings } from "./program.ts";
import { emitProxy, HASH_PLACEHOLDER, type EmittedProxy } from "./proxy.ts";

/** A generated file. */
export interface EmittedModule {
  /** `program/main.ts`, `program/proxies/chat.ts`. */
  readonly path: string;
  readonly text: string;
  /** For the module of a proxy: its name, and the digest of its chain as `ProxyProgram.hash` has it. */
  readonly chain?: { readonly proxy: string; readonly hash: string };
}

/** What emission needs besides the plan. */
export interface EmitOptions {
  /** The skeleton that starts the program (templates/program/main.ts). */
  readonly main: string;
  /** Digest of the user's files. */
  readonly inputHash: string;
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
    const hash = chainHash(text);
    const chain = { proxy: proxy.proxy.name, hash };
    modules.push({ path: `program/${emitted.file.path}`, text: text.replaceAll(HASH_PLACEHOLDER, JSON.stringify(hash)), chain });
  }
  for (const file of [emitSettings(plan), emitRoutes(plan, proxies), emitProgram(plan, options.inputHash, options.version)]) {
    modules.push({ path: `program/${file.path}`, text: printer.print(file) });
  }
  return modules.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The digest of a chain is that of its own text, before the digest stands in it. What comments say changes no chain. */
function chainHash(text: string): string {
  const code = text.replace(/^ *\/\/.*\n/gm, "");
  return createHash("sha256").update(code).digest("hex").slice(0, 16);
}
