/** What a kill -9 costs analytics: rows of the last second, and the rows of sessions that were live; never the file. */
import { rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decodeRows } from "#runtime/observe/analytics-chunk.ts";
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

/** Ids of all rows, and how many rows the days add up to. */
function kept(file: string): { readonly ids: readonly unknown[]; readonly counted: number } {
  const opened = new AnalyticsFile({ file, bytesMax: 2 ** 30, busyMs: 1_000 });
  const chunks = opened.chunks(0, 0, Infinity, 1_000);
  const days = opened.rollups("day", 0, "", Infinity, 1_000);
  opened.close();
  const ids = chunks.flatMap(({ rows }) => decodeRows(rows)).map((row) => row["gateway_flow_id"]);
  return { ids, counted: days.reduce((sum, { stats }) => sum + (stats[0] ?? 0), 0) };
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
