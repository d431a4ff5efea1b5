import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { EmbeddedStore } from "#runtime/state/embedded.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { RedisStore } from "#runtime/state/redis.ts";
import { grantContract } from "../../../contract/grants.ts";
import { startRedis, type RedisServer } from "../../../support/redis-server.ts";
import { redisSettings, silentReport } from "../../../support/redis-store.ts";

const folder = mkdtempSync(join(tmpdir(), "apigw-grants-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

grantContract("memory", (clock, limits) => new MemoryStore(clock, limits));
grantContract("embedded", (clock, limits) => new EmbeddedStore(join(folder, `${files++}.db`), clock, limits));

describe("with a server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.remove());
  grantContract("redis", (clock, limits) => {
    return new RedisStore(redisSettings({ url: server.url, keyPrefix: `{${randomUUID()}}` }), clock, limits, silentReport);
  });
});
