/**
 * Memory of a gateway while bodies stream through it: a compiled proxy, 1 GiB up and 1 GiB down, by length and chunked, and
 * how far its resident memory grew. The client, the target and the gateway have a process each; Linux only.
 */
import { execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BODY_BYTES = 1024 * 1024 * 1024;
const PIECE = Buffer.alloc(256 * 1024, "x");
const SAMPLE_MS = 20;
const root = join(import.meta.dirname, "..", "..");

if (process.argv[2] === "target") await target();
else await measure();

/** Takes whole bodies in, and answers GET with one. */
async function target(): Promise<void> {
  const server = createServer((incoming, outgoing) => {
    if (incoming.method !== "GET") return void incoming.resume().on("end", () => outgoing.end());
    if (incoming.url === "/length") outgoing.setHeader("Content-Length", BODY_BYTES);
    writeAll(outgoing, () => outgoing.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  process.send?.(typeof address === "object" && address !== null ? address.port : 0);
}

/** Writes a body with back-pressure. */
function writeAll(to: NodeJS.WritableStream, done: () => void): void {
  let left = BODY_BYTES / PIECE.length;
  const more = (): void => {
    while (left > 0) {
      left--;
      if (!to.write(PIECE)) return void to.once("drain", more);
    }
    done();
  };
  more();
}

async function measure(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "apigw-stream-"));
  const targetProcess = fork(import.meta.filename, ["target"]);
  const [targetPort] = await once(targetProcess, "message");
  mkdirSync(join(work, "proxies", "open"), { recursive: true });
  writeFileSync(join(work, "gateway.yaml"),
    "kind: Gateway\nlisteners: [{ port: { env: PORT, default: 8080 }, host: 127.0.0.1 }]\nstore: { kind: memory }\n");
  writeFileSync(join(work, "proxies", "open", "proxy.yaml"),
    `kind: ApiProxy\nproxyEndpoints: [{ basePath: /open }]\ntargetEndpoints: [{ url: "http://127.0.0.1:${targetPort}" }]\n`);
  const compiler = join(root, "compiler", "bin.js");
  execFileSync(process.execPath, [compiler, "build", work, "--out", join(work, "dist")], { stdio: "ignore" });
  const gateway = spawn(process.execPath, [join(work, "dist", "gateway.cjs")], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<number>((resolve) => {
    createInterface({ input: gateway.stdout }).on("line", (line) => {
      const found = /127\.0\.0\.1:([0-9]+)/.exec(line) ?? /"port":"?([0-9]+)/.exec(line);
      if (found !== null) resolve(Number(found[1]));
    });
  });
  const pid = gateway.pid ?? 0;
  // What the first requests allocate for good is not what bodies cost.
  for (let n = 0; n < 50; n++) await exchange(port, "POST", "/open/small", null);
  console.log("| 1 GiB | seconds | RSS before, MiB | most, MiB | growth, MiB |\n|---|---:|---:|---:|---:|");
  const rows: [string, string, string][] = [
    ["up, by length", "POST", "/open/length"],
    ["up, chunked", "PUT", "/open/chunked"],
    ["down, by length", "GET", "/open/length"],
    ["down, chunked", "GET", "/open/chunked"],
  ];
  for (const [name, verb, path] of rows) {
    const before = rssMib(pid);
    let most = before;
    const sampler = setInterval(() => (most = Math.max(most, rssMib(pid))), SAMPLE_MS);
    const startMs = performance.now();
    await exchange(port, verb, path, verb === "GET" ? null : path.endsWith("length") ? "length" : "chunked");
    clearInterval(sampler);
    const seconds = (performance.now() - startMs) / 1000;
    console.log(`| ${name} | ${seconds.toFixed(1)} | ${before.toFixed(0)} | ${most.toFixed(0)} | ${(most - before).toFixed(0)} |`);
  }
  gateway.kill("SIGKILL");
  targetProcess.kill("SIGKILL");
  rmSync(work, { recursive: true });
}

/** One exchange to its end; the answer's body is read and dropped. */
function exchange(port: number, method: string, path: string, body: "length" | "chunked" | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = body === "length" ? { "Content-Length": BODY_BYTES } : {};
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      answer.resume().on("end", () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`${method} ${path}: ${answer.statusCode}`));
      });
    });
    outgoing.on("error", reject);
    if (body === null) outgoing.end();
    else writeAll(outgoing, () => outgoing.end());
  });
}

/** Resident memory of a process (Linux). */
function rssMib(pid: number): number {
  return Number(/VmRSS:\s+([0-9]+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}
