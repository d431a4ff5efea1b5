import { Buffer } from "node:buffer";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { closing, endless, frame, fromClient, fromTarget, MASK } from "../support/frames.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { rawClient, upgradeRequest } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { bundle } from "./bundle.ts";
import { atRest, bearer, closeFrame, env, modules, open, type Pair, record, target, tokenFor } from "./session-ground.ts";
import { invalidateToken } from "../support/access-records.ts";

/** Numbers from 0 to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("limits", () => {
  it("of sessions: 503 with Retry-After, and room again when one has ended", async () => {
    const gateway = await startModules(await compileFiles(bundle("limits: { sessionsMax: 2 }")), { env });
    const first = await open(gateway, "/open");
    const second = await open(gateway, "/open");
    using client = await rawClient(gateway.port);
    const { status, headers } = await client.send(upgradeRequest("/open/third")).answer();
    expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
    first.client.socket.resetAndDestroy();
    await record(gateway, first.id);
    expect((await client.send(upgradeRequest("/open/third")).answer()).status).toBe(101);
    second.client.socket.destroy();
    client.socket.destroy();
    await atRest(gateway);
    await gateway[Symbol.asyncDispose]();
  });

  it("of handshakes from one address: 503, and room again when one has ended", async () => {
    const gateway = await startModules(await compileFiles(bundle("limits: { handshakesPerAddressMax: 2 }")), { env });
    const waiting = [await rawClient(gateway.port), await rawClient(gateway.port)];
    for (const client of waiting) client.send(upgradeRequest("/open/silent"));
    await until(() => gateway.gateway.handshakes.count === 2, () => "two handshakes");
    using client = await rawClient(gateway.port);
    expect((await client.send(upgradeRequest("/open/x")).answer()).status).toBe(503);
    for (const other of waiting) other.socket.destroy();
    await gateway.calm(1);
    expect((await client.send(upgradeRequest("/open/x")).answer()).status).toBe(101);
    client.socket.destroy();
    await atRest(gateway);
    await gateway[Symbol.asyncDispose]();
  });
});

describe("close frames", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startModules(modules, { env });
  });
  afterEach(async () => atRest(gateway));
  afterAll(async () => gateway[Symbol.asyncDispose]());

  const codes: readonly (readonly [code: number | null, text: string])[] = [
    [1000, "bye"], [1001, ""], [1011, "broken"], [3000, "x".repeat(123)], [4999, "own"], [null, ""],
  ];

  it.each(codes)("of the client pass untouched: %s %s", async (code, text) => {
    const { client, connection, id } = await open(gateway, "/open");
    const sent = closing(code, text, MASK);
    client.send(sent);
    expect(await connection.got(sent.length)).toEqual(sent);
    const answer = closing(code, "", null);
    connection.socket.end(answer);
    expect(await client.bytes(answer.length)).toEqual(answer);
    client.socket.end();
    expect(await record(gateway, id)).toMatchObject({
      "apigw.ws.closed_by": "client", "apigw.ws.close_reason": "client", "apigw.ws.close_code": code ?? 1005, "apigw.ws.close_text": text, "apigw.ws.forced": false,
    });
  });

  it.each(codes)("of the target pass untouched: %s %s", async (code, text) => {
    const { client, connection, id } = await open(gateway, "/open");
    const sent = closing(code, text, null);
    connection.socket.write(sent);
    expect(await client.bytes(sent.length)).toEqual(sent);
    const answer = closing(code, "", MASK);
    client.send(answer);
    expect(await connection.got(answer.length)).toEqual(answer);
    connection.socket.end();
    await client.end();
    client.socket.end();
    expect(await record(gateway, id)).toMatchObject({
      "apigw.ws.closed_by": "target", "apigw.ws.close_reason": "upstream", "apigw.ws.close_code": code ?? 1005, "apigw.ws.close_text": text,
    });
  });

  it("a client that sends no frames at all is ended with 1002", async () => {
    const { client, connection, id } = await open(gateway, "/open");
    client.send("GET /admin HTTP/1.1\r\n\r\n");
    expect((await closeFrame(client)).code).toBe(1002);
    client.socket.destroy();
    await connection.gone();
    expect(connection.received.includes("admin")).toBe(false);
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "protocol_error", "error.type": "protocol_error" });
  });

  it("a client that does not mask is ended with 1002, and its frame does not pass", async () => {
    const { client, connection, id } = await open(gateway, "/open");
    client.send(fromTarget("unmasked"));
    expect((await closeFrame(client)).code).toBe(1002);
    client.socket.destroy();
    await connection.gone();
    expect(connection.received.includes("unmasked")).toBe(false);
    await record(gateway, id);
  });

  it("ten megabytes pass both ways at once, byte for byte", async () => {
    const { client, connection } = await open(gateway, "/open");
    const payload = Buffer.alloc(10 * 1024 * 1024, "0123456789abcdef");
    const up = frame({ opcode: 2, payload, mask: MASK });
    const down = frame({ opcode: 2, payload });
    client.send(up);
    connection.socket.write(down);
    const chunks: Buffer[] = [];
    let seen = 0;
    while (seen < down.length) {
      await until(() => client.pending.length > 0, () => "bytes for the client");
      const chunk = client.take();
      chunks.push(chunk);
      seen += chunk.length;
    }
    expect(Buffer.concat(chunks).equals(down)).toBe(true);
    expect((await connection.got(up.length)).equals(up)).toBe(true);
    client.socket.destroy();
  });
});

describe("records", () => {
  const SESSIONS = 200;
  it(`are exactly one for each of ${SESSIONS} connections, however they end`, async () => {
    const gateway = await startModules(modules, { env });
    const token = await tokenFor(gateway);
    const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 100_000);
    const random = generator(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] ?? (items[0] as T);
    const endings: readonly ((pair: Pair) => void)[] = [
      ({ client }) => void client.socket.resetAndDestroy(),
      ({ client }) => void client.socket.destroy(),
      ({ client }) => void client.socket.end(closing(1000, "", MASK)),
      ({ client }) => void client.send(Buffer.from("nonsense")),
      ({ client }) => void client.socket.end(endless(MASK)),
      ({ connection }) => void connection.socket.resetAndDestroy(),
      ({ connection }) => void connection.socket.destroy(),
      ({ connection }) => void connection.socket.end(closing(1001, "", null)),
      ({ connection }) => void connection.socket.write("nonsense"),
      ({ client, connection }) => {
        client.send(closing(1000, "", MASK));
        connection.socket.write(closing(1001, "", null));
      },
      ({ client, connection }) => {
        client.socket.resetAndDestroy();
        connection.socket.resetAndDestroy();
      },
      () => undefined,
    ];
    const pairs: Pair[] = [];
    for (let n = 0; n < SESSIONS; n++) {
      const pair = await open(gateway, pick(["/open", "/token"]), bearer(token));
      pairs.push(pair);
      if (random() < 0.5) pair.client.send(fromClient("hello"));
      if (random() < 0.5) pair.connection.socket.write(fromTarget("hello"));
      pick(endings)(pair);
    }
    await invalidateToken(gateway.gateway, token);
    for (const { client } of pairs) client.socket.destroy();
    await atRest(gateway);
    const ids = gateway.lines({ event: "session" }).map((line) => String(line["apigw.session_id"])).sort();
    expect(ids, `seed ${seed}`).toEqual(pairs.map(({ id }) => id).sort());
    expect(gateway.metric("apigw_ws_connections_opened_total")).toBe(SESSIONS);
    expect(gateway.metric("apigw_ws_connections_closed_total")).toBe(SESSIONS);
    await gateway[Symbol.asyncDispose]();
  });
});
