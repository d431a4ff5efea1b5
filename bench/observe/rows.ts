/**
 * What rows of analytics cost, in this process: CPU of one row from the end of its session until it is in the file, room in the
 * file, and memory that a live session holds for its row.
 *
 *   npm run bench:rows
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { systemClock } from "../../runtime/clock.ts";
import { defaultLimits } from "../../runtime/limits.ts";
import { Analytics } from "../../runtime/observe/analytics.ts";
import { Log } from "../../runtime/observe/log.ts";
import { Metrics } from "../../runtime/observe/metrics.ts";
import type { SessionRecord } from "../../runtime/observe/record.ts";
import { BenchFolder } from "../bench-folder.ts";

const folder = new BenchFolder();
const file = join(folder.path, "rows.db");

/** A session that has just ended. */
function ended(at: number): SessionRecord {
  const nowMs = Date.now();
  return {
    sessionId: `0b0e4d2c-1111-4222-8333-${100_000_000_000 + at}`, environment: "prod", proxy: "chat", endpoint: "default",
    target: "default", app: "web", developer: "apigw@@@ann@example.com", product: "chat", keyFingerprint: null,
    clientAddress: "192.0.2.1", status: 101, startedAtMs: nowMs - 5_000, endedAtMs: nowMs, handshakeMs: 1, durationMs: 5_000.5,
    closedBy: "client", reason: "clientClosed", code: 1000, text: "", forced: false, timer: null, bytesFromClient: 100,
    bytesFromTarget: 1_000, framesFromClient: 5, framesFromTarget: 50, renewals: 0,
    mark: {
      basePath: "/chat", path: `/chat/rooms/${at}`, userAgent: "Mozilla/5.0 (X11; Linux x86_64)", requestUs: 300, targetUs: 900,
      responseUs: 200, captured: undefined, note: 0,
    },
  };
}

type Opened = Parameters<Analytics["opened"]>[0];

/** A session as long as it is open, as far as its note asks. */
function openSession(record: SessionRecord): Opened {
  const { app, clientAddress, developer, environment, endpoint, keyFingerprint, mark, product, proxy } = record;
  const { sessionId: id, startedAtMs, target } = record;
  const route = { environment, proxy, endpoint } as Opened["route"];
  const labels = { app, developer, product, keyFingerprint };
  return { id, clientAddress, startedAtMs, target, mark, state: "open", route, ageMs: () => 2_000, labels: () => labels };
}

/** CPU microseconds of one row, from the end of its session to the file; `isNoted`: the file knew of it before. */
function rowUs(isNoted: boolean): number {
  const output = { write: () => true, writableLength: 0, on: () => undefined };
  const log = new Log({ output, clock: systemClock, limits: defaultLimits, level: "info", lines: null });
  const metrics = new Metrics({ version: "1", build: "b", node: "n" }, systemClock, []);
  const dayMs = 86_400_000;
  const retention = { rows: dayMs, minute: dayMs, hour: dayMs, day: dayMs };
  const settings = { file, bytesMax: 2 ** 30, retention, collectors: [] };
  const rows = new Analytics(settings, { clock: systemClock, limits: defaultLimits, log, metrics });
  let bestUs = Infinity;
  for (let round = 0; round < 20; round++) {
    const before = process.cpuUsage();
    for (let batch = 0; batch < 40; batch++) {
      const records = Array.from({ length: 256 }, (_, at) => ended(at));
      if (isNoted) {
        for (const record of records) rows.opened(openSession(record));
        // Whatever ends makes the batch be written, with the notes of what is open.
        rows.session(ended(0));
        rows.flush();
      }
      for (const record of records) rows.session(record);
      rows.flush();
    }
    const { system, user } = process.cpuUsage(before);
    bestUs = Math.min(bestUs, (system + user) / (40 * 256));
  }
  rows.close();
  if (!isNoted) console.log(`${(statSync(file).size / rows.written).toFixed(0)} bytes a row in the file`);
  return bestUs;
}

/** Bytes of heap that a live session holds for its row: what `mark` keeps of its handshake. */
function markBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const count = 100_000;
  const marks: unknown[] = new Array(count).fill(null);
  collect();
  const before = process.memoryUsage().heapUsed;
  // A path of its own for each, as `copied` in observe/analytics-exchange.ts makes it.
  for (let at = 0; at < count; at++) marks[at] = { ...ended(at).mark, path: Buffer.from(`/chat/rooms/${at}`).toString() };
  collect();
  return (process.memoryUsage().heapUsed - before) / marks.length;
}

try {
  console.log(`${rowUs(false).toFixed(2)} us of CPU a row`);
  console.log(`${rowUs(true).toFixed(2)} us with the note of a session that was open for a while`);
  console.log(`${markBytes().toFixed(0)} bytes for each live session`);
} finally {
  folder.remove();
}
