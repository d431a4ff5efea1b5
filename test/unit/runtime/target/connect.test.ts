import { once } from "node:events";
import type { LookupFunction } from "node:net";
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

  test("asks for the addresses of a name each time, and goes on to the next where one refuses", async () => {
    await using target = await rawTarget((socket) => void socket.end("bye"));
    const asked: string[] = [];
    const lookup: LookupFunction = (host, _options, callback) => {
      asked.push(host);
      callback(null, [{ address: "::1", family: 6 }, { address: "127.0.0.1", family: 4 }]);
    };
    for (let n = 0; n < 2; n++) {
      const socket = connectTcp({ host: "chat.test", port: target.port, tcpKeepAliveMs: 60_000, lookup });
      await once(socket, "connect");
      expect(socket.remoteAddress).toBe("127.0.0.1");
      socket.destroy();
    }
    expect(asked).toEqual(["chat.test", "chat.test"]);
  });

  test("fails once no address of a name is left", async () => {
    const lookup: LookupFunction = (_host, _options, callback) => {
      callback(null, [{ address: "::1", family: 6 }, { address: "127.0.0.1", family: 4 }]);
    };
    const socket = connectTcp({ host: "chat.test", port: await refusedPort(), tcpKeepAliveMs: 60_000, lookup });
    expect(await new Promise((resolve) => socket.once("close", resolve))).toBe(true);
    expect(socket.errored).toBeInstanceOf(Error);
  });
});
