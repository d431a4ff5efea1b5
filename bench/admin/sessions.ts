/**
 * How long the admin listener takes for a page of very many live sessions, and how long its event loop stands still for
 * it: the longest pause that was seen, which other work of the machine lengthens, and the processor time of an answer, which
 * it does not. Sessions, their index, credentials and the listener are real; sockets are not, so that the figures are those of the API
 * alone. The client runs in a thread of its own.
 *
 *   npm run bench:admin -- [--sessions 50000] [--rounds 60]
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { Credential } from "#runtime/access/credential.ts";
import { systemClock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { Log } from "#runtime/observe/log.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import { Scheduler } from "#runtime/scheduler.ts";
import type { AdminGateway } from "#runtime/side/admin-call.ts";
import { openAdmin } from "#runtime/side/admin.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { Session, type SessionRoute } from "#runtime/upgrade/session.ts";
import { Sessions } from "#runtime/upgrade/session-index.ts";

const SECRET = "an-admin-secret-of-the-bench";
const APPS = 50;
const MS_PER_NS = 1e-6;

/** What is asked, with the number of sessions that fit in brackets. */
const questions: readonly (readonly [title: string, query: string])[] = [
  ["the first page of all", "limit=100"],
  ["a page in the middle of all", "limit=100&skip=25000"],
  ["proxy (half)", "limit=100&proxy=chat"],
  ["proxy (half), its last page", "limit=100&proxy=chat&skip=24900"],
  ["product (all) of a proxy (half)", "limit=100&proxy=chat&product=gold"],
  ["app (one in 50)", "limit=100&product=gold&app=app-7"],
  ["1,000 rows of all", "limit=1000"],
];

interface Question {
  readonly url: string;
  readonly rounds: number;
}

/** The client's thread: one request after the other. */
async function ask({ rounds, url }: Question): Promise<void> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const response = await fetch(url, { headers: { authorization: `Bearer ${SECRET}` } });
    const text = await response.text();
    took.push(performance.now() - began);
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  }
  parentPort?.postMessage(took.sort((a, b) => a - b));
}

function fill(sessions: Sessions, count: number): void {
  const scheduler = new Scheduler(systemClock, { onClockStep: () => undefined });
  const services = { clock: systemClock, scheduler, sessions, limits: defaultLimits, onRecord: () => undefined };
  const counters = { bytesFromClient: 1_234, bytesFromTarget: 56_789, framesFromClient: 12, framesFromTarget: 345 };
  const splice = { lastActivityMs: 0, dueMs: Infinity, check: () => undefined, counters: () => counters, end: () => undefined };
  const routes = ["chat", "prices"].map((proxy): SessionRoute => ({
    environment: "prod", proxy, endpoint: "default", proxyIdentity: `proxy:${proxy}`,
    idleTimeoutMs: Infinity, maxDurationMs: Infinity, renewalGraceMs: 0, closes: {},
  }));
  for (let at = 0; at < count; at++) {
    const [first, second] = routes;
    const route = at % 2 === 0 ? first : second;
    if (route === undefined) return;
    const app = `app-${at % APPS}`;
    const session = Session.begin(services, route, `192.0.2.${at % 250}`, { onAbort: () => undefined });
    const credential: Credential = {
      kind: "key", policy: "VK-Key", epoch: 0, expiresAtMs: null, basis: null,
      labels: { app, developer: "ann@example.com", product: "gold", keyFingerprint: "abcdefgh" },
      identities: [`key:${at % 200}`, `app:${app}`, "developer:ann", "product:gold"],
    };
    session?.addCredential(credential);
    session?.opened(splice);
  }
}

async function measure(): Promise<void> {
  const { values } = parseArgs({ options: { sessions: { type: "string", default: "50000" }, rounds: { type: "string", default: "60" } } });
  const count = Number(values.sessions);
  const limits = { ...defaultLimits, sessionsMax: count };
  const sessions = new Sessions(limits);
  const store = new MemoryStore(systemClock, limits);
  for (let at = 0; at < APPS; at++) {
    await store.put("app", `app-${at}`, { id: `app-${at}`, name: `app-${at}`, developerId: "ann", status: "approved", callbackUrl: null, attributes: {} });
  }
  fill(sessions, count);
  const output = { write: () => true, writableLength: 0, on: () => undefined };
  const gateway: AdminGateway = {
    analytics: null, policyTimes: null, clock: systemClock, defect: (thrown) => { throw thrown; }, deployed: new Map(), draining: false, limits,
    organization: "bench", build: "b", fleet: null, instance: { uuid: "bench", podName: "bench", regionName: null, startedAtMs: 0 },
    log: new Log({ output, clock: systemClock, limits, level: "error", lines: null }),
    metrics: new Metrics({ version: "1", build: "b", node: "n" }, systemClock, []), sessions, store,
  };
  const listener = await openAdmin({ host: "127.0.0.1", port: 0, reusePort: false }, gateway, { drain: () => undefined }, SECRET);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const pad = (text: string, width: number): string => text.padStart(width);
  process.stdout.write(`${count} sessions, ${values.rounds} requests each; milliseconds\n\n${"".padEnd(36)}${pad("median", 9)}${pad("p95", 9)}${pad("pause", 9)}${pad("cpu", 9)}\n`);
  for (const [title, query] of questions) {
    const url = `http://${listener.address}/v1/sessions?${query}`;
    // The first answers are slower: nothing is compiled yet.
    await inThread({ url, rounds: 20 });
    delay.reset();
    delay.enable();
    const before = process.threadCpuUsage();
    const took = await inThread({ url, rounds: Number(values.rounds) });
    const { system, user } = process.threadCpuUsage(before);
    const cpuMs = (system + user) / 1_000 / took.length;
    delay.disable();
    const part = (share: number): string => (took[Math.floor(took.length * share)] ?? 0).toFixed(1);
    process.stdout.write(`${title.padEnd(36)}${pad(part(0.5), 9)}${pad(part(0.95), 9)}${pad((delay.max * MS_PER_NS).toFixed(1), 9)}${pad(cpuMs.toFixed(2), 9)}\n`);
  }
  listener.destroyAll();
  await listener.stopAccepting();
  await store.close();
  gateway.metrics.close();
}

function inThread(question: Question): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    new Worker(new URL(import.meta.url), { workerData: question }).once("message", resolve).once("error", reject);
  });
}

await (isMainThread ? measure() : ask(workerData as Question));
