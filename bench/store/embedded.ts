/**
 * A million tokens in the embedded store: bytes on disk of each, time of a look-up, of a write, and of a write that
 * sweeps, and the CPU that they take. Prints one table. `npm run bench:store -- --tokens 100000` for fewer.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { digest } from "../../runtime/access/digest.ts";
import type { TokenRecord } from "../../runtime/access/model.ts";
import { resolveToken } from "../../runtime/access/resolve.ts";
import { systemClock } from "../../runtime/clock.ts";
import { defaultLimits } from "../../runtime/limits.ts";
import { EmbeddedStore } from "../../runtime/state/embedded.ts";

const LOOKUPS = 100_000;
const DAY_MS = 86_400_000;
const CALL = { proxy: "chat", environment: "prod", pathSuffix: "/rooms/1", verb: "GET" };

const { values } = parseArgs({ options: { tokens: { type: "string", default: "1000000" } } });
const tokens = Number(values.tokens);
const folder = mkdtempSync(path.join(tmpdir(), "apigw-bench-store-"));
const file = path.join(folder, "store.db");
const token = (n: number): string => `token-${n}-of-the-bench`;
const keyDigest = digest("key");

try {
  const store = new EmbeddedStore(file, systemClock, defaultLimits);
  putOwners(store);
  const nowMs = systemClock.wallMs();
  const writeUs = timed(tokens, (n) => store.put("token", digest(token(n)), recordOf(n, nowMs), { expiresAtMs: nowMs + DAY_MS + n }));
  store.close();
  const bytes = statSync(file).size;

  const opened = new EmbeddedStore(file, systemClock, defaultLimits);
  const pick = (n: number): number => (n * 7_919) % tokens;
  const getUs = timed(LOOKUPS, (n) => opened.get("token", digest(token(pick(n)))));
  const missUs = timed(LOOKUPS, (n) => opened.get("token", digest(`unknown-${n}`)));
  const resolveUs = timed(LOOKUPS, (n) => resolveToken(opened, systemClock, token(pick(n)), CALL));
  opened.close();

  // All have expired: every write removes some of them.
  const later = { ...systemClock, wallMs: () => nowMs + 3 * DAY_MS, monotonicMs: () => systemClock.monotonicMs() };
  const sweeping = new EmbeddedStore(file, Object.assign(Object.create(systemClock), later), defaultLimits);
  const sweepUs = timed(10_000, (n) => sweeping.put("token", digest(`new-${n}`), recordOf(n, nowMs), { expiresAtMs: nowMs + 9 * DAY_MS }));
  sweeping.close();

  process.stdout.write(`| ${tokens} tokens | p50 | p99 | CPU |\n|---|---:|---:|---:|\n`);
  row("write", writeUs);
  row("look-up of a token's record", getUs);
  row("look-up of an unknown token", missUs);
  row("a token verified: token, key, app, developer, product", resolveUs);
  row("write that removes expired tokens", sweepUs);
  process.stdout.write(`\n${(bytes / tokens).toFixed(0)} bytes on disk for each token\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function putOwners(store: EmbeddedStore): void {
  store.put("developer", "dev", {
    id: "dev", email: "ann@example.com", userName: "ann", firstName: "Ann", lastName: "Example", status: "active", attributes: {},
  });
  store.put("app", "chat-web", { id: "chat-web", name: "chat-web", developerId: "dev", status: "approved", callbackUrl: null, attributes: {} });
  store.put("product", "chat", {
    name: "chat", displayName: "chat", environments: ["prod"], proxies: ["chat"], resources: ["/rooms/*"], operations: [],
    scopes: ["read", "write"], quota: null, attributes: {},
  });
  store.put("key", keyDigest, {
    id: keyDigest, clientId: "fingerprint", appId: "chat-web", status: "approved", expiresAtMs: null,
    products: [{ name: "chat", status: "approved" }], secretDigest: digest("secret"), scopes: [], attributes: {},
  });
}

function recordOf(n: number, nowMs: number): TokenRecord {
  return {
    id: digest(token(n)), kind: "access", clientKeyDigest: keyDigest, appId: "chat-web", developerId: "dev", products: ["chat"],
    scopes: ["read", "write"], issuedAtMs: nowMs, expiresAtMs: nowMs + DAY_MS + n, status: "approved", attributes: {},
    subject: `user-${n}@example.com`, grantType: "password",
  };
}

interface Times {
  /** Microseconds of each call, sorted. */
  readonly us: Float64Array;
  /** Mean CPU microseconds of the process. */
  readonly cpuUs: number;
}

function timed(count: number, work: (n: number) => unknown): Times {
  const times = new Float64Array(count);
  const before = process.cpuUsage();
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    work(n);
    times[n] = (performance.now() - start) * 1_000;
  }
  const { system, user } = process.cpuUsage(before);
  return { us: times.sort(), cpuUs: (system + user) / count };
}

function row(name: string, { cpuUs, us }: Times): void {
  const at = (part: number): string => (us[Math.min(us.length - 1, Math.floor(us.length * part))] ?? 0).toFixed(1);
  process.stdout.write(`| ${name} | ${at(0.5)} us | ${at(0.99)} us | ${cpuUs.toFixed(1)} us |\n`);
}
