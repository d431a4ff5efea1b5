/** The manifest: what it repeats, and what never changes it. */
import { describe, expect, test } from "vitest";
import type { Bundle } from "#compiler/6-bundle/bundle.ts";
import { makeManifest, printManifest, type ManifestFacts } from "#compiler/6-bundle/manifest.ts";
import { measure } from "#compiler/6-bundle/sizes.ts";

const bundle: Bundle = {
  code: "x".repeat(1000),
  map: "",
  inputs: [
    { path: "node_modules/@scope/pack/a.js", bytes: 20 },
    { path: "node_modules/ws/lib/receiver.js", bytes: 100 },
    { path: "program/main.ts", bytes: 200 },
    { path: "program/proxies/a.ts", bytes: 50 },
    { path: "runtime/listen/listen.ts", bytes: 600 },
  ],
  builtIns: ["node:net"],
};
const facts: ManifestFacts = { inputHash: "00ff", programHash: "11ee", environments: ["prod"], routes: [], variables: [] };
const makers = { compiler: "1.2.3", engine: "26.10.0" };

describe("sizes", () => {
  test("are counted by part, and the parts add up", () => {
    const { bytes, parts } = measure(bundle);
    expect(parts).toEqual([
      { part: "app", bytes: 250 },
      { part: "runtime", bytes: 600 },
      { part: "@scope/pack", bytes: 20 },
      { part: "ws", bytes: 100 },
      { part: "glue", bytes: 30 },
    ]);
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(bytes);
  });
});

describe("the manifest", () => {
  test("says what the artifact is, and the same each time", () => {
    const manifest = makeManifest(bundle, facts, makers);
    expect(manifest).toMatchObject({
      manifestVersion: 1,
      input: "sha256:00ff",
      program: "sha256:11ee",
      compiler: "1.2.3",
      node: { floor: "26.5.1", engine: "26.10.0" },
      artifact: { file: "gateway.cjs", bytes: 1000 },
      builtIns: ["node:net"],
    });
    expect(printManifest(makeManifest(bundle, facts, makers))).toBe(printManifest(manifest));
  });
});
