/**
 * CPU of a verified handshake by its credential: an API key, and a JWT that was seen before. Both gateways run all the time
 * and are asked in short bursts in turn, so that whatever else the machine does weighs on both alike; the median of the
 * bursts' ratios counts. Linux only (/proc).
 *
 *   npm run bench:credential -- [--rounds 15] [--seconds 1]
 */
import { generateKeyPairSync, sign } from "node:crypto";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BenchFolder } from "../bench-folder.ts";
import { cpuUs, loadCount, pause, started, stopped, type Proxy } from "../proxy-process.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, seconds: { type: "string", default: "1" } },
});
const folder = new BenchFolder();
const script = join(import.meta.dirname, "..", "connection", "load.ts");
const TARGET_PORT = 9821;
/** Bursts before anything is measured: V8 translates hot code for some ten thousand handshakes. */
const WARM_BURSTS = 3;
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const environment = {
  ...process.env,
  TARGET_URL: `http://127.0.0.1:${TARGET_PORT}`,
  BENCH_KEY: "secret-key-1",
  BENCH_SECRET: "secret",
  PUBLIC_KEY: publicKey.export({ type: "spki", format: "pem" }).toString(),
};

/** A token as identity providers make them, some six hundred characters. */
function token(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { iss: "https://id.example.com", sub: "ann", aud: "chat", jti: "token-1", scope: "read write", exp };
  const input = `${part({ alg: "RS256", kid: "k1", typ: "JWT" })}.${part(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
}

interface Contender {
  readonly proxy: Proxy;
  /** The header line with the credential. */
  readonly header: string;
  pid: number;
}

function contender(name: string, port: number, bundle: string, header: string): Contender {
  return { proxy: { name, port, command: process.execPath, args: [folder.compile(bundle)] }, header, pid: 0 };
}

/** Microseconds of one handshake, session included. */
async function burstUs({ proxy, header, pid }: Contender): Promise<number> {
  process.env["LOAD_HEADER"] = header;
  const before = cpuUs(pid);
  const count = await loadCount(script, ["shake", proxy.port, 50, values.seconds]);
  return (cpuUs(pid) - before) / count;
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? NaN;
}

const key = contender("API key", 9822, "key-check", "X-Api-Key: secret-key-1");
const jwt = contender("JWT seen before", 9823, "jwt-check", `Authorization: Bearer ${token()}`);
const target = spawn("taskset", ["-c", "1", process.execPath, script, "echo", String(TARGET_PORT)], { stdio: "ignore" });
const children = [];
try {
  for (const one of [key, jwt]) {
    const child = await started(one.proxy, environment);
    children.push(child);
    one.pid = child.pid ?? 0;
  }
  await pause(300);
  for (let burst = 0; burst < WARM_BURSTS; burst++) for (const one of [key, jwt]) await burstUs(one);
  const [keys, jwts]: [number[], number[]] = [[], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    if (round % 2 === 0) keys.push(await burstUs(key));
    jwts.push(await burstUs(jwt));
    if (round % 2 === 1) keys.push(await burstUs(key));
  }
  const ratio = median(jwts.map((us, at) => us / (keys[at] ?? NaN)));
  console.log(`| median of ${values.rounds} rounds | handshake, us | of an API key's |\n|---|---:|---:|`);
  console.log(`| API key | ${median(keys).toFixed(1)} | 1 |\n| JWT seen before | ${median(jwts).toFixed(1)} | ${ratio.toFixed(2)} |`);
} finally {
  await Promise.all(children.map((child) => stopped(child)));
  target.kill("SIGKILL");
  folder.remove();
}
