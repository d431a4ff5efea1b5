/**
 * Follows the event stream of a distributed store for the listeners of one gateway: reads it in order from where it
 * stood, whenever somebody publishes, a poll is due or a connection returns, and knows how fresh that knowledge is. It
 * writes no record.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { StoreFailure } from "./store.ts";
import type { RevocationEvent, StoredEvent, StoreListener } from "./store.ts";

/** One look at the stream. */
export interface StreamLook {
  /** False when the stream is not the one that was read before: the server lost events. */
  readonly isSame: boolean;
  readonly last: number;
  /** Tells the last entry from others that ever had its number. */
  readonly lastMark: string;
  readonly entries: readonly StreamEntry[];
}

export interface StreamEntry {
  readonly sequence: number;
  /** Null where the stream was cut. */
  readonly event: RevocationEvent | null;
  readonly mark: string;
}

/** Reads the stream behind a number; -1 only tells where it ends. */
export type LookAtStream = (after: number, mark: string, limit: number) => Promise<StreamLook>;

/** Entries read at once. */
const ENTRIES_PER_LOOK = 256;
/** Before the first look. */
const NOWHERE = -1;

export class EventFollower {
  readonly #look: LookAtStream;
  readonly #clock: Clock;
  readonly #pollMs: number;
  readonly #listeners = new Set<StoreListener>();
  /** Last number that listeners heard of, and the mark of its entry. */
  #delivered = NOWHERE;
  #mark = "";
  #heardUntilMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;
  #isMore = false;
  #timer: Timer | null = null;

  constructor(look: LookAtStream, clock: Clock, limits: Limits) {
    this.#look = look;
    this.#clock = clock;
    this.#pollMs = limits.storePollMs;
  }

  /** Monotonic time up to which everything was told. */
  get heardUntilMs(): number {
    return this.#heardUntilMs;
  }

  watch(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
    };
  }

  /** Reads what is new. Settles when all that was there when it was called has been told; never rejects. */
  catchUp(): Promise<void> {
    if (this.#listeners.size === 0) return Promise.resolve();
    this.#isMore = true;
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  close(): void {
    this.#listeners.clear();
    this.#stop();
  }

  #start(): void {
    this.#delivered = NOWHERE;
    this.#mark = "";
    void this.catchUp();
    this.#poll();
  }

  #stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #poll(): void {
    this.#timer = this.#clock.setTimer(() => {
      // Goes on also when a listener has a defect, which then is nobody else's.
      void this.catchUp().finally(() => {
        if (this.#listeners.size > 0) this.#poll();
      });
    }, this.#pollMs);
  }

  async #read(): Promise<void> {
    try {
      while (this.#isMore && this.#listeners.size > 0) {
        this.#isMore = false;
        const askedAtMs = this.#clock.monotonicMs();
        const look = await this.#look(this.#delivered, this.#mark, ENTRIES_PER_LOOK);
        this.#take(look);
        if (look.entries.length === ENTRIES_PER_LOOK) this.#isMore = true;
        if (!this.#isMore) this.#heardUntilMs = askedAtMs;
      }
    } catch (cause) {
      // The store counted and reported it; the next look tries again.
      if (!(cause instanceof StoreFailure)) throw cause;
      this.#isMore = false;
    }
  }

  #take({ isSame, last, lastMark, entries }: StreamLook): void {
    if (this.#delivered === NOWHERE) {
      this.#delivered = last;
      this.#mark = lastMark;
      return;
    }
    if (!isSame) return this.#lose(last, lastMark);
    for (const { sequence, event, mark } of entries) {
      const isGap = sequence !== this.#delivered + 1 || event === null;
      if (isGap) this.#lose(event === null ? sequence : sequence - 1, mark);
      if (event !== null) this.#tell({ sequence, event });
      this.#mark = mark;
    }
    if (entries.length < ENTRIES_PER_LOOK && this.#delivered < last) this.#lose(last, lastMark);
  }

  #tell(stored: StoredEvent): void {
    this.#delivered = stored.sequence;
    for (const listener of [...this.#listeners]) listener.storeEvent(stored);
  }

  #lose(last: number, mark: string): void {
    this.#delivered = last;
    this.#mark = mark;
    for (const listener of [...this.#listeners]) listener.storeEventsLost(last);
  }
}
