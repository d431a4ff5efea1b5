/**
 * The door to esbuild: emitted modules and the runtime files that they import become one CommonJS text and its source
 * map. Same modules, same bytes, wherever the package and the project lie. It writes nothing and never reads the user's
 * files.
 */
import { posix } from "node:path";
import { isBuiltin } from "node:module";
import type { Metafile, Plugin } from "esbuild";
import { packageRoot } from "../assets.ts";
import { nodeFloorCheck, SYNTAX_TARGET } from "./node-floor.ts";

/** One module of the generated program. */
export interface ModuleText {
  /** Path within the program with forward slashes, for example `program/proxies/chat.ts`. */
  readonly path: string;
  readonly text: string;
  /** For the module of a proxy: its name and the digest of its compiled chain. */
  readonly chain?: { readonly proxy: string; readonly hash: string };
  /** For program.ts: the digest of the whole program. */
  readonly programHash?: string;
}

/** What bundling may be told. */
export interface BundleOptions {
  /** False keeps names and line breaks. */
  readonly minify: boolean;
  /** Absolute path of the package whose runtime is linked; tests give another. */
  readonly root?: string;
}

/** Bytes that one source file left in the artifact. */
export interface InputBytes {
  /** `program/...`, `runtime/...` or `node_modules/...`. */
  readonly path: string;
  readonly bytes: number;
}

/** The bundled program. */
export interface Bundle {
  /** Text of `gateway.cjs`. */
  readonly code: string;
  /** Text of `gateway.cjs.map`. */
  readonly map: string;
  /** Inputs that left bytes, by path. */
  readonly inputs: readonly InputBytes[];
  /** Built-in modules that the artifact requires when it starts, for example `node:net`. */
  readonly builtIns: readonly string[];
}

/** Name of the artifact's file. */
export const ARTIFACT_FILE = "gateway.cjs";

/** The package `debug` as it is when nobody asked for its output. */
const SILENT_DEBUG = "const silent = Object.assign(() => {}, { enabled: false }); module.exports = () => silent;" +
  " module.exports.default = module.exports;";

/** Path of the module with which a generated program starts. */
export const ENTRY_MODULE = "program/main.ts";

/** Bundles a generated program. Problems here are defects of the compiler, never of the user's bundle. */
export async function bundleProgram(modules: readonly ModuleText[], options: BundleOptions): Promise<Bundle> {
  const { build } = await import("esbuild");
  const root = options.root ?? packageRoot;
  const result = await build({
    absWorkingDir: root,
    entryPoints: [ENTRY_MODULE],
    outfile: ARTIFACT_FILE,
    write: false,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: SYNTAX_TARGET,
    charset: "utf8",
    minify: options.minify,
    treeShaking: true,
    legalComments: "none",
    sourcemap: "linked",
    metafile: true,
    // Nothing that lies around (a tsconfig.json, an environment variable) may change the bytes.
    tsconfigRaw: {},
    define: { "process.env.WS_NO_BUFFER_UTIL": '"1"', "process.env.WS_NO_UTF_8_VALIDATE": '"1"' },
    banner: { js: nodeFloorCheck() },
    logLevel: "silent",
    plugins: [programModules(root, modules)],
  });
  const code = result.outputFiles.find((file) => file.path.endsWith(".cjs"));
  const map = result.outputFiles.find((file) => file.path.endsWith(".map"));
  const output = result.metafile.outputs[ARTIFACT_FILE];
  if (code === undefined || map === undefined || output === undefined) {
    throw new Error("assertion: esbuild left out an output");
  }
  return {
    code: code.text,
    map: withPlainSources(map.text),
    inputs: inputBytes(output),
    builtIns: requiredBuiltIns(output),
  };
}

/** Serves emitted modules from memory and resolves what they import. */
function programModules(root: string, modules: readonly ModuleText[]): Plugin {
  const texts = new Map(modules.map((module) => [module.path, module.text]));
  const absolute = (path: string): string => posix.join(slashed(root), path);
  const programFolder = absolute("program/");
  return {
    name: "program-modules",
    setup(build) {
      // Without side effects, an import whose names were all shaken off goes too: https, tls and sqlite cost start-up
      // time.
      build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
      // As package.json has it. Files of runtime/ find that by themselves, and who comes first decides about a module.
      build.onResolve({ filter: /^#runtime\// }, ({ path }) => {
        return { path: absolute(path.slice(1)), sideEffects: false };
      });
      build.onResolve({ filter: /^(\.|program\/)/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point") return { path: absolute(path) };
        if (!slashed(importer).startsWith(programFolder)) return undefined;
        return { path: posix.join(posix.dirname(slashed(importer)), path) };
      });
      // ws names all its files in one module and does not say that they are free of side effects; only some are wanted.
      build.onResolve({ filter: /^\.\/lib\// }, ({ path, importer }) => {
        if (!slashed(importer).endsWith("/ws/wrapper.mjs")) return undefined;
        return { path: posix.join(posix.dirname(slashed(importer)), path), sideEffects: false };
      });
      // ioredis writes every command to the error output, secrets included, where the environment has a DEBUG for it.
      build.onResolve({ filter: /^debug$/ }, ({ path }) => ({ path, namespace: "silent" }));
      build.onLoad({ filter: /^debug$/, namespace: "silent" }, () => ({ contents: SILENT_DEBUG }));
      build.onLoad({ filter: /[\\/]program[\\/]/ }, ({ path }) => {
        if (!slashed(path).startsWith(programFolder)) return undefined;
        const name = slashed(path).slice(programFolder.length - "program/".length);
        const text = texts.get(name);
        if (text === undefined) return { errors: [{ text: `no module ${name} was emitted` }] };
        return { contents: text, loader: "ts" };
      });
    },
  };
}

function inputBytes(output: Metafile["outputs"][string]): readonly InputBytes[] {
  return Object.entries(output.inputs)
    .map(([path, { bytesInOutput }]) => ({ path: plainSource(path), bytes: bytesInOutput }))
    .filter((input) => input.bytes > 0)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function requiredBuiltIns(output: Metafile["outputs"][string]): readonly string[] {
  const names = new Set<string>();
  for (const { path, external } of output.imports) {
    if (external !== true) continue;
    // A package that is not linked in would have to be installed where the gateway runs; that is never wanted.
    if (!isBuiltin(path)) throw new Error(`assertion: the artifact requires ${path}, which is no built-in module`);
    names.add(path.startsWith("node:") ? path : `node:${path}`);
  }
  return [...names].sort();
}

/** Dependencies may be installed beside the package or above it; the artifact must not tell. */
function plainSource(path: string): string {
  const at = path.lastIndexOf("node_modules/");
  return at < 0 ? path : path.slice(at);
}

function withPlainSources(map: string): string {
  const parsed: unknown = JSON.parse(map);
  if (typeof parsed !== "object" || parsed === null || !("sources" in parsed) || !Array.isArray(parsed.sources)) {
    throw new Error("assertion: esbuild's source map has no sources");
  }
  const sources = parsed.sources.map((source) => plainSource(String(source)));
  return `${JSON.stringify({ ...parsed, sources })}\n`;
}

function slashed(path: string): string {
  return path.replaceAll("\\", "/");
}
