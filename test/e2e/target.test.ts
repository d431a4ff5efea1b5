import { Buffer } from "node:buffer";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { acceptValue, fakeTarget, type FakeTarget, type TargetConnection, type TargetScript } from "../support/fake-target.ts";
import { fromClient, fromTarget } from "../support/frames.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { SAMPLE_ACCEPT, plainRequest, rawClient, rawSocket, upgradeRequest, type RawClient } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { bundle, bundleEnv, SHORT_IO_TIMEOUT_MS } from "./bundle.ts";

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({ "/fine": (connection) => connection.accept(), "/silent": () => undefined });
  const limits = "limits: { refusalBody: 64KiB, responseHead: 4KiB, interimResponsesMax: 3 }";
  gateway = await startGatewayFromBundle(bundle(limits), { env: bundleEnv(target.url, await refusedPort()) });
});

afterEach(async () => {
  await gateway.calm();
  // Nothing of a target's connections stays open either.
  await until(() => target.open === 0, () => `${target.open} connections at the target`);
});

afterAll(async () => {
  using client = await rawSocket(gateway.port, "/open/fine");
  client.socket.destroy();
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

let serial = 0;
/** A fresh path with that script. */
function scripted(script: TargetScript): string {
  const path = `/scripted-${serial++}`;
  target.on(path, script);
  return path;
}

const says =
  (text: string | Buffer): TargetScript =>
  ({ socket }) =>
    void socket.write(text);

const crlf = (text: string): string => text.replaceAll("\n", "\r\n");

async function expectUsable(client: RawClient): Promise<void> {
  expect((await client.send(upgradeRequest("/open/fine")).answer()).status).toBe(101);
}

async function expectFault(client: RawClient, path: string, status: number, errorcode: string): Promise<void> {
  const answer = await client.send(upgradeRequest(path)).answer();
  expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(errorcode)]);
  expect(JSON.parse(answer.body)).toMatchObject({ fault: { detail: { errorcode } } });
}

const adaptor = "messaging.adaptors.http.flow.";

