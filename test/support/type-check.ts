/** Type-checks emitted programs against the runtime, many programs in one run of tsc. It judges generated files only. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** An emitted program under the name of its folder. */
export interface NamedProgram {
  readonly name: string;
  readonly modules: readonly { readonly path: string; readonly text: string }[];
}

/** What tsc says about the programs' own files, unused names included; empty when all is well. */
export function typeErrors(programs: readonly NamedProgram[]): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), "apigw-types-"));
  try {
    for (const { name, modules } of programs) {
      for (const module of modules) {
        const file = path.join(folder, name, module.path);
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, module.text);
      }
    }
    const config = {
      extends: path.join(root, "tsconfig.base.json"),
      compilerOptions: {
        composite: false,
        emitDeclarationOnly: false,
        noEmit: true,
        noUnusedLocals: true,
        noUnusedParameters: true,
        typeRoots: [path.join(root, "node_modules/@types")],
        paths: { "#runtime/*": [path.join(root, "runtime/*")] },
      },
      include: ["./**/*.ts"],
    };
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
    const tsc = path.join(root, "node_modules/typescript/bin/tsc");
    const { stdout, stderr } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], { cwd: folder, encoding: "utf8" });
    const lines = `${stdout}${stderr}`.split("\n").filter((line) => /: error TS|^error/.test(line));
    return lines.filter((line) => /^error/.test(line) || !/^[^(]*runtime\//.test(line));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
