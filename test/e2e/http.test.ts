/** Plain HTTP exchanges: connections, bodies that stream, interim answers, headers, routes. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { API_KEY, API_SECRET } from "./bundle.ts";
import { connections, fallback, gateway, on, raw, seen, seenAt, usable } from "./http-ground.ts";

const MIB = 1024 * 1024;

/** One exchange through node's own client. */
function exchange(path: string, options: { method?: string; body?: Buffer; headers?: Record<string, string> } = {}): Promise<{ status: number; body: Buffer; headers: IncomingMessage["headers"] }> {
  return new Promise((resolve, reject) => {
    const { method = "GET", body, headers = {} } = options;
    const request = requestHttp({ port: gateway.port, host: "127.0.0.1", path, method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks), headers: answer.headers }));
      answer.on("error", reject);
    });
    request.on("error", reject).end(body);
  });
}

const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describe("an HTTP exchange", () => {
  it("keeps its connection, and the target's", async () => {
    using client = await rawClient(gateway.port);
    await usable(client);
    const before = connections;
    for (let n = 0; n < 5; n++) await usable(client);
    expect(connections).toBe(before);
    expect(await gateway.line({ event: "http", "url.path": "/open/usable" })).toMatchObject({
      "http.response.status_code": 200,
      "http.request.method": "GET",
      "apigw.bytes_out": 11,
      "apigw.target": "default",
    });
  });

  it("answers pipelined requests in order", async () => {
    using client = await rawClient(gateway.port);
    client.send([1, 2, 3].map((n) => plainRequest(`/open/p${n}`)).join(""));
    for (const n of [1, 2, 3]) expect((await client.answer()).body).toBe(`GET /p${n}`);
  });

  it("streams 10 MiB up by length and back chunked", async () => {
    const path = on((request, response) => request.pipe(response));
    const body = Buffer.alloc(10 * MIB, "0123456789");
    const answer = await exchange(`/open${path}`, { method: "POST", body, headers: { "Content-Length": String(body.length) } });
    expect([answer.status, answer.body.length, digestOf(answer.body)]).toEqual([200, body.length, digestOf(body)]);
    expect((await seenAt(path)).headers["content-length"]).toBe(String(body.length));
    expect(await gateway.line({ event: "http", "url.path": `/open${path}` })).toMatchObject({ "apigw.bytes_in": body.length, "apigw.bytes_out": body.length });
  });

  it("streams 10 MiB up chunked and back by length", async () => {
    const body = Buffer.alloc(10 * MIB, "0123456789");
    const path = on((request, response) => {
      request.resume();
      request.on("end", () => response.writeHead(201, { "Content-Length": body.length }).end(body));
    });
    const answer = await exchange(`/open${path}`, { method: "PUT", body, headers: { "Transfer-Encoding": "chunked" } });
    expect([answer.status, digestOf(answer.body)]).toEqual([201, digestOf(body)]);
    expect(answer.headers["content-length"]).toBe(String(body.length));
    const entry = await seenAt(path);
    expect([entry.headers["transfer-encoding"], entry.bytes]).toEqual(["chunked", body.length]);
  });

  it("holds a target back whose client does not read", async () => {
    let written = 0;
    const path = on((_request, response) => {
      const block = Buffer.alloc(MIB / 4);
      const more = (): void => {
        while (written < 128 * MIB && !response.destroyed) {
          written += block.length;
          if (!response.write(block)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    using client = await rawClient(gateway.port);
    client.socket.pause();
    client.send(plainRequest(`/open${path}`));
    let last = -1;
    while (last !== written) {
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(written).toBeLessThan(32 * MIB);
    client.socket.resetAndDestroy();
    await until(() => seen.find(({ url }) => url === path)?.aborted === true, () => "the target to hear of it");
  });

  it("holds a client back whose target does not read", async () => {
    const path = on((request) => void request.pause());
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/hasty${path}`, { "Content-Length": String(128 * MIB) }, "POST"));
    const block = Buffer.alloc(MIB / 4);
    let written = 0;
    const more = (): void => {
      while (written < 128 * MIB && !client.socket.destroyed) {
        written += block.length;
        if (!client.socket.write(block)) return void client.socket.once("drain", more);
      }
    };
    more();
    // A target that takes nothing for io.timeout.millis is a silent one.
    expect((await client.answer()).status).toBe(504);
    expect(written).toBeLessThan(32 * MIB);
    client.socket.resetAndDestroy();
  });

  it("HEAD has the header of a body and none", async () => {
    const path = on((_request, response) => response.writeHead(200, { "Content-Length": "5" }).end());
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest(`/open${path}`, {}, "HEAD")).answer("HEAD");
    expect([answer.status, answer.headers.get("content-length")]).toEqual([200, "5"]);
    const refused = await client.send(plainRequest("/nowhere", {}, "HEAD")).answer("HEAD");
    expect(refused.status).toBe(404);
    await usable(client);
  });

  it.each([204, 304])("%i has no body", async (status) => {
    const path = on((_request, response) => response.writeHead(status, { ETag: '"x"' }).end());
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest(`/open${path}`)).answer();
    expect([answer.status, answer.headers.get("etag"), answer.headers.get("transfer-encoding")]).toEqual([status, '"x"', undefined]);
    await usable(client);
  });

  it("passes trailers of the target on", async () => {
    const path = on((_request, response) => {
      response.writeHead(200, { Trailer: "X-Sum" });
      response.write("body");
      response.addTrailers({ "X-Sum": "42" });
      response.end();
    });
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest(`/open${path}`)).answer()).body).toBe("bodyX-Sum: 42\r\n");
    await usable(client);
  });

  it("serves HTTP/1.0 clients without chunks and ends their connection", async () => {
    const path = on((_request, response) => {
      response.write("one ");
      response.end("two");
    });
    using client = await rawClient(gateway.port);
    const text = (await client.send(`GET /open${path} HTTP/1.0\r\nHost: gateway.test\r\n\r\n`).end()).toString("latin1");
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toMatch(/transfer-encoding/i);
    expect(text.endsWith("\r\n\r\none two")).toBe(true);
  });

  it("asks for the body of a client that waits for 100-continue, and only when policy let it pass", async () => {
    using client = await rawClient(gateway.port);
    const lines = { Expect: "100-continue", "Content-Length": "4" };
    client.send(plainRequest("/open/expected", lines, "POST"));
    expect((await client.answer()).status).toBe(100);
    expect(await client.send("body").answer()).toMatchObject({ status: 200, body: "POST /expected" });
    expect(client.pending.length).toBe(0);
    const refused = await client.send(plainRequest("/key/expected", lines, "POST")).answer();
    expect([refused.status, refused.headers.get("connection")]).toEqual([401, "close"]);
  });

  it("forwards 103 with all its lines and without those of the connection", async () => {
    raw.on("/hints", ({ socket }) =>
      socket.end("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
    );
    using client = await rawClient(gateway.port);
    const hints = await client.send(plainRequest("/raw/hints")).answer();
    expect([hints.status, hints.headers.get("link")]).toEqual([103, "</a>, </b>"]);
    expect(hints.head).not.toMatch(/hop/i);
    expect(await client.answer()).toMatchObject({ status: 200, body: "ok" });
  });

  it("gives up on a target that sends more interim answers than the bound", async () => {
    raw.on("/many", ({ socket }) =>
      socket.end(`${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`),
    );
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/raw/many"));
    let interim = 0;
    let answer = await client.answer();
    for (; answer.status === 103; answer = await client.answer()) interim++;
    expect(interim).toBe(gateway.gateway.limits.interimResponsesMax);
    expect(answer.status).toBe(502);
  });
});

describe("headers", () => {
  it("of the request: hop-by-hop and forged ones go, the gateway's come", async () => {
    using client = await rawClient(gateway.port);
    const path = on(fallback);
    await client
      .send(plainRequest(`/key${path}?apikey=${API_KEY}`, {
        Connection: "keep-alive, X-Nominated, Content-Length, X-App",
        "X-Nominated": "1",
        "Keep-Alive": "timeout=1",
        TE: "trailers",
        "Proxy-Authorization": "Basic x",
        "x_app": "forged",
        "X-App": "forged",
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        Forwarded: "for=6.6.6.6",
        Cookie: "a=1; b=2",
        "X-Kept": "yes",
      }))
      .answer();
    const { headers, rawHeaders, url } = await seenAt(path);
    expect(url).toBe(path);
    expect(headers).toMatchObject({ "x-app": "web", "x-kept": "yes", cookie: "a=1; b=2", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-host": "gateway.test" });
    expect(rawHeaders.join("\n")).not.toMatch(/forged|nominated|timeout=1|proxy-auth|6\.6\.6\.6|^te$/im);
    await usable(client);
  });

  it("of the answer: hop-by-hop ones go, repeated ones stay", async () => {
    raw.on("/answer", ({ socket }) =>
      socket.end("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\nX-Kept: yes\r\nContent-Length: 2\r\n\r\nok"),
    );
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest("/raw/answer")).answer();
    expect(answer.headers.get("set-cookie")).toBe("a=1, b=2");
    expect(answer.headers.get("x-kept")).toBe("yes");
    expect(answer.head).not.toMatch(/x-hop|timeout=9|proxy-connection/i);
    await usable(client);
  });

  it("that smuggle are refused before anything is routed", async () => {
    const count = seen.length;
    for (const request of [
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST /open/x HTTP/1.0\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: +4\r\n\r\nbody",
      "GET /open/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET /open/x HTTP/1.1\r\n\r\n",
      "GET http://other.test/open/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n",
    ]) {
      using client = await rawClient(gateway.port);
      const text = (await client.send(request + plainRequest("/open/smuggled")).end()).toString("latin1");
      expect(text, request).toMatch(/^HTTP\/1\.1 (400|501) /);
      expect(text.match(/HTTP\/1\.1 [0-9]/g), request).toHaveLength(1);
      await gateway.calm();
      expect(seen.slice(count), request).toEqual([]);
    }
  });
});

describe("routes", () => {
  it("go by host: exact, wildcard, any", async () => {
    using client = await rawClient(gateway.port);
    for (const host of ["api.second.test", "API.Second.Test:8080", "api.second.test."]) {
      expect(await client.send(plainRequest("/open/usable", { Host: host })).answer()).toMatchObject({ status: 299, body: "second" });
    }
    for (const host of ["gateway.test", "second.test", "a.b.second.test", "[::1]:80"]) {
      expect((await client.send(plainRequest("/open/usable", { Host: host })).answer()).body).toBe("GET /usable");
    }
  });

  it("without a target answer by themselves: tokens for form bodies", async () => {
    using client = await rawClient(gateway.port);
    const ask = (body: string, lines: Readonly<Record<string, string>> = {}): string =>
      plainRequest("/oauth/token", {
        Authorization: `Basic ${Buffer.from(`${API_KEY}:${API_SECRET}`).toString("base64")}`,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": String(body.length),
        ...lines,
      }, "POST");
    const body = "grant_type=client_credentials&lifetime_ms=5000";
    const answer = await client.send(ask(body) + body).answer();
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ token_type: "Bearer", expires_in: expect.any(Number), access_token: expect.any(String) });
    // A client that waits is asked once.
    client.send(ask(body, { Expect: "100-continue" }));
    expect((await client.answer()).status).toBe(100);
    expect((await client.send(body).answer()).status).toBe(200);
    expect(client.pending.length).toBe(0);
    expect((await client.send(ask("grant_type=password") + "grant_type=password").answer()).status).toBe(400);
    await usable(client);
    expect(gateway.lines().some((line) => JSON.stringify(line).includes(API_SECRET))).toBe(false);
  });

  it("with `webSocket: deny` and `mode: only`", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(upgradeRequest("/denied/x")).answer()).status).toBe(403);
    expect((await client.send(plainRequest("/denied/x")).answer()).body).toBe("GET /x");
    const only = await client.send(plainRequest("/only/x")).answer();
    expect([only.status, only.headers.get("upgrade"), only.headers.get("connection")]).toEqual([426, "websocket", expect.stringMatching(/upgrade/i)]);
    await usable(client);
  });
});
