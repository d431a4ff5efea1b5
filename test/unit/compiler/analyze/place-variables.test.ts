import { expect, test } from "vitest";
import { compile } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

/** Codes and helps of what the compiler says about one AssignMessage. */
async function said(actions: string): Promise<string[]> {
  const { diagnostics } = await compile([
    new SourceFile("gateway.yaml", "kind: Gateway\n"),
    new SourceFile(
      "proxies/p/proxy.yaml",
      "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [AM] }, routeRules: [{ name: none }] }]\n",
    ),
    new SourceFile("proxies/p/policies/AM.yaml", `kind: AssignMessage\nactions: [${actions}]\n`),
  ], { until: "plan" });
  return diagnostics.all.map(({ code, help }) => (help === null ? code : `${code} ${help}`));
}

const write = (name: string): string => `{ assignVariable: { name: ${name}, value: a } }`;
const read = (name: string): string => `{ set: { headers: { x: "{${name}}" } } }`;

test.each(["current.flow.description", "proxy.flow.name", "target.flow.description", "system.uuid", "client.sent.end.time"])(
  "%s can be read and not written", async (name) => {
    expect(await said(read(name))).toEqual([]);
    expect(await said(write(name))).toEqual([expect.stringMatching(/^AGW3007/)]);
  });

test("private variables are custom variables", async () => {
  expect(await said(`${write("private.key")}, ${read("private.key")}`)).toEqual([]);
  expect(await said(read("private.key"))).toEqual([expect.not.stringContaining("Apigee")]);
  expect(await said(read("mint.key"))).toEqual([expect.stringContaining("Apigee sets it")]);
});
