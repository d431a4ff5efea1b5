/**
 * The header of the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): bytes in, source address out.
 * Pure and strict; it reads no more than its bounds and skips what extensions (TLVs) follow the addresses.
 */
import type { ConnectionSource } from "../client/client.ts";
import { ipAddressText, parseIpAddress } from "../language/ip-address.ts";

/** Which versions are read. */
export type ProxyVersion = "v1" | "v2" | "any";

/** A whole header. */
export interface ProxyHeader {
  /** Its bytes; what follows is the client's. */
  readonly length: number;
  /** Null when it names none (LOCAL, UNKNOWN, Unix sockets): then the connection's other end is the source. */
  readonly source: ConnectionSource | null;
}

/** A header, or what the bytes so far mean. */
type Reading = ProxyHeader | "more" | "invalid";

/** Longest header of version 1, line end included (section 2.1). */
const V1_BYTES_MAX = 107;
const V1_START: Buffer = /* @__PURE__ */ Buffer.from("PROXY ", "latin1");
const V2_START: Buffer = /* @__PURE__ */ Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** Signature, version and command, family, length (section 2.2). */
const V2_FIXED_BYTES = 16;
const LOCAL = 0x20;
const PROXY = 0x21;

/** Reads a header from the first bytes of a connection: `more` when they may still become one, `invalid` when not. */
export function readProxyHeader(bytes: Buffer, version: ProxyVersion, v2BytesMax: number): Reading {
  if (bytes.length === 0) return "more";
  if (version !== "v2" && bytes[0] === V1_START[0]) return readV1(bytes);
  return version !== "v1" && bytes[0] === V2_START[0] ? readV2(bytes, v2BytesMax) : "invalid";
}

function readV1(bytes: Buffer): Reading {
  if (!startsAs(bytes, V1_START)) return "invalid";
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf("\r\n");
  if (end < 0) return bytes.length < V1_BYTES_MAX ? "more" : "invalid";
  const length = end + 2;
  const line = bytes.toString("latin1", V1_START.length, end);
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) return { length, source: null };
  const [family, from = "", to = "", port = "", toPort = "", ...rest] = line.split(" ");
  const isSix = family === "TCP6";
  if ((!isSix && family !== "TCP4") || rest.length > 0) return "invalid";
  // The notation tells the family: a mapped address is written, and meant, as IPv6.
  if (from.includes(":") !== isSix || to.includes(":") !== isSix || parseIpAddress(to) === null) return "invalid";
  const address = parseIpAddress(from);
  if (address === null || !isPort(port) || !isPort(toPort)) return "invalid";
  return { length, source: { address: ipAddressText(address), port: Number(port) } };
}

function readV2(bytes: Buffer, bytesMax: number): Reading {
  if (!startsAs(bytes, V2_START)) return "invalid";
  const command = bytes[12] ?? PROXY;
  if (command !== LOCAL && command !== PROXY) return "invalid";
  if (bytes.length < V2_FIXED_BYTES) return "more";
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (length > bytesMax) return "invalid";
  // What a connection of the proxy's own says of addresses is to be ignored.
  const addressBytes = command === LOCAL ? 0 : v2AddressBytes(bytes[13] ?? 0);
  if (addressBytes === null) return "invalid";
  const portBytes = addressBytes > 0 ? 4 : 0;
  if (V2_FIXED_BYTES + 2 * addressBytes + portBytes > length) return "invalid";
  if (bytes.length < length) return "more";
  if (addressBytes === 0) return { length, source: null };
  const words: number[] = [];
  for (let at = 0; at < addressBytes; at += 4) words.push(bytes.readUInt32BE(V2_FIXED_BYTES + at));
  const port = bytes.readUInt16BE(V2_FIXED_BYTES + 2 * addressBytes);
  return { length, source: { address: addressText(words), port } };
}

/** Bytes of one address of a family and transport; 0 for those without, null for what does not come over a stream. */
function v2AddressBytes(family: number): 0 | 4 | 16 | null {
  switch (family) {
    case 0x00:
    case 0x31:
      return 0;
    case 0x11:
      return 4;
    case 0x21:
      return 16;
    default:
      return null;
  }
}

function addressText(words: readonly number[]): string {
  if (words.length === 1) return ipAddressText({ family: 4, words });
  const text = ipAddressText({ family: 6, words });
  const address = parseIpAddress(text);
  // IPv4 in IPv6 is the IPv4 address, here as everywhere.
  return address === null ? text : ipAddressText(address);
}

/** True while the bytes are, or may become, those of a signature. */
function startsAs(bytes: Buffer, start: Buffer): boolean {
  const count = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, count, 0, count) === 0;
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535;
}
