/**
 * Peers that break off behind every single byte of what they say, in both ways a connection can: the other side gets what the
 * catalogue has for it or sees that something is missing, and nothing is left behind.
 */
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { acceptValue, fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { fromTarget } from "../support/frames.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, SAMPLE_KEY, upgradeRequest } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const files = {
  "gateway.yaml": "kind: Gateway\nlisteners: [{ host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }\ndrain: { preDrainDelay: 0s, window: 0s, spread: 0s }",
  "proxies/open/proxy.yaml": "kind: ApiProxy\nproxyEndpoints: [{ basePath: /open }]\ntargetEndpoints: [{ url: { env: TARGET_URL } }]",
  "proxies/reads/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /reads, webSocket: deny, preFlow: { request: [AM], response: [AM] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/reads/policies/AM.yaml": "kind: AssignMessage\nignoreUnresolvedVariables: true\nactions: [{ set: { headers: { x-seen: \"{request.content}{response.content}\" } } }]",
};
const SWITCH = `HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptValue(SAMPLE_KEY)}\r\n\r\n`;

let target: FakeTarget;
let gateway: TestGateway;
/** What the target says, how much of it, and how it leaves then. */
let answer = { bytes: Buffer.alloc(0), length: 0, leave: "end" as "end" | "reset" };

beforeAll(async () => {
  target = await fakeTarget({
    "*": ({ socket }) => {
      socket.write(answer.bytes.subarray(0, answer.length), () => {
        if (answer.leave === "end") socket.end();
        else socket.resetAndDestroy();
      });
    },
    "/whole": (connection) => connection.header("upgrade") === null ? connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") : connection.accept(),
  });
  gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  await until(() => target.open === 0, () => `${target.open} connections at the target`);
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** Everything that a client gets for a request, until its connection ends or so many bytes have come. */
async function heard(request: string, isWhole: (text: string) => boolean): Promise<string> {
  using client = await rawClient(gateway.port);
  client.send(request);
  await until(() => client.ended || client.closed || isWhole(client.pending.toString("latin1")), () => JSON.stringify(client.pending.toString("latin1")));
  return client.take().toString("latin1");
}

const isAnswered = (text: string): boolean => / 502 [^]*\r\n\r\n\{[^]*\}$/.test(text);

describe.each(["end", "reset"] as const)("a target that leaves behind each byte of its answer (%s)", (leave) => {
  it.each([
    ["with a length", "/open", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"],
    ["in chunks", "/open", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", "0\r\nX-T: 1\r\n\r\n"],
    ["behind an interim one", "/open", "HTTP/1.1 103 Hint\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"],
    ["that a policy reads", "/reads", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"],
  ])("%s", async (_what, base, text, end) => {
    const bytes = Buffer.from(text);
    for (let length = 0; length <= bytes.length; length++) {
      answer = { bytes, length, leave };
      const isWhole = (got: string): boolean => got.endsWith(end) && got.includes(" 200 ");
      const got = await heard(plainRequest(`${base}/x`), (so) => isWhole(so) || isAnswered(so));
      // A reset may overtake what was sent before it.
      if (length === bytes.length && leave === "end") expect(isWhole(got)).toBe(true);
      else if (length < bytes.length) expect([length, isWhole(got)]).toEqual([length, false]);
    }
  });

  it("to an upgrade, and of the first frame", async () => {
    const bytes = Buffer.concat([Buffer.from(SWITCH), fromTarget("hi")]);
    for (let length = 0; length <= bytes.length; length++) {
      answer = { bytes, length, leave };
      const got = await heard(upgradeRequest("/open/x"), (so) => isAnswered(so) || so.endsWith("target lost"));
      if (length < SWITCH.length) expect([length, got.slice(0, 12)]).toEqual([length, "HTTP/1.1 502"]);
      else if (leave === "end") expect(got.slice(0, 12)).toBe("HTTP/1.1 101");
    }
  });
});

describe.each(["end", "resetAndDestroy"] as const)("a client that leaves behind each byte (%s)", (leave) => {
  it.each([
    ["of a request", `${plainRequest("/open/whole", { "Content-Length": "2" }, "POST")}ok`],
    ["of one in chunks", `${plainRequest("/open/whole", { "Transfer-Encoding": "chunked" }, "POST")}2\r\nok\r\n0\r\nX-T: 1\r\n\r\n`],
    ["of one that a policy reads", `${plainRequest("/reads/whole", { "Content-Length": "2" }, "POST")}ok`],
    ["of an upgrade and a frame", `${upgradeRequest("/open/whole")}\x81\x82\x11\x22\x33\x44ab`],
  ])("%s", async (_what, text) => {
    const bytes = Buffer.from(text, "latin1");
    for (let length = 1; length <= bytes.length; length++) {
      const socket = connect({ port: gateway.port, host: "127.0.0.1" }).on("error", () => undefined).resume();
      await new Promise<void>((resolve) => socket.once("connect", resolve));
      await new Promise((resolve) => void socket.write(bytes.subarray(0, length), resolve));
      socket[leave]();
      socket.destroySoon();
    }
    await gateway.calm();
  });
});
