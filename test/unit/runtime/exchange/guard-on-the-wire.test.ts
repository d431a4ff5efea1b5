/** The guards behind node's own parser, with real bytes: what reaches them, by which event, and what they say. */
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { guardRequest, isWebSocketUpgrade } from "#runtime/exchange/guard.ts";
import { hygieneRequest, upgradeOffer, writeRequestHead } from "#runtime/message/head.ts";
import { headerOwnership } from "#runtime/message/header-ownership.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { RequestMessage } from "#runtime/message/message.ts";
import { canonicalPath } from "#runtime/exchange/path.ts";
import { guardName } from "../../../support/guard-name.ts";

const good = "Host: t\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const h2c = "Host: t\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\n";
const admin = "GET /admin HTTP/1.1\r\nHost: t\r\n\r\n";
const ownership = headerOwnership(["x-user"], ["x-api-key"]);

let server: Server;
let port = 0;
let report: (event: string) => void = () => undefined;

/** `upgrade ok GET /ws`, `request hostMissing`, `path <reason>`, or the parser's own code. */
function judge(kind: string, request: IncomingMessage): void {
  const refusal = guardRequest(request, defaultLimits);
  if (refusal !== null) return report(`${kind} ${guardName(refusal)}`);
  const target = canonicalPath(request.url ?? "");
  report(target.path === null ? `${kind} ${target.reason}` : `${kind} ok`);
}

beforeAll(async () => {
  server = createServer({ shouldUpgradeCallback: isWebSocketUpgrade,
    maxHeaderSize: defaultLimits.requestHeadBytesMax }, (request, response) => {
    judge("request", request);
    response.end();
  });
  server.maxHeadersCount = defaultLimits.requestHeadersMax;
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    judge("upgrade", request);
    socket.destroy();
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    // A reset is the client of the case before, leaving.
    if (error.code !== "ECONNRESET") report(error.code ?? error.message);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = address !== null && typeof address === "object" ? address.port : 0;
});

afterAll(() => new Promise<void>((resolve) => {
  server.close(() => resolve());
  server.closeAllConnections();
}));

async function send(text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  report = resolve;
  const socket = connect(port, "127.0.0.1", () => socket.write(text, "latin1")).on("error", () => undefined);
  const verdict = await promise;
  socket.destroy();
  return verdict;
}

describe("requests as they come", () => {
  test.each([
    ["a good handshake", `GET /ws HTTP/1.1\r\n${good}\r\n`, "upgrade ok"],
    ["version 777", `GET /ws HTTP/1.1\r\n${good.replace("13", "777")}\r\n`, "upgrade webSocketVersion"],
    ["version 777 with a second request behind it",
      `GET /ws HTTP/1.1\r\n${good.replace("13", "777")}\r\n${admin}`,
      "upgrade webSocketVersion"],
    ["Upgrade: h2c", `GET /ws HTTP/1.1\r\n${h2c}\r\n`, "request ok"],
    ["websocket beside h2c", `GET /ws HTTP/1.1\r\n${good.replace("websocket", "websocket, h2c")}\r\n`,
      "upgrade upgradeToken"],
    ["no key", `GET /ws HTTP/1.1\r\n${good.replace(/Sec-WebSocket-Key.*\r\n/, "")}\r\n`, "upgrade keyMissing"],
    ["POST with a body", `POST /ws HTTP/1.1\r\n${good}Content-Length: 3\r\n\r\nabc`, "upgrade upgradeMethod"],
    ["GET with a body", `GET /ws HTTP/1.1\r\n${good}Content-Length: 3\r\n\r\nabc`, "upgrade upgradeBody"],
    ["GET with a chunked body", `GET /ws HTTP/1.1\r\n${good}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      "upgrade upgradeBody"],
    ["HTTP/1.0", `GET /ws HTTP/1.0\r\n${good}\r\n`, "upgrade upgradeVersion"],
    ["two Hosts", `GET /ws HTTP/1.1\r\n${good}Host: u\r\n\r\n`, "upgrade hostRepeated"],
    ["two Hosts on a plain request", "GET / HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n", "request hostRepeated"],
    ["no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "request hostMissing"],
    ["Upgrade without Connection", `GET /ws HTTP/1.1\r\n${good.replace("Connection: Upgrade\r\n", "")}\r\n`,
      "request upgradeConnection"],
    ["/ws/..%2fadmin", `GET /ws/..%2fadmin HTTP/1.1\r\n${good}\r\n`, "upgrade path holds an escaped slash"],
    ["/ws/../../admin", `GET /ws/../../admin HTTP/1.1\r\n${good}\r\n`, "upgrade path leads above its root"],
    ["/ws/..;/admin", `GET /ws/..;/admin HTTP/1.1\r\n${good}\r\n`, "upgrade path holds a dot segment with parameters"],
    ["/ws/%00", `GET /ws/%00 HTTP/1.1\r\n${good}\r\n`, "upgrade path holds an escaped control character"],
    ["a backslash", `GET /ws\\admin HTTP/1.1\r\n${good}\r\n`, "upgrade path holds a backslash"],
    ["a fragment", `GET /ws#x HTTP/1.1\r\n${good}\r\n`, "upgrade request target holds a fragment"],
    ["absolute-form of another host", `GET http://u/ws HTTP/1.1\r\n${good}\r\n`, "upgrade authorityDiffers"],
    ["absolute-form of the same host", `GET http://t/ws HTTP/1.1\r\n${good}\r\n`, "upgrade ok"],
    ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n", "request targetForm"],
    ["two Content-Lengths", "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
      "HPE_UNEXPECTED_CONTENT_LENGTH"],
    ["a length and an encoding",
      "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HPE_INVALID_TRANSFER_ENCODING"],
    ["a folded header", "GET / HTTP/1.1\r\nHost: t\r\n folded\r\n\r\n", "HPE_INVALID_HEADER_TOKEN"],
    ["a space before the colon", "GET / HTTP/1.1\r\nHost : t\r\n\r\n", "HPE_INVALID_HEADER_TOKEN"],
    ["a head beyond the limit", `GET / HTTP/1.1\r\nHost: t\r\nA: ${"b".repeat(17_000)}\r\n\r\n`, "HPE_HEADER_OVERFLOW"],
    ["too many header lines", `GET / HTTP/1.1\r\nHost: t\r\n${"A: b\r\n".repeat(101)}\r\n`, "HPE_HEADER_OVERFLOW"],
  ])("%s", async (_name, text, verdict) => {
    expect(await send(text)).toBe(verdict);
  });
});

test("what a target gets of a head full of tricks", () => {
  const lines = [
    ...good.split("\r\n").flatMap((line) => (line === "" ? [] : line.split(": "))),
    "Connection", "X-Api-Key2, X-Forwarded-For", "X-Api-Key2", "1", "X_User", "admin", "X-User", "admin",
      "X_Forwarded_User", "admin",
    "X-Forwarded-For", "127.0.0.1", "Transfer_Encoding", "chunked", "Proxy-Authorization", "Basic x", "Cookie", "a=1",
  ];
  const message = new RequestMessage("GET", "/ws", null, "1.1", lines);
  const offer = upgradeOffer(message);
  hygieneRequest(message, ownership, true);
  message.setHeader("x-user", "zoe");
  expect(writeRequestHead(message, { host: "chat:3000", upgrade: offer, forwarded: { for: "10.0.0.9", proto: "http",
    host: "t" } })).toBe([
    "GET /ws HTTP/1.1", "Host: chat:3000", "Cookie: a=1", "x-user: zoe",
    "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: http", "X-Forwarded-Host: t",
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
  ].join("\r\n"));
});
