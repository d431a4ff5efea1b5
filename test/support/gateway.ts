/**
 * A compiled gateway inside the test's own process: bundle text goes through the whole compiler, the emitted modules are
 * imported as they are, and the runtime starts them on loopback. Its log lines are kept, its counters can be looked at.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { compile, type EmittedModule } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import { systemClock, type Clock } from "#runtime/clock.ts";
import type { Gateway } from "#runtime/gateway.ts";
import type { Limits } from "#runtime/limits.ts";
import type { Listener } from "#runtime/listen/listen.ts";
import type { LogOutput } from "#runtime/observe/log.ts";
import type { GatewayProgram } from "#runtime/program.ts";
import { StartProblems } from "#runtime/process/start-problem.ts";
import { startGateway, type RunningGateway } from "#runtime/process/start.ts";
import type { Store } from "#runtime/state/store.ts";
import { until } from "./until.ts";

/** Path within the project -> text. */
export type BundleFiles = Readonly<Record<string, string>>;
export type TestEnvironment = Readonly<Record<string, string>>;

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;
/** What a line must hold: the same values under these names. */
export type LinePattern = Readonly<Record<string, string | number | boolean | null>>;

export interface GatewayOptions {
  readonly env?: TestEnvironment;
  readonly clock?: Clock;
  /** In place of the program's own. */
  readonly limits?: Partial<Limits>;
  /** Puts something between the gateway and its store. */
  readonly wrapStore?: (store: Store) => Store;
}

export interface TestGateway extends AsyncDisposable {
  /** Port of the first listener. */
  readonly port: number;
  readonly listeners: readonly Listener[];
  readonly gateway: Gateway;
  readonly running: RunningGateway;
  /** Every line so far that fits. */
  lines(pattern?: LinePattern): readonly LogLine[];
  /** Waits for the `count`-th line that fits. */
  line(pattern: LinePattern, count?: number): Promise<LogLine>;
  /** Sum of the samples of a metric whose labels hold all of these texts. */
  metric(name: string, ...labels: readonly string[]): number;
  /** Waits until no session, handshake or exchange is left, and no client connection but `connections`. */
  calm(connections?: number): Promise<void>;
}

/** How many lines a failed wait shows. */
const LINES_SHOWN = 6;
const temporary = join(import.meta.dirname, "..", ".tmp");

/** Compiles bundle text; any error in it fails the test. */
export async function compileFiles(files: BundleFiles): Promise<readonly EmittedModule[]> {
  const sources = Object.entries(files).map(([path, text]) => new SourceFile(path, text));
  const { diagnostics, modules } = await compile(sources);
  const errors = diagnostics.all.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ code, span, message }) => `${span?.file.path}: ${code} ${message}`).join("\n"));
  if (modules === undefined) throw new Error("nothing was emitted");
  return modules;
}

/** Compiles bundle text and starts it. */
export async function startGatewayFromBundle(files: BundleFiles, options: GatewayOptions = {}): Promise<TestGateway> {
  return startModules(await compileFiles(files), options);
}

/** Starts what was compiled before; each start has a program of its own. */
export async function startModules(modules: readonly EmittedModule[], options: GatewayOptions = {}): Promise<TestGateway> {
  const { clock = systemClock, env = {}, limits = {}, wrapStore } = options;
  const imported = await importProgram(modules);
  const program = { ...imported, limits: { ...imported.limits, ...limits } };
  const { openStore } = program;
  const log = new CapturedLog();
  const started = await startGateway(
    wrapStore === undefined ? program : { ...program, openStore: (...parts) => wrapStore(openStore(...parts)) },
    {
      clock,
      output: log,
      env,
      readFile: (path) => readFileSync(path),
      node: process.versions.node,
      onUpgrade: () => undefined,
    },
  );
  if (started instanceof StartProblems) throw new Error(started.problems.join("\n"));
  return new InProcess(started, log);
}

