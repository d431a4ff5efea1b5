/**
 * The fleet of the processes that share a distributed store. Each has a record that it renews; a question is an event,
 * so that every replica hears it in order with the revocations; answers are records of their own that soon expire. It
 * decides nothing about sessions.
 */
import { fleetIdentity } from "../access/identity.ts";
import type { Timer } from "../clock.ts";
import type { Maybe } from "../maybe.ts";
import type { FleetAnswer, FleetQuestion, ReplicaRecord } from "../state/fleet-record.ts";
import { StoreFailure } from "../state/store.ts";
import type { StoredEvent, StoreListener } from "../state/store.ts";
import { answerOf, selfOf, type AskedReplica, type Fleet, type FleetGateway } from "./fleet.ts";

/** A replica renews its record so often, and is no longer there when it has not for so long. */
const BEAT_MS = 5_000;
const REPLICA_KEPT_MS = 30_000;
/** How long answers are kept, and the age at which a question is not answered any more. */
const ANSWER_KEPT_MS = 30_000;
/** Pause between looks for answers. */
const LOOK_MS = 20;

/** Joins the fleet. Call `start` when the process serves. */
export function openFleet(gateway: FleetGateway): Fleet {
  return new StoreFleet(gateway);
}

class StoreFleet implements Fleet, StoreListener {
  readonly #gateway: FleetGateway;
  readonly #startedAtMs: number;
  #unwatch: (() => void) | null = null;
  #beat: Timer | null = null;
  #asking = 0;

  constructor(gateway: FleetGateway) {
    this.#gateway = gateway;
    this.#startedAtMs = gateway.clock.wallMs();
  }

  start(): void {
    this.#unwatch ??= this.#gateway.store.watch(this);
    this.#tellOfSelf();
  }

  async ask(question: FleetQuestion): Promise<readonly AskedReplica[]> {
    const { limits } = this.#gateway;
    if (this.#asking >= limits.fleetQuestionsMax) {
      throw new StoreFailure("unavailable", "fleetQuestionsMax questions to the fleet wait for answers");
    }
    this.#asking++;
    try {
      return await this.#gather(question);
    } finally {
      this.#asking--;
    }
  }

  close(): void {
    const { clock, instance, store } = this.#gateway;
    if (this.#unwatch === null) return;
    this.#unwatch();
    this.#unwatch = null;
    if (this.#beat !== null) clock.clearTimer(this.#beat);
    this.#quietly(() => store.remove("replica", instance.uuid));
  }

  storeEvent({ event }: StoredEvent): void {
    const { clock, instance, store } = this.#gateway;
    const { atMs, effect, identities, question } = event;
    const [asked = ""] = identities;
    const isOld = clock.wallMs() - atMs > ANSWER_KEPT_MS;
    if (effect !== "asked" || question === undefined || isOld || event.by === instance.uuid) return;
    const expiresAtMs = clock.wallMs() + ANSWER_KEPT_MS;
    const answer = answerOf(this.#gateway, question);
    this.#quietly(() => store.put("answer", answerId(asked, instance.uuid), answer, { expiresAtMs }));
  }

  /** A question that was missed is not answered. */
  storeEventsLost(): void {
    return;
  }

  async #gather(question: FleetQuestion): Promise<readonly AskedReplica[]> {
    const { clock, instance, limits, metrics, store } = this.#gateway;
    metrics.count("fleetQuestions");
    const listed = await store.list("replica", { limit: limits.replicasMax });
    const others = listed.map(({ record }) => record).filter(({ id }) => id !== instance.uuid);
    const own: AskedReplica = {
      replica: selfOf(this.#gateway, this.#startedAtMs),
      answer: answerOf(this.#gateway, question),
    };
    if (others.length === 0) return [own];
    const asked = fleetIdentity(clock.randomId());
    const event = { effect: "asked", identities: [asked], atMs: clock.wallMs(), by: instance.uuid, question } as const;
    const endMs = clock.monotonicMs() + limits.fleetAnswerMs;
    await store.append(event);
    const answers = await this.#answersTo(asked, others, endMs);
    metrics.count("fleetSilent", others.length - answers.size);
    const all = [own, ...others.map((replica) => ({ replica, answer: answers.get(replica.id) ?? null }))];
    return all.sort((a, b) => (a.replica.id < b.replica.id ? -1 : 1));
  }

  /** Looks again and again for the answers that are still due. */
  async #answersTo(
    asked: string,
    replicas: readonly ReplicaRecord[],
    endMs: number,
  ): Promise<ReadonlyMap<string, FleetAnswer>> {
    const { clock, store } = this.#gateway;
    const answers = new Map<string, FleetAnswer>();
    while (answers.size < replicas.length && clock.monotonicMs() < endMs) {
      await new Promise<void>((resolve) => void clock.setTimer(resolve, LOOK_MS));
      const due = replicas.filter(({ id }) => !answers.has(id));
      const found = await Promise.all(due.map(({ id }) => store.get("answer", answerId(asked, id))));
      for (const answer of found) if (answer !== null) answers.set(answer.replica, answer);
    }
    return answers;
  }

  #tellOfSelf(): void {
    const { clock, instance, store } = this.#gateway;
    const expiresAtMs = clock.wallMs() + REPLICA_KEPT_MS;
    this.#quietly(() => store.put("replica", instance.uuid, selfOf(this.#gateway, this.#startedAtMs), { expiresAtMs }));
    this.#beat = clock.setTimer(() => this.#tellOfSelf(), BEAT_MS);
  }

  /** The store counts and reports what it could not do; the next beat tries again. */
  #quietly(work: () => Maybe<unknown>): void {
    const failed = (cause: unknown): void => {
      if (!(cause instanceof StoreFailure)) this.#gateway.defect(cause);
    };
    try {
      const answer = work();
      if (answer instanceof Promise) answer.catch(failed);
    } catch (cause) {
      failed(cause);
    }
  }
}

/** Answers to one question lie together. */
function answerId(asked: string, replica: string): string {
  return `${asked}/${replica}`;
}
