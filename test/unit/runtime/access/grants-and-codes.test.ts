import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import type { Clock } from "#runtime/clock.ts";
import type { Limits } from "#runtime/limits.ts";
import { EmbeddedStore } from "#runtime/state/embedded.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { RedisStore } from "#runtime/state/redis.ts";
import { codeContract } from "../../../contract/codes.ts";
import { cutoffContract } from "../../../contract/cutoffs.ts";
import { grantContract } from "../../../contract/grants.ts";
import { startRedis, type RedisServer } from "../../../support/redis-server.ts";
import { redisSettings, silentReport } from "../../../support/redis-store.ts";

const folder = mkdtempSync(join(tmpdir(), "apigw-grants-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

const embedded = (clock: Clock, limits: Limits) => new EmbeddedStore(join(folder, `${files++}.db`), clock, limits);

for (const contract of [grantContract, codeContract, cutoffContract]) {
  contract("memory", (clock, limits) => new MemoryStore(clock, limits));
  contract("embedded", embedded);
}

describe("with a server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.remove());
  const opened = (clock: Clock, limits: Limits) =>
    new RedisStore(redisSettings({ url: server.url, keyPrefix: `{${randomUUID()}}` }), clock, limits, silentReport);
  for (const contract of [grantContract, codeContract, cutoffContract]) contract("redis", opened);
});
