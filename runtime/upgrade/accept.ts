/** Sec-WebSocket-Accept (RFC 6455 section 4.2.2): what an answer must carry to have been made for this very key. */
import { hash } from "node:crypto";

/** The constant of RFC 6455 section 1.3. */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The Accept value that belongs to a key, as the key was sent. */
export function acceptFor(key: string): string {
  return hash("sha1", key + KEY_SUFFIX, "base64");
}
