/** Bundling: what is linked, what is left out, and that place and order leave no trace in the bytes. */
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "#compiler/assets.ts";
import { thirdPartyNotices } from "#compiler/6-bundle/notices.ts";
import { bundleProgram, type ModuleText } from "#compiler/6-bundle/bundle.ts";

const program: readonly ModuleText[] = [
  {
    path: "program/main.ts",
    text: `import { greet } from "./proxies/chat.ts";
import { closeReasons } from "#runtime/upgrade/close-reason.ts";
import { connect } from "node:tls";
import { createServer } from "node:net";
const settings: { readonly port: number } = { port: 0 };
console.log(greet(closeReasons.idle.label), typeof createServer, settings.port);
const unused = (): unknown => connect;`,
  },
  { path: "program/proxies/chat.ts", text: `export const greet = (name: string): string => \`hello \${name}\`;` },
];

let copy = "";

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "apigw-bundle-"));
  cpSync(join(packageRoot, "runtime"), join(copy, "runtime"), { recursive: true });
  symlinkSync(join(packageRoot, "node_modules"), join(copy, "node_modules"));
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe("a bundle", () => {
  test("holds the modules and the runtime files that they import, each with its bytes", async () => {
    const { inputs, code } = await bundleProgram(program, { minify: true });
    expect(inputs.map(({ path }) => path)).toEqual([
      "program/main.ts",
      "program/proxies/chat.ts",
      "runtime/upgrade/close-reason.ts",
    ]);
    expect(inputs.every(({ bytes }) => bytes > 0 && bytes < code.length)).toBe(true);
  });

  test("requires the built-in modules whose names are used, and no others", async () => {
    expect((await bundleProgram(program, { minify: true })).builtIns).toEqual(["node:net"]);
    const alsoTls = edited((text) => text.replace("typeof createServer", "createServer, connect"));
    expect((await bundleProgram(alsoTls, { minify: true })).builtIns).toEqual(["node:net", "node:tls"]);
  });

  test("is the same text from another copy of the package, another directory, another order of modules", async () => {
    const before = process.cwd();
    const here = await bundleProgram(program, { minify: true });
    let there;
    try {
      process.chdir(tmpdir());
      there = await bundleProgram(program.toReversed(), { minify: true, root: copy });
    } finally {
      process.chdir(before);
    }
    expect(there).toEqual(here);
    const changed = edited((text) => text.replace("hello", "goodbye"));
    expect((await bundleProgram(changed, { minify: true })).code).not.toBe(here.code);
  });

  test("tells no path of this machine, in the text or in its map, minified or not", async () => {
    for (const minify of [true, false]) {
      const { code, map } = await bundleProgram(program, { minify });
      expect(code + map).not.toContain(packageRoot);
      const expected = ["program/main.ts", "program/proxies/chat.ts", "runtime/upgrade/close-reason.ts"];
      expect(sourcesOf(map).sort()).toEqual(expected);
    }
  });

  test("keeps names and lines when it is not minified", async () => {
    const small = await bundleProgram(program, { minify: true });
    const readable = await bundleProgram(program, { minify: false });
    expect(readable.code).toContain("var closeReasons = {\n");
    expect(small.code).not.toContain("closeReasons");
    expect(small.code.length).toBeLessThan(readable.code.length);
  });

  test("begins with strict mode and links its map", async () => {
    const { code } = await bundleProgram(program, { minify: true });
    expect(code.startsWith('"use strict";(function(v)')).toBe(true);
    expect(code.trimEnd().endsWith("//# sourceMappingURL=gateway.cjs.map")).toBe(true);
  });

  test("leads a chained map on to what a module was made from", async () => {
    const origin = { sources: ["proxies/chat/proxy.yaml"], sourcesContent: ["kind: ApiProxy"] };
    const map = JSON.stringify({ version: 3, names: [], mappings: "AAAA", ...origin });
    const comment = `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString("base64")}`;
    const chained = edited((text) => (text.includes("greet = ") ? `${text}\n${comment}` : text));
    const sources = sourcesOf((await bundleProgram(chained, { minify: true })).map);
    expect(sources.some((source) => source.endsWith("proxies/chat/proxy.yaml"))).toBe(true);
  });

  test.each([
    ["a module that was not emitted", "./proxies/missing.ts", /no module program\/proxies\/missing.ts was emitted/],
    ["a runtime file that is not there", "#runtime/missing.ts", /missing\.ts/],
  ])("rejects %s", async (_, specifier, message) => {
    const broken = [{ path: "program/main.ts", text: `import ${JSON.stringify(specifier)};` }];
    await expect(bundleProgram(broken, { minify: true })).rejects.toThrow(message);
  });

  test("rejects a package that would have to be installed beside the artifact", async () => {
    const foreign = [{ path: "program/main.ts", text: `import x from "left-pad"; console.log(x);` }];
    await expect(bundleProgram(foreign, { minify: true })).rejects.toThrow(/left-pad/);
  });
});

