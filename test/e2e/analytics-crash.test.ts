/** What a kill -9 costs analytics: rows of the last second or two; sessions that were live have theirs from the next. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decodeRows, type StoredRow } from "#runtime/observe/analytics-chunk.ts";
import { AnalyticsFile } from "#runtime/state/analytics-file.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { plainRequest, rawClient, rawSocket } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { bundle, bundleEnv } from "./bundle.ts";
import { buildArtifact, type Artifact } from "./spawned.ts";

let target: FakeTarget;
let artifact: Artifact;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "apigw-crash-"));
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  artifact = await buildArtifact(bundle("observability: { analytics: { file: { env: ANALYTICS_FILE } } }"));
});
afterAll(async () => {
  artifact.remove();
  await target[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Kept {
  readonly ids: readonly unknown[];
  /** How many rows the days add up to. */
  readonly counted: number;
  /** Rows of sessions that were open when their gateway was killed. */
  readonly killed: readonly StoredRow[];
}

/** All that the file has. */
function kept(file: string): Kept {
  const opened = new AnalyticsFile({ file, bytesMax: 2 ** 30, busyMs: 1_000 });
  const chunks = opened.chunks(0, 0, Infinity, 1_000);
  const days = opened.rollups("day", 0, "", Infinity, 1_000);
  opened.close();
  const rows = chunks.flatMap((chunk) => decodeRows(chunk.rows));
  const ids = rows.map((row) => row["gateway_flow_id"]);
  const killed = rows.filter((row) => row["close_reason"] === "gateway_killed");
  return { ids, counted: days.reduce((sum, { stats }) => sum + (stats[0] ?? 0), 0), killed };
}

it("is no more than that, and the next process goes on in the same file", async () => {
  const file = join(folder, "rows.db");
  const env = { ...bundleEnv(target.url, await refusedPort()), ANALYTICS_FILE: file };
  const ask = async (port: number, requests: number): Promise<void> => {
    using client = await rawClient(port);
    for (let at = 0; at < requests; at++) expect((await client.send(plainRequest("/nowhere")).answer()).status).toBe(404);
  };
  const first = await artifact.start(env);
  const port = await first.port("public");
  await ask(port, 40);
  await until(() => kept(file).ids.length === 40, () => `${kept(file).ids.length} of 40 rows`);
  const live = await rawSocket(port, "/open/live", {});
  await ask(port, 25);
  first.process.kill("SIGKILL");
  await first.ended();
  live.socket.destroy();
  const after = kept(file);
  expect(after.ids.length).toBeGreaterThanOrEqual(40);
  expect(after.ids.length).toBeLessThanOrEqual(65);
  expect(after.counted).toBe(after.ids.length);

  const second = await artifact.start(env);
  await ask(await second.port("public"), 10);
  second.signal("SIGTERM");
  second.signal("SIGTERM");
  await second.ended();
  const end = kept(file);
  expect(end.ids.length).toBe(after.ids.length + 10);
  expect(new Set(end.ids).size).toBe(end.ids.length);
  expect(end.counted).toBe(end.ids.length);
  expect(second.lines.filter(({ event }) => String(event).startsWith("analytics_"))).toEqual([]);
});

/** Notes of open sessions. */
function noted(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  const found = database.prepare("SELECT count(*) AS n FROM live").get()?.["n"];
  database.close();
  return Number(found);
}

it("sessions that were live have rows from whoever comes next, once", async () => {
  const file = join(folder, "sessions.db");
  const env = { ...bundleEnv(target.url, await refusedPort()), ANALYTICS_FILE: file };
  const first = await artifact.start(env);
  const port = await first.port("public");
  const live = await Promise.all(Array.from({ length: 300 }, () => rawSocket(port, "/open/live", {})));
  const upgrades = await Promise.all(Array.from({ length: 300 }, () => first.line({ event: "upgrade" })));
  expect(upgrades).toHaveLength(300);
  await until(() => noted(file) === 300, () => `${noted(file)} of 300 notes`);
  // One of them ends in time, and has the row of its end.
  live[0]?.socket.destroy();
  await until(() => noted(file) === 299, () => `${noted(file)} of 299 notes`);
  expect(kept(file).ids).toHaveLength(1);

  const overlapping = await artifact.start(env);
  await until(() => overlapping.lines.some(({ event }) => event === "ready"), () => "a second process");
  first.process.kill("SIGKILL");
  await first.ended();
  for (const { socket } of live) socket.destroy();
  const second = await artifact.start(env);
  await until(() => kept(file).ids.length === 300, () => `${kept(file).ids.length} of 300 rows`);
  expect(noted(file)).toBe(0);
  const { ids, counted, killed } = kept(file);
  expect([new Set(ids).size, counted, killed.length]).toEqual([300, 300, 299]);
  expect(killed[0]).toMatchObject({
    message_type: "websocket", apiproxy: "open", request_path: "/open/live", response_status_code: 101, closed_by: "gateway",
    close_code: 1006, is_error: 1, target: "default",
  });
  expect(Number(killed[0]?.["session_duration"])).toBeGreaterThan(0);
  expect(Number(killed[0]?.["client_sent_end_timestamp"])).toBeLessThanOrEqual(Date.now());
  for (const process of [second, overlapping]) {
    process.signal("SIGTERM");
    expect(await process.ended()).toBe(0);
  }
  expect(readdirSync(folder).filter((name) => name.includes("-alive-"))).toEqual([]);
});
