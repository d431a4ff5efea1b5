/**
 * The proxies that the connection benchmark compares: how each is configured and started. Everything is written into one
 * temporary folder; nothing is downloaded, and what is not installed is named and left out.
 */
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A proxy to be measured. */
export interface Contender {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Where it listens, where the target does, which key admits. */
export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly targetPort: number;
  readonly key: string;
}

/** A proxy that could be measured, or why it cannot. */
export type Candidate = { readonly name: string; readonly make: (place: Place) => Contender; readonly missing: string | null };

const bench = join(import.meta.dirname, "..");
const compiler = join(bench, "..", "compiler", "bin.js");

/** All of them, in the order of the table. `httpProxyFolder`: a folder in whose node_modules http-proxy is installed. */
export function candidates(httpProxyFolder: string | null): readonly Candidate[] {
  return [
    { name: "nginx", make: nginx, missing: installed("nginx", "-v") },
    { name: "haproxy", make: haproxy, missing: installed("haproxy", "-v") },
    {
      name: "http-proxy",
      make: (place) => httpProxy(place, httpProxyFolder ?? ""),
      missing: resolvable(httpProxyFolder),
    },
    { name: "floor", make: floor, missing: null },
    { name: "apigw", make: (place) => apigw("apigw", place, "off"), missing: null },
    { name: "apigw with log", make: (place) => apigw("apigw with log", place, "on"), missing: null },
  ];
}

function installed(command: string, flag: string): string | null {
  try {
    execFileSync(command, [flag], { stdio: "ignore" });
    return null;
  } catch {
    return `${command} is not installed`;
  }
}

function resolvable(folder: string | null): string | null {
  if (folder === null) return "http-proxy needs --http-proxy <folder where it is installed>";
  try {
    createRequire(join(folder, "x.js")).resolve("http-proxy");
    return null;
  } catch {
    return `http-proxy is not installed in ${folder}`;
  }
}

function nginx({ folder, port, targetPort, key }: Place): Contender {
  const file = join(folder, "nginx.conf");
  writeFileSync(file, `
worker_processes 1; daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log crit;
events { worker_connections 16000; }
http {
  access_log off;
  map $http_x_api_key $admitted { default 0; "${key}" 1; }
  upstream target { server 127.0.0.1:${targetPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      if ($admitted = 0) { return 401; }
      proxy_pass http://target; proxy_http_version 1.1; proxy_read_timeout 3600s;
      proxy_buffer_size 64k; proxy_buffers 4 64k;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
    }
  }
}
`);
  return { name: "nginx", command: "nginx", args: ["-c", file], environment: {} };
}

function haproxy({ folder, port, targetPort, key }: Place): Contender {
  const file = join(folder, "haproxy.cfg");
  writeFileSync(file, `
global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 1m
  timeout server 1m
  timeout http-request 30s
  timeout tunnel 1h
frontend clients
  bind 127.0.0.1:${port}
  http-request deny deny_status 401 unless { req.hdr(x-api-key) -m str ${key} }
  default_backend targets
backend targets
  server target 127.0.0.1:${targetPort}
`);
  return { name: "haproxy", command: "haproxy", args: ["-f", file], environment: {} };
}

function httpProxy({ folder, port, targetPort, key }: Place, from: string): Contender {
  const file = join(folder, "http-proxy.cjs");
  writeFileSync(file, `
const http = require("node:http");
const proxy = require(${JSON.stringify(createRequire(join(from, "x.js")).resolve("http-proxy"))}).createProxyServer({
  target: "http://127.0.0.1:${targetPort}",
});
proxy.on("error", () => {});
const server = http.createServer((request, response) => proxy.web(request, response));
server.on("upgrade", (request, socket, head) => {
  if (request.headers["x-api-key"] !== "${key}") return socket.end("HTTP/1.1 401 Unauthorized\\r\\n\\r\\n");
  proxy.ws(request, socket, head);
});
server.listen({ port: ${port}, host: "127.0.0.1", backlog: 4096 });
`);
  return { name: "http-proxy", command: process.execPath, args: ["--no-deprecation", file], environment: {} };
}

function floor({ port, targetPort, key }: Place): Contender {
  return {
    name: "floor",
    command: process.execPath,
    args: [join(bench, "floor", "bare-splice.mjs")],
    environment: { PORT: String(port), TARGET_PORT: String(targetPort), KEY: key },
  };
}

function apigw(name: string, { folder, port, targetPort, key }: Place, accessLog: "on" | "off"): Contender {
  const project = join(folder, `key-check-${accessLog}`);
  cpSync(join(bench, "bundles", "key-check"), project, { recursive: true });
  const root = join(project, "gateway.yaml");
  writeFileSync(root, readFileSync(root, "utf8").replace(/accessLog: \w+/, `accessLog: ${accessLog}`));
  execFileSync(process.execPath, [compiler, "build", project, "--out", join(project, "dist")], { stdio: "ignore" });
  return {
    name,
    command: process.execPath,
    args: [join(project, "dist", "gateway.cjs")],
    environment: {
      PORT: String(port),
      TARGET_URL: `http://127.0.0.1:${targetPort}`,
      BENCH_KEY: key,
      BENCH_SECRET: "not-used-by-the-load",
    },
  };
}
