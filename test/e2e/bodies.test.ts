/** Bodies that policies read and write, both ways. */
import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { answerWith, gateway, header, post, raw, seen, usable } from "./bodies-ground.ts";

describe("a request's body that a policy reads", () => {
  it("is in its variables, and goes on untouched", async () => {
    using client = await rawClient(gateway.port);
    expect(await client.send(post("/read/x", "hello")).answer()).toMatchObject({ status: 200, body: "hello" });
    expect([header("x-body"), header("content-length")]).toEqual(["hello", "5"]);
    await usable(client);
  });

  it("chunked: goes on with its length", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/read/x", { "Transfer-Encoding": "chunked" }, "POST"));
    client.send("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    expect(await client.answer()).toMatchObject({ status: 200, body: "hello" });
    expect([header("x-body"), header("content-length"), header("transfer-encoding")]).toEqual(["hello", "5", undefined]);
    await usable(client);
  });

  it("is empty where there is none, and nothing of one is sent", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/read/x")).answer()).status).toBe(200);
    expect([header("x-body"), header("content-length"), header("transfer-encoding")]).toEqual(["", undefined, undefined]);
  });

  it("is read only where the condition of the step holds", async () => {
    using client = await rawClient(gateway.port);
    await client.send(post("/post/x", "a?>")).answer();
    expect([header("x-body"), header("x-base64")]).toEqual(["a?>", "YT8-"]);
    client.send(plainRequest("/post/x", { "Transfer-Encoding": "chunked" }, "PUT"));
    client.send("1\r\na\r\n");
    client.send("0\r\n\r\n");
    expect((await client.answer()).body).toBe("a");
    expect([header("x-body"), header("transfer-encoding")]).toEqual([undefined, "chunked"]);
  });

  it("is still there in the response flow", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/late/x", "early")).answer();
    expect([got.body, got.headers.get("x-request")]).toEqual(["early", "early"]);
  });

  it("is asked for when the client waits with it", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/read/x", { "Content-Length": "2", Expect: "100-continue" }, "POST"));
    expect((await client.answer()).status).toBe(100);
    expect(await client.send("ok").answer()).toMatchObject({ status: 200, body: "ok" });
    await usable(client);
  });

  it("that stops coming is answered 408, and the connection ends", async () => {
    using client = await rawClient(gateway.port);
    client.send(`${plainRequest("/read/x", { "Content-Length": "10" }, "POST")}half`);
    const got = await client.answer();
    expect([got.status, got.body, got.headers.get("connection")]).toEqual([408, expect.stringContaining("RequestTimeOut"), "close"]);
    await client.end();
  });

  it("with broken chunks is answered 400, and the connection ends", async () => {
    using client = await rawClient(gateway.port);
    client.send(`${plainRequest("/read/x", { "Transfer-Encoding": "chunked" }, "POST")}zz\r\n`);
    expect((await client.answer()).status).toBe(400);
    await client.end();
  });

  it("whose client leaves: nothing is sent to the target", async () => {
    const count = seen.length;
    using client = await rawClient(gateway.port);
    client.send(`${plainRequest("/read/x", { "Content-Length": "10" }, "POST")}half`);
    await until(() => gateway.gateway.heldBytes > 0, () => "the half to come");
    client.socket.resetAndDestroy();
    await gateway.calm();
    expect(seen.length).toBe(count);
  });
});

describe("a request's body that a policy writes", () => {
  it("goes out in UTF-8 with its length and type", async () => {
    using client = await rawClient(gateway.port);
    expect(await client.send(post("/rewrite/x", "in", { "Content-Encoding": "identity" })).answer()).toMatchObject({ body: "<in>é" });
    expect([header("content-type"), header("content-length"), header("content-encoding")]).toEqual(["text/plain", "6", undefined]);
    await usable(client);
  });

  it("takes the place of one that nobody read, and of none", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(post("/replace/x", "x".repeat(100_000))).answer()).body).toBe("instead");
    expect((await client.send(plainRequest("/replace/x")).answer()).body).toBe("instead");
    expect(header("content-length")).toBe("7");
    await usable(client);
  });

  it("ends the connection of a client that was never asked for its own", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/replace/x", { "Content-Length": "4", Expect: "100-continue" }, "POST"));
    const got = await client.answer();
    expect([got.status, got.body, got.headers.get("connection")]).toEqual([200, "instead", "close"]);
    await client.end();
  });

  it("may be none at all", async () => {
    using client = await rawClient(gateway.port);
    expect(await client.send(post("/remove/x", "away")).answer()).toMatchObject({ status: 200, body: "" });
    expect(header("content-length")).toBe("0");
    await usable(client);
  });
});

