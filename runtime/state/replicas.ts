/**
 * The register of the processes that share a store: each has a record that it renews, so that whoever asks all of them
 * waits until the last of them has answered and no longer. It knows neither questions nor answers.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { Maybe } from "../maybe.ts";
import type { ReplicaRecord } from "./fleet-record.ts";
import { StoreFailure } from "./store.ts";
import type { Store } from "./store.ts";

/** A replica renews its record so often, and is no longer there when it has not for so long. */
const BEAT_MS = 5_000;
const KEPT_MS = 30_000;
/** Pause between looks for answers. */
const LOOK_MS = 20;

/** What the register is kept with. */
export interface ReplicaServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: Limits;
  /** This process. */
  self(): ReplicaRecord;
  /** Not a failure of the store, which reports its own. */
  defect(thrown: unknown): void;
}

/** Something that several replicas are asked. */
export interface Asking<A> {
  /** Who answers; by their ids. */
  readonly asked: readonly string[];
  /** What those who are named have answered so far, by their ids. */
  read(due: readonly string[]): Maybe<ReadonlyMap<string, A>>;
  /** True when the rest need not be waited for; absent: all must have answered. */
  isEnough?(answers: ReadonlyMap<string, A>): boolean;
  readonly waitMs: number;
}

/** The register of a store, for `GatewayProgram["openReplicas"]`. */
export function openReplicas(services: ReplicaServices): Replicas {
  return new Replicas(services);
}

export class Replicas {
  readonly #services: ReplicaServices;
  #isThere = false;
  #beat: Timer | null = null;

  constructor(services: ReplicaServices) {
    this.#services = services;
  }

  /** Enters this process, which must hear the store's events by now. */
  start(): void {
    if (this.#isThere) return;
    this.#isThere = true;
    this.#tellOfSelf();
  }

  /** All the others, in the order of their ids. Fails as the store fails. */
  async others(): Promise<readonly ReplicaRecord[]> {
    const { limits, self, store } = this.#services;
    const { id: own } = self();
    const listed = await store.list("replica", { limit: limits.replicasMax });
    return listed.map(({ record }) => record).filter(({ id }) => id !== own);
  }

  /** Leaves the register. */
  close(): void {
    const { clock, self, store } = this.#services;
    if (!this.#isThere) return;
    this.#isThere = false;
    if (this.#beat !== null) clock.clearTimer(this.#beat);
    this.#quietly(() => store.remove("replica", self().id));
  }

  #tellOfSelf(): void {
    const { clock, self, store } = this.#services;
    const record = self();
    this.#quietly(() => store.put("replica", record.id, record, { expiresAtMs: clock.wallMs() + KEPT_MS }));
    this.#beat = clock.setTimer(() => this.#tellOfSelf(), BEAT_MS);
  }

  /** The store counts and reports what it could not do; the next beat tries again. */
  #quietly(work: () => Maybe<unknown>): void {
    writeQuietly(work, (thrown) => this.#services.defect(thrown));
  }
}

/** Looks for answers until all have answered, or enough, or the time is over. Rejects as the store fails. */
export async function gatherAnswers<A>(
  clock: Clock,
  { asked, isEnough, read, waitMs }: Asking<A>,
): Promise<ReadonlyMap<string, A>> {
  const answers = new Map<string, A>();
  const untilMs = clock.monotonicMs() + waitMs;
  for (;;) {
    const due = asked.filter((id) => !answers.has(id));
    for (const [id, answer] of await read(due)) answers.set(id, answer);
    const isDone = asked.every((id) => answers.has(id)) || isEnough?.(answers) === true;
    if (isDone || clock.monotonicMs() >= untilMs) return answers;
    await new Promise<void>((resolve) => void clock.setTimer(resolve, LOOK_MS));
  }
}

/** A write that nobody waits for: the store reports its own failures, anything else is a defect. */
export function writeQuietly(work: () => Maybe<unknown>, defect: (thrown: unknown) => void): void {
  const failed = (cause: unknown): void => {
    if (!(cause instanceof StoreFailure)) defect(cause);
  };
  try {
    const answer = work();
    if (answer instanceof Promise) answer.catch(failed);
  } catch (cause) {
    failed(cause);
  }
}

/** Answers to one question lie together. */
export function answerId(question: string, replica: string): string {
  return `${question}/${replica}`;
}
