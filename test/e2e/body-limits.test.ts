/** Bodies over a limit: of one message, and of the process. */
import { describe, expect, it } from "vitest";
import { startGatewayFromBundle } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { answerWith, env, files, gateway, post, seen, usable } from "./bodies-ground.ts";

describe("a body over its limit", () => {
  it.each([["declared", { "Content-Length": "2000" }], ["found out", { "Transfer-Encoding": "chunked" }]])(
    "of a request, %s: 413, and nothing of it goes on",
    async (_how, lines) => {
      const count = seen.length;
      using client = await rawClient(gateway.port);
      const isChunked = "Transfer-Encoding" in lines;
      client.send(plainRequest("/small/x", lines, "POST"));
      client.send(isChunked ? `7d0\r\n${"x".repeat(2000)}\r\n` : "x".repeat(1000));
      const got = await client.answer();
      expect([got.status, got.body]).toEqual([413, expect.stringContaining("protocol.http.TooBigBody")]);
      expect(got.headers.get("connection")).toBe("close");
      // The client may go on sending and hears its answer all the same.
      client.send(isChunked ? "0\r\n\r\n" : "x".repeat(1000));
      await client.end();
      expect(seen.length).toBe(count);
    },
  );

  it("is refused before a client that waits with it sends it", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/small/x", { "Content-Length": "2000", Expect: "100-continue" }, "POST"));
    expect((await client.answer()).status).toBe(413);
    await client.end();
  });

  it.each([true, false])("of an answer: 502 (declared: %s)", async (isDeclared) => {
    answerWith((response) => {
      if (isDeclared) response.setHeader("Content-Length", 5000);
      response.write("x".repeat(4000));
      response.end("x".repeat(1000));
    });
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/small/x", "ok")).answer();
    expect([got.status, got.body]).toEqual([502, expect.stringContaining("protocol.http.TooBigBody")]);
    await usable(client);
  });

  it("of exactly that size passes", async () => {
    using client = await rawClient(gateway.port);
    expect(await client.send(post("/small/x", "x".repeat(1024))).answer()).toMatchObject({ status: 200 });
  });

  it("streams by where nobody looks into it", async () => {
    using client = await rawClient(gateway.port);
    const body = "x".repeat(100_000);
    expect((await client.send(post("/open/x", body)).answer()).body.length).toBe(100_000);
  });

  it("of the process: 503 for whoever comes then", async () => {
    await using narrow = await startGatewayFromBundle(files("heldBodies: 40KiB"), { env });
    using first = await rawClient(narrow.port);
    first.send(`${plainRequest("/read/x", { "Content-Length": "30000" }, "POST")}${"x".repeat(20_000)}`);
    await until(() => narrow.gateway.heldBytes > 0, () => "the first body");
    using second = await rawClient(narrow.port);
    const got = await second.send(post("/read/x", "x".repeat(30_000))).answer();
    expect([got.status, got.body]).toEqual([503, expect.stringContaining("gateway.Overload")]);
    first.socket.destroy();
    await until(() => narrow.gateway.heldBytes === 0, () => "the memory to be free again");
    using third = await rawClient(narrow.port);
    expect((await third.send(post("/post/x", "third")).answer()).body).toBe("third");
  });
});
