/**
 * Plain HTTP: requests per CPU second of the compiled gateway, of @fastify/http-proxy and http-proxy with hooks that do the
 * same work in memory, and of nginx with the checks it has. VerifyAPIKey, SpikeArrest and AssignMessage stand in the chain;
 * answers are 1 KiB, connections are kept alive. Each round measures every proxy once, in turn; the best round counts, because
 * noise only adds. Linux only (/proc).
 *
 *   npm run bench:http -- [--rounds 5] [--seconds 2] [--connections 50] [--peers FOLDER]
 *
 * `--peers`: a folder in whose node_modules fastify, @fastify/http-proxy and http-proxy lie; they are no dependencies of this
 * project.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BenchFolder, hasPeer } from "../bench-folder.ts";
import { cpuUs, installed, loadCount, pause, started, stopped, type Proxy } from "../proxy-process.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    connections: { type: "string", default: "50" },
    peers: { type: "string", default: "" },
  },
});
const folder = new BenchFolder();
const script = join(import.meta.dirname, "load.ts");
const TARGET_PORT = 9821;
const environment = {
  ...process.env,
  TARGET_URL: `http://127.0.0.1:${TARGET_PORT}`,
  BENCH_KEY: "secret-key-1",
  BENCH_SECRET: "secret",
  NODE_PATH: join(values.peers, "node_modules"),
};

/** What the hooks of the two libraries do: look the key up by its digest, count the call, edit the headers. */
const HOOKS = `
const { createHash } = require("node:crypto");
const digest = (text) => createHash("sha256").update(text).digest("base64url");
const keys = new Map([[digest("secret-key-1"), { app: "load", status: "approved" }]]);
const window = { startedMs: 0, count: 0 };
/** The app of a request that may pass; null for one that may not. */
function admit(headers) {
  const key = headers["x-api-key"];
  const app = key === undefined ? undefined : keys.get(digest(key));
  if (app === undefined || app.status !== "approved") return null;
  const nowMs = Date.now();
  if (nowMs - window.startedMs >= 1000) { window.startedMs = nowMs; window.count = 0; }
  return ++window.count > 4000000 ? null : app.app;
}
`;

function proxies(): Proxy[] {
  const list: Proxy[] = [
    { name: "apigw", port: 9822, command: process.execPath, args: [folder.compile("http-chain")] },
  ];
  if (installed("nginx")) list.push({ name: "nginx", port: 9823, command: "nginx", args: ["-c", nginxConfig()] });
  else console.log("nginx is not installed: left out");
  if (hasPeer(values.peers, "@fastify/http-proxy")) list.push(fastify());
  if (hasPeer(values.peers, "http-proxy")) list.push(httpProxy());
  return list;
}

function nginxConfig(): string {
  return folder.write("nginx.conf", `worker_processes 1; daemon off; master_process off;
pid ${folder.path}/nginx.pid; error_log ${folder.path}/nginx.err crit;
events { worker_connections 16000; }
http {
  access_log off;
  map $http_x_api_key $app { default ""; "secret-key-1" "load"; }
  limit_req_zone $app zone=calls:1m rate=4000000r/s;
  upstream target { server 127.0.0.1:${TARGET_PORT}; keepalive 64; }
  server {
    listen 127.0.0.1:9823 backlog=4096; keepalive_requests 100000000;
    location / {
      if ($app = "") { return 401; }
      limit_req zone=calls burst=100000 nodelay;
      proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Api-Key ""; proxy_set_header X-App $app;
    }
  }
}
`);
}

function fastify(): Proxy {
  const path = folder.write("fastify.cjs", `${HOOKS}
const app = require("fastify")({ logger: false });
app.register(require("@fastify/http-proxy"), {
  upstream: "http://127.0.0.1:${TARGET_PORT}",
  preHandler(request, reply, done) {
    request.app = admit(request.headers);
    if (request.app === null) return void reply.code(401).send();
    done();
  },
  replyOptions: {
    rewriteRequestHeaders(request, { "x-api-key": _, ...headers }) {
      return { ...headers, "x-app": request.app };
    },
  },
});
app.listen({ port: 9824, host: "127.0.0.1" });
`);
  return { name: "@fastify/http-proxy", port: 9824, command: process.execPath, args: [path] };
}

function httpProxy(): Proxy {
  const path = folder.write("http-proxy.cjs", `${HOOKS}
const http = require("node:http");
const agent = new http.Agent({ keepAlive: true });
const proxy = require("http-proxy").createProxyServer({ target: "http://127.0.0.1:${TARGET_PORT}", agent });
proxy.on("error", (_error, _request, response) => response.writeHead(502).end());
http.createServer((request, response) => {
  const app = admit(request.headers);
  if (app === null) return void response.writeHead(401).end();
  delete request.headers["x-api-key"];
  request.headers["x-app"] = app;
  proxy.web(request, response);
}).listen(9825, "127.0.0.1", 4096);
`);
  return { name: "http-proxy", port: 9825, command: process.execPath, args: [path] };
}

const best = new Map<string, number>();
const target = spawn("taskset", ["-c", "1", process.execPath, script, "target", String(TARGET_PORT)], {
  stdio: "ignore",
});
try {
  const list = proxies();
  await pause(300);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const proxy of list) {
      const child = await started(proxy, environment);
      const pid = child.pid ?? 0;
      const pump = ["pump", proxy.port, values.connections, values.seconds];
      // Not measured: a process that just started translates its code while it serves.
      await loadCount(script, pump);
      const before = cpuUs(pid);
      const count = await loadCount(script, pump);
      const perRequestUs = (cpuUs(pid) - before) / count;
      best.set(proxy.name, Math.min(perRequestUs, best.get(proxy.name) ?? Infinity));
      await stopped(child);
    }
  }
  const own = best.get("apigw") ?? Number.NaN;
  console.log(`\n| best of ${values.rounds} rounds | CPU per request, us | requests per CPU second, apigw to it |`);
  console.log("|---|---:|---:|");
  for (const [name, us] of best) console.log(`| ${name} | ${us.toFixed(1)} | ${(us / own).toFixed(2)} |`);
} finally {
  target.kill("SIGKILL");
  folder.remove();
}