describe("a target that gives no answer", () => {
  it("refuses the connection: 503, and the client's stays usable", async () => {
    using client = await rawClient(gateway.port);
    await expectFault(client, "/nobody/x", 503, `${adaptor}ServiceUnavailable`);
    expect(await gateway.line({ event: "target_failed" })).toMatchObject({ level: "warn", detail: "ECONNREFUSED" });
    await expectUsable(client);
  });

  it.each<readonly [what: string, script: TargetScript]>([
    ["resets", ({ socket }) => void socket.resetAndDestroy()],
    ["closes at once", ({ socket }) => void socket.end()],
    ["closes inside its head", ({ socket }) => void socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgr")],
    ["closes behind an interim answer", ({ socket }) => void socket.end("HTTP/1.1 103 Early Hints\r\n\r\n")],
  ])("%s: 502", async (_what, script) => {
    using client = await rawClient(gateway.port);
    await expectFault(client, `/open${scripted(script)}`, 502, `${adaptor}UnexpectedEOFAtTarget`);
    await expectUsable(client);
  });

  it.each<readonly [what: string, script: TargetScript]>([
    ["never answers", () => undefined],
    ["trickles its head", ({ socket }) => trickle(socket, "HTTP/1.1 101 Switching Protocols\r\nX: ")],
    ["sends interim answers only", ({ socket }) => trickle(socket, "", "HTTP/1.1 103 Early Hints\r\n\r\n", 3)],
  ])("%s: 504 after io.timeout.millis", async (_what, script) => {
    using client = await rawClient(gateway.port);
    const startMs = performance.now();
    const path = scripted(script);
    await expectFault(client, `/hasty${path}`, 504, `${adaptor}GatewayTimeout`);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(SHORT_IO_TIMEOUT_MS - 5);
    await (await target.request(path)).gone();
    await expectUsable(client);
  });
});

/** Says `first`, then `each` again and again until its time is over. */
function trickle(socket: TargetConnection["socket"], first: string, each = "x", times = 60): void {
  socket.write(first);
  let left = times;
  const timer = setInterval(() => (left-- > 0 && socket.writable ? socket.write(each) : undefined), SHORT_IO_TIMEOUT_MS / 5);
  socket.on("close", () => clearInterval(timer));
}

describe("a target that answers 101 wrongly: 502, and not a byte of it passes", () => {
  const lines = (more: string, accept = SAMPLE_ACCEPT): string =>
    crlf(`HTTP/1.1 101 Switching Protocols\n${more}Sec-WebSocket-Accept: ${accept}\n\n`) + "frames";
  const good = "Upgrade: websocket\nConnection: Upgrade\n";

  it.each<readonly [what: string, answer: string | Buffer]>([
    ["a wrong accept value", lines(good, acceptValue("another key"))],
    ["an accept value in another case", lines(good, SAMPLE_ACCEPT.toUpperCase())],
    ["no accept value", crlf(`HTTP/1.1 101 X\n${good}\n`)],
    ["two accept values", lines(`${good}Sec-WebSocket-Accept: ${SAMPLE_ACCEPT}\n`)],
    ["no Upgrade", lines("Connection: Upgrade\n")],
    ["an Upgrade to something else", lines("Upgrade: h2c\nConnection: Upgrade\n")],
    ["no Connection", lines("Upgrade: websocket\n")],
    ["a Connection without upgrade", lines("Upgrade: websocket\nConnection: keep-alive\n")],
    ["a subprotocol that was not offered", lines(`${good}Sec-WebSocket-Protocol: chat\n`)],
    ["an extension that was not offered", lines(`${good}Sec-WebSocket-Extensions: permessage-deflate\n`)],
    ["a body", lines(`${good}Content-Length: 3\n`)],
    ["a chunked body", lines(`${good}Transfer-Encoding: chunked\n`)],
    ["HTTP/1.0", lines(good).replace("HTTP/1.1", "HTTP/1.0")],
    ["garbage", "\0\x01\x02 not HTTP at all\r\n\r\n"],
    ["garbage without end", Buffer.alloc(10_000, "x")],
    ["a head that is too large", `HTTP/1.1 101 X\r\nX: ${"x".repeat(5_000)}`],
    ["a folded header", lines(`${good}X-A: 1\n  folded\n`)],
    ["a bare line feed", lines(good).replace("\r\n", "\n")],
    ["a header with a space before its colon", lines(`${good}X-A : 1\n`)],
    ["a control character in a value", lines(`${good}X-A: \x01\n`)],
    ["a NUL in its reason", lines(good).replace("Switching", "Sw\0itching")],
    ["no status", "HTTP/1.1 OK\r\n\r\n"],
    ["an interim answer with a body", crlf("HTTP/1.1 103 Early Hints\nContent-Length: 3\n\nabc")],
    ["interim answers without end", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10)],
    ["both framings", crlf("HTTP/1.1 200 OK\nContent-Length: 3\nTransfer-Encoding: chunked\n\n")],
    ["a length that is none", crlf("HTTP/1.1 200 OK\nContent-Length: +3\n\nabc")],
    ["a body that is longer than what is relayed", crlf("HTTP/1.1 200 OK\nContent-Length: 70000\n\n")],
  ])("%s", async (_what, answer) => {
    using client = await rawClient(gateway.port);
    const path = scripted(says(answer));
    await expectFault(client, `/open${path}`, 502, `${adaptor}BadUpgradeResponse`);
    await (await target.request(path)).gone();
    await expectUsable(client);
    expect(gateway.lines({ event: "session", "apigw.ws.close_reason": "refused" })).toEqual([]);
  });

  it("but what was offered may be agreed on", async () => {
    using client = await rawClient(gateway.port);
    const agreed = "Sec-WebSocket-Protocol: superchat\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n";
    const path = scripted((connection) => connection.accept(agreed));
    const offer = { "Sec-WebSocket-Protocol": "chat, superchat", "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };
    const { status, headers } = await client.send(upgradeRequest(`/open${path}`, offer)).answer();
    expect([status, headers.get("sec-websocket-protocol")]).toEqual([101, "superchat"]);
    expect(headers.get("sec-websocket-extensions")).toBe("permessage-deflate; server_no_context_takeover");
    expect(await gateway.line({ event: "upgrade", "apigw.ws.subprotocol": "superchat" })).toBeDefined();
  });
});

describe("a target that answers an upgrade with something else", () => {
  const bodies: readonly (readonly [what: string, framed: string])[] = [
    ["by length", "Content-Length: 8\r\n\r\nnot here"],
    ["chunked", "Transfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n5;x=y\r\n here\r\n0\r\nX-T: 1\r\n\r\n"],
    ["until it closes", "\r\nnot here"],
  ];
  const statuses = [200, 302, 404, 426, 500];

  it.each(statuses.flatMap((status) => bodies.map(([what, framed]) => [status, what, framed] as const)))(
    "%i with a body %s: relayed, and the connection stays usable",
    async (status, _what, framed) => {
      using client = await rawClient(gateway.port);
      const path = scripted(({ socket }) => {
        const text = `HTTP/1.1 ${status} Whatever\r\nX-Target: yes\r\nLocation: /x\r\nKeep-Alive: timeout=9\r\n${framed}`;
        if (framed.startsWith("\r\n")) socket.end(text);
        else socket.write(text);
      });
      const answer = await client.send(upgradeRequest(`/open${path}`)).answer();
      expect([answer.status, answer.body]).toEqual([status, "not here"]);
      expect([answer.headers.get("x-target"), answer.headers.get("keep-alive")]).toEqual(["yes", undefined]);
      await (await target.request(path)).gone();
      await expectUsable(client);
      expect(await gateway.line({ event: "http", "url.path": `/open${path}` })).toMatchObject({
        "http.response.status_code": status,
        "apigw.bytes_out": 8,
        ...(status < 400 ? {} : { "error.type": `${adaptor}ErrorResponseCode` }),
      });
      if (status < 400) expect(await gateway.line({ event: "http", "url.path": `/open${path}`, "error.type": null })).toBeDefined();
    },
  );

  it.each([204, 304])("%i, which has no body", async (status) => {
    using client = await rawClient(gateway.port);
    const path = scripted(says(`HTTP/1.1 ${status} Nothing\r\n\r\n`));
    expect((await client.send(upgradeRequest(`/open${path}`)).answer()).status).toBe(status);
    await expectUsable(client);
  });

  it("in pieces of one byte: put together again", async () => {
    using client = await rawClient(gateway.port);
    const text = "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nnot here\r\n0\r\n\r\n";
    const path = scripted(({ socket }) => {
      let at = 0;
      const next = (): void => {
        if (at < text.length) socket.write(text.charAt(at++), () => setImmediate(next));
      };
      next();
    });
    expect(await client.send(upgradeRequest(`/open${path}`)).answer()).toMatchObject({ status: 404, body: "not here" });
    await expectUsable(client);
  });

  it("and breaks off inside its body: so does the gateway", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted(({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      setTimeout(() => socket.destroy(), 20);
    });
    client.send(upgradeRequest(`/open${path}`));
    await client.through("half");
    expect((await client.end()).length).toBe(0);
  });

  it("and stops inside its body: the gateway breaks off after io.timeout.millis", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted(says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
    client.send(upgradeRequest(`/hasty${path}`));
    await client.through("half");
    expect((await client.end()).length).toBe(0);
    await (await target.request(path)).gone();
  });

  it("and goes on for ever: the gateway breaks off at its bound", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted(({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const more = (): void => void (socket.writable && socket.write(Buffer.alloc(10_000, "x"), () => setImmediate(more)));
      more();
    });
    client.send(upgradeRequest(`/open${path}`));
    await client.through("\r\n\r\n");
    expect((await client.end()).toString("latin1").endsWith("0\r\n\r\n")).toBe(false);
    await (await target.request(path)).gone();
  });

  it("to a client that sends a request in pieces meanwhile: nothing of it is served", async () => {
    using client = await rawClient(gateway.port);
    let finish = (): void => undefined;
    const path = scripted(({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nnot ");
      finish = () => void socket.write("here");
    });
    const dropped = gateway.metric("apigw_early_bytes_dropped_total");
    client.send(upgradeRequest(`/open${path}`));
    await client.through("not ");
    const first = "POST /open/never HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 60\r\n\r\n";
    client.send(first);
    await until(() => gateway.metric("apigw_early_bytes_dropped_total") - dropped === first.length, () => "the bytes to be dropped");
    finish();
    await client.through("here");
    client.send(plainRequest("/open/fine"));
    expect((await client.end()).toString("latin1")).toBe("");
    expect(target.connections.map(({ path: asked }) => asked)).not.toContain("/never");
  });

  it("to a client that ended its sending meanwhile: answered, then closed", async () => {
    using client = await rawClient(gateway.port);
    let finish = (): void => undefined;
    const path = scripted(({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nnot ");
      finish = () => void socket.write("here");
    });
    client.send(upgradeRequest(`/open${path}`));
    await client.through("not ");
    client.socket.end();
    await new Promise((resolve) => setTimeout(resolve, 20));
    finish();
    await client.through("here");
    await client.gone();
  });

  it("never uses a connection that carried an upgrade again", async () => {
    using client = await rawClient(gateway.port);
    const kept = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok";
    const path = scripted(says(kept));
    const before = target.accepted;
    for (let n = 0; n < 3; n++) expect((await client.send(upgradeRequest(`/open${path}`)).answer()).status).toBe(200);
    expect(target.accepted - before).toBe(3);
    await until(() => target.open === 0, () => "the connections to close");
    // Plain requests are pooled: what is refused above is the gateway's choice.
    const pooled = scripted(({ socket }) => {
      socket.write(kept);
      socket.on("data", () => socket.write(kept));
    });
    for (let n = 0; n < 3; n++) expect((await client.send(plainRequest(`/open${pooled}`)).answer()).status).toBe(200);
    expect(target.accepted - before).toBe(4);
    (await target.request(pooled)).socket.destroy();
  });
});

describe("fault rules of the target endpoint", () => {
  it("replace the target's error answer", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted(says("HTTP/1.1 500 Broken\r\nX-Target: yes\r\nContent-Length: 6\r\n\r\nsecret"));
    const answer = await client.send(upgradeRequest(`/rules${path}`, { "X-Fault": "replace" })).answer();
    expect([answer.status, answer.body]).toEqual([502, "replaced"]);
    await (await target.request(path)).gone();
    await expectUsable(client);
  });

  it("add to the target's error answer, whose body still passes", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted(says("HTTP/1.1 500 Broken\r\nX-Target: yes\r\nContent-Length: 6\r\n\r\npublic"));
    const answer = await client.send(upgradeRequest(`/rules${path}`)).answer();
    expect([answer.status, answer.body]).toEqual([500, "public"]);
    expect([answer.headers.get("x-target"), answer.headers.get("x-marked")]).toEqual(["yes", "target"]);
    await expectUsable(client);
  });

  it("see a target that cannot be reached", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted(({ socket }) => void socket.destroy());
    const answer = await client.send(upgradeRequest(`/rules${path}`)).answer();
    expect([answer.status, answer.headers.get("x-marked")]).toEqual([502, "target"]);
  });

  it("a response flow may refuse what the target answered", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted(says("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"));
    const answer = await client.send(upgradeRequest(`/rules${path}`, { "X-Fault": "response" })).answer();
    expect([answer.status, answer.body]).toEqual([451, "raised in the response"]);
    await expectUsable(client);
  });

  it("an answer that can have no body gets none", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(upgradeRequest("/rules/x", { "X-Fault": "empty" })).answer();
    expect(answer.status).toBe(204);
    await expectUsable(client);
  });
});