async function importProgram(modules: readonly EmittedModule[]): Promise<GatewayProgram> {
  mkdirSync(temporary, { recursive: true });
  const folder = mkdtempSync(join(temporary, "program-"));
  try {
    for (const { path, text } of modules) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const imported: { readonly program: GatewayProgram } = await import(
      /* @vite-ignore */ pathToFileURL(join(folder, "program", "program.ts")).href
    );
    return imported.program;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Takes log text apart into lines. */
class CapturedLog implements LogOutput {
  readonly lines: LogLine[] = [];
  readonly writableLength = 0;
  #rest = "";

  write(bytes: Buffer): boolean {
    const parts = (this.#rest + bytes.toString()).split("\n");
    this.#rest = parts.pop() ?? "";
    for (const part of parts) this.lines.push(parseLine(part));
    return true;
  }

  on(): unknown {
    return this;
  }
}

/** One JSON line as an object. */
export function parseLine(text: string): LogLine {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== "object" || parsed === null) throw new Error(`no log line: ${text}`);
  return { ...parsed };
}

/** True when a line holds all of a pattern. */
export function fits(line: LogLine, pattern: LinePattern): boolean {
  return Object.entries(pattern).every(([name, value]) => (line[name] ?? null) === value);
}

class InProcess implements TestGateway {
  readonly running: RunningGateway;
  readonly #log: CapturedLog;

  constructor(running: RunningGateway, log: CapturedLog) {
    this.running = running;
    this.#log = log;
  }

  get gateway(): Gateway {
    return this.running.gateway;
  }

  get listeners(): readonly Listener[] {
    return this.running.listeners;
  }

  get port(): number {
    return this.listeners[0]?.port ?? 0;
  }

  lines(pattern: LinePattern = {}): readonly LogLine[] {
    this.gateway.log.flush();
    return this.#log.lines.filter((line) => fits(line, pattern));
  }

  async line(pattern: LinePattern, count = 1): Promise<LogLine> {
    await until(
      () => this.lines(pattern).length >= count,
      () => `line ${count} with ${JSON.stringify(pattern)} ; the last are\n${this.#log.lines.slice(-LINES_SHOWN).map((line) => JSON.stringify(line)).join("\n")}`,
    );
    return this.lines(pattern)[count - 1] ?? {};
  }

  metric(name: string, ...labels: readonly string[]): number {
    return sampleValues(this.gateway.metrics.text("prometheus"), name, labels).reduce((sum, value) => sum + value, 0);
  }

  async calm(connections = 0): Promise<void> {
    const { gateway } = this;
    const open = (): number => this.listeners.reduce((sum, listener) => sum + listener.connections, 0);
    const left = (): object => ({
      sessions: gateway.sessions.count,
      handshakes: gateway.handshakes.count,
      addresses: gateway.handshakes.addresses,
      connections: open() - connections,
      scheduled: gateway.scheduler.size,
      ...this.#gauges(),
    });
    await until(() => Object.values(left()).every((value) => value === 0), () => JSON.stringify(left()));
  }

  /** Gauges that a gateway at rest has at zero; each sample by itself, so that one below zero cannot hide another. */
  #gauges(): Readonly<Record<string, number>> {
    const text = this.gateway.metrics.text("prometheus");
    const names = ["apigw_http_requests_in_flight", "apigw_ws_connections_active", "apigw_upstream_connections"];
    return Object.fromEntries(
      names.map((name) => [name, sampleValues(text, name, []).find((value) => value !== 0) ?? 0]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.running.drain.signal("test");
    this.running.drain.signal("test");
    await this.running.finished;
    await Promise.all(this.listeners.map((listener) => listener.closed));
  }
}

function sampleValues(text: string, name: string, labels: readonly string[]): readonly number[] {
  const samples = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return samples.filter((line) => labels.every((label) => line.includes(label))).map((line) => Number(line.split(" ").at(-1)));
}
