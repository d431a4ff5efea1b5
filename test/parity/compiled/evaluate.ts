/**
 * Emitted modules, evaluated in memory: types stripped, imports of the runtime resolved to the modules of this
 * process.
 */
import { posix } from "node:path";
import { transform } from "esbuild";
import type { EmittedModule } from "#compiler/compile.ts";
import type { GatewayProgram } from "#runtime/program.ts";

type Namespace = Readonly<Record<string, unknown>>;
type Body = (require: (specifier: string) => unknown, module: { exports: unknown }) => void;

/** A compiled program that can be made as often as wanted: each instance has targets and settings of its own. */
export interface Instances {
  make(): GatewayProgram;
}

const runtime = new Map<string, Namespace>();

/** Prepares emitted modules. main.ts, which would start the gateway, is left out. */
export async function instancesOf(modules: readonly EmittedModule[]): Promise<Instances> {
  const bodies = new Map<string, Body>();
  await Promise.all(modules.filter(({ path }) => path !== "program/main.ts").map(async ({ path, text }) => {
    const { code } = await transform(text, { loader: "ts", format: "cjs", target: "esnext", logLevel: "silent" });
    // The compiler's own output, of a bundle that the test made.
    bodies.set(path, new Function("require", "module", code) as Body);
    for (const [, specifier = ""] of code.matchAll(/require\("(#runtime\/[^"]+)"\)/g)) {
      if (runtime.has(specifier)) continue;
      const file = new URL(`../../../runtime/${specifier.slice("#runtime/".length)}`, import.meta.url).href;
      runtime.set(specifier, (await import(/* @vite-ignore */ file)) as Namespace);
    }
  }));
  return { make: () => evaluated(bodies) };
}

function evaluated(bodies: ReadonlyMap<string, Body>): GatewayProgram {
  const loaded = new Map<string, { exports: unknown }>();
  const load = (path: string): unknown => {
    const known = loaded.get(path);
    if (known !== undefined) return known.exports;
    const body = bodies.get(path);
    if (body === undefined) throw new Error(`no module ${path} was emitted`);
    const module = { exports: {} };
    loaded.set(path, module);
    const folder = posix.dirname(path);
    body((name) => (name.startsWith("#") ? runtime.get(name) : load(posix.join(folder, name))), module);
    return module.exports;
  };
  const { program } = load("program/program.ts") as { readonly program: GatewayProgram };
  return program;
}
