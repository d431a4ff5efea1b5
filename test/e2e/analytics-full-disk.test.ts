/**
 * A disk that is full under the analytics file: a small tmpfs in a mount namespace of the gateway's own. Where the
 * system gives no namespaces it is the bound on the size of files that a process may write (RLIMIT_FSIZE).
 */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { closing, fromClient, MASK } from "../support/frames.ts";
import { plainRequest, rawClient, rawSocket } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { ADMIN_SECRET, adminBundle } from "./admin-client.ts";
import { bundle, bundleEnv } from "./bundle.ts";
import { buildArtifact, type Artifact, type Generation } from "./spawned.ts";

/** Tens of thousands of requests, beside other tests. */
vi.setConfig({ testTimeout: 90_000 });

/** More than wait in memory (limits.analyticsPendingMax). */
const REQUESTS = 20_700;
const CONNECTIONS = 24;
const DISK = "24m";

let target: FakeTarget;
let artifact: Artifact;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "apigw-full-"));
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  const observed = "observability: { accessLog: off, analytics: { file: { env: ANALYTICS_FILE } } }";
  artifact = await buildArtifact(bundle(`${observed}\nops: { port: 0 }\n${adminBundle}`));
});
afterAll(async () => {
  artifact.remove();
  await target[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** A disk for one process. */
interface Disk {
  /** What runs the process. */
  readonly under: readonly string[];
  fill(pid: number): void;
  free(pid: number): void;
}

/** Of a few MiB, for this process and its children alone. */
const tmpfs: Disk = {
  under: ["unshare", "-Urm", "sh", "-c", `mount -t tmpfs -o size=${DISK} none "$0" && exec "$@"`],
  fill(pid) {
    const file = openSync(`/proc/${pid}/root${folder}/filler`, "w");
    try {
      for (let block = Buffer.alloc(65_536); ; ) writeSync(file, block);
    } catch (cause) {
      if (!(cause instanceof Error) || !cause.message.startsWith("ENOSPC")) throw cause;
    } finally {
      closeSync(file);
    }
  },
  free: (pid) => rmSync(`/proc/${pid}/root${folder}/filler`),
};

/** Files that cannot grow. */
const fileSize: Disk = {
  under: [],
  fill: (pid) => void execFileSync("prlimit", ["--pid", String(pid), "--fsize=4096:unlimited"]),
  free: (pid) => void execFileSync("prlimit", ["--pid", String(pid), "--fsize=unlimited"]),
};

function diskHere(): Disk {
  const { status } = spawnSync("unshare", ["-Urm", "mount", "-t", "tmpfs", "none", folder]);
  return status === 0 ? tmpfs : fileSize;
}

/** Requests that nothing serves, on several connections; settles with the number of answers 404. */
async function ask(port: number, requests: number): Promise<number> {
  let left = requests;
  let answered = 0;
  const one = async (): Promise<void> => {
    using client = await rawClient(port);
    while (left-- > 0) if ((await client.send(plainRequest("/nowhere")).answer()).status === 404) answered++;
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return answered;
}

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? NaN);
}

/** How many rows the file tells of. */
async function rowsIn(admin: number): Promise<unknown> {
  const headers = { Authorization: `Bearer ${ADMIN_SECRET}` };
  const answer = await fetch(`http://127.0.0.1:${admin}/v1/stats`, { headers });
  const { total } = (await answer.json()) as { readonly total: Readonly<Record<string, unknown>> };
  return total["sum(message_count)"];
}

const failures = ({ lines }: Generation): readonly unknown[] =>
  lines.filter(({ event }) => String(event).startsWith("analytics_")).map(({ event }) => event);

it.each([
  ["as small as the system lets it be", diskHere],
  ["whose files cannot grow", () => fileSize],
])("a disk %s costs rows, which are counted, and nothing else", async (_, choose) => {
  const disk = choose();
  const file = join(folder, `rows-${disk === tmpfs ? "disk" : "size"}.db`);
  const { PATH = "" } = process.env;
  const env = { ...bundleEnv(target.url, await refusedPort()), ADMIN_SECRET, ANALYTICS_FILE: file, PATH };
  const gateway = await artifact.start(env, disk === tmpfs ? [...disk.under, folder] : []);
  const { pid = 0 } = gateway.process;
  const [port, ops] = [await gateway.port("public"), await gateway.port("ops")];
  expect(await ask(port, 300)).toBe(300);
  await expect.poll(() => metric(ops, "apigw_analytics_rows_total"), { timeout: 10_000 }).toBe(300);

  disk.fill(pid);
  expect(await ask(port, REQUESTS)).toBe(REQUESTS);
  await gateway.line({ event: "analytics_failed" });
  const live = await rawSocket(port, "/open/live", {});
  live.send(fromClient("still here"));
  live.send(closing(1000, "", MASK));
  live.socket.destroy();
  const dropped = await metric(ops, "apigw_analytics_rows_dropped_total");
  expect(dropped).toBeGreaterThan(0);
  expect(await metric(ops, "apigw_analytics_up")).toBe(0);

  disk.free(pid);
  await gateway.line({ event: "analytics_recovered" });
  expect(failures(gateway)).toEqual(["analytics_failed", "analytics_recovered"]);
  await expect.poll(() => metric(ops, "apigw_analytics_rows_pending"), { timeout: 10_000 }).toBe(0);
  const lost = await metric(ops, "apigw_analytics_rows_dropped_total");
  const written = await metric(ops, "apigw_analytics_rows_total");
  expect(written + lost).toBe(300 + REQUESTS + 1);
  expect(await rowsIn(await gateway.port("admin"))).toBe(written);
  gateway.signal("SIGTERM");
  expect(await gateway.ended()).toBe(0);
  expect(gateway.lines.filter(({ event }) => event === "defect")).toEqual([]);
});
