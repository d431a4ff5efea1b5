/**
 * What watching costs: CPU of one WebSocket handshake with its session's end, of artifacts that differ only in what they can
 * observe (how: ../handshake-bursts.ts); and in this process the CPU of the counting alone, and the memory of the flight
 * recorder.
 *
 *   npm run bench:observe -- [--rounds 9] [--seconds 1]
 */
import { parseArgs } from "node:util";
import { systemClock } from "#runtime/clock.ts";
import { FlightRecorder } from "#runtime/observe/flight-recorder.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import type { SessionRecord } from "#runtime/observe/record.ts";
import { BenchFolder } from "../bench-folder.ts";
import { handshakeBursts, showHandshakes } from "../handshake-bursts.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "9" }, seconds: { type: "string", default: "1" } },
});
const SECRET = "the-secret-of-the-bench";

/** Lines of gateway.yaml with an admin listener at a port. */
const admin = (port: number): string => `admin: { port: ${port}, secret: { env: ADMIN_SECRET } }\n`;

/** Begins a Debug session that records nothing of the load. */
async function beginFiltered(adminPort: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/v1/debugSessions`, {
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json" },
    body: JSON.stringify({ proxy: "chat", filter: 'request.header.x-never = "sent"', timeout: 600 }),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
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
try {
  const bundle = (name: string, gateway: string): string => folder.compileWith("key-check", name, gateway);
  const rounds = Number(values.rounds);
  const figures = await handshakeBursts({
    contenders: [
      { name: "without Debug (`debug: off`)", port: 9822, artifact: bundle("off", "observability: { accessLog: off, debug: off }\n") },
      { name: "Debug linked, no session", port: 9823, artifact: bundle("debug", `observability: { accessLog: off }\n${admin(9832)}`) },
      {
        name: "Debug session whose filter means none",
        port: 9824,
        artifact: bundle("filtered", `observability: { accessLog: off }\n${admin(9833)}`),
        ready: () => beginFiltered(9833),
      },
      { name: "access log to /dev/null", port: 9825, artifact: bundle("log", "observability: { debug: off }\n") },
    ],
    environment: { ...process.env, BENCH_KEY: "secret-key-1", BENCH_SECRET: "secret", ADMIN_SECRET: SECRET },
    targetPort: 9821,
    rounds,
    seconds: Number(values.seconds),
  });
  showHandshakes(figures, rounds);
  const countedUs = countingUs();
  const ofFirst = countedUs / (figures[0]?.bestUs ?? NaN);
  console.log(`\nmetrics and flight recorder, in this process: ${countedUs.toFixed(2)} us, ${ofFirst.toFixed(4)} of a handshake`);
  console.log(`flight recorder: ${flightBytes().toFixed(1)} bytes a session`);
} finally {
  folder.remove();
}
