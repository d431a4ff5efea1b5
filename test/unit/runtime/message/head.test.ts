import { describe, expect, test } from "vitest";
import {
  hygieneRequest, hygieneResponse, outgoingRequest, upgradeOffer, write101, writeRequestHead, writeResponseHead,
} from "#runtime/message/head.ts";
import type { RequestHeadParts } from "#runtime/message/head.ts";
import { headerOwnership } from "#runtime/message/header-ownership.ts";
import { RequestMessage, ResponseMessage } from "#runtime/message/message.ts";

const ownership = headerOwnership(["x-user"], ["x-api-key"]);
const offer = { key: "dGhlIHNhbXBsZSBub25jZQ==", protocols: "chat, v2", extensions: "permessage-deflate" };
const forwarded = { for: "10.0.0.9", proto: "https", host: "api.example.com" };

function request(lines: string[], path = "/v1/chat", query: string | null = null): RequestMessage {
  return new RequestMessage("GET", path, query, "1.1", [...lines]);
}

describe("hygieneRequest", () => {
  test("of an ordinary request", () => {
    const message = request([
      "Host", "a", "Connection", "keep-alive, X-Secret", "X-Secret", "1", "Keep-Alive", "timeout=5", "TE", "trailers",
      "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABkAAQ", "Proxy-Authorization", "Basic x", "X_User", "admin",
      "X-User", "admin", "X-API-Key", "k", "X.Api.Key", "other", "X-Forwarded-For", "1.1.1.1", "X-Apigee-Mask", "1",
      "Accept", "*/*", "Transfer-Encoding", "chunked",
    ]);
    hygieneRequest(message, ownership, false);
    expect(message.lines).toEqual(["Host", "a", "X-API-Key", "k", "Accept", "*/*"]);
    expect(message.names).toEqual(["host", "x-api-key", "accept"]);
  });

  test("of an upgrade keeps what conditions read, and rebuilds Connection", () => {
    const message = request([
      "Host", "a", "Connection", "keep-alive, Upgrade, X-Secret, Sec-WebSocket-Key, Origin, Host", "Upgrade",
        "websocket",
      "X-Secret", "1", "Origin", "https://a", "Sec-WebSocket-Key", offer.key, "Keep-Alive", "1",
    ]);
    hygieneRequest(message, ownership, true);
    expect(message.lines).toEqual([
      "Host", "a", "Connection", "Upgrade", "Upgrade", "websocket", "Origin", "https://a", "Sec-WebSocket-Key",
        offer.key,
    ]);
  });

  test("of an upgrade that nominates Connection itself", () => {
    const message = request(["Connection", "Upgrade, Connection, Upgrade", "Connection", "close", "Upgrade",
      "websocket"]);
    hygieneRequest(message, ownership, true);
    expect(message.headerJoined("connection")).toBe("Upgrade");
    expect(message.headerJoined("upgrade")).toBe("websocket");
  });

  test("leaves a clean upgrade untouched", () => {
    const message = request(["Host", "a", "Connection", "Upgrade", "Upgrade", "websocket", "X-Api-Key", "k"]);
    const before = message.lines;
    hygieneRequest(message, ownership, true);
    expect(message.lines).toBe(before);
  });

  test("a trusted peer's forwarding headers stay, their other spellings do not", () => {
    const lines = ["X-Forwarded-For", "1.1.1.1", "X_Forwarded_For", "2.2.2.2", "Forwarded", "for=1.1.1.1"];
    const trusted = request(lines);
    hygieneRequest(trusted, ownership, false, true);
    expect(trusted.lines).toEqual(["X-Forwarded-For", "1.1.1.1", "Forwarded", "for=1.1.1.1"]);
    const other = request(lines);
    hygieneRequest(other, ownership, false, false);
    expect(other.lines).toEqual([]);
  });

  test("credentials that Connection nominates are gone before a policy looks for them", () => {
    const message = request(["Connection", "x-api-key, authorization", "X-Api-Key", "k", "Authorization", "Bearer t"]);
    hygieneRequest(message, ownership, false);
    expect(message.lines).toEqual([]);
  });
});

test("hygieneResponse drops the hop's own headers and what they nominate, and keeps framing", () => {
  const message = new ResponseMessage(200, "OK", [
    "Connection", "close, X-Hop, Content-Length", "X-Hop", "1", "Keep-Alive", "5", "Content-Length", "3",
      "Transfer-Encoding",
    "chunked", "Set-Cookie", "a=1", "Set-Cookie", "b=2", "Upgrade", "h2c",
  ]);
  hygieneResponse(message);
  expect(message.lines).toEqual(["Content-Length", "3", "Set-Cookie", "a=1", "Set-Cookie", "b=2"]);
});

test("upgradeOffer joins lists that span lines", () => {
  const lines = ["Sec-WebSocket-Key", "k", "Sec-WebSocket-Protocol", "a", "Sec-WebSocket-Protocol", "b, c"];
  expect(upgradeOffer(request(lines))).toEqual({ key: "k", protocols: "a, b, c", extensions: null });
  expect(upgradeOffer(request([]))).toBeNull();
});

