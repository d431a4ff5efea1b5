/**
 * How long a revocation takes from the call on one gateway to the close event of a client of another. Two processes of one
 * artifact, one redis-server, all on this machine; clients and target share the process of this script, whose own work is
 * therefore in the figures.
 *
 *   npm run bench:revocation -- [--sessions 1000] [--rounds 3]
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { WebSocket, WebSocketServer } from "ws";

const { values } = parseArgs({
  options: { sessions: { type: "string", default: "1000" }, rounds: { type: "string", default: "3" } },
});
const SESSIONS = Number(values.sessions);
const ADMIN_SECRET = "an-admin-secret-of-the-bench";
const KEY = "secret-key-1";
/** Sessions opened at once. */
const OPENED_AT_ONCE = 50;
const root = join(import.meta.dirname, "..", "..");
const work = mkdtempSync(join(tmpdir(), "apigw-bench-"));
const children: ChildProcess[] = [];

interface Replica {
  readonly port: number;
  readonly adminPort: number;
}

/** A session of the second gateway, and when its client saw the end. */
interface Held {
  readonly token: string;
  readonly closed: Promise<number>;
}

function build(): string {
  const bundle = join(root, "bench", "bundles", "shared-store");
  const dist = join(work, "dist");
  execFileSync(process.execPath, [join(root, "compiler", "bin.js"), "build", bundle, "--out", dist], { stdio: "ignore" });
  return join(dist, "gateway.cjs");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server.address());
  server.close();
  await once(server, "close");
  return port;
}

function portOf(address: ReturnType<WebSocketServer["address"]>): number {
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function startRedis(): Promise<number> {
  const port = await freePort();
  const place = ["--port", String(port), "--bind", "127.0.0.1", "--dir", work, "--save", ""];
  const child = spawn("redis-server", place, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  for await (const line of createInterface(child.stdout)) if (line.includes("Ready to accept")) break;
  child.stdout.resume();
  return port;
}

async function startReplica(artifact: string, environment: NodeJS.ProcessEnv): Promise<Replica> {
  const child = spawn(process.execPath, [artifact], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const ports = new Map<string, number>();
  for await (const line of createInterface(child.stdout)) {
    const { event, listener, address }: Record<string, unknown> = JSON.parse(line);
    if (event === "listening") ports.set(String(listener), Number(String(address).split(":").at(-1)));
    if (event === "ready") break;
  }
  child.stdout.resume();
  return { port: ports.get("public") ?? 0, adminPort: ports.get("admin") ?? 0 };
}

async function call({ adminPort }: Replica, path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/v1/${path}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${ADMIN_SECRET}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

async function hold(tokens: Replica, sessions: Replica): Promise<Held> {
  const { token } = await call(tokens, "tokens", { key: KEY });
  const url = `ws://127.0.0.1:${sessions.port}/chat`;
  const client = new WebSocket(url, { headers: { Authorization: `Bearer ${String(token)}` } });
  await once(client, "open");
  return { token: String(token), closed: once(client, "close").then(() => performance.now()) };
}

async function holdAll(tokens: Replica, sessions: Replica): Promise<Held[]> {
  const held: Held[] = [];
  while (held.length < SESSIONS) {
    const count = Math.min(OPENED_AT_ONCE, SESSIONS - held.length);
    held.push(...(await Promise.all(Array.from({ length: count }, () => hold(tokens, sessions)))));
  }
  return held;
}

/** Revokes each token by itself, one after the other. */
async function oneByOne(caller: Replica, held: readonly Held[]): Promise<number[]> {
  const took: number[] = [];
  for (const { token, closed } of held) {
    const startMs = performance.now();
    const [endMs] = await Promise.all([closed, call(caller, "tokens:revoke", { token })]);
    took.push(endMs - startMs);
  }
  return took;
}

/** Revokes the app to which all sessions belong. */
async function allAtOnce(caller: Replica, held: readonly Held[]): Promise<number[]> {
  const startMs = performance.now();
  const [...ends] = await Promise.all([...held.map(({ closed }) => closed), call(caller, "apps/chat:revoke", {}).then(() => startMs)]);
  await call(caller, "apps/chat:approve", {});
  return ends.slice(0, held.length).map((endMs) => endMs - startMs);
}

function show(what: string, took: readonly number[]): void {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0).toFixed(1);
  console.log(`${what}: ${sorted.length} sessions, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, last ${at(1)} ms`);
}

try {
  const target = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(target, "listening");
  const environment = {
    ...process.env,
    TARGET_URL: `http://127.0.0.1:${portOf(target.address())}`,
    REDIS_URL: `redis://127.0.0.1:${await startRedis()}`,
    ADMIN_SECRET,
    BENCH_KEY: KEY,
    BENCH_SECRET: "secret",
  };
  const artifact = build();
  const [caller, other] = [await startReplica(artifact, environment), await startReplica(artifact, environment)];
  for (let round = 1; round <= Number(values.rounds); round++) {
    show(`round ${round}, a token each, one after the other`, await oneByOne(caller, await holdAll(caller, other)));
    show(`round ${round}, the app of all`, await allAtOnce(caller, await holdAll(caller, other)));
  }
  target.close();
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(work, { recursive: true, force: true });
}
process.exit();
