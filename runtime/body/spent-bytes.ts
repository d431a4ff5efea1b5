/**
 * Gives the memory of streamed bytes back as soon as they have left, instead of when the collector comes by: it waits
 * for some 64 MiB of them. Only for bytes that nobody else holds.
 */

/** Smaller pieces are left to the collector: they come with others in one block, or are not worth a callback. */
const SPENT_BYTES_MIN = 16 * 1024;

/** What a write calls when the bytes have left; undefined where there is nothing to give back. */
export function spender(bytes: Buffer): (() => void) | undefined {
  if (bytes.length < SPENT_BYTES_MIN || bytes.buffer.byteLength !== bytes.length) return undefined;
  return () => {
    // A transfer to a new owner of no length frees the block (ECMA-262, ArrayBuffer.prototype.transfer).
    if (bytes.buffer instanceof ArrayBuffer && !bytes.buffer.detached) bytes.buffer.transfer(0);
  };
}
