import { describe, expect, test } from "vitest";
import { guardRequest, guards, isWebSocketUpgrade } from "#runtime/exchange/guard.ts";
import type { RequestHead } from "#runtime/exchange/guard.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { guardName } from "../../../support/guard-name.ts";

type GuardName = keyof typeof guards;

const key = "dGhlIHNhbXBsZSBub25jZQ==";

function plain(changes: Partial<RequestHead> & { readonly lines?: readonly string[] } = {}): RequestHead {
  const { lines = [], ...rest } = changes;
  return { method: "GET", httpVersion: "1.1", url: "/v1", rawHeaders: ["Host", "api.example.com", ...lines], ...rest };
}

/** A good upgrade with lines changed, removed (null) or repeated (a list). */
function upgrade(changes: Readonly<Record<string, string | null | readonly string[]>> = {}): readonly string[] {
  const lines: Record<string, string | null | readonly string[]> = {
    Host: "api.example.com", Upgrade: "websocket", Connection: "Upgrade",
    "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key, ...changes,
  };
  return Object.entries(lines).flatMap(([name, value]) =>
    value === null ? [] : (typeof value === "string" ? [value] : value).flatMap((one) => [name, one]),
  );
}

function verdict(request: RequestHead): string | null {
  const refusal = guardRequest(request, defaultLimits);
  return refusal === null ? null : guardName(refusal);
}

const tested = new Set<string>();

const plainCases: readonly (readonly [GuardName, RequestHead])[] = [
  ["versionUnsupported", plain({ httpVersion: "2.0" })],
  ["versionUnsupported", plain({ httpVersion: "0.9" })],
  ["targetTooLong", plain({ url: `/${"a".repeat(defaultLimits.requestTargetBytesMax)}` })],
  ["targetForm", plain({ url: "*", method: "OPTIONS" })],
  ["targetForm", plain({ url: "api.example.com:443", method: "CONNECT" })],
  ["targetForm", plain({ url: "http://u@api.example.com/v1" })],
  ["targetForm", plain({ url: "" })],
  ["headersTooMany", plain({ lines: Array.from({ length: 200 }, () => "x") })],
  ["hostMissing", plain({ rawHeaders: [] })],
  ["hostMissing", plain({ rawHeaders: [], httpVersion: "1.0" })],
  ["hostRepeated", plain({ lines: ["host", "api.example.com"] })],
  ["authorityDiffers", plain({ url: "http://admin.example.com/v1" })],
  ["authorityDiffers", plain({ url: "http://api.example.com:8080/v1" })],
  ["lengthAndEncoding", plain({ lines: ["Content-Length", "1", "Transfer-Encoding", "chunked"] })],
  ["lengthRepeated", plain({ lines: ["Content-Length", "1", "content-length", "1"] })],
  ...["", "+1", "-1", "1,1", "0x1", "1 ", "1.0", "99999999999999999999", "9007199254740993"].map(
    (length) => ["lengthInvalid", plain({ lines: ["Content-Length", length] })] as const,
  ),
  ["encodingInHttp10", plain({ httpVersion: "1.0", lines: ["Transfer-Encoding", "chunked"] })],
  ["encodingUnknown", plain({ lines: ["Transfer-Encoding", "gzip, chunked"] })],
  ["encodingUnknown", plain({ lines: ["Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"] })],
  ["encodingUnknown", plain({ lines: ["Transfer-Encoding", "xchunked"] })],
  ["authorizationRepeated", plain({ lines: ["Authorization", "Bearer a", "AUTHORIZATION", "Bearer b"] })],
  ["contentTypeRepeated", plain({ lines: ["Content-Type", "a/b", "Content-Type", "a/c"] })],
  ["originRepeated", plain({ lines: ["Origin", "https://a", "Origin", "https://b"] })],
  ...["a miracle", "", "100-continued", "200-ok"].map((expected) => ["expectationUnknown", plain({ lines: ["Expect", expected] })] as const),
  ...["", "a b", "a,b", "a@b", "a/b", "a:b", "a:99999", "a:", ":80", "[::1", "[::g]", "[::1]x", "[fe80::1%25eth0]",
    "caf\u00e9", "a\\b"]
    .map((host) => ["hostInvalid", plain({ rawHeaders: ["Host", host] })] as const),
];

