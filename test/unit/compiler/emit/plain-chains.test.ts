/** Debug costs the plain chains nothing: with and without it every function of theirs is the same text. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compile } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

const folder = new URL("../../../golden/debug-sessions/bundle/", import.meta.url);
const files = ["VK-Key", "AM-User", "AM-Answer"].map((name) => `proxies/chat/policies/${name}.yaml`);

/** Functions and classes of the proxy's module by their first line. */
async function parts(more: string): Promise<ReadonlyMap<string, string>> {
  const gateway = `${readFileSync(new URL("gateway.yaml", folder), "utf8")}${more}`;
  const { modules } = await compile([
    new SourceFile("gateway.yaml", gateway),
    ...["proxies/chat/proxy.yaml", ...files].map((name) => new SourceFile(name, readFileSync(new URL(name, folder), "utf8"))),
  ]);
  const text = modules?.find(({ path }) => path === "program/proxies/chat.ts")?.text ?? "";
  const found = [...text.matchAll(/^(?:export )?(?:function|class) .*\{\n[^]*?^\}$/gm)].map(([part]) => part);
  return new Map(found.map((part) => [part.slice(0, part.indexOf("\n")), part]));
}

it("the plain chains are the same with and without Debug", async () => {
  const on = await parts("");
  const off = await parts("observability: { debug: off }\n");
  const plain = [...off.keys()].filter((name) => !name.startsWith("export "));
  expect(plain.length).toBeGreaterThan(4);
  for (const name of plain) expect(on.get(name), name).toBe(off.get(name));
  const twins = [...on.keys()].filter((name) => !off.has(name));
  expect(twins.length).toBe(3);
  for (const name of twins) expect(name).toMatch(/^function traced/);
});