describe("writeRequestHead", () => {
  const parts: RequestHeadParts = { host: "chat.internal:3000", upgrade: offer, forwarded };

  test("of an upgrade", () => {
    const message = request([
      "Host", "api.example.com", "Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Key", "other",
      "Sec-WebSocket-Version", "13", "Sec-WebSocket-Protocol", "other", "Sec-WebSocket-Extensions", "other",
      "Origin", "https://a", "x-user", "zo\u00eb", "Content-Length", "0",
    ], "/v1/ws", "room=1");
    expect(writeRequestHead(message, parts)).toBe([
      "GET /v1/ws?room=1 HTTP/1.1", "Host: chat.internal:3000", "Origin: https://a", "x-user: zo\u00eb",
      "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: api.example.com",
      "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${offer.key}`,
      "Sec-WebSocket-Protocol: chat, v2", "Sec-WebSocket-Extensions: permessage-deflate", "", "",
    ].join("\r\n"));
  });

  test("of an ordinary request, with forwarding headers that were there before", () => {
    const message = request(["X-Forwarded-For", "1.1.1.1", "X-Forwarded-For", "2.2.2.2", "X-Forwarded-Proto", "http"]);
    const head = writeRequestHead(message, { ...parts, upgrade: null });
    expect(head).toBe([
      "GET /v1/chat HTTP/1.1", "Host: chat.internal:3000", "X-Forwarded-Proto: http",
      "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.0.0.9", "X-Forwarded-Host: api.example.com", "", "",
    ].join("\r\n"));
  });

  test("what would not fit into single bytes goes out as UTF-8, never as a line feed", () => {
    const message = request(["x-name", "\u65e5 \u010aX-Injected: 1"]);
    const head = writeRequestHead(message, { ...parts, upgrade: null, forwarded: null });
    expect(typeof head).toBe("string");
    const bytes = Buffer.from(String(head), "latin1");
    expect(bytes.toString("utf8")).toContain("x-name: \u65e5 \u010aX-Injected: 1\r\n\r\n");
    expect(bytes.filter((byte) => byte === 0x0a)).toHaveLength(4);
  });

  test.each([
    ["header x-user", request(["x-user", "a\r\nX-Admin: 1"])],
    ["header x-user", request(["x-user", "a\nb"])],
    ["header x-user", request(["x-user", "a\0b"])],
    ["header name", request(["x user", "a"])],
    ["header name", request(["x-user:", "a"])],
    ["header name", request(["x\r\ny", "a"])],
    ["header name", request(["", "a"])],
    ["request target", request([], "/a b")],
    ["request target", request([], "/a", "x=1 HTTP/1.1\r\nX: 1")],
    ["request target", request([], "/caf\u00e9")],
    ["request target", request([], "http://other/")],
    ["request target", request([], "")],
    ["method", new RequestMessage("GET /admin HTTP/1.1\r\nX:", "/", null, "1.1", [])],
    ["X-Forwarded-For", request(["X-Forwarded-For", "a\nb"])],
  ])("refuses a bad %s", (refused, message) => {
    // Plain, because an upgrade is a GET whatever the message says.
    expect(writeRequestHead(message, { ...parts, upgrade: null })).toEqual({ refused });
  });

  test("refuses a bad Host", () => {
    expect(writeRequestHead(request([]), { ...parts, host: "a\r\nb" })).toEqual({ refused: "Host" });
    expect(writeRequestHead(request([]), { ...parts, host: "" })).toEqual({ refused: "Host" });
  });
});

test("outgoingRequest has what node:http takes", () => {
  const message = request(["Host", "x", "Connection", "close", "Content-Length", "3", "Accept", "a", "X-Forwarded-For",
    "1.1.1.1"]);
  const parts: RequestHeadParts = { host: "t:1", upgrade: null, forwarded };
  const lines = ["Host", "t:1", "Accept", "a", "X-Forwarded-For", "1.1.1.1, 10.0.0.9", "X-Forwarded-Proto", "https",
    "X-Forwarded-Host", "api.example.com"];
  expect(outgoingRequest(message, parts)).toEqual({ verb: "GET", target: "/v1/chat", lines });
  message.setHeader("accept", "\u65e5");
  expect(outgoingRequest(message, parts)).toMatchObject({ lines: lines.with(3, Buffer.from("\u65e5").toString("latin1")) });
  message.setHeader("accept", "a");
  expect(outgoingRequest(message, { ...parts, forwarded: null }))
    .toMatchObject({ lines: ["Host", "t:1", "Accept", "a", "X-Forwarded-For", "1.1.1.1"] });
});

describe("writeResponseHead", () => {
  test("with the standard reason, and with its own", () => {
    expect(writeResponseHead(401, "", ["A", "b"])).toBe("HTTP/1.1 401 Unauthorized\r\nA: b\r\n\r\n");
    expect(writeResponseHead(499, "", [])).toBe("HTTP/1.1 499 \r\n\r\n");
    expect(writeResponseHead(200, "Fine", [])).toBe("HTTP/1.1 200 Fine\r\n\r\n");
  });

  test.each([
    ["reason phrase", "a\r\nb", []],
    ["reason phrase", "\u010a", []],
    ["header a", "", ["a", "x\ny"]],
    ["header name", "", ["a b", "x"]],
  ])("refuses a bad %s", (refused, reason, lines) => {
    expect(writeResponseHead(200, reason, lines)).toEqual({ refused });
  });
});

test("write101 states the agreement anew and keeps other end-to-end lines", () => {
  const message = new ResponseMessage(101, "", [
    "upgrade", "WebSocket", "connection", "upgrade", "sec-websocket-accept", "forged", "Sec-WebSocket-Protocol",
      "forged",
    "Set-Cookie", "a=1", "Content-Length", "5", "Transfer-Encoding", "chunked", "Keep-Alive", "1", "X-Room", "7",
  ]);
  expect(write101(message, { accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", protocol: "chat", extensions: "x; y=1" })).toBe([
    "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Sec-WebSocket-Protocol: chat",
      "Sec-WebSocket-Extensions: x; y=1",
    "Set-Cookie: a=1", "X-Room: 7", "", "",
  ].join("\r\n"));
  message.setHeader("x-room", "7\r\nX: 1");
  expect(write101(message, { accept: "a", protocol: null, extensions: null })).toEqual({ refused: "header x-room" });
});
