/**
 * CPU from spawn to listening, less that of a bare Node that ends at once: plain listener and memory store, then TLS, then the
 * embedded store. User and system time as the operating system counts them, minimum and median of several runs in turn.
 */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = join(import.meta.dirname, "..", "..");
const example = join(root, "examples", "websocket-chat", "gateway");
const work = mkdtempSync(join(tmpdir(), "apigw-start-"));
const rounds = Number(process.argv[2] ?? 9);

const environment = {
  ...process.env,
  PORT: "0",
  OPS_PORT: "0",
  ADMIN_PORT: "0",
  CHAT_KEY: "key",
  CHAT_SECRET: "secret",
  ADMIN_SECRET: "a-secret-for-the-bench",
  TLS_CERT: join(work, "cert.pem"),
  TLS_KEY: join(work, "key.pem"),
};

/** Builds a changed example; the path of its artifact. */
function build(name: string, change: (gateway: string) => string): string {
  const folder = join(work, name);
  cpSync(example, folder, { recursive: true });
  const file = join(folder, "gateway.yaml");
  writeFileSync(file, change(readFileSync(file, "utf8")));
  execFileSync(process.execPath, [join(root, "compiler", "bin.js"), "build", folder, "--out", join(folder, "dist")], { stdio: "ignore" });
  return join(folder, "dist", "gateway.cjs");
}

/** CPU milliseconds of a process so far, from its scheduler statistics (Linux). */
function cpuMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e6 + threadsCpuMs(pid);
}

function threadsCpuMs(pid: number): number {
  const tasks = execFileSync("ls", [`/proc/${pid}/task`], { encoding: "utf8" }).split("\n").filter((task) => task !== "" && task !== String(pid));
  return tasks.reduce((sum, task) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1e6;
    } catch {
      return sum;
    }
  }, 0);
}

/** Starts a gateway and returns its CPU when it says that it is ready. */
async function toReady(artifact: string, cwd: string): Promise<number> {
  const child = spawn(process.execPath, [artifact], { cwd, env: environment, stdio: ["ignore", "pipe", "inherit"] });
  const spent = await new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.includes('"event":"ready"')) resolve(cpuMs(child.pid ?? 0));
    });
  });
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  return spent;
}

/** A Node that has started and does nothing. */
async function bare(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "console.log('x'); setInterval(() => {}, 1e6)"], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const spent = cpuMs(child.pid ?? 0);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  return spent;
}

execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
  "-keyout", environment.TLS_KEY, "-out", environment.TLS_CERT], { stdio: "ignore" });
const tls = "port: { env: PORT, default: 8080 }, tls: { certFile: { env: TLS_CERT }, keyFile: { env: TLS_KEY } } }";
const artifacts = {
  "plain listener, memory store": build("plain", (text) => text.replace(/^(ops|admin):.*\n/gm, "")),
  "with ops and admin listeners": build("sides", (text) => text),
  "TLS listener": build("tls", (text) => text.replace(/^(ops|admin):.*\n/gm, "").replace("port: { env: PORT, default: 8080 } }", tls)),
  "embedded store": build("embedded", (text) =>
    text.replace(/^(ops|admin):.*\n/gm, "").replace("store: { kind: memory }", "store: { kind: embedded, file: apigw.db }")),
};
const results = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  results.set("bare", [...(results.get("bare") ?? []), await bare()]);
  for (const [name, artifact] of Object.entries(artifacts)) {
    rmSync(join(work, "apigw.db"), { force: true });
    results.set(name, [...(results.get(name) ?? []), await toReady(artifact, work)]);
  }
}
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const base = results.get("bare") ?? [];
console.log(`bare Node: minimum ${Math.min(...base).toFixed(1)} ms, median ${median(base).toFixed(1)} ms of CPU (${rounds} rounds)\n`);
console.log("| start to listening, CPU over bare Node | minimum, ms | median, ms |\n|---|---:|---:|");
for (const name of Object.keys(artifacts)) {
  const values = results.get(name) ?? [];
  console.log(`| ${name} | ${(Math.min(...values) - Math.min(...base)).toFixed(1)} | ${(median(values) - median(base)).toFixed(1)} |`);
}
rmSync(work, { recursive: true });
