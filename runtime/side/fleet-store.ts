/**
 * Asks all processes that share a distributed store about their sessions: a question is an event, so that every replica
 * hears it in order with the revocations; answers are records that soon expire. It decides nothing about sessions.
 */
import { fleetIdentity } from "../access/identity.ts";
import { replicaOf } from "../process/instance.ts";
import type { FleetAnswer, FleetQuestion } from "../state/fleet-record.ts";
import { answerId, gatherAnswers, writeQuietly, type Replicas } from "../state/replicas.ts";
import { StoreFailure } from "../state/store.ts";
import type { StoredEvent, StoreListener } from "../state/store.ts";
import { answerOf, type AskedReplica, type Fleet, type FleetGateway } from "./fleet.ts";

/** How long answers are kept, and the age at which a question is not answered any more. */
const ANSWER_KEPT_MS = 30_000;

/** The fleet of a register. Call `start` when the process serves. */
export function openFleet(gateway: FleetGateway, replicas: Replicas): Fleet {
  return new StoreFleet(gateway, replicas);
}

class StoreFleet implements Fleet, StoreListener {
  readonly #gateway: FleetGateway;
  readonly #replicas: Replicas;
  #unwatch: (() => void) | null = null;
  #asking = 0;

  constructor(gateway: FleetGateway, replicas: Replicas) {
    this.#gateway = gateway;
    this.#replicas = replicas;
  }

  start(): void {
    this.#unwatch ??= this.#gateway.store.watch(this);
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
    this.#unwatch?.();
    this.#unwatch = null;
  }

  storeEvent({ event }: StoredEvent): void {
    const { clock, instance, store } = this.#gateway;
    const { atMs, effect, identities, question } = event;
    const [asked = ""] = identities;
    const isOld = clock.wallMs() - atMs > ANSWER_KEPT_MS;
    if (effect !== "asked" || question === undefined || isOld || event.by === instance.uuid) return;
    const expiresAtMs = clock.wallMs() + ANSWER_KEPT_MS;
    const answer = answerOf(this.#gateway, question);
    const tell = () => store.put("answer", answerId(asked, instance.uuid), answer, { expiresAtMs });
    writeQuietly(tell, (thrown) => this.#gateway.defect(thrown));
  }

  /** A question that was missed is not answered. */
  storeEventsLost(): void {
    return;
  }

  async #gather(question: FleetQuestion): Promise<readonly AskedReplica[]> {
    const { clock, instance, limits, metrics, store } = this.#gateway;
    metrics.count("fleetQuestions");
    const others = await this.#replicas.others();
    const own: AskedReplica = { replica: replicaOf(this.#gateway), answer: answerOf(this.#gateway, question) };
    if (others.length === 0) return [own];
    const id = fleetIdentity(clock.randomId());
    const event = { effect: "asked", identities: [id], atMs: clock.wallMs(), by: instance.uuid, question } as const;
    await store.append(event);
    const answers = await gatherAnswers(clock, {
      asked: others.map((replica) => replica.id),
      read: (due) => this.#answersOf(due, id),
      waitMs: limits.fleetAnswerMs,
    });
    metrics.count("fleetSilent", others.length - answers.size);
    const all = [own, ...others.map((replica) => ({ replica, answer: answers.get(replica.id) ?? null }))];
    return all.sort((a, b) => (a.replica.id < b.replica.id ? -1 : 1));
  }

  async #answersOf(due: readonly string[], asked: string): Promise<ReadonlyMap<string, FleetAnswer>> {
    const { store } = this.#gateway;
    const found = await Promise.all(due.map((replica) => store.get("answer", answerId(asked, replica))));
    return new Map(found.flatMap((answer) => (answer === null ? [] : [[answer.replica, answer] as const])));
  }
}
