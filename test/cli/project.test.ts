/** Projects from init to an artifact: what is written, what is printed where, and with which exit code. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { projectWith, runCommand, temporaryFolder } from "./run-command.ts";

const gateway = "kind: Gateway\nstore: { kind: memory }\n";
const proxy = `kind: ApiProxy
proxyEndpoints: [{ basePath: /v1/chat }]
targetEndpoints: [{ url: "http://127.0.0.1:3000" }]
`;
const whole = { "gateway.yaml": gateway, "proxies/chat/proxy.yaml": proxy };
const broken = { ...whole, "proxies/chat/proxy.yaml": proxy.replace("basePath", "basePaht") };

describe("init", () => {
  test.each(["minimal", "websocket"])("makes a %s project that checks clean and builds", async (template) => {
    const folder = temporaryFolder();
    const made = await runCommand(["init", "shop", "--template", template], { cwd: folder });
    expect(made.exitCode).toBe(0);
    const others = [".gitignore", ".github/workflows/gateway.yml", "deploy/Dockerfile", "schema/proxy.schema.json"];
    for (const path of ["README.md", ...others]) {
      expect(existsSync(join(folder, "shop", path)), path).toBe(true);
    }
    for (const path of made.stdout.trim().split("\n")) expect(existsSync(join(folder, path)), path).toBe(true);

    const checked = await runCommand(["check", "shop", "--max-warnings", "0"], { cwd: folder });
    expect(checked).toMatchObject({ exitCode: 0, stdout: "" });

    const built = await runCommand(["build", "shop", "--out", "out"], { cwd: folder });
    expect(built.exitCode).toBe(0);
    expect(readdirSync(join(folder, "out")).sort()).toEqual(["gateway.cjs", "gateway.cjs.map", "manifest.json"]);
  });

  test("points every file's first line at a schema that it wrote", async () => {
    const folder = temporaryFolder();
    const { stdout } = await runCommand(["init"], { cwd: folder });
    const yaml = stdout.trim().split("\n").filter((path) => path.endsWith(".yaml"));
    expect(yaml.length).toBeGreaterThan(5);
    for (const path of yaml) {
      const text = readFileSync(join(folder, path), "utf8");
      const [, schema = ""] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
      expect(existsSync(join(folder, path, "..", schema)), `${path} -> ${schema}`).toBe(true);
    }
  });

  test("overwrites nothing unless forced", async () => {
    const folder = projectWith({ "gateway.yaml": "mine" });
    const refused = await runCommand(["init", "."], { cwd: folder });
    expect(refused).toMatchObject({ exitCode: 64, stdout: "" });
    expect(refused.stderr).toMatch(/already has gateway\.yaml\n {2}= help: --force/);
    expect(readdirSync(folder)).toEqual(["gateway.yaml"]);
    expect(readFileSync(join(folder, "gateway.yaml"), "utf8")).toBe("mine");

    expect((await runCommand(["init", ".", "--force"], { cwd: folder })).exitCode).toBe(0);
    expect(readFileSync(join(folder, "gateway.yaml"), "utf8")).toContain("kind: Gateway");
  });
});

describe("check", () => {
  test("is quiet on stdout and exits with 0 for a sound project, found from a folder below", async () => {
    const folder = projectWith(whole);
    const outcome = await runCommand(["check"], { cwd: join(folder, "proxies", "chat") });
    expect(outcome).toMatchObject({ exitCode: 0, stdout: "" });
  });

  test("stops looking for a project at the root of the repository", async () => {
    const folder = projectWith(whole);
    mkdirSync(join(folder, "proxies", ".git"));
    expect((await runCommand(["check"], { cwd: join(folder, "proxies", "chat") })).exitCode).toBe(78);
    rmSync(join(folder, "proxies", ".git"), { recursive: true });
    expect((await runCommand(["check"], { cwd: join(folder, "proxies", "chat") })).exitCode).toBe(0);
  });

  test("shows code, place, line and a count of the problems on stderr and exits with 1", async () => {
    const { exitCode, stdout, stderr } = await runCommand(["check", "."], { cwd: projectWith(broken) });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^error\[AGW1\d{3}\]: /m);
    expect(stderr).toContain("proxies/chat/proxy.yaml:2:");
    expect(stderr).toContain("basePath");
    expect(stderr).not.toContain("\u001b[");
  });

  test("colours the text when asked, and only the text", async () => {
    const folder = projectWith(broken);
    const args = ["check", ".", "--color", "--format", "text", "--format", "json"];
    const { stdout, stderr } = await runCommand(args, { cwd: folder });
    expect(stderr).toContain("\u001b[");
    expect(stdout).not.toContain("\u001b[");
    expect(() => JSON.parse(stdout)).not.toThrow();
  });

  test("prints one JSON document on stdout and nothing on stderr", async () => {
    const cwd = projectWith(broken);
    const { exitCode, stdout, stderr } = await runCommand(["check", ".", "--format", "json"], { cwd });
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "" });
    const document: unknown = JSON.parse(stdout);
    expect(JSON.stringify(document)).toMatch(/"AGW1\d{3}"/);
    expect(JSON.stringify(document)).toContain("proxies/chat/proxy.yaml");
  });

  test("writes documents into the files that are named, several in one run", async () => {
    const folder = projectWith(broken);
    const { exitCode, stdout, stderr } = await runCommand(
      ["check", ".", ...["sarif=out.sarif", "junit=out.xml", "github", "text"].flatMap((form) => ["--format", form])],
      { cwd: folder },
    );
    expect(exitCode).toBe(1);
    expect(JSON.parse(readFileSync(join(folder, "out.sarif"), "utf8"))).toMatchObject({ version: "2.1.0" });
    expect(readFileSync(join(folder, "out.xml"), "utf8")).toMatch(/^<\?xml[^]*<testsuite/);
    expect(stdout).toMatch(/^::error .*file=proxies\/chat\/proxy\.yaml/m);
    expect(stderr).toMatch(/^error\[AGW1/m);
  });

  test("names files in annotations from the folder where it runs", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "shop/proxies/chat"), { recursive: true });
    for (const [path, text] of Object.entries(broken)) writeFileSync(join(folder, "shop", path), text);
    const { stdout } = await runCommand(["check", "shop", "--format", "github"], { cwd: folder });
    expect(stdout).toContain("file=shop/proxies/chat/proxy.yaml");
  });

  test("refuses an environment that the project does not have", async () => {
    const { exitCode, stdout, stderr } = await runCommand(["check", ".", "--env", "prdo"], { cwd: projectWith(whole) });
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain('no environment "prdo"\n  = help: its environments are default');
    expect((await runCommand(["check", ".", "--env", "default"], { cwd: projectWith(whole) })).exitCode).toBe(0);
  });

  test("cannot write a document: 78", async () => {
    const cwd = projectWith(whole);
    const outcome = await runCommand(["check", ".", "--format", "json=no/such/folder.json"], { cwd });
    expect(outcome.exitCode).toBe(78);
    expect(outcome.stderr).toContain("cannot write no/such/folder.json");
  });
});

describe("build", () => {
  test("writes nothing and exits with 1 when there are errors", async () => {
    const folder = projectWith(broken);
    const { exitCode, stdout } = await runCommand(["build"], { cwd: folder });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(existsSync(join(folder, "dist"))).toBe(false);
  });

  test("writes the artifact, its map and its manifest, and reports sizes and digests", async () => {
    const folder = projectWith(whole);
    const { exitCode, stdout, stderr } = await runCommand(["build"], { cwd: folder });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^ {2}proxies 1 {3}routes 1 \(1 websocket\) {3}policies 0$/m);
    expect(stdout).toMatch(/^ {2}dist\/gateway\.cjs {3}[\d.]+ kB, gzip [\d.]+ kB {3}\(app [\d.]+, runtime [\d.]+, /m);
    expect(stdout).not.toMatch(/jose|ws \d/);

    const code = readFileSync(join(folder, "dist/gateway.cjs"));
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "dist/manifest.json"), "utf8"));
    expect(manifest).toMatchObject({
      artifact: { digest: `sha256:${createHash("sha256").update(code).digest("hex")}`, bytes: code.length },
      routes: [{ basePath: "/v1/chat", proxy: "chat", endpoint: "default", webSocket: { level: "tracked" } }],
    });
    expect(JSON.stringify(manifest)).not.toContain(folder);
  });

  test("gives the same bytes from two directories and on two days", async () => {
    const folders = [projectWith(whole), projectWith(whole)];
    const outcomes = await Promise.all(folders.map((cwd) => runCommand(["build", "--reproducible"], { cwd })));
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    const [one, other] = folders.map((folder) =>
      readdirSync(join(folder, "dist")).sort().map((name) => [name, readFileSync(join(folder, "dist", name), "utf8")]),
    );
    expect(one).toEqual(other);
  });

  test.each(["model", "program", "plan", "ts"])("prints the %s and writes nothing", async (shape) => {
    const folder = projectWith(whole);
    const { exitCode, stdout } = await runCommand(["build", "--print", shape], { cwd: folder });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("/v1/chat");
    expect(existsSync(join(folder, "dist"))).toBe(false);
  });

  test("lists the variables that the gateway needs", async () => {
    const folder = projectWith({
      ...whole,
      "proxies/chat/proxy.yaml": proxy.replace('"http://127.0.0.1:3000"', "{ env: CHAT_URL }"),
      "gateway.yaml": `${gateway}listeners: [{ port: { env: PORT, default: 8080 } }]\n`,
    });
    const { stdout } = await runCommand(["build"], { cwd: folder });
    expect(stdout).toMatch(/^ {2}needs CHAT_URL$/m);
    expect(JSON.parse(readFileSync(join(folder, "dist/manifest.json"), "utf8"))).toMatchObject({
      variables: [
        { name: "CHAT_URL", required: true, secret: false, default: null },
        { name: "PORT", required: false, secret: false, default: 8080 },
      ],
    });
  });

  test("makes an artifact that refuses an old Node with one line", async () => {
    const folder = projectWith(whole);
    await runCommand(["build"], { cwd: folder });
    const pretend = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })';
    const outcome = await runCommand([], {
      script: join(folder, "dist/gateway.cjs"),
      nodeArgs: ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`],
    });
    expect(outcome).toMatchObject({ exitCode: 78, stdout: "" });
    expect(outcome.stderr).toBe("gateway: needs Node.js 26.5.1 or later, this is 20.20.2\n");
  });

  test("an output folder that cannot be made: 78", async () => {
    const folder = projectWith({ ...whole, dist: "a file" });
    const { exitCode, stderr } = await runCommand(["build"], { cwd: folder });
    expect(exitCode).toBe(78);
    expect(stderr).toContain("cannot write to");
  });
});

describe("inspect routes", () => {
  test("prints a table, or the same as JSON", async () => {
    const folder = projectWith(whole);
    const [table, json] = await Promise.all([
      runCommand(["inspect", "routes"], { cwd: folder }),
      runCommand(["inspect", "routes", "--json"], { cwd: folder }),
    ]);
    expect(table.exitCode).toBe(0);
    const [heading, row, ...rest] = table.stdout.split("\n");
    expect(heading).toMatch(/^host +base path +environment +proxy +websocket +chain$/);
    expect(row).toMatch(/^\* +\/v1\/chat +default +chat +tracked +[0-9a-f]{16}$/);
    expect(rest).toEqual([""]);
    expect(JSON.parse(json.stdout)).toMatchObject([{ hostnames: ["*"], basePath: "/v1/chat", proxy: "chat" }]);
  });
});