const upgradeCases: readonly (readonly [GuardName, readonly string[], Partial<RequestHead>?])[] = [
  ["upgradeMethod", upgrade(), { method: "POST" }],
  ["upgradeMethod", upgrade(), { method: "HEAD" }],
  ["upgradeVersion", upgrade(), { httpVersion: "1.0" }],
  ["upgradeToken", upgrade({ Upgrade: "websocket, h2c" })],
  ["upgradeToken", upgrade({ Upgrade: "h2c,websocket" })],
  ["upgradeToken", upgrade({ Upgrade: ["websocket", "websocket"] })],
  ["upgradeToken", upgrade({ Upgrade: "websocket/13" })],
  ["upgradeConnection", upgrade({ Connection: null })],
  ["upgradeConnection", upgrade({ Connection: "keep-alive" })],
  ["upgradeBody", upgrade({ "Content-Length": "5" })],
  ["upgradeBody", upgrade({ "Transfer-Encoding": "chunked" })],
  ["webSocketVersionRepeated", upgrade({ "Sec-WebSocket-Version": ["13", "13"] })],
  ["webSocketVersion", upgrade({ "Sec-WebSocket-Version": null })],
  ["webSocketVersion", upgrade({ "Sec-WebSocket-Version": "777" })],
  ["webSocketVersion", upgrade({ "Sec-WebSocket-Version": "8" })],
  ["webSocketVersion", upgrade({ "Sec-WebSocket-Version": "13, 8" })],
  ["webSocketVersion", upgrade({ "Sec-WebSocket-Version": "013" })],
  ["keyMissing", upgrade({ "Sec-WebSocket-Key": null })],
  ["keyRepeated", upgrade({ "Sec-WebSocket-Key": [key, key] })],
  ...["", "short", `${key}=`, `${key}, ${key}`, "dGhlIHNhbXBsZSBub25jZQ=a", "dGhlIHNhbXBsZSBub25jZ===",
    "dGhl*HNhbXBsZSBub25jZQ=="]
    .map((bad) => ["keyInvalid", upgrade({ "Sec-WebSocket-Key": bad })] as const),
  ["protocolsInvalid", upgrade({ "Sec-WebSocket-Protocol": "" })],
  ["protocolsInvalid", upgrade({ "Sec-WebSocket-Protocol": "a,,b" })],
  ["protocolsInvalid", upgrade({ "Sec-WebSocket-Protocol": "a b" })],
  ["protocolsInvalid", upgrade({ "Sec-WebSocket-Protocol": "chat, chat" })],
  ["protocolsInvalid", upgrade({ "Sec-WebSocket-Protocol": ["chat", "chat"] })],
  ["protocolsInvalid", upgrade({ "Sec-WebSocket-Protocol": Array.from({ length: 65 }, (_,
    at) => `p${at}`).join(",") })],
  ...["", ";", "a;", "a;b=", "a; b=c d", "a; b=\"c", "a; b=\"c d\"", "a,,b", "a b", "a;;b", `${"a,".repeat(64)}a`,
    `a${";b".repeat(65)}`]
    .map((bad) => ["extensionsInvalid", upgrade({ "Sec-WebSocket-Extensions": bad })] as const),
];

describe("guards of every request", () => {
  test.each(plainCases)("%s", (id, request) => {
    tested.add(id);
    expect(verdict(request)).toBe(id);
  });
});

describe("guards of upgrades", () => {
  test.each(upgradeCases.map(([id, rawHeaders, rest]) => ({ id, request: { ...plain(), rawHeaders,
    ...rest } })))("$id", ({ id, request }) => {
    tested.add(id);
    expect(verdict(request)).toBe(id);
  });
});

