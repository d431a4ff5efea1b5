/**
 * The manifest beside an artifact: what it was made from, what it holds, and what it wants from its environment. It
 * holds no clock, no host name and no absolute path, so that the same input gives the same manifest.
 */
import { createHash } from "node:crypto";
import { ARTIFACT_FILE, type Bundle, type InputBytes } from "./bundle.ts";
import { NODE_FLOOR } from "./node-floor.ts";
import { measure, type PartBytes } from "./sizes.ts";

/** One proxy endpoint in one environment. */
export interface ManifestRoute {
  readonly environment: string;
  readonly hostnames: readonly string[];
  readonly basePath: string;
  readonly proxy: string;
  readonly endpoint: string;
  readonly webSocket: {
    /**
     * `denied`: upgrades are refused. `tracked`: frame headers are counted. `messages`: policies look into messages.
     */
    readonly level: "denied" | "tracked" | "messages";
    /** Which policy asks for more than `tracked`, or why upgrades are denied; null where nothing is to be said. */
    readonly why: string | null;
  };
  /** Bodies that are read into memory, and for what; empty where all stream by. */
  readonly bodies: readonly { readonly body: "request" | "form" | "response"; readonly why: string }[];
  /** Digest of the compiled chain: equal digests mean that a deploy changes nothing for this route. */
  readonly chain: string;
}

/** An environment variable that the gateway reads when it starts. */
export interface ManifestVariable {
  readonly name: string;
  /** True when the bundle gives no default. */
  readonly required: boolean;
  readonly secret: boolean;
  /** The bundle's default; null when there is none. Never a secret. */
  readonly default: string | number | null;
}

/** What the compiler knows and the manifest repeats. */
export interface ManifestFacts {
  /** SHA-256 over the project's files, hexadecimal. */
  readonly inputHash: string;
  /** SHA-256 of the generated program, hexadecimal. */
  readonly programHash: string;
  readonly environments: readonly string[];
  readonly routes: readonly ManifestRoute[];
  readonly variables: readonly ManifestVariable[];
}

/** Versions of what made the artifact. */
export interface Makers {
  readonly compiler: string;
  /** The Node that the artifact was tested with and that an executable embeds. */
  readonly engine: string;
}

/** The content of `manifest.json`. */
export interface Manifest {
  readonly manifestVersion: 1;
  /** Digest of the project's files, names included. */
  readonly input: string;
  /** Digest of the generated program, which the artifact reports as its build. */
  readonly program: string;
  readonly compiler: string;
  readonly node: { readonly floor: string; readonly engine: string };
  readonly artifact: {
    readonly file: string;
    readonly digest: string;
    readonly bytes: number;
    readonly gzipBytes: number;
    readonly parts: readonly PartBytes[];
  };
  readonly environments: readonly string[];
  readonly routes: readonly ManifestRoute[];
  readonly variables: readonly ManifestVariable[];
  /** Built-in modules that are loaded when the gateway starts. */
  readonly builtIns: readonly string[];
  readonly inputs: readonly InputBytes[];
}

/** Builds the manifest of a bundle. */
export function makeManifest(bundle: Bundle, facts: ManifestFacts, makers: Makers): Manifest {
  const sizes = measure(bundle);
  return {
    manifestVersion: 1,
    input: `sha256:${facts.inputHash}`,
    program: `sha256:${facts.programHash}`,
    compiler: makers.compiler,
    node: { floor: NODE_FLOOR, engine: makers.engine },
    artifact: {
      file: ARTIFACT_FILE,
      digest: `sha256:${createHash("sha256").update(bundle.code).digest("hex")}`,
      bytes: sizes.bytes,
      gzipBytes: sizes.gzipBytes,
      parts: sizes.parts,
    },
    environments: facts.environments,
    routes: facts.routes,
    variables: facts.variables,
    builtIns: bundle.builtIns,
    inputs: bundle.inputs,
  };
}

/** Text of `manifest.json`. */
export function printManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
