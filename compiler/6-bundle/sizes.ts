/** How large an artifact is and what takes the room, counted from esbuild's own figures. It formats nothing. */
import { gzipSync } from "node:zlib";
import type { Bundle, InputBytes } from "./bundle.ts";

/** Bytes of one part of an artifact. */
export interface PartBytes {
  /** `app` (generated code), `runtime`, a package's name, or `glue` (the version check and what esbuild adds). */
  readonly part: string;
  readonly bytes: number;
}

/** Sizes of an artifact. */
export interface ArtifactSizes {
  readonly bytes: number;
  readonly gzipBytes: number;
  /** In the order app, runtime, packages by name, glue; parts without bytes are left out, app and runtime never. */
  readonly parts: readonly PartBytes[];
}

/** Measures a bundle. */
export function measure(bundle: Bundle): ArtifactSizes {
  const bytes = Buffer.byteLength(bundle.code);
  const counts = new Map<string, number>([["app", 0], ["runtime", 0]]);
  for (const input of bundle.inputs) {
    const part = partOf(input);
    if (part === null) continue;
    counts.set(part, (counts.get(part) ?? 0) + input.bytes);
  }
  const counted = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...counts].map(([part, count]) => ({ part, bytes: count }));
  return {
    bytes,
    gzipBytes: gzipSync(bundle.code, { level: 9 }).byteLength,
    parts: [...parts, { part: "glue", bytes: bytes - counted }],
  };
}

/** Name of the package that an input belongs to; null for our own files. */
export function packageOf(input: InputBytes): string | null {
  const [top, name, second] = input.path.split("/");
  if (top !== "node_modules" || name === undefined) return null;
  return name.startsWith("@") ? `${name}/${second ?? ""}` : name;
}

function partOf(input: InputBytes): string | null {
  if (input.path.startsWith("program/")) return "app";
  if (input.path.startsWith("runtime/")) return "runtime";
  return packageOf(input);
}
