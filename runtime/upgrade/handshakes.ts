/**
 * The handshakes under way, all together and by client address: what the limits on them are measured by. It decides
 * only whether there is room for one more.
 */
import type { Limits } from "../limits.ts";

export class Handshakes {
  readonly #limits: Pick<Limits, "handshakesMax" | "handshakesPerAddressMax">;
  readonly #byAddress = new Map<string, number>();
  #count = 0;

  constructor(limits: Pick<Limits, "handshakesMax" | "handshakesPerAddressMax">) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** How many addresses they come from; at most as many as there are handshakes. */
  get addresses(): number {
    return this.#byAddress.size;
  }

  /** Lets one more begin; false when there are as many as there may be, in all or from this address. */
  enter(address: string): boolean {
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (this.#count >= this.#limits.handshakesMax || ofAddress >= this.#limits.handshakesPerAddressMax) return false;
    this.#count++;
    this.#byAddress.set(address, ofAddress + 1);
    return true;
  }

  /** One that had entered is decided. */
  leave(address: string): void {
    this.#count--;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}
