/** `build`: a project becomes an artifact, or one of the shapes on the way to it is printed. */
import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Option, type Command } from "commander";
import { packageFacts } from "../assets.ts";
import type { CompileResult } from "../compile.ts";
import type { OutputFile } from "../6-bundle/write-output.ts";
import { buildReport } from "./build-report.ts";
import { examples, withCheckingOptions, type CheckingOptions, type Run } from "./command.ts";
import { compileProject, type CompiledProject, type Until } from "./compile-project.ts";
import { executableSuffix, pinnedNode } from "./engine.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { optimisationReport } from "../optimisation-report.ts";
import { optimisationsWithout, type Optimisation } from "../optimisations.ts";
import { optimisationHelp, optimisationOption } from "./optimisation-option.ts";
import { takesStdout } from "./problem-output.ts";

interface BuildOptions extends CheckingOptions {
  readonly out: string;
  readonly target: "bundle" | "sea";
  readonly print?: Until;
  readonly minify: boolean;
  readonly opt: readonly Optimisation[];
  readonly reproducible?: boolean;
  readonly strip?: boolean;
  readonly codeCache?: boolean;
}

export function addBuild(program: Command, run: Run): void {
  const command = program
    .command("build")
    .description("compile a project into one artifact")
    .argument("[dir]", "folder with gateway.yaml; without one, the nearest upwards")
    .option("--out <dir>", "folder for the artifact", "dist")
    .addOption(
      new Option("--target <form>", "gateway.cjs, or one self-contained executable that embeds the same bytes as well")
        .choices(["bundle", "sea"])
        .default("bundle"),
    )
    .addOption(
      new Option("--print <shape>", "print a shape on the way to the artifact, and write nothing")
        .choices(["model", "program", "plan", "ts"]),
    )
    .addOption(optimisationOption())
    .option("--no-minify", "keep names and line breaks in the artifact")
    .option("--strip", "with --target sea: remove Node's symbols first (needs the system's strip)")
    .option("--code-cache", "with --target sea: start large bundles sooner; the bytes differ from build to build")
    .option("--reproducible", "refuse whatever would make the bytes depend on the machine or the day");
  withCheckingOptions(command)
    .addHelpText("after", examples(
      ["apigw-compile build --out dist", "dist/gateway.cjs with its map and manifest"],
      ["apigw-compile build --target sea --env prod", "also dist/gateway, for one environment"],
    ))
    .addHelpText("after", optimisationHelp())
    .action((folder: string | undefined, options: BuildOptions) =>
      run(async (terminal) => {
        refuseContradictions(options);
        const optimisations = optimisationsWithout(options.opt);
        const compiled = await compileProject(folder, options.print ?? "ts", options, terminal, optimisations);
        if (options.print !== undefined) {
          terminal.out(await printed(options.print, compiled.result));
          return compiled.exitCode;
        }
        if (compiled.exitCode !== exitCodes.ok) return compiled.exitCode;
        const report = await writeArtifact(compiled, options);
        if (takesStdout(options.format ?? [])) terminal.err(report);
        else terminal.out(report);
        return exitCodes.ok;
      }),
    );
}

function refuseContradictions(options: BuildOptions): void {
  const onlySea = options.strip === true ? "--strip" : options.codeCache === true ? "--code-cache" : null;
  if (onlySea === null) return;
  if (options.target !== "sea") throw new CommandFailure(exitCodes.usage, `${onlySea} needs --target sea`);
  if (options.reproducible === true) {
    throw new CommandFailure(exitCodes.usage, `${onlySea} makes bytes that --reproducible forbids`);
  }
}

/** Text of a shape; empty when errors kept the compiler from reaching it. */
async function printed(shape: Until, result: CompileResult): Promise<string> {
  const print = await import("../print.ts");
  switch (shape) {
    case "model":
      return result.model === undefined ? "" : print.printModel(result.model);
    case "program":
      return result.program === undefined ? "" : print.printProgram(result.program);
    case "plan":
      return result.plan === undefined ? "" : print.printPlan(result.plan);
    case "ts":
      return (result.modules ?? []).map(({ path, text }) => `// ${path}\n${text.trimEnd()}\n`).join("\n");
  }
}

/** Bundles and writes; returns the report. */
async function writeArtifact(compiled: CompiledProject, options: BuildOptions): Promise<string> {
  const { plan, modules, inputHash } = compiled.result;
  if (plan === undefined || modules === undefined) throw new Error("assertion: no errors, and yet no modules");
  const { bundleProgram, ARTIFACT_FILE } = await import("../6-bundle/bundle.ts");
  const { makeManifest, printManifest } = await import("../6-bundle/manifest.ts");
  const { factsOf } = await import("../6-bundle/facts.ts");
  const { thirdPartyNotices } = await import("../6-bundle/notices.ts");
  const bundle = await bundleProgram(modules, { minify: options.minify });
  const facts = packageFacts();
  const manifest = makeManifest(bundle, factsOf(plan, modules, inputHash), {
    compiler: facts.version,
    engine: facts.engine,
  });
  const notices = thirdPartyNotices(bundle);
  const files: readonly OutputFile[] = [
    { name: ARTIFACT_FILE, text: bundle.code },
    { name: `${ARTIFACT_FILE}.map`, text: bundle.map },
    { name: "manifest.json", text: printManifest(manifest) },
    ...(notices === null ? [] : [{ name: "third-party-notices.txt", text: notices }]),
  ];
  const folder = resolve(options.out);
  await write(folder, files);
  const executable = options.target === "sea" ? await writeExecutable(bundle.code, folder, options) : null;
  return buildReport({
    manifest,
    optimised: optimisationReport(plan),
    policies: plan.proxies.reduce((count, { policies }) => count + policies.length, 0),
    out: options.out,
    files: files.map(({ name }) => name),
    executable,
  });
}

async function write(folder: string, files: readonly OutputFile[]): Promise<void> {
  const { writeOutput } = await import("../6-bundle/write-output.ts");
  try {
    await writeOutput(folder, files);
  } catch (error) {
    throw new CommandFailure(exitCodes.configuration, `cannot write to ${folder}: ${messageOf(error)}`);
  }
}

async function writeExecutable(code: string, folder: string, options: BuildOptions): Promise<string> {
  const node = pinnedNode();
  if (node === null) {
    const { engine } = packageFacts();
    throw new CommandFailure(
      exitCodes.configuration,
      `executables embed Node.js ${engine}, whose package for ${process.platform}-${process.arch} is not installed`,
      "run npm ci without --omit=optional",
    );
  }
  const name = `gateway${executableSuffix()}`;
  const { buildExecutable } = await import("../6-bundle/sea.ts");
  const workFolder = mkdtempSync(join(folder, ".executable-"));
  // At the exit, whatever the way out: Ctrl-C must not leave a hundred megabytes behind.
  process.once("exit", () => rmSync(workFolder, { recursive: true, force: true }));
  const result = await buildExecutable(code, {
    node,
    output: join(folder, name),
    workFolder,
    strip: options.strip === true,
    codeCache: options.codeCache === true,
  });
  if (result.built) return name;
  throw new CommandFailure(exitCodes.configuration, `${result.tried} failed: ${result.said}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
