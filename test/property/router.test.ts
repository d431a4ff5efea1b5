/** The emitted router against a naive search: the longest base path wins, a literal segment beats `*`. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emittedProgram, type BundleFiles } from "../support/emitted-program.ts";

const letters = [..."abcdefghijkl"];
const literal = fc.constantFrom(...letters);
const basePath = fc
  .tuple(fc.array(fc.oneof({ weight: 3, arbitrary: literal }, { weight: 2, arbitrary: fc.constant("*") }), { maxLength: 4 }), literal)
  .map(([segments, first]) => (segments[0] === "*" ? [first, ...segments.slice(1)] : segments));
const requestPath = fc
  .array(fc.oneof({ weight: 6, arbitrary: literal }, { weight: 1, arbitrary: fc.constantFrom("", "z", "aa", "*") }), { maxLength: 5 })
  .map((segments) => `/${segments.join("/")}`);

function bundleOf(paths: readonly string[]): BundleFiles {
  const files: Record<string, string> = { "gateway.yaml": "kind: Gateway\nobservability: { debug: off }\n" };
  paths.forEach((path, at) => {
    files[`proxies/p${at}/proxy.yaml`] = `kind: ApiProxy\nproxyEndpoints: [{ basePath: ${JSON.stringify(path)} }]\n`;
  });
  return files;
}

/** The base path that takes a request's path. */
function naive(paths: readonly (readonly string[])[], requested: string): string | null {
  const segments = requested.slice(1).split("/");
  const matching = paths.filter((path) =>
    path.every((segment, at) => (segment === "*" ? (segments[at] ?? "") !== "" : segment === segments[at])),
  );
  const rank = (path: readonly string[]): string => path.map((segment) => (segment === "*" ? "0" : "1")).join("");
  const [best] = matching.toSorted((a, b) => b.length - a.length || (rank(a) < rank(b) ? 1 : -1));
  return best === undefined ? null : `/${best.join("/")}`;
}

describe("the emitted router", () => {
  it("agrees with a naive search", { timeout: 60_000 }, async () => {
    const found = { matched: 0, missed: 0, wildcards: 0 };
    const sets = fc.uniqueArray(basePath, { minLength: 1, maxLength: 40, selector: (segments) => segments.join("/") });
    await fc.assert(
      fc.asyncProperty(sets, fc.array(requestPath, { minLength: 40, maxLength: 60 }), async (paths, requests) => {
        const { route } = await emittedProgram(bundleOf(paths.map((segments) => `/${segments.join("/")}`)));
        for (const requested of [...requests, ...paths.map((segments) => `/${segments.join("/").replaceAll("*", "b")}`)]) {
          const expected = naive(paths, requested);
          expect(route("any.example", requested)?.basePath ?? null, requested).toBe(expected);
          if (expected === null) found.missed++;
          else found.matched++;
          if (expected?.includes("*") === true) found.wildcards++;
        }
      }),
      { numRuns: 25 },
    );
    // Both answers, and wildcards among them, were really seen.
    expect(Math.min(found.matched, found.missed, found.wildcards)).toBeGreaterThan(20);
  });

  it("chooses by host: exact, then the leftmost label, then any", async () => {
    const groups = [
      { name: "exact", hostnames: ["api.example.com"], environments: ["a"] },
      { name: "wild", hostnames: ["*.example.com"], environments: ["b"] },
      { name: "any", hostnames: ["*"], environments: ["c"] },
    ];
    const files: Record<string, string> = {
      "gateway.yaml": `kind: Gateway\nenvironmentGroups: ${JSON.stringify(groups)}\n`,
      "proxies/p/proxy.yaml": "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p }]\n",
    };
    for (const name of ["a", "b", "c"]) files[`environments/${name}.yaml`] = "kind: Environment\n";
    const { route } = await emittedProgram(files);
    const environments = ["api.example.com", "www.example.com", "a.b.example.com", "example.com", ".example.com", "evil-example.com", ""].map(
      (host) => route(host, "/p")?.environment,
    );
    expect(environments).toEqual(["a", "b", "c", "c", "c", "c", "c"]);
  });

  it("looks many hosts up in a map", async () => {
    const names = letters.map((letter) => `${letter}.example.com`);
    const files: Record<string, string> = {
      "gateway.yaml": `kind: Gateway\nenvironmentGroups: [{ name: g, hostnames: ${JSON.stringify(names)}, environments: [e] }]\n`,
      "environments/e.yaml": "kind: Environment\n",
      "proxies/p/proxy.yaml": "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p }]\n",
    };
    const { route } = await emittedProgram(files);
    expect(names.map((name) => route(name, "/p")?.environment)).toEqual(names.map(() => "e"));
    expect(route("z.example.com", "/p")).toBe(null);
  });
});
