/** Bytes of artifacts: the example as it is, without the traced twins, with a JWT policy, with the embedded store. */
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { compile } from "#compiler/compile.ts";
import { readProject } from "#compiler/1-parse/read-project.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

const example = join(import.meta.dirname, "..", "..", "examples", "websocket-chat", "gateway");

/** Changes of the example, by path. */
type Change = (files: Map<string, string>) => void;

const gateway = (files: Map<string, string>): string => files.get("gateway.yaml") ?? "";

const withoutTwins: Change = (files) => {
  files.set("gateway.yaml", `${gateway(files)}\nobservability: { debug: off }\n`);
};
const withoutSides: Change = (files) => {
  files.set("gateway.yaml", gateway(files).replace(/^(ops|admin):.*\n/gm, ""));
};
const embedded: Change = (files) => {
  files.set("gateway.yaml", gateway(files).replace("store: { kind: memory }", "store: { kind: embedded, file: apigw.db }"));
};
const withJwt: Change = (files) => {
  files.set(
    "proxies/rooms/policies/OA-Verify.yaml",
    "kind: VerifyJWT\nalgorithm: RS256\npublicKey: { jwks: { file: keys.json } }\nissuer: https://issuer.example\n",
  );
};

const variants: readonly (readonly [string, readonly Change[]])[] = [
  ["example", []],
  ["without traced twins", [withoutTwins]],
  ["without twins, ops and admin listeners", [withoutTwins, withoutSides]],
  ["with VerifyJWT (jose)", [withJwt]],
  ["with the embedded store", [embedded]],
];

async function measure(changes: readonly Change[]): Promise<{ bytes: number; gzip: number; inputs: readonly (readonly [string, number])[] }> {
  const files = new Map(readProject(example).files.map((file) => [file.path, file.text]));
  for (const change of changes) change(files);
  const { diagnostics, modules } = await compile([...files].map(([path, text]) => new SourceFile(path, text)));
  if (modules === undefined) throw new Error(diagnostics.all.map((diagnostic) => diagnostic.message).join("\n"));
  const { code, inputs } = await bundleProgram(modules, { minify: true });
  const sizes = inputs.map(({ path, bytes }) => [path, bytes] as const);
  return { bytes: Buffer.byteLength(code), gzip: gzipSync(code, { level: 9 }).length, inputs: sizes };
}

console.log("| artifact | bytes | gzip |\n|---|---:|---:|");
for (const [name, changes] of variants) {
  const { bytes, gzip } = await measure(changes);
  console.log(`| ${name} | ${bytes} | ${gzip} |`);
}
if (process.argv.includes("--inputs")) {
  const { inputs } = await measure([withoutTwins]);
  for (const [path, bytes] of [...inputs].sort((a, b) => b[1] - a[1]).slice(0, 40)) console.log(`${String(bytes).padStart(7)}  ${path}`);
}
