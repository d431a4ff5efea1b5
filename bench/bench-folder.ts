/** A folder for one run of a benchmark: configurations and scripts of other proxies, and compiled bundles. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

export class BenchFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), "apigw-bench-"));

  /** Writes a file; its path. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Compiles a bundle of bench/bundles; the path of its gateway. */
  compile(bundle: string): string {
    const out = join(this.path, bundle);
    const args = [join(root, "compiler", "bin.js"), "build", join(root, "bench", "bundles", bundle), "--out", out];
    execFileSync(process.execPath, args, { stdio: "ignore" });
    return join(out, "gateway.cjs");
  }

  /** Compiles it with other lines about observing in its gateway.yaml; the path of its gateway. */
  compileWith(bundle: string, name: string, lines: string): string {
    const copy = join(this.path, `${name}-bundle`);
    cpSync(join(root, "bench", "bundles", bundle), copy, { recursive: true });
    const gateway = readFileSync(join(copy, "gateway.yaml"), "utf8").replace(/^observability: .*\n/m, "");
    writeFileSync(join(copy, "gateway.yaml"), gateway + lines);
    const out = join(this.path, name);
    execFileSync(process.execPath, [join(root, "compiler", "bin.js"), "build", copy, "--out", out], { stdio: "ignore" });
    return join(out, "gateway.cjs");
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Whether a library to compare with lies in the node_modules of the folder that was given; says so when it does not. */
export function hasPeer(folder: string, name: string): boolean {
  const isThere = existsSync(join(folder, "node_modules", name));
  if (!isThere) console.log(`${name} was not found: left out (give its folder with --peers)`);
  return isThere;
}
