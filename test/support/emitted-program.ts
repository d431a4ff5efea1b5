/**
 * Compiles a bundle, links what was emitted with the real runtime and runs its chains on exchanges without sockets. The
 * VerifyAPIKey helper is a stub: what each such step does is the test's to say.
 */
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compile } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import { directClient } from "#runtime/client/client.ts";
import type { Exchange, ExchangeStart } from "#runtime/context.ts";
import type { Gateway } from "#runtime/gateway.ts";
import { defaultLimits, type Limits } from "#runtime/limits.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { RequestMessage, ResponseMessage } from "#runtime/message/message.ts";
import type { TracedStep } from "#runtime/observe/trace.ts";
import type { ProxyProgram, Router } from "#runtime/program.ts";
import { runChain } from "#runtime/flow/run.ts";
import { pathSuffix } from "#runtime/flow/routing.ts";
import { fakeClock } from "./fake-clock.ts";
import { recording } from "./recording.ts";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Files of a bundle by path. */
export type BundleFiles = Readonly<Record<string, string>>;

/** What a VerifyAPIKey step does: returns, waits, throws. It marks the request with its name before. */
export type StubbedStep = (policy: string) => Maybe<void>;

/** What came of one exchange. */
export interface Outcome {
  /** Values of `x-step` on the request, in order. */
  readonly steps: string[];
  /** Values of `x-step` on the answer. */
  readonly answered: string[];
  readonly status: number | null;
  readonly fault: string | null;
  readonly route: string | null;
  readonly target: string | null;
  readonly trace: readonly TracedStep[];
  /** By data collector. */
  readonly captured: Readonly<Record<string, unknown>>;
}

const stub = `
export function verifyApiKey(x, config) {
  x.request.addHeader("x-step", config.name);
  return x.gateway.step(config.name);
}`;

/** A linked program. */
export class EmittedProgram {
  readonly route: Router;
  constructor(route: Router) {
    this.route = route;
  }

  /** Runs an exchange through the chains of one form: request, then (without a fault) response with a 200. */
  async run(url: string, step: StubbedStep = () => {}, options: StartOptions & { status?: number } = {}): Promise<Outcome> {
    const program = this.route("api.example.com", url);
    if (program === null) throw new Error(`nothing serves ${url}`);
    const x = program.open(startOf(program, url, step, options));
    if (options.body !== undefined) x.request.content = options.body;
    if (options.traced === true && x.chains !== program.traced) throw new Error("there are no traced twins");
    if ((await ended(x, x.chains.request)) && x.fault === null) {
      x.response = new ResponseMessage(options.status ?? 200, "", []);
      await ended(x, x.chains.response);
    }
    return {
      steps: marks(x.request.lines),
      answered: marks(x.response?.lines ?? []),
      status: x.response?.status ?? null,
      fault: x.fault?.code ?? null,
      route: x.route,
      target: x.target?.name ?? null,
      trace: x.trace?.steps ?? [],
      captured: Object.fromEntries(x.captured ?? []),
    };
  }
}

/** Compiles and links a bundle without errors. */
export async function emittedProgram(files: BundleFiles): Promise<EmittedProgram> {
  const { diagnostics, modules } = await compile(Object.entries(files).map(([name, text]) => new SourceFile(name, text)));
  if (modules === undefined) throw new Error(diagnostics.all.map((found) => `${found.code} ${found.message}`).join("\n"));
  const texts = new Map(modules.map((module) => [module.path, module.text]));
  const { outputFiles } = await build({
    stdin: { contents: 'export { route, makeTargets } from "program/routes.ts";', resolveDir: root },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    logLevel: "silent",
    tsconfigRaw: {},
    plugins: [
      {
        name: "emitted",
        setup(builder) {
          builder.onResolve({ filter: /verify-api-key\.ts$/ }, () => ({ path: "stub", namespace: "stub" }));
          builder.onResolve({ filter: /^#runtime\// }, ({ path: from }) => ({ path: path.join(root, from.slice(1)) }));
          builder.onLoad({ filter: /.*/, namespace: "stub" }, () => ({ contents: stub, loader: "js" }));
          builder.onResolve({ filter: /^program\// }, ({ path: from }) => ({ path: from, namespace: "emitted" }));
          builder.onResolve({ filter: /^\./, namespace: "emitted" }, ({ path: from, importer }) => ({
            path: path.posix.join(path.posix.dirname(importer), from),
            namespace: "emitted",
          }));
          builder.onLoad({ filter: /.*/, namespace: "emitted" }, ({ path: name }) => ({ contents: texts.get(name) ?? "", loader: "ts", resolveDir: root }));
        },
      },
    ],
  });
  const module: { exports: Partial<{ route: Router; makeTargets: (limits: Limits) => void }> } = { exports: {} };
  new Function("module", "exports", "require", outputFiles[0]?.text ?? "")(module, module.exports, createRequire(import.meta.url));
  const { route, makeTargets } = module.exports;
  if (route === undefined || makeTargets === undefined) throw new Error("the emitted program exports no router");
  makeTargets(defaultLimits);
  return new EmittedProgram(route);
}

/** How a request differs from an untraced GET. */
interface StartOptions {
  traced?: boolean;
  verb?: string;
  headers?: string[];
  /** The request's; absent: there is none to read. */
  body?: string;
}

function startOf(program: ProxyProgram, url: string, step: StubbedStep, options: StartOptions): ExchangeStart {
  const metrics: object = { policyFault: () => {} };
  const clock = fakeClock();
  const gateway: object = {
    metrics,
    clock,
    organization: "acme",
    step,
    counters: new Map(),
    spans: null,
    tracing: options.traced === true ? recording(clock, [program]) : null,
    defect: (thrown: unknown) => {
      throw thrown;
    },
  };
  const socket: Partial<Socket> = { remoteAddress: "192.0.2.1" };
  return {
    gateway: gateway as Gateway,
    program,
    request: new RequestMessage(options.verb ?? "GET", url, null, "1.1", [...(options.headers ?? [])]),
    socket: socket as Socket,
    client: directClient(socket as Socket, "http"),
    clientAddress: "192.0.2.1",
    host: "api.example.com",
    pathSuffix: pathSuffix(url, program.baseSegments),
    session: null,
  };
}

function ended(x: Exchange, chain: (x: Exchange) => Maybe<void>): Promise<boolean> {
  return new Promise((resolve) => runChain(x, chain, { chainDone: () => resolve(true), chainFaulted: () => resolve(false) }));
}

function marks(lines: readonly string[]): string[] {
  return lines.filter((_, at) => at % 2 === 1 && lines[at - 1]?.toLowerCase() === "x-step");
}
