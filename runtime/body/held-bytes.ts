/**
 * Bytes of a body in memory, in one buffer that grows with what has come and never with what was announced. What it
 * takes counts against the whole process until its exchange ends.
 */
import type { Exchange } from "../context.ts";
import { fault, type Fault } from "../fault.ts";

/** The first buffer of a body whose length nobody said. */
const FIRST_BYTES = 16 * 1024;
const NO_BYTES: Buffer = /* @__PURE__ */ Buffer.alloc(0);

export class HeldBytes {
  readonly #x: Exchange;
  readonly #bytesMax: number;
  readonly #tooBig: Fault;
  /** What its sender said; 0: nothing. */
  readonly #announced: number;
  #buffer: Buffer = NO_BYTES;
  #length = 0;

  constructor(x: Exchange, bytesMax: number, tooBig: Fault, announced: number) {
    this.#x = x;
    this.#bytesMax = bytesMax;
    this.#tooBig = tooBig;
    this.#announced = announced;
  }

  /** What has come. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets what has come; its memory stays for what comes next. */
  clear(): void {
    this.#length = 0;
  }

  /** Adds bytes; a fault when they are too many for one body, or for the process. */
  append(bytes: Buffer): Fault | null {
    const length = this.#length + bytes.length;
    if (length > this.#bytesMax) return this.#tooBig;
    if (length > this.#buffer.length && !this.#grow(length)) return fault("gateway.Overload");
    bytes.copy(this.#buffer, this.#length);
    this.#length = length;
    return null;
  }

  /** False when the process holds as much as it may. */
  #grow(needed: number): boolean {
    const most = this.#announced > 0 ? this.#announced : this.#bytesMax;
    const size = Math.max(needed, Math.min(most, Math.max(FIRST_BYTES, 2 * this.#buffer.length)));
    const { gateway, wire } = this.#x;
    // The exchange is over: what it takes now would be given back by nobody.
    if (wire === null) return false;
    const more = size - this.#buffer.length;
    if (gateway.heldBytes + more > gateway.limits.heldBodiesBytesMax) return false;
    gateway.heldBytes += more;
    this.#x.heldBytes += more;
    const grown = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    return true;
  }
}