describe("packages", () => {
  const using = async (text: string) => {
    writeFileSync(join(copy, "runtime", "door.ts"), text);
    const main = { path: "program/main.ts", text: `import * as door from "#runtime/door.ts"; console.log(door);` };
    return bundleProgram([main], { minify: true, root: copy });
  };

  test("ship when they are used", async () => {
    const without = await bundleProgram(program, { minify: true });
    expect(without.inputs.some(({ path }) => path.startsWith("node_modules/"))).toBe(false);
    const jose = await using(`import { jwtVerify } from "jose"; console.log(jwtVerify);`);
    expect(jose.inputs.some(({ path }) => path.startsWith("node_modules/jose/"))).toBe(true);
  });

  test("ship the client of a distributed store, in one file, only where the store is one", async () => {
    const redis = await using(`import { RedisStore } from "./state/redis.ts"; console.log(RedisStore);`);
    expect(redis.inputs.some(({ path }) => path.startsWith("node_modules/ioredis/"))).toBe(true);
    expect(redis.inputs.some(({ path }) => path.startsWith("node_modules/debug/"))).toBe(false);
    expect(redis.code).not.toMatch(/new Worker\(/);
    const embedded = await using(`import { EmbeddedStore } from "./state/embedded.ts"; console.log(EmbeddedStore);`);
    expect(embedded.inputs.some(({ path }) => path.startsWith("node_modules/"))).toBe(false);
  });

  test("leave behind those files of ws that nobody uses", async () => {
    const ws = await using(`import { Receiver } from "ws"; console.log(Receiver);`);
    const files = ws.inputs.map(({ path }) => path);
    expect(files).toContain("node_modules/ws/lib/receiver.js");
    expect(files).not.toContain("node_modules/ws/lib/websocket-server.js");
    expect(ws.builtIns).not.toContain("node:https");
    const server = await using(`import { WebSocketServer } from "ws"; console.log(WebSocketServer);`);
    expect(server.inputs.map(({ path }) => path)).toContain("node_modules/ws/lib/websocket-server.js");
  });

  test("are named in the notices with their licences", async () => {
    expect(thirdPartyNotices(await bundleProgram(program, { minify: true }))).toBeNull();
    const notices = thirdPartyNotices(await using(`import { Receiver } from "ws"; console.log(Receiver);`));
    expect(notices).toMatch(/^ws 8\.\d+\.\d+\n\nCopyright/);
    expect(notices).not.toContain("jose");
  });
});

function edited(edit: (text: string) => string): readonly ModuleText[] {
  return program.map(({ path, text }) => ({ path, text: edit(text) }));
}

function sourcesOf(map: string): string[] {
  const parsed: unknown = JSON.parse(map);
  const sources = typeof parsed === "object" && parsed !== null && "sources" in parsed ? parsed.sources : null;
  return Array.isArray(sources) ? sources.map(String) : [];
}
