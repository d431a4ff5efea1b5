/**
 * Reading a project from disk: what is read, what is not, and the bounds. AGW1002, AGW1004 and AGW1005 are shown
 * here.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readProject } from "#compiler/1-parse/read-project.ts";

const bounds = { filesMax: 5, fileBytesMax: 100, foldersMax: 20, depthMax: 6 };
let dir = "";

beforeEach(() => {
  dir = realpathSync(mkdtempSync(path.join(tmpdir(), "apigw-project-")));
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function write(file: string, text: string | Uint8Array = "kind: Gateway\n"): void {
  mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
  writeFileSync(path.join(dir, file), text);
}

function read(): { paths: string[]; problems: string[] } {
  const { files, diagnostics } = readProject(dir, bounds);
  return {
    paths: files.map((file) => file.path),
    problems: diagnostics.all.map(({ code, message }) => `${code} ${message}`),
  };
}

describe("readProject", () => {
  it("reads the YAML files of the known folders and the files of property sets, in path order", () => {
    write("proxies/b/proxy.yaml");
    write("proxies/a/policies/VK.yaml");
    write("gateway.yaml");
    write("environments/prod.yml");
    write("proxies/a/resources/openapi.yaml");
    write("proxies/a/resources/oas/properties/no.properties");
    write("proxies/a/resources/properties/yes.properties");
    write("proxies/a/notes.txt");
    write("deploy/service.yaml");
    write("tests/chat.test.yaml");
    write("docker-compose.yaml");
    write(".github/workflows.yaml");
    write("node_modules/x/gateway.yaml");
    expect(read()).toEqual({
      paths: ["environments/prod.yml", "gateway.yaml", "proxies/a/policies/VK.yaml",
        "proxies/a/resources/properties/yes.properties", "proxies/b/proxy.yaml"],
      problems: [],
    });
  });

  it("reads folders and files with slightly wrong names, so that they can be reported", () => {
    write("Gateway.yaml");
    write("proxy/chat/proxy.yaml");
    write("enviroments/prod.yaml");
    expect(read().paths).toEqual(["Gateway.yaml", "enviroments/prod.yaml", "proxy/chat/proxy.yaml"]);
  });

  it("takes a byte order mark away, and refuses what is not UTF-8 (AGW1002)", () => {
    write("gateway.yaml", "\ufeffkind: Gateway\n");
    write("access/latin.yaml", Uint8Array.from([0x61, 0x3a, 0x20, 0xe9]));
    const { files, diagnostics } = readProject(dir, bounds);
    expect(files.map((file) => file.text)).toEqual(["kind: Gateway\n"]);
    expect(diagnostics.all.map(({ message }) => message)).toEqual([
      'cannot read "access/latin.yaml": it is not UTF-8 text',
    ]);
  });

  it("says that a folder does not exist (AGW1002)", () => {
    dir = path.join(dir, "absent");
    expect(read()).toEqual({ paths: [], problems: ['AGW1002 cannot read ".": it does not exist'] });
  });

  it("follows links within the project and none that leave it (AGW1005)", () => {
    write("gateway.yaml");
    write("environments/prod.yaml");
    symlinkSync("prod.yaml", path.join(dir, "environments/test.yaml"));
    symlinkSync("/etc/hostname", path.join(dir, "environments/out.yaml"));
    symlinkSync("nowhere.yaml", path.join(dir, "environments/broken.yaml"));
    symlinkSync(tmpdir(), path.join(dir, "proxies"));
    expect(read()).toEqual({
      paths: ["environments/prod.yaml", "environments/test.yaml", "gateway.yaml"],
      problems: [
        'AGW1005 "environments/broken.yaml" is a symbolic link that leaves the project or points nowhere',
        'AGW1005 "environments/out.yaml" is a symbolic link that leaves the project or points nowhere',
        'AGW1005 "proxies" is a symbolic link that leaves the project or points nowhere',
      ],
    });
  });

  it("ends on links that form a circle", () => {
    write("gateway.yaml");
    mkdirSync(path.join(dir, "access"));
    symlinkSync(".", path.join(dir, "access/again"));
    expect(read().problems.map((text) => text.slice(0, 7))).toEqual(["AGW1004"]);
  });

  it("reads no large file and no more files than the bound (AGW1004)", () => {
    write("access/00.yaml", "a".repeat(101));
    for (let i = 0; i < 7; i++) write(`access/${String(i)}.yaml`);
    const { paths, problems } = read();
    expect(paths).toHaveLength(5);
    expect(problems).toEqual(
      [
        "AGW1004 the project has too many files: at most 5",
        'AGW1004 the file "access/00.yaml" is too large: at most 100 bytes',
      ].sort(),
    );
  });
});