test("every guard has a case above", () => {
  expect([...tested].sort()).toEqual(Object.keys(guards).sort());
});

describe("requests that pass", () => {
  test.each([
    ["a plain GET", plain()],
    ["HTTP/1.0 with Host", plain({ httpVersion: "1.0" })],
    ["a body with a length", plain({ method: "POST", lines: ["Content-Length", "12"] })],
    ["a chunked body", plain({ method: "POST", lines: ["Transfer-Encoding", "Chunked"] })],
    ["absolute-form that agrees with Host", plain({ url: "http://API.example.com/v1" })],
    ["an IPv6 host", plain({ rawHeaders: ["HOST", "[2001:db8::1]:8443"] })],
    ["an IPv4 host", plain({ rawHeaders: ["host", "127.0.0.1:8080"] })],
    ["a host with underscore and closing dot", plain({ rawHeaders: ["Host", "my_api.internal."] })],
    ["another upgrade token", plain({ lines: ["Upgrade", "h2c", "Connection", "Upgrade, HTTP2-Settings"] })],
    ["repeated ordinary headers", plain({ lines: ["Cookie", "a=1", "Cookie", "b=2"] })],
    ["the sample of RFC 6455", { ...plain(), rawHeaders: upgrade() }],
    ["an upgrade with Content-Length 0", { ...plain(), rawHeaders: upgrade({ "Content-Length": "0" }) }],
    ["Upgrade in capitals", { ...plain(), rawHeaders: upgrade({ Upgrade: "WebSocket" }) }],
    ["Connection as Firefox sends it", { ...plain(), rawHeaders: upgrade({ Connection: "keep-alive, Upgrade" }) }],
    ["Connection over two lines", { ...plain(), rawHeaders: upgrade({ Connection: ["keep-alive", "upgrade"] }) }],
    ["two subprotocol lines", { ...plain(), rawHeaders: upgrade({ "Sec-WebSocket-Protocol": ["chat, superchat",
      "v2"] }) }],
    [
      "the extensions Chrome offers",
      { ...plain(), rawHeaders: upgrade({ "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }) },
    ],
    [
      "extensions with values and quotes",
      { ...plain(), rawHeaders: upgrade({ "Sec-WebSocket-Extensions": "a; b=10 ; c=\"d\", constructor" }) },
    ],
  ])("%s", (_name, request) => {
    expect(verdict(request)).toBeNull();
  });
});

test("the answer to a wrong version offers the right one (RFC 6455 section 4.4)", () => {
  const refusal = guardRequest({ ...plain(), rawHeaders: upgrade({ "Sec-WebSocket-Version": "12" }) }, defaultLimits);
  expect(refusal).toMatchObject({ status: 426, close: false });
  expect(refusal?.extraHeaders).toEqual(["Sec-WebSocket-Version", "13", "Upgrade", "websocket", "Connection",
    "Upgrade"]);
});

test("a refusal closes the connection wherever the end of the request is in doubt", () => {
  for (const id of ["lengthAndEncoding", "lengthRepeated", "lengthInvalid", "encodingUnknown",
    "upgradeBody"] as const) {
    expect(guards[id].close).toBe(true);
  }
});

describe("isWebSocketUpgrade", () => {
  test.each([
    [["Upgrade", "websocket"], true],
    [["UPGRADE", "WebSocket"], true],
    [["Upgrade", "h2c, websocket"], true],
    [["Upgrade", "websocket/8"], true],
    [["Upgrade", "h2c", "Upgrade", "websocket"], true],
    [["Upgrade", "h2c"], false],
    [["Upgrade", "websockets"], false],
    [["Upgrade", "TLS/1.0"], false],
    [["Connection", "websocket"], false],
    [[], false],
  ])("%j: %s", (rawHeaders, expected) => {
    expect(isWebSocketUpgrade({ rawHeaders })).toBe(expected);
  });
});
