/**
 * One self-contained executable: the pinned Node with the bytes of `gateway.cjs` inside. It embeds those bytes as they
 * are; what the program is, the bundle decided.
 */
import { execFile } from "node:child_process";
import { chmod, copyFile, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";

/** What building an executable may be told. */
export interface ExecutableOptions {
  /** Absolute path of the Node that is embedded. */
  readonly node: string;
  /** Absolute path of the file to write. */
  readonly output: string;
  /** An empty folder on the output's file system for what is half done; whoever made it removes it. */
  readonly workFolder: string;
  /** Removes Node's symbol table first: about a fifth smaller, and the bytes depend on this machine's `strip`. */
  readonly strip: boolean;
  /** Starts large bundles sooner; the bytes then differ from build to build. */
  readonly codeCache: boolean;
}

/** The outcome of a build that asks programs of the system. */
export type ExecutableResult =
  | { readonly built: true }
  /** What was tried and what it said, for a message to the user. */
  | { readonly built: false; readonly tried: string; readonly said: string };

const run = promisify(execFile);

const MAIN_FILE = "gateway.cjs";
const CONFIG_FILE = "sea-config.json";

/** Ten times what the build takes on a slow machine. */
const BUILD_TIMEOUT_MS = 120_000;

/** Builds the executable from the very text of `gateway.cjs`. */
export async function buildExecutable(code: string, options: ExecutableOptions): Promise<ExecutableResult> {
  const engine = options.strip ? await stripped(options) : options.node;
  if (typeof engine !== "string") return engine;
  const built = join(options.workFolder, basename(options.output));
  const config = executableConfig({ executable: engine, output: built, codeCache: options.codeCache });
  await writeFile(join(options.workFolder, MAIN_FILE), code);
  await writeFile(join(options.workFolder, CONFIG_FILE), config);
  const failure = await attempt(options.node, ["--build-sea", CONFIG_FILE], options.workFolder);
  if (failure !== null) return { built: false, tried: "node --build-sea", said: failure };
  await chmod(built, 0o755);
  // A rename: a running gateway keeps its file, and nobody sees half of one.
  await rename(built, options.output);
  return { built: true };
}

/** Text of the configuration that `node --build-sea` takes. */
export function executableConfig(paths: {
  readonly executable: string;
  readonly output: string;
  readonly codeCache: boolean;
}): string {
  return JSON.stringify({
    // Relative: Node keeps this name in the executable and shows it in stacks.
    main: MAIN_FILE,
    mainFormat: "commonjs",
    executable: paths.executable,
    output: paths.output,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: paths.codeCache,
    // NODE_OPTIONS could load foreign code into the gateway.
    execArgvExtension: "none",
  });
}

/** Path of a stripped copy: stripping the finished executable would break it. */
async function stripped({ node, workFolder }: ExecutableOptions): Promise<string | ExecutableResult> {
  const copy = join(workFolder, "node");
  await copyFile(node, copy);
  const failure = await attempt("strip", [copy], workFolder);
  return failure === null ? copy : { built: false, tried: "strip", said: failure };
}

/** Runs a program; null when it succeeded, else what it said. */
async function attempt(program: string, args: readonly string[], cwd: string): Promise<string | null> {
  try {
    await run(program, [...args], { cwd, timeout: BUILD_TIMEOUT_MS });
    return null;
  } catch (error) {
    const said = typeof error === "object" && error !== null && "stderr" in error ? String(error.stderr).trim() : "";
    return said === "" ? String(error) : said;
  }
}