describe("a target that accepts", () => {
  it("behind interim answers, which are not shown", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted((connection) => {
      connection.socket.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
      connection.accept();
    });
    expect((await client.send(upgradeRequest(`/open${path}`)).answer()).status).toBe(101);
  });

  it("with frames in the same packet, which follow the 101", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted((connection) => connection.accept("", Buffer.concat([fromTarget("one"), fromTarget("two")])));
    expect((await client.send(upgradeRequest(`/open${path}`)).answer()).status).toBe(101);
    expect(await client.bytes(10)).toEqual(Buffer.concat([fromTarget("one"), fromTarget("two")]));
  });

  it("and ends at once: the client gets its 101 and then a close frame", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted((connection) => {
      connection.accept();
      connection.socket.end();
    });
    const { status } = await client.send(upgradeRequest(`/open${path}`)).answer();
    expect(status).toBe(101);
    expect((await client.bytes(4)).readUInt16BE(2)).toBe(1014);
    client.socket.destroy();
    expect(await gateway.line({ event: "session", "apigw.ws.close_reason": "upstream_lost" })).toMatchObject({
      "apigw.ws.close_code": 1014,
      "apigw.ws.closed_by": "target",
    });
  });

  it("in pieces, with a client that talks in pieces", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted((connection) => {
      const head = `HTTP/1.1 101 X\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Accept: ${SAMPLE_ACCEPT}\r\n\r\n`;
      for (const part of head.match(/[^]{1,7}/g) ?? []) connection.socket.write(part);
      connection.socket.write(fromTarget("hello"));
    });
    expect((await client.send(upgradeRequest(`/open${path}`)).answer()).status).toBe(101);
    expect(await client.bytes(7)).toEqual(fromTarget("hello"));
    for (const byte of fromClient("hello")) client.send(Buffer.from([byte]));
    expect(await (await target.request(path)).got(11)).toEqual(fromClient("hello"));
  });
});