describe("an answer's body", () => {
  it("is read, and goes on untouched", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/answer/x", "there")).answer();
    expect([got.body, got.headers.get("x-answer"), got.headers.get("content-length")]).toEqual(["there", "there", "5"]);
    await usable(client);
  });

  it("is written anew", async () => {
    answerWith((response, { body }) => response.writeHead(200, { "Content-Encoding": "identity" }).end(body));
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/wrap/x", "there")).answer();
    expect([got.body, got.headers.get("content-length"), got.headers.has("content-encoding")]).toEqual(["[there]", "7", false]);
    await usable(client);
  });

  it.each([["HEAD", 200, "5"], ["GET", 204, undefined], ["GET", 304, undefined]])("%s %d has none", async (verb, status, length) => {
    answerWith((response) => response.writeHead(status, verb === "HEAD" ? { "Content-Length": 5 } : {}).end());
    using client = await rawClient(gateway.port);
    const got = await client.send(plainRequest("/answer/x", {}, verb)).answer(verb);
    expect([got.status, got.headers.get("x-answer"), got.headers.get("content-length")]).toEqual([status, "", length]);
    await usable(client);
  });

  it("of an error is there for fault rules, with the request's", async () => {
    answerWith((response, { body }) => response.writeHead(500).end(body));
    using client = await rawClient(gateway.port);
    const no = await client.send(post("/rules/x", "no")).answer();
    expect([no.status, no.body, no.headers.get("x-no")]).toEqual([500, "no", "no"]);
    const other = await client.send(post("/rules/x", "other")).answer();
    expect([other.status, other.body, other.headers.get("x-all")]).toEqual([500, "other", "other"]);
    await usable(client);
  });

  it.each([
    ["breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true, 502],
    ["breaks off inside chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", true, 502],
    ["has broken chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, 502],
    ["stops coming", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false, 504],
  ])("that %s: %3$d", async (_what, bytes, ends, status) => {
    raw.on("/broken", ({ socket }) => void (ends ? socket.end(bytes) : socket.write(bytes)));
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/hasty/broken")).answer()).status).toBe(status);
    await usable(client);
  });
});

it("bodies that only PostClientFlow looks into are kept for it", async () => {
  using client = await rawClient(gateway.port);
  expect((await client.send(post("/logged/x", "to be logged")).answer()).body).toBe("to be logged");
  expect(await gateway.line({ event: "message_log", message: "to be logged -> to be logged" })).toBeDefined();
});

it("server-sent events pass at once, while their answer is still open", async () => {
  const open: ServerResponse[] = [];
  answerWith((response) => {
    open.push(response);
    response.writeHead(200, { "Content-Type": "text/event-stream" }).write("data: first\n\n");
  });
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/events"));
  expect(await client.through("data: first\n\n")).toContain("text/event-stream");
  // The second is sent only now: nothing has waited for it.
  open[0]?.end("data: second\n\n");
  await client.through("data: second\n\n");
  await client.through("0\r\n\r\n");
  await usable(client);
});

it("an Expect that nobody knows is answered 417", async () => {
  const count = seen.length;
  using client = await rawClient(gateway.port);
  const { status, body } = await client.send(plainRequest("/read/x", { Expect: "a miracle" })).answer();
  expect([status, body]).toEqual([417, expect.stringContaining("Expect is not 100-continue")]);
  await gateway.line({ event: "http", "http.response.status_code": 417 });
  expect(seen.length).toBe(count);
});
