/**
 * The artifact as a process of its own: built once from bundle text, started as often as wanted. Its log lines are read
 * from its output; what a test leaves running is killed.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { compileFiles, fits, parseLine, type BundleFiles, type LinePattern, type LogLine, type TestEnvironment } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** A built artifact. */
export interface Artifact {
  readonly file: string;
  /** Starts it; settles when it is ready. `under`: the beginning of the command line of whatever runs it. */
  start(env: TestEnvironment, under?: readonly string[]): Promise<Generation>;
  /** Kills what still runs and removes the files. */
  remove(): void;
}

/** One process. */
export class Generation {
  readonly process: ChildProcess;
  readonly lines: LogLine[] = [];
  /** What it wrote to its error output. */
  errors = "";
  /** Its exit code, or the signal that killed it; null while it runs. */
  exit: number | string | null = null;

  constructor(process: ChildProcess) {
    this.process = process;
    let rest = "";
    process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) this.lines.push(parseLine(part));
    });
    process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.errors += text));
    process.on("exit", (code, signal) => (this.exit = code ?? signal));
  }

  /** Waits for a line. */
  async line(pattern: LinePattern): Promise<LogLine> {
    const found = (): LogLine | undefined => this.lines.find((line) => fits(line, pattern));
    await until(
      () => found() !== undefined || this.exit !== null,
      () => `line ${JSON.stringify(pattern)}, have ${JSON.stringify(this.lines.slice(-4))} ${this.errors}`,
    );
    const line = found();
    if (line === undefined) throw new Error(`exit ${this.exit} before ${JSON.stringify(pattern)}: ${this.errors}`);
    return line;
  }

  /** Port of a listener. */
  async port(listener: string): Promise<number> {
    const { address } = await this.line({ event: "listening", listener });
    return Number(String(address).split(":").at(-1));
  }

  signal(name: "SIGTERM" | "SIGINT"): void {
    this.process.kill(name);
  }

  /** Waits for its end. */
  async ended(): Promise<number | string | null> {
    await until(() => this.exit !== null, () => `the process to end, after ${JSON.stringify(this.lines.slice(-4))}`);
    return this.exit;
  }
}

/** Builds an artifact. */
export async function buildArtifact(files: BundleFiles): Promise<Artifact> {
  const { code } = await bundleProgram(await compileFiles(files), { minify: false });
  const folder = mkdtempSync(join(tmpdir(), "apigw-artifact-"));
  const file = join(folder, "gateway.cjs");
  writeFileSync(file, code);
  const running: ChildProcess[] = [];
  return {
    file,
    async start(env, under = []) {
      const [command = process.execPath, ...words] = [...under, process.execPath, file];
      const child = spawn(command, words, { env: { ...env }, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
      running.push(child);
      const generation = new Generation(child);
      await generation.line({ event: "ready" });
      return generation;
    },
    remove() {
      for (const child of running) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
