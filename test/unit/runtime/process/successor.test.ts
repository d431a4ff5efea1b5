import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { systemClock } from "#runtime/clock.ts";
import { hasSuccessor } from "#runtime/process/successor.ts";

describe("a successor", () => {
  it.each(["127.0.0.1", "0.0.0.0"])("is known by taking a connection on %s, and missed when it does not", async (host) => {
    const server = createServer((socket) => socket.on("error", () => undefined));
    const port = await new Promise<number>((resolve) => {
      server.listen(0, host, () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    expect(await hasSuccessor(host, port, systemClock)).toBe(true);
    await new Promise((resolve) => void server.close(resolve));
    expect(await hasSuccessor(host, port, systemClock)).toBe(false);
  });
});
