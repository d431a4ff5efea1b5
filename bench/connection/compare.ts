/**
 * Compares the compiled gateway with the floor (bench/floor), and with nginx, HAProxy and http-proxy where they are installed:
 * CPU of the proxy's process per message and per handshake, memory per idle session. Each round measures every proxy once, in
 * turn; the best round counts, because noise only adds. Linux only (/proc).
 *
 *   npm run bench:connection -- [--rounds 3] [--seconds 2] [--hold 5000] [--peers FOLDER]
 *
 * `--peers`: a folder in whose node_modules http-proxy lies; it is no dependency of this project.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BenchFolder, hasPeer } from "../bench-folder.ts";
import { cpuUs, installed, loadCount, pause, pssKib, started, stopped, type Proxy } from "../proxy-process.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "2" },
    hold: { type: "string", default: "5000" },
    peers: { type: "string", default: "" },
  },
});
const folder = new BenchFolder();
const script = join(import.meta.dirname, "load.ts");
const TARGET_PORT = 9801;

const environment = {
  ...process.env,
  TARGET_PORT: String(TARGET_PORT),
  TARGET_URL: `http://127.0.0.1:${TARGET_PORT}`,
  KEY: "secret-key-1",
  BENCH_KEY: "secret-key-1",
  BENCH_SECRET: "secret",
  NODE_PATH: join(values.peers, "node_modules"),
};

function proxies(): Proxy[] {
  const floor = join(import.meta.dirname, "..", "floor", "bare-splice.mjs");
  const list: Proxy[] = [
    { name: "floor", port: 9811, command: process.execPath, args: [floor] },
    { name: "apigw", port: 9812, command: process.execPath, args: [folder.compile("key-check")] },
  ];
  if (installed("nginx")) list.unshift({ name: "nginx", port: 9813, command: "nginx", args: ["-c", nginxConfig()] });
  else console.log("nginx is not installed: left out");
  if (installed("haproxy")) list.push({ name: "haproxy", port: 9814, command: "haproxy", args: ["-f", haproxyConfig()] });
  else console.log("haproxy is not installed: left out");
  if (hasPeer(values.peers, "http-proxy")) list.push(httpProxy());
  return list;
}

function nginxConfig(): string {
  return folder.write("nginx.conf", `worker_processes 1; daemon off; master_process off; pid ${folder.path}/nginx.pid; error_log ${folder.path}/nginx.err crit;
events { worker_connections 16000; }
http {
  access_log off;
  map $http_x_api_key $admitted { default 0; "secret-key-1" 1; }
  server {
    listen 127.0.0.1:9813 backlog=4096;
    location / {
      if ($admitted = 0) { return 401; }
      proxy_pass http://127.0.0.1:${TARGET_PORT}; proxy_http_version 1.1; proxy_buffer_size 64k; proxy_buffers 4 64k;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; proxy_read_timeout 3600s;
    }
  }
}
`);
}

function haproxyConfig(): string {
  return folder.write("haproxy.cfg", `global
  maxconn 8000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
frontend public
  bind 127.0.0.1:9814
  http-request deny deny_status 401 unless { req.hdr(x-api-key) -m str secret-key-1 }
  default_backend target
backend target
  server target 127.0.0.1:${TARGET_PORT}
`);
}

function httpProxy(): Proxy {
  const script = folder.write("http-proxy.cjs", `
const http = require("node:http");
const proxy = require("http-proxy").createProxyServer({ target: "http://127.0.0.1:${TARGET_PORT}" });
proxy.on("error", () => undefined);
const server = http.createServer((request, response) => proxy.web(request, response));
server.on("upgrade", (request, socket, head) => {
  if (request.headers["x-api-key"] === "secret-key-1") proxy.ws(request, socket, head);
  else socket.end("HTTP/1.1 401 Unauthorized\\r\\n\\r\\n");
});
server.listen(9815, "127.0.0.1", 4096);
`);
  return { name: "http-proxy", port: 9815, command: process.execPath, args: [script] };
}

async function memory(pid: number, port: number): Promise<number> {
  const before = pssKib(pid);
  const child = spawn("taskset", ["-c", "1", process.execPath, script, "hold", String(port), values.hold], { stdio: ["pipe", "pipe", "inherit"] });
  const held = await new Promise<number>((resolve) => child.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString()))));
  await pause(1500);
  const perSession = (pssKib(pid) - before) / held;
  child.stdin.end();
  await new Promise((resolve) => child.once("close", resolve));
  await pause(500);
  return perSession;
}

const columns = ["64 B message, us", "16 KiB message, us", "handshake, us", "idle session, KiB"] as const;
const best = new Map<string, number[]>();
const target = spawn("taskset", ["-c", "1", process.execPath, script, "echo", String(TARGET_PORT)], { stdio: "ignore" });
try {
  const list = proxies();
  await pause(300);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const proxy of list) {
      const child = await started(proxy, environment);
      const pid = child.pid ?? 0;
      await pause(300);
      const kib = await memory(pid, proxy.port);
      const perUnit = async (...args: readonly (string | number)[]): Promise<number> => {
        const before = cpuUs(pid);
        const count = await loadCount(script, args);
        return (cpuUs(pid) - before) / count;
      };
      const handshake = async (): Promise<number> => {
        // Not measured: a process that just started translates its code while it serves, for some ten thousand handshakes.
        await loadCount(script, ["shake", proxy.port, 50, values.seconds]);
        return perUnit("shake", proxy.port, 50, values.seconds);
      };
      const figures = [
        await perUnit("pump", proxy.port, 50, 1, 64, values.seconds),
        await perUnit("pump", proxy.port, 10, 2, 16_384, values.seconds),
        await handshake(),
        kib,
      ];
      const before = best.get(proxy.name) ?? figures;
      best.set(proxy.name, figures.map((figure, at) => Math.min(figure, before[at] ?? figure)));
      await stopped(child);
    }
  }
  const floor = best.get("floor") ?? [];
  const nginx = best.get("nginx");
  console.log(`\n| best of ${values.rounds} rounds | ${columns.join(" | ")} |\n|---|${columns.map(() => "---:").join("|")}|`);
  for (const [name, figures] of best) {
    const cells = figures.map((figure, at) => {
      const toNginx = nginx === undefined ? "" : `, ${(figure / (nginx[at] ?? 1)).toFixed(2)} nginx`;
      return `${figure.toFixed(2)} (${(figure / (floor[at] ?? 1)).toFixed(2)} floor${toNginx})`;
    });
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
} finally {
  target.kill("SIGKILL");
  folder.remove();
}
