/**
 * CPU of a verified handshake by its credential: an API key, the same beside a header as long as a token, and a JWT that was
 * seen before. All gateways run all the time and are asked in short bursts in turn, so that whatever else the machine does
 * weighs on all alike. The best burst of each counts, because noise only adds; the median of the ratios says how much of it
 * there was. Linux only (/proc).
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

const jwtLine = `Authorization: Bearer ${token()}`;
const keyLine = "X-Api-Key: secret-key-1";
const contenders = [
  contender("API key", 9822, "key-check", keyLine),
  contender("API key, and as many bytes", 9823, "key-check", `X-Bytes: ${"x".repeat(jwtLine.length - keyLine.length)}\r\n${keyLine}`),
  contender("JWT seen before", 9824, "jwt-check", jwtLine),
];
const target = spawn("taskset", ["-c", "1", process.execPath, script, "echo", String(TARGET_PORT)], { stdio: "ignore" });
const children = [];
try {
  for (const one of contenders) {
    const child = await started(one.proxy, environment);
    children.push(child);
    one.pid = child.pid ?? 0;
  }
  await pause(300);
  for (let burst = 0; burst < WARM_BURSTS; burst++) for (const one of contenders) await burstUs(one);
  const figures = contenders.map((): number[] => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [at, one] of contenders.entries()) figures[at]?.push(await burstUs(one));
  }
  const [keys = []] = figures;
  console.log(`| ${values.rounds} rounds | best handshake, us | of an API key's | median of the ratios |\n|---|---:|---:|---:|`);
  for (const [at, { proxy }] of contenders.entries()) {
    const own = figures[at] ?? [];
    const usual = median(own.map((us, round) => us / (keys[round] ?? NaN)));
    const best = Math.min(...own);
    console.log(`| ${proxy.name} | ${best.toFixed(1)} | ${(best / Math.min(...keys)).toFixed(2)} | ${usual.toFixed(2)} |`);
  }
} finally {
  await Promise.all(children.map((child) => stopped(child)));
  target.kill("SIGKILL");
  folder.remove();
}
