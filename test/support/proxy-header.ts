/** PROXY protocol headers of version 2, right and wrong ones. */
import { Buffer } from "node:buffer";

export interface V2Parts {
  /** Version and command; PROXY of version 2 when absent. */
  readonly command?: number;
  /** Family and transport; none when absent. */
  readonly family?: number;
  readonly from?: readonly number[];
  readonly to?: readonly number[];
  readonly fromPort?: number;
  /** What follows the addresses. */
  readonly tlvs?: Buffer;
}

/** A header with a length that fits it. */
export function v2Header(parts: V2Parts): Buffer {
  const { command = 0x21, family = 0, from = [], to = [], fromPort = 0, tlvs = Buffer.alloc(0) } = parts;
  const ports = Buffer.alloc(from.length === 0 ? 0 : 4);
  if (from.length > 0) ports.writeUInt16BE(fromPort);
  const rest = Buffer.concat([Buffer.from([...from, ...to]), ports, tlvs]);
  const fixed = Buffer.from("\r\n\r\n\0\r\nQUIT\n\0\0\0\0", "latin1");
  fixed.writeUInt8(command, 12);
  fixed.writeUInt8(family, 13);
  fixed.writeUInt16BE(rest.length, 14);
  return Buffer.concat([fixed, rest]);
}
