import { describe, expect, test } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { ResponseMessage } from "#runtime/message/message.ts";
import { checkSwitch } from "#runtime/upgrade/switch-check.ts";

const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const offer = { key: "dGhlIHNhbXBsZSBub25jZQ==", protocols: "chat, v2",
  extensions: "permessage-deflate; client_max_window_bits, x" };
const nothing = { ...offer, protocols: null, extensions: null };
const good = ["Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Accept", accept];

function check(lines: readonly string[], offered: typeof offer | typeof nothing = offer): unknown {
  return checkSwitch(new ResponseMessage(101, "", [...lines]), offered, defaultLimits);
}

describe("a 101 that agrees", () => {
  test.each([
    ["with nothing chosen", good, null, null],
    ["in other case and order", ["CONNECTION", "keep-alive, upgrade", "sec-websocket-accept", accept, "upgrade",
      "WebSocket"], null, null],
    ["with a subprotocol", [...good, "Sec-WebSocket-Protocol", "v2"], "v2", null],
    ["with an extension and its parameters", [...good, "Sec-WebSocket-Extensions",
      "permessage-deflate; server_max_window_bits=10"],
      null, "permessage-deflate; server_max_window_bits=10"],
    ["with two extensions on two lines", [...good, "Sec-WebSocket-Extensions", "x", "Sec-WebSocket-Extensions",
      "permessage-deflate"],
      null, "x, permessage-deflate"],
  ])("%s", (_name, lines, protocol, extensions) => {
    expect(check(lines)).toEqual({ accept, protocol, extensions });
  });
});

describe("a 101 that does not", () => {
  test.each([
    ["101 does not upgrade to websocket", good.slice(2)],
    ["101 does not upgrade to websocket", ["Upgrade", "h2c", ...good.slice(2)]],
    ["101 does not upgrade to websocket", ["Upgrade", "websocket, h2c", ...good.slice(2)]],
    ["101 has no Connection: Upgrade", ["Upgrade", "websocket", "Sec-WebSocket-Accept", accept]],
    ["101 has no Connection: Upgrade", ["Upgrade", "websocket", "Connection", "close", "Sec-WebSocket-Accept", accept]],
    ["101 has no Sec-WebSocket-Accept", good.slice(0, 4)],
    ["101 has a wrong Sec-WebSocket-Accept", [...good.slice(0, 5), `${accept.slice(0, -1)}A`]],
    ["101 has a wrong Sec-WebSocket-Accept", [...good.slice(0, 5), accept.toLowerCase()]],
    ["101 has a wrong Sec-WebSocket-Accept", [...good.slice(0, 5), ""]],
    ["101 repeats Upgrade, Sec-WebSocket-Accept or Sec-WebSocket-Protocol", [...good, "Sec-WebSocket-Accept", accept]],
    ["101 repeats Upgrade, Sec-WebSocket-Accept or Sec-WebSocket-Protocol", [...good, "upgrade", "websocket"]],
    ["101 repeats Upgrade, Sec-WebSocket-Accept or Sec-WebSocket-Protocol",
      [...good, "Sec-WebSocket-Protocol", "chat", "Sec-WebSocket-Protocol", "v2"]],
    ["101 names a subprotocol that was not offered", [...good, "Sec-WebSocket-Protocol", "admin"]],
    ["101 names a subprotocol that was not offered", [...good, "Sec-WebSocket-Protocol", "Chat"]],
    ["101 names a subprotocol that was not offered", [...good, "Sec-WebSocket-Protocol", "chat, v2"]],
    ["101 names a subprotocol that was not offered", [...good, "Sec-WebSocket-Protocol", ""]],
    ["101 names an extension that was not offered", [...good, "Sec-WebSocket-Extensions", "constructor"]],
    ["101 names an extension that was not offered", [...good, "Sec-WebSocket-Extensions", "x, y"]],
    ["101 names an extension that was not offered", [...good, "Sec-WebSocket-Extensions", ""]],
    ["101 announces a body", [...good, "Content-Length", "0"]],
    ["101 announces a body", [...good, "Transfer-Encoding", "chunked"]],
  ])("%s", (reason, lines) => {
    expect(check(lines)).toBe(reason);
  });

  test("chooses where nothing was offered", () => {
    expect(check(good, nothing)).toMatchObject({ protocol: null });
    expect(check([...good, "Sec-WebSocket-Protocol", "chat"],
      nothing)).toBe("101 names a subprotocol that was not offered");
    expect(check([...good, "Sec-WebSocket-Extensions", "x"],
      nothing)).toBe("101 names an extension that was not offered");
  });
});
