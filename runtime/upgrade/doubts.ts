/**
 * Sessions that have to be checked against the store once more: so many at once, the others wait their turn, and those
 * about which the store could not tell stay in doubt until it is asked again. It decides nothing about them.
 */
import { isPending } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { CloseReasonId } from "./close-reason.ts";
import type { Session } from "./session.ts";

/** What is done with a session in doubt. */
export interface DoubtActions {
  /** True when what admitted it would admit it still. */
  isGood(session: Session): Maybe<boolean>;
  end(session: Session, reason: CloseReasonId): void;
  /** The store could not tell. */
  failed(cause: unknown): void;
}

export class Doubts {
  readonly #actions: DoubtActions;
  readonly #atOnceMax: number;
  /** Sessions that wait, with the reason to end them for when the store cannot tell; null: they stay in doubt. */
  readonly #waiting = new Map<Session, CloseReasonId | null>();
  #running = 0;
  /** True from a failure until `retry`: more questions would fail as well. */
  #isStuck = false;

  constructor(actions: DoubtActions, atOnceMax: number) {
    this.#actions = actions;
    this.#atOnceMax = atOnceMax;
  }

  /** Sessions not yet decided; bounded by the number of sessions. */
  get count(): number {
    return this.#waiting.size + this.#running;
  }

  /** Checks a session, now if there is room. `onFailure`: why it ends when the store cannot tell; null: it waits. */
  add(session: Session, onFailure: CloseReasonId | null): void {
    if (onFailure !== null && this.#running < this.#atOnceMax) {
      this.#waiting.delete(session);
      return this.#check(session, onFailure);
    }
    this.#waiting.set(session, onFailure ?? this.#waiting.get(session) ?? null);
    this.#next();
  }

  /** Asks again about those of whom the store could not tell. */
  retry(): void {
    this.#isStuck = false;
    this.#next();
  }

  #next(): void {
    for (const [session, onFailure] of this.#waiting) {
      if (this.#running >= this.#atOnceMax || (this.#isStuck && onFailure === null)) return;
      this.#waiting.delete(session);
      if (session.state !== "closed") this.#check(session, onFailure);
    }
  }

  #check(session: Session, onFailure: CloseReasonId | null): void {
    try {
      const isGood = this.#actions.isGood(session);
      if (!isPending(isGood)) return this.#decide(session, isGood);
      this.#running++;
      void isGood
        .then((good) => this.#decide(session, good))
        .catch((cause: unknown) => this.#undecided(session, onFailure, cause))
        .finally(() => {
          this.#running--;
          this.#next();
        });
    } catch (cause) {
      this.#undecided(session, onFailure, cause);
    }
  }

  #decide(session: Session, isGood: boolean): void {
    if (!isGood) this.#actions.end(session, "accessChanged");
  }

  #undecided(session: Session, onFailure: CloseReasonId | null, cause: unknown): void {
    this.#actions.failed(cause);
    if (onFailure !== null) return this.#actions.end(session, onFailure);
    this.#isStuck = true;
    this.#waiting.set(session, null);
  }
}
