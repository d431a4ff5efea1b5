import { Buffer } from "node:buffer";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import type { TargetConnection } from "../support/fake-target.ts";
import { endless, frame, fromClient, fromTarget, MASK } from "../support/frames.ts";
import { startModules, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type RawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { atRest, bearer, closeFrame, ends, env, modules, obey, open, record, target, targetClose, tokenFor } from "./session-ground.ts";

async function stalled(connection: TargetConnection): Promise<void> {
  await until(() => connection.socket.writableLength > 500_000, () => "the target to be held back");
}

function floodFromClient(client: RawClient): void {
  const block = frame({ opcode: 2, payload: Buffer.alloc(60_000), mask: MASK });
  const more = (): void => {
    if (client.socket.writableLength < 1_000_000 && !client.socket.destroyed) {
      client.send(block);
      setImmediate(more);
    }
  };
  more();
}

/** Writes frames until the connection takes no more. */
function flood(connection: TargetConnection): void {
  const block = frame({ opcode: 2, payload: Buffer.alloc(60_000) });
  const more = (): void => {
    if (connection.socket.writableLength < 1_000_000 && !connection.socket.destroyed) {
      connection.socket.write(block);
      setImmediate(more);
    }
  };
  more();
}

describe("a deadline", () => {
  let gateway: TestGateway;
  let clock: FakeClock;
  beforeEach(async () => {
    clock = fakeClock();
    gateway = await startModules(modules, { env, clock });
  });
  afterEach(async () => {
    await atRest(gateway);
    await gateway[Symbol.asyncDispose]();
  });

  it("of a token ends the session when it expires mid-stream, and nothing passes any more", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    client.send(fromClient("before"));
    await connection.got(12);
    clock.advance(9_999);
    connection.socket.write(fromTarget("still here"));
    expect(await client.bytes(12)).toEqual(fromTarget("still here"));
    clock.advance(30);
    expect(await closeFrame(client)).toEqual({ code: 3000, text: "token expired" });
    expect(await targetClose(connection, 12)).toEqual({ masked: true, code: 1001 });
    client.send(fromClient("after"));
    connection.socket.write(fromTarget("after"));
    await obey(client, 3000);
    await connection.gone();
    expect(client.pending.length).toBe(0);
    expect(connection.received.length).toBe(12 + 8 + "token expired".length);
    expect(await record(gateway, id)).toMatchObject(
      ends("token_expired", 3000, { "apigw.ws.timer": "credential", "apigw.app": "web", "apigw.frames_in": 1, "apigw.frames_out": 1 }),
    );
  });

  it("of the wall clock follows its steps", async () => {
    const { client, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 3_600_000)));
    clock.stepWall(3_600_000);
    clock.advance(1_100);
    expect((await closeFrame(client)).code).toBe(3000);
    await obey(client, 3000);
    expect(await record(gateway, id)).toMatchObject(ends("token_expired", 3000));
    await gateway.line({ event: "clock_step" });
  });

  it("of the first of two credentials counts", async () => {
    const { client, id } = await open(gateway, "/both", bearer(await tokenFor(gateway, 5_000)));
    clock.advance(5_030);
    expect((await closeFrame(client)).code).toBe(3000);
    await obey(client, 3000);
    expect(await record(gateway, id)).toMatchObject(ends("token_expired", 3000));
  });

  it("idle: any byte in either direction counts, control frames too", async () => {
    const { client, connection, id } = await open(gateway, "/short");
    clock.advance(20_000);
    client.send(frame({ opcode: 9, mask: MASK }));
    await connection.got(6);
    clock.advance(20_000);
    expect(client.pending.length).toBe(0);
    clock.advance(10_030);
    expect(await closeFrame(client)).toEqual({ code: 3008, text: "idle timeout" });
    await obey(client, 3008);
    expect(await record(gateway, id)).toMatchObject(ends("idle", 3008, { "apigw.ws.timer": "idle", "apigw.duration_ms": expect.closeTo(50_000, -2) }));
  });

  it("maximum duration: traffic does not move it, and the proxy chooses code and text", async () => {
    const { client, connection, id } = await open(gateway, "/short");
    for (let n = 1; n <= 3; n++) {
      clock.advance(20_010);
      if (n === 3) break;
      connection.socket.write(fromTarget("x"));
      await client.bytes(3);
    }
    expect(await closeFrame(client)).toEqual({ code: 4000, text: "long enough" });
    await obey(client, 4000);
    expect(await record(gateway, id)).toMatchObject(ends("lifetime", 4000, { "apigw.ws.timer": "maxDuration" }));
  });

  it("of a token may come while the target has not answered: 401, and the target's connection goes", async () => {
    const token = await tokenFor(gateway, 5_000);
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest("/token/silent", bearer(token)));
    const connection = await target.request("/silent", target.connections.filter(({ path }) => path === "/silent").length + 1);
    clock.advance(5_030);
    const { status, body } = await client.answer();
    expect([status, JSON.parse(body)]).toEqual([401, expect.objectContaining({ fault: expect.anything() })]);
    await connection.gone();
    expect(gateway.lines({ event: "session" })).toEqual([]);
    // The connection is usable afterwards.
    expect((await client.send(plainRequest("/nowhere")).answer()).status).toBe(404);
  });

  it("of a token with a frame of 2^40 bytes from the client in flight: the target is reset, the client told", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    client.send(endless(MASK));
    const got = (await connection.got(1_014)).length;
    clock.advance(10_030);
    await connection.gone();
    expect((await closeFrame(client)).code).toBe(3000);
    client.send(Buffer.alloc(5_000, "y"));
    clock.advance(5_100);
    await client.gone();
    expect(connection.received.length).toBe(got);
    expect(await record(gateway, id)).toMatchObject(ends("token_expired", 3000, { "apigw.ws.forced": true }));
  });

  it("of a token with a frame of 2^40 bytes from the target in flight: the client is reset after closeGrace", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    connection.staysOpen = true;
    connection.socket.write(endless(null));
    const got = await client.bytes(1_010);
    clock.advance(10_030);
    expect(await targetClose(connection)).toEqual({ masked: true, code: 1001 });
    connection.socket.write(Buffer.alloc(5_000, "y"));
    expect(client.closed).toBe(false);
    clock.advance(1_030);
    await client.gone();
    expect([got.length, client.pending.length, client.error]).toEqual([1_010, 0, "ECONNRESET"]);
    clock.advance(5_000);
    expect(await record(gateway, id)).toMatchObject(ends("token_expired", 1006, { "apigw.ws.forced": true }));
    connection.socket.destroy();
  });

  it("of a token, and the client reads nothing: both connections are gone after closeTimeout", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    client.socket.pause();
    flood(connection);
    await stalled(connection);
    clock.advance(10_030);
    clock.advance(5_100);
    await connection.gone();
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "token_expired", "apigw.ws.forced": true });
    client.socket.destroy();
  });

  it("of a token, and the target reads nothing: both connections are gone after closeTimeout", async () => {
    const { client, connection, id } = await open(gateway, "/token", bearer(await tokenFor(gateway, 10_000)));
    connection.socket.pause();
    floodFromClient(client);
    await until(() => client.socket.writableLength > 500_000, () => "the client to be held back");
    clock.advance(10_030);
    clock.advance(5_100);
    await client.gone();
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "token_expired", "apigw.ws.forced": true });
    connection.socket.destroy();
  });

  it("write stall: a client that reads nothing is ended after writeStallTimeout", async () => {
    const { client, connection, id } = await open(gateway, "/open");
    client.socket.pause();
    flood(connection);
    await stalled(connection);
    for (let n = 0; n < 10; n++) clock.advance(15_000);
    await connection.gone();
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "write_stall", "apigw.ws.timer": "writeStall", "apigw.ws.forced": true });
    client.socket.destroy();
  });

  it("half-close: a target that says nothing after the client's FIN has halfCloseTimeout", async () => {
    const { client, connection, id } = await open(gateway, "/open");
    connection.staysOpen = true;
    client.socket.end();
    await until(() => connection.ended, () => "the FIN to travel on");
    connection.socket.write(fromTarget("late"));
    expect(await client.bytes(6)).toEqual(fromTarget("late"));
    clock.advance(30_030);
    expect((await closeFrame(client)).code).toBe(3008);
    await client.end();
    connection.socket.destroy();
    expect(await record(gateway, id)).toMatchObject({ "apigw.ws.close_reason": "half_close", "apigw.ws.timer": "halfClose" });
  });
});
