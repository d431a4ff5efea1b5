/**
 * How long a gateway may be deaf to revocations, and what happens then: newcomers are refused, or also live sessions
 * end, or nothing does. Linked where the store is distant; a local one misses nothing.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Store } from "../state/store.ts";
import type { Revocations } from "./revocation.ts";
import type { Sessions } from "./session-index.ts";

export interface LagSettings {
  readonly maxLagMs: number;
  /** Beyond `maxLagMs`: `refuse` newcomers with credentials, also `end` sessions with credentials, or `keep` going. */
  readonly onLag: "refuse" | "keep" | "end";
}

/** What it watches and tells. */
export interface LagParts {
  readonly clock: Clock;
  readonly store: Store;
  readonly revocations: Revocations;
  readonly sessions: Sessions;
  /** Milliseconds between looks. */
  readonly lookMs: number;
  /** The bound was passed (true), or everything missed has been carried out (false). */
  readonly onChange: (isOver: boolean, lagMs: number) => void;
}

export class RevocationLag {
  readonly #settings: LagSettings;
  readonly #parts: LagParts;
  /** Monotonic; everything until then was told, and no session is left in doubt by it. */
  #clearUntilMs: number;
  #wasOver = false;
  #timer: Timer | null = null;

  constructor(settings: LagSettings, parts: LagParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#clearUntilMs = parts.clock.monotonicMs();
  }

  /** Time for which a revocation may have passed unheard. */
  lagMs(): number {
    const { clock, revocations, store } = this.#parts;
    if (revocations.inDoubt === 0) this.#clearUntilMs = Math.max(this.#clearUntilMs, store.heardUntilMs());
    return Math.max(0, clock.monotonicMs() - this.#clearUntilMs);
  }

  /** True when nobody may be admitted by a credential now. By the clock and not by a timer, which may come late. */
  refuses(): boolean {
    return this.#settings.onLag !== "keep" && this.lagMs() > this.#settings.maxLagMs;
  }

  /** Looks at the lag from now on. */
  start(): void {
    const { clock, lookMs } = this.#parts;
    this.#timer = clock.setTimer(() => {
      this.#look();
      this.start();
    }, lookMs);
  }

  /** Lets go of the timer. */
  close(): void {
    if (this.#timer !== null) this.#parts.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    const { onChange, revocations, sessions } = this.#parts;
    revocations.retryDoubts();
    const lagMs = this.lagMs();
    const isOver = lagMs > this.#settings.maxLagMs;
    if (isOver !== this.#wasOver) onChange(isOver, lagMs);
    this.#wasOver = isOver;
    if (!isOver || this.#settings.onLag !== "end") return;
    for (const session of sessions.find([])) if (session.credentials.length > 0) session.end("revocationLag");
  }
}

/** Watches the lag of one gateway. */
export function watchLag(settings: LagSettings, parts: LagParts): RevocationLag {
  const lag = new RevocationLag(settings, parts);
  parts.revocations.heed(lag);
  lag.start();
  return lag;
}
