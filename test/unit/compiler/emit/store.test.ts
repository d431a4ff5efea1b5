/** What opens a gateway's store in generated code: the right class, and nothing of the others. */
import { describe, expect, it } from "vitest";
import { compileFiles } from "../../../support/gateway.ts";

const proxy = "kind: ApiProxy\nproxyEndpoints: [{ basePath: /a }]\ntargetEndpoints: [{ url: http://127.0.0.1:9 }]\n";

async function emitted(store: string): Promise<string> {
  const files = { "gateway.yaml": `kind: Gateway\n${store}`, "proxies/a/proxy.yaml": proxy };
  const program = (await compileFiles(files)).find(({ path }) => path === "program/program.ts");
  return program?.text ?? "";
}

describe("openStore", () => {
  it.each([
    ["nothing", "", "EmbeddedStore"],
    ["embedded", "store: { kind: embedded, file: a.db }", "EmbeddedStore"],
    ["memory", "store: { kind: memory }", "MemoryStore"],
    ["redis", "store: { kind: redis, url: { env: REDIS_URL } }", "RedisStore"],
  ])("for %s links its class alone", async (_, store, expected) => {
    const text = await emitted(store);
    expect(text.match(/\b(Embedded|Memory|Redis)Store\b/g)?.every((name) => name === expected)).toBe(true);
  });

  it("fills in what a distributed store leaves unsaid", async () => {
    const text = await emitted("store: { kind: redis, url: redis://redis.internal:6379 }");
    for (const part of [
      'url: "redis://redis.internal:6379"', "cluster: null", "sentinel: null", "username: null", "password: null", "tls: null",
      'keyPrefix: "{apigw}"', 'channel: "{apigw}:wake"', "connectTimeoutMs: 5000", "commandTimeoutMs: 1000",
    ]) expect(text).toContain(part);
  });

  it("watches how long revocations go unheard, where the store is distant alone", async () => {
    const redis = "store: { kind: redis, url: { env: REDIS_URL } }";
    expect(await emitted(redis)).toMatch(/lag: \{\s*maxLagMs: 60000,\s*onLag: "refuse",\s*watch: watchLag,?\s*\}/);
    const written = await emitted(`${redis}\nrevocation: { maxLag: 5s, onLag: end }`);
    expect(written).toMatch(/maxLagMs: 5000,\s*onLag: "end"/);
    const local = await emitted("store: { kind: memory }");
    expect(local).toContain("lag: null");
    expect(local).not.toContain("watchLag");
  });

  it("reads credentials, nodes and files when the gateway starts", async () => {
    const text = await emitted(`store:
  kind: redis
  sentinel: { master: main, nodes: [{ host: { env: S_HOST }, port: 26379 }], password: { env: S_PASSWORD } }
  username: { env: USER_NAME }
  password: { file: /run/secrets/redis }
  tls: { caFile: { env: CA }, serverName: redis.internal }
  keyPrefix: chat
  commandTimeout: 250ms
`);
    for (const part of [
      'master: "main"', "host: settings.sHost", "port: 26379", "password: settings.sPassword", "username: settings.userName",
      "caFile: settings.ca", 'serverName: "redis.internal"', 'keyPrefix: "{chat}"', "commandTimeoutMs: 250",
    ]) expect(text).toContain(part);
    expect(text).not.toContain('password: "');
  });
});
