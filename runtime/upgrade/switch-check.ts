/**
 * Verifies a target's 101 against what was offered (RFC 6455 section 4.1, the client's part): only a verified one may
 * be passed on. It judges a head that was read; it changes nothing.
 */
import { listHas, listHasExactly, sameName } from "../message/field-grammar.ts";
import type { UpgradeAgreement, UpgradeOffer } from "../message/head.ts";
import type { Limits } from "../limits.ts";
import type { ResponseMessage } from "../message/message.ts";
import { acceptFor } from "./accept.ts";
import { extensionNames } from "./extension-list.ts";

/** What the head says about the switch, found in one pass. */
interface SwitchLines {
  upgrade: string | null;
  connection: string | null;
  accept: string | null;
  protocol: string | null;
  extensions: string | null;
  /** A line that may stand once stands twice. */
  repeated: boolean;
  /** Content-Length or Transfer-Encoding, which no 101 has (RFC 9110 section 8.6, RFC 9112 section 6.1). */
  framed: boolean;
}

/** The agreement a 101 makes, or text that says what is wrong with it and quotes nothing of it. */
export function checkSwitch(head: ResponseMessage, offer: UpgradeOffer, limits: Limits): UpgradeAgreement | string {
  const found = readSwitch(head);
  if (found.framed) return "101 announces a body";
  if (found.repeated) return "101 repeats Upgrade, Sec-WebSocket-Accept or Sec-WebSocket-Protocol";
  if (found.upgrade === null || !sameName(found.upgrade, "websocket")) return "101 does not upgrade to websocket";
  if (found.connection === null || !listHas(found.connection, "upgrade")) return "101 has no Connection: Upgrade";
  if (found.accept === null) return "101 has no Sec-WebSocket-Accept";
  if (found.accept !== acceptFor(offer.key)) return "101 has a wrong Sec-WebSocket-Accept";
  if (found.protocol !== null && !isOffered(found.protocol, offer.protocols)) {
    return "101 names a subprotocol that was not offered";
  }
  if (found.extensions !== null && !areOffered(found.extensions, offer.extensions, limits)) {
    return "101 names an extension that was not offered";
  }
  return { accept: found.accept, protocol: found.protocol, extensions: found.extensions };
}

function readSwitch(head: ResponseMessage): SwitchLines {
  const found: SwitchLines = {
    upgrade: null, connection: null, accept: null, protocol: null, extensions: null, repeated: false, framed: false,
  };
  const { lines, names } = head;
  for (let at = 0; at < names.length; at++) {
    const value = lines[2 * at + 1] ?? "";
    switch (names[at]) {
      case "upgrade":
        if (found.upgrade !== null) found.repeated = true;
        found.upgrade = value;
        break;
      case "connection":
        found.connection = found.connection === null ? value : `${found.connection},${value}`;
        break;
      case "sec-websocket-accept":
        if (found.accept !== null) found.repeated = true;
        found.accept = value;
        break;
      case "sec-websocket-protocol":
        if (found.protocol !== null) found.repeated = true;
        found.protocol = value;
        break;
      case "sec-websocket-extensions":
        found.extensions = found.extensions === null ? value : `${found.extensions}, ${value}`;
        break;
      case "content-length":
      case "transfer-encoding":
        found.framed = true;
    }
  }
  return found;
}

/** A comma would make it a list, which no element of a list equals. */
function isOffered(protocol: string, offered: string | null): boolean {
  return offered !== null && protocol !== "" && protocol.indexOf(",") < 0 && listHasExactly(offered, protocol);
}

function areOffered(agreed: string, offered: string | null, limits: Limits): boolean {
  if (offered === null) return false;
  const offeredNames = extensionNames(offered, limits.handshakeTokensMax);
  const names = extensionNames(agreed, limits.handshakeTokensMax);
  if (offeredNames === null || names === null) return false;
  for (const name of names) if (!offeredNames.includes(name)) return false;
  return true;
}
