/** Plain HTTP exchanges that fail: targets and clients that leave, and faults. */
import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { SHORT_IO_TIMEOUT_MS } from "./bundle.ts";
import { gateway, on, raw, seen, seenAt, usable } from "./http-ground.ts";

const MIB = 1024 * 1024;

describe("an exchange that fails", () => {
  it("a target that refuses: 503", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest("/nobody/x")).answer();
    expect([answer.status, answer.body]).toEqual([503, expect.stringContaining("ServiceUnavailable")]);
    await usable(client);
  });

  it("a target that is silent: 504 after io.timeout.millis", async () => {
    const path = on(() => undefined);
    using client = await rawClient(gateway.port);
    const startMs = performance.now();
    expect((await client.send(plainRequest(`/hasty${path}`)).answer()).status).toBe(504);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(SHORT_IO_TIMEOUT_MS - 5);
    await until(() => seen.find(({ url }) => url === path)?.aborted === true, () => "the target to hear of it");
    await usable(client);
  });

  it.each([
    ["closes at once", ""],
    ["talks nonsense", "nonsense\r\n\r\n"],
    ["closes inside its head", "HTTP/1.1 200 OK\r\nX:"],
  ])("a target that %s: 502", async (_what, text) => {
    raw.on("/bad", ({ socket }) => void socket.end(text));
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/raw/bad")).answer()).status).toBe(502);
    await usable(client);
  });

  it("a target that breaks off inside its body breaks the client's connection", async () => {
    const path = on((_request, response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("half");
      setTimeout(() => response.destroy(), 20);
    });
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/open${path}`));
    await client.through("half");
    expect((await client.end()).length).toBe(0);
  });

  it("a target that breaks off inside chunks does not look whole", async () => {
    const path = on((_request, response) => {
      response.write("half");
      setTimeout(() => response.destroy(), 20);
    });
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/open${path}`));
    await client.through("half");
    expect((await client.end()).toString("latin1")).not.toContain("0\r\n\r\n");
  });

  it("a client that leaves before the answer ends the target's request", async () => {
    const path = on(() => undefined);
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/open${path}`));
    const entry = await seenAt(path);
    client.socket.resetAndDestroy();
    await until(() => entry.aborted, () => "the target to hear of it");
    expect(await gateway.line({ event: "http", "url.path": `/open${path}` })).toMatchObject({ "http.response.status_code": 499 });
  });

  it("a client that leaves inside its body ends the target's request", async () => {
    const path = on((request) => void request.resume());
    using client = await rawClient(gateway.port);
    client.send(`${plainRequest(`/open${path}`, { "Content-Length": "100" }, "POST")}half`);
    const entry = await seenAt(path);
    client.socket.resetAndDestroy();
    await until(() => entry.aborted, () => "the target to hear of it");
  });

  it("a client that leaves inside the answer ends the target's", async () => {
    const path = on((_request, response) => void response.write("half"));
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/open${path}`));
    await client.through("half");
    client.socket.resetAndDestroy();
    const entry = await seenAt(path);
    await until(() => entry.aborted, () => "the target to hear of it");
  });

  it("a target that answers before it has read the body: the client gets its answer and may go on sending", async () => {
    raw.on("/eager", ({ socket }) => void socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"));
    using client = await rawClient(gateway.port);
    const size = 20 * MIB;
    client.send(plainRequest("/raw/eager", { "Content-Length": String(size) }, "POST"));
    const answer = await client.answer();
    expect([answer.status, answer.body]).toEqual([413, "big"]);
    for (let sent = 0; sent < size; sent += MIB) client.send(Buffer.alloc(MIB));
    await until(() => client.socket.writableLength === 0, () => "the client's body to be taken");
    await usable(client);
  });

  it("a target that ends a kept connection just when it is used again: asked once more, unless that could do harm", async () => {
    const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    raw.on("/kept", ({ socket }) => {
      socket.write(ok);
      socket.once("data", () => socket.destroy());
    });
    using client = await rawClient(gateway.port);
    for (let n = 0; n < 4; n++) expect((await client.send(plainRequest("/raw/kept")).answer()).body).toBe("ok");
    expect(raw.connections.filter(({ path }) => path === "/kept").length).toBeGreaterThan(1);
    raw.on("/kept", ({ socket }) => {
      socket.write(ok);
      socket.once("data", () => socket.destroy());
    });
    // A request that may have been carried out is not sent twice.
    const post = plainRequest("/raw/kept", { "Content-Length": "0" }, "POST");
    const answers = [await client.send(post).answer(), await client.send(post).answer()];
    expect(answers.map(({ status }) => status)).toContain(502);
  });
});

describe("faults", () => {
  it.each([
    ["request", 418, "raised in the request", { "x-raised": "request", "x-fault-rule": "RaiseFault", "x-always": "yes" }],
    ["response", 451, "raised in the response", { "x-always": "yes" }],
  ])("raised in the %s flow go through the rules", async (where, status, body, headers) => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest("/rules/x", { "X-Fault": where })).answer();
    expect([answer.status, answer.body]).toEqual([status, body]);
    expect(Object.fromEntries(answer.headers)).toMatchObject(headers);
    await usable(client);
  });

  it("of the target's answer: its own body passes, or a rule's takes its place", async () => {
    const path = on((_request, response) => response.writeHead(500, { "Content-Type": "text/x" }).end("own"));
    using client = await rawClient(gateway.port);
    const own = await client.send(plainRequest(`/rules${path}`)).answer();
    expect([own.status, own.body, own.headers.get("x-marked")]).toEqual([500, "own", "target"]);
    const replaced = await client.send(plainRequest(`/rules${path}`, { "X-Fault": "replace" })).answer();
    expect([replaced.status, replaced.body]).toEqual([502, "replaced"]);
    await usable(client);
  });

  it("with a status that has no body get none", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/rules/x", { "X-Fault": "empty" })).answer()).status).toBe(204);
    await usable(client);
  });

  it("of a body that nobody read end the connection", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(`${plainRequest("/key/x", { "Content-Length": "100" }, "POST")}half`).answer();
    expect([answer.status, answer.headers.get("connection")]).toEqual([401, "close"]);
    await client.end();
  });

  it("are Apigee's JSON for what is not deployed", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest("/nowhere")).answer();
    expect(JSON.parse(answer.body)).toEqual({
      fault: {
        faultstring: "Unable to identify proxy for host: gateway.test and url: /nowhere",
        detail: { errorcode: "messaging.adaptors.http.flow.ApplicationNotFound" },
      },
    });
  });

  it.each([
    ["a target that is too long", 414, "TooBigLine", plainRequest(`/open/${"a".repeat(11_000)}`)],
    ["too many header lines", 431, "TooBigHeaders", plainRequest("/open/x", Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`X-${at}`, "1"])))],
    ["two Content-Type lines", 400, "DuplicateHeader", plainRequest("/open/x", { "Content-Type": "a/b", "content-type": "a/c" })],
    ["two Host lines", 400, "DuplicateHeader", plainRequest("/open/x", { host: "other.test" })],
    ["Content-Length and chunks", 400, "BadRequest", plainRequest("/open/x", { "Content-Length": "1", "Transfer-Encoding": "chunked" }, "POST")],
  ])("%s: %i %s", async (_what, status, name, request) => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(request).answer();
    expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(`"errorcode":"protocol.http.${name}"`)]);
  });

  it.each(["ünï.test", "gateway.test:x", "gateway.test:99999", "a b"])("a Host that is none (%s): 400", async (host) => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/open/x", { Host: host })).answer()).status).toBe(400);
  });
});
