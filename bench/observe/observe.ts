/**
 * What watching costs: CPU of one WebSocket handshake with its session's end, of artifacts that differ only in what they can
 * observe, in turns; and in this process the CPU of the counting alone, and the memory of the flight recorder. Ratios are to
 * the artifact without Debug in the same run; the best round counts. Linux only (/proc).
 *
 *   npm run bench:observe -- [--rounds 5] [--seconds 3]
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "#runtime/clock.ts";
import { FlightRecorder } from "#runtime/observe/flight-recorder.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import type { SessionRecord } from "#runtime/observe/record.ts";
import { BenchFolder } from "../bench-folder.ts";
import { cpuUs, loadCount, pause, started, stopped } from "../proxy-process.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "3" } },
});
const load = join(import.meta.dirname, "..", "connection", "load.ts");
const TARGET_PORT = 9821;
const ADMIN_PORT = 9823;
const SECRET = "the-secret-of-the-bench";
const environment = {
  ...process.env,
  TARGET_URL: `http://127.0.0.1:${TARGET_PORT}`,
  BENCH_KEY: "secret-key-1",
  BENCH_SECRET: "secret",
  ADMIN_SECRET: SECRET,
};
const admin = `admin: { port: ${ADMIN_PORT}, secret: { env: ADMIN_SECRET } }\n`;

interface Variant {
  readonly name: string;
  readonly gateway: string;
  /** A Debug session is under way that records nothing of the load. */
  readonly filtered?: true;
}

const variants: readonly Variant[] = [
  { name: "without Debug (`debug: off`)", gateway: "observability: { accessLog: off, debug: off }\n" },
  { name: "Debug linked, no session", gateway: `observability: { accessLog: off }\n${admin}` },
  { name: "Debug session whose filter means none", gateway: `observability: { accessLog: off }\n${admin}`, filtered: true },
  { name: "access log to /dev/null", gateway: "observability: { debug: off }\n" },
];

async function beginFiltered(): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${ADMIN_PORT}/v1/debugSessions`, {
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json" },
    body: JSON.stringify({ proxy: "chat", filter: 'request.header.x-never = "sent"', timeout: 600 }),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
}

async function handshakeUs(artifact: string, port: number, isFiltered: boolean): Promise<number> {
  const child = await started({ name: "apigw", port, command: process.execPath, args: [artifact] }, environment);
  try {
    const pid = child.pid ?? 0;
    await pause(500);
    if (isFiltered) await beginFiltered();
    // Not measured: code is translated while the first handshakes come.
    await loadCount(load, ["shake", port, 50, values.seconds]);
    const before = cpuUs(pid);
    const count = await loadCount(load, ["shake", port, 50, values.seconds]);
    return (cpuUs(pid) - before) / count;
  } finally {
    await stopped(child);
  }
}

/** Microseconds of CPU for what is counted and remembered of one session. */
function countingUs(): number {
  const proxy = { environment: "default", proxy: "chat", targets: ["default"], policies: ["VK-Key"] };
  const metrics = new Metrics({ version: "1", build: "b", node: "n" }, systemClock, [proxy]);
  const flight = new FlightRecorder(1_000);
  const record: Partial<SessionRecord> = {
    ...proxy, reason: "clientClosed", bytesFromClient: 100, bytesFromTarget: 100, durationMs: 5,
  };
  const passed = { bytesFromClient: 100, bytesFromTarget: 100 };
  const sessions = 300_000;
  let best = Infinity;
  for (let round = 0; round < 7; round++) {
    const before = process.cpuUsage();
    for (let at = 0; at < sessions; at++) {
      metrics.handshake(proxy, 101, 1.5);
      metrics.upstreamAnswered(proxy, "default", 0.7);
      metrics.sessionOpened(proxy);
      const place = flight.take();
      flight.note(place, "open", null, 0, passed);
      flight.note(place, "closing", "clientClosed", 5, passed);
      flight.note(place, "finClient", null, 5, passed);
      flight.note(place, "finTarget", null, 5, passed);
      metrics.sessionClosed(record as SessionRecord);
      flight.release(place);
    }
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / sessions);
  }
  metrics.close();
  return best;
}

/** Bytes of the flight recorder for each of many sessions. */
function flightBytes(): number {
  const sessions = 50_000;
  const flight = new FlightRecorder(sessions);
  for (let at = 0; at < sessions; at++) flight.take();
  return flight.bytes / sessions;
}

const folder = new BenchFolder();
const target = spawn("taskset", ["-c", "1", process.execPath, load, "echo", String(TARGET_PORT)], { stdio: "ignore" });
try {
  const artifacts = variants.map(({ gateway }, at) => folder.compileWith("key-check", `variant-${at}`, gateway));
  await pause(300);
  const best = variants.map(() => Infinity);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [at, { filtered }] of variants.entries()) {
      const us = await handshakeUs(artifacts[at] ?? "", 9_830 + at, filtered === true);
      best[at] = Math.min(best[at] ?? Infinity, us);
    }
  }
  const base = best[0] ?? 1;
  console.log(`\n| best of ${values.rounds} rounds | CPU of a handshake and its end, us | ratio |\n|---|---:|---:|`);
  for (const [at, { name }] of variants.entries()) {
    const us = best[at] ?? 0;
    console.log(`| ${name} | ${us.toFixed(1)} | ${(us / base).toFixed(3)} |`);
  }
  const counting = countingUs();
  console.log(`| metrics and flight recorder alone, in process | ${counting.toFixed(2)} | ${(counting / base).toFixed(4)} |`);
  console.log(`\nflight recorder: ${flightBytes().toFixed(1)} bytes a session`);
} finally {
  target.kill("SIGKILL");
  folder.remove();
}
