import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { connectTcp, ignoreError } from "#runtime/target/connect.ts";
import { rawTarget, refusedPort } from "../../../support/raw-target.ts";

describe("connectTcp", () => {
  test("makes a half-closable connection", async () => {
    await using target = await rawTarget((socket) => void socket.end("bye"));
    const socket = connectTcp({ host: "127.0.0.1", port: target.port, tcpKeepAliveMs: 60_000 });
    socket.write("\r\n\r\n");
    await once(socket.resume(), "end");
    expect(socket.writable).toBe(true);
    socket.write("still here");
    socket.end();
    await target.closed();
    expect(target.received()).toBe("\r\n\r\nstill here");
  });

  test("listens for errors before anybody else does, so that a refusal is never unhandled", async () => {
    const socket = connectTcp({ host: "127.0.0.1", port: await refusedPort(), tcpKeepAliveMs: 60_000 });
    expect(socket.listeners("error")).toEqual([ignoreError]);
    expect(await new Promise((resolve) => socket.once("close", resolve))).toBe(true);
  });
});
