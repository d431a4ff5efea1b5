/** An admin listener for tests over a store with a few records, and a client that holds every answer to the API's description. */
import { afterAll, afterEach, beforeEach, expect } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import type { ListenAt } from "#runtime/listen/bind.ts";
import type { Listener } from "#runtime/listen/listen.ts";
import { Log, type LogOutput } from "#runtime/observe/log.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import type { AdminGateway } from "#runtime/side/admin-call.ts";
import { openAdmin, type AdminOptions } from "#runtime/side/admin.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { Revocations } from "#runtime/upgrade/revocation.ts";
import { answerCheck, subjectsOf } from "./admin-document.ts";
import { fillStore } from "./access-records.ts";
import { SessionFixture } from "./session-fixture.ts";

export const ADMIN_SECRET = "an-admin-secret-of-some-length";
const limits = { ...defaultLimits, adminBodyBytesMax: 2_000, adminPageMax: 3 };

export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown> & { readonly error?: { readonly code: string; readonly message: string } };
}

/** What a test stands on; filled anew for each. */
export interface AdminGround {
  x: SessionFixture;
  store: MemoryStore;
  gateway: AdminGateway & { draining: boolean };
  listener: Listener;
  revocations: Revocations;
  /** Everything that was logged. */
  text: string;
  drains: number;
  defects: unknown[];
  open(at: ListenAt, secret?: string | null): Promise<Listener>;
  close(which: Listener): Promise<void>;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Told>;
  audits(): Record<string, unknown>[];
  counted(name: string): number;
}

/** Begins and ends the ground around each test. `covered`: subjects of which every operation has to be seen to succeed. */
export function adminGround(covered: readonly string[], options: AdminOptions = {}): AdminGround {
  const subjects = subjectsOf(options.subjects);
  const check = answerCheck(subjects);
  const ground = { text: "", drains: 0, defects: [] } as unknown as AdminGround;

  afterAll(() => {
    const wanted = subjects.filter(({ name }) => covered.includes(name)).flatMap(({ routes }) => routes.map(({ id }) => id));
    expect(wanted.filter((id) => check.unseen.has(id))).toEqual([]);
  });

  beforeEach(async () => {
    const x = new SessionFixture();
    const store = new MemoryStore(x.clock, limits);
    await fillStore(store);
    const revocations = new Revocations(store, x.sessions, limits, { isStillGood: () => true });
    await revocations.start();
    const output: LogOutput = { write: (bytes) => (ground.text += bytes.toString()) !== "", writableLength: 0, on: () => undefined };
    const gateway = {
      analytics: null,
      policyTimes: null,
      clock: x.clock,
      build: "b",
      fleet: null,
      instance: { uuid: "self", podName: "pod", regionName: null, startedAtMs: 0 },
      defect: (thrown: unknown) => void ground.defects.push(thrown),
      deployed: new Map(),
      draining: false,
      limits,
      organization: "org",
      log: new Log({ output, clock: x.clock, limits, level: "error", lines: null }),
      metrics: new Metrics({ version: "1", build: "b", node: "n" }, x.clock, []),
      sessions: x.sessions,
      store,
    };
    Object.assign(ground, { x, store, revocations, gateway, text: "", drains: 0, defects: [] });
    ground.listener = await ground.open({ host: "127.0.0.1", port: 0, reusePort: false });
  });

  afterEach(async () => {
    await ground.close(ground.listener);
    ground.revocations.close();
    await ground.store.close();
  });

  ground.open = (at, secret = ADMIN_SECRET) => {
    return openAdmin(at, ground.gateway, { drain: () => (ground.drains += 1) }, secret, { hostnames: ["admin.example.com"], ...options });
  };
  ground.close = async (which) => {
    which.destroyAll();
    await which.stopAccepting();
    await which.closed;
  };
  ground.ask = async (method, path, body, headers = {}) => {
    const response = await fetch(`http://${ground.listener.address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN_SECRET}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const told = { status: response.status, headers: response.headers, body: (await response.json()) as Told["body"] };
    expect(check.problem(method, path, told.status, told.body)).toBe(null);
    return told;
  };
  ground.audits = () =>
    ground.text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line["event"] === "audit");
  ground.counted = (name) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(ground.gateway.metrics.text("prometheus"))?.[1]);
  return ground;
}