describe("a client that leaves", () => {
  const left = { event: "http", "http.response.status_code": 499 };

  it.each([["ends", "destroy"], ["resets", "resetAndDestroy"]] as const)("while the target has not answered (%s)", async (_what, how) => {
    using client = await rawClient(gateway.port);
    const path = scripted(() => undefined);
    client.send(upgradeRequest(`/open${path}`));
    const connection = await target.request(path);
    client.socket[how]();
    await connection.gone();
    await gateway.line({ ...left, "url.path": `/open${path}` });
    await gateway.calm();
    expect(gateway.lines({ "url.path": `/open${path}` })).toHaveLength(1);
  });

  it("while the gateway connects", async () => {
    using client = await rawClient(gateway.port);
    const before = gateway.lines({ event: "session" }).length;
    for (let n = 0; n < 20; n++) {
      using other = await rawClient(gateway.port);
      other.send(upgradeRequest("/open/silent"));
      other.socket.resetAndDestroy();
    }
    await gateway.calm(1);
    client.socket.destroy();
    expect(gateway.lines({ event: "session" }).length).toBe(before);
  });

  it("while the body of the target's answer is relayed", async () => {
    using client = await rawClient(gateway.port);
    const path = scripted(says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
    client.send(upgradeRequest(`/open${path}`));
    await client.through("half");
    client.socket.resetAndDestroy();
    await (await target.request(path)).gone();
    await gateway.calm();
    expect(gateway.lines({ "url.path": `/open${path}` })).toHaveLength(1);
  });

  it("without reading the answer that is relayed to it", async () => {
    const path = scripted(({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.write(Buffer.alloc(60_000, "x"));
    });
    using client = await rawClient(gateway.port);
    client.socket.pause();
    client.send(upgradeRequest(`/open${path}`));
    await target.request(path);
    client.socket.resetAndDestroy();
    await (await target.request(path)).gone();
  });

  it("just when the target has answered 101: one record, and both connections go", async () => {
    for (let n = 0; n < 30; n++) {
      const path = scripted((connection) => connection.accept());
      using client = await rawClient(gateway.port);
      client.send(upgradeRequest(`/open${path}`));
      await target.request(path);
      client.socket.resetAndDestroy();
      await gateway.calm();
      const upgrades = gateway.lines({ event: "upgrade", "url.path": `/open${path}` });
      const exchanges = gateway.lines({ event: "http", "url.path": `/open${path}` });
      expect(upgrades.length + exchanges.length).toBe(1);
      for (const upgrade of upgrades) {
        expect(gateway.lines({ event: "session", "apigw.session_id": String(upgrade["apigw.session_id"]) })).toHaveLength(1);
      }
    }
  });
});
