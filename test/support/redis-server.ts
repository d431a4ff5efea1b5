/**
 * A real redis-server of a test's own: on a loopback port, with a folder of its own, killed and removed at the end. A
 * machine without the program fails the test with what to install.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Of the process; for signals. */
  readonly pid: number;
  /** Runs one command on a connection of its own, by redis-cli. */
  run(...command: readonly string[]): Promise<string>;
  /** Stops answering (SIGSTOP) and goes on (SIGCONT); connections stay. */
  freeze(): void;
  thaw(): void;
  /** Ends at once, without a word; what it held is lost unless it was started with a file. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
  /** Kills it and removes its folder. */
  remove(): Promise<void>;
}

/** Starts one with these settings (`--name value`) and waits until it answers. `port`: for a test that names it. */
export async function startRedis(...settings: readonly string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "apigw-redis-"));
  const port = await freePort();
  const cliSettings: string[] = ["-h", "127.0.0.1", "-p", String(port)];
  const ca = settings.indexOf("--tls-ca-cert-file");
  if (ca >= 0) cliSettings.push("--tls", "--cacert", settings[ca + 1] ?? "");
  const place = ca >= 0 ? ["--port", "0", "--tls-port", String(port)] : ["--port", String(port)];
  let server = await start([...place, "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...settings]);
  return {
    port,
    url: `${ca >= 0 ? "rediss" : "redis"}://127.0.0.1:${port}`,
    get pid() {
      return server.pid ?? 0;
    },
    run: (...command) => runCli([...cliSettings, ...command]),
    freeze: () => void server.kill("SIGSTOP"),
    thaw: () => void server.kill("SIGCONT"),
    kill: () => kill(server),
    async restart() {
      server = await start([...place, "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...settings]);
    },
    async remove() {
      await kill(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface SentinelServer {
  readonly port: number;
  run(...command: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

/** A Sentinel that watches a server under a name; `more`: further settings of it. */
export async function startSentinel(name: string, watched: RedisServer, more: readonly string[] = []): Promise<SentinelServer> {
  const folder = mkdtempSync(join(tmpdir(), "apigw-sentinel-"));
  const port = await freePort();
  const file = join(folder, "sentinel.conf");
  const lines = [`port ${port}`, "bind 127.0.0.1", `dir ${folder}`, `sentinel monitor ${name} 127.0.0.1 ${watched.port} 1`, ...more.map((setting) => `sentinel ${setting}`)];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const child = await start([file, "--sentinel"], "+monitor master");
  return {
    port,
    run: (...command) => runCli(["-h", "127.0.0.1", "-p", String(port), ...command]),
    async remove() {
      await kill(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function start(args: readonly string[], sign = "Ready to accept connections"): Promise<ChildProcess> {
  const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  await new Promise<void>((resolve, reject) => {
    const read = (text: string): void => {
      log += text;
      if (log.includes(sign)) resolve();
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    child.on("error", () => reject(new Error("redis-server is missing: apt-get install redis-server")));
    child.on("exit", (code) => reject(new Error(`redis-server ended with ${code}: ${log}`)));
  });
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

async function runCli(args: readonly string[]): Promise<string> {
  const child = spawn("redis-cli", [...args], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(child, "close");
  return text.trim();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
