/**
 * The store of many gateways: Redis or Valkey, alone, with Sentinel or as a cluster. It answers with promises. Records
 * are JSON, keys and tokens appear in it as digests only; what must be atomic is a script (redis-scripts.ts), events
 * are followed by redis-follower.ts. What expires is judged by the gateway's clock, so gateways that share a store keep
 * their clocks together.
 */
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { RedisConnection } from "./redis-connection.ts";
import { EventFollower } from "./redis-follower.ts";
import type { StreamEntry, StreamLook } from "./redis-follower.ts";
import { prepareScripts } from "./redis-scripts.ts";
import type { RedisSettings } from "./redis-settings.ts";
import { StoreFailure } from "./store.ts";
import type {
  EventPage,
  ListedRecord,
  PutOptions,
  RecordKind,
  Records,
  RevocationEvent,
  Store,
  StoredEvent,
  StoreListener,
  StoreReport,
} from "./store.ts";

/** Bytes of an entry's mark. */
const MARK_BYTES = 6;

export class RedisStore implements Store {
  readonly #clock: Clock;
  readonly #eventsMax: number;
  readonly #prefix: string;
  readonly #channel: string;
  readonly #scripts = prepareScripts();
  readonly #connection: RedisConnection;
  readonly #follower: EventFollower;
  #isClosed = false;

  /** Begins to connect. Throws when a setting is unusable; a server that cannot be reached fails the first command. */
  constructor(settings: RedisSettings, clock: Clock, limits: Limits, report: StoreReport) {
    this.#clock = clock;
    this.#eventsMax = limits.revocationsRememberedMax;
    this.#prefix = settings.keyPrefix;
    this.#channel = settings.channel;
    this.#follower = new EventFollower((after, mark, limit) => this.#lookAt(after, mark, limit), clock, limits);
    const catchUp = (): void => void this.#follower.catchUp();
    this.#connection = new RedisConnection(settings, clock, limits, report, this.#scripts, {
      up: catchUp,
      wake: catchUp,
    });
  }

  async get<K extends RecordKind>(kind: K, id: string): Promise<Records[K] | null> {
    const stored = await this.#connection.field(this.#recordsKey(kind), id);
    if (stored === null) return null;
    const bar = stored.indexOf("|");
    const isExpired = bar > 0 && Number(stored.slice(0, bar)) <= this.#clock.wallMs();
    return isExpired ? null : recordOf<K>(stored.slice(bar + 1));
  }

  async put<K extends RecordKind>(
    kind: K,
    id: string,
    record: Records[K],
    options: PutOptions<K> = {},
  ): Promise<boolean> {
    const { ifAbsent, ifStill, expiresAtMs } = options;
    const condition = ifStill !== undefined ? "still" : ifAbsent === true ? "absent" : "";
    const [wasWritten, sequence] = numbersOf(
      await this.#connection.script(this.#scripts.put, [...this.#keysOf(kind), ...this.#eventKeys()], [
        id,
        this.#clock.wallMs(),
        // The scripts read whole numbers only.
        typeof expiresAtMs === "number" ? Math.ceil(expiresAtMs) : "",
        JSON.stringify(record),
        condition,
        ifStill === undefined ? "" : JSON.stringify(ifStill),
        ...this.#eventValues(options.event),
      ]),
    );
    await this.#hearOwn(sequence);
    return wasWritten === 1;
  }

  async remove(kind: RecordKind, id: string, event?: RevocationEvent): Promise<boolean> {
    const keys = [...this.#keysOf(kind), ...this.#eventKeys()];
    const values = [id, this.#clock.wallMs(), ...this.#eventValues(event)];
    const [wasThere, sequence] = numbersOf(await this.#connection.script(this.#scripts.remove, keys, values));
    await this.#hearOwn(sequence);
    return wasThere === 1;
  }

  async take<K extends RecordKind>(kind: K, id: string): Promise<Records[K] | null> {
    const values = [id, this.#clock.wallMs()];
    const [json] = textsOf(await this.#connection.script(this.#scripts.take, this.#keysOf(kind), values));
    return json === undefined ? null : recordOf<K>(json);
  }

  async list<K extends RecordKind>(
    kind: K,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<ListedRecord<K>[]> {
    const values = [page.after ?? "", page.limit, this.#clock.wallMs()];
    const flat = textsOf(await this.#connection.script(this.#scripts.list, this.#keysOf(kind), values));
    const listed: ListedRecord<K>[] = [];
    for (let at = 0; at < flat.length; at += 2) {
      listed.push({ id: flat[at] ?? "", record: recordOf<K>(flat[at + 1] ?? "null") });
    }
    return listed;
  }

  async append(event: RevocationEvent): Promise<number> {
    const values = this.#eventValues(event);
    const sequence = Number(await this.#connection.script(this.#scripts.append, this.#eventKeys(), values));
    await this.#hearOwn(sequence);
    return sequence;
  }

  async events(after: number, limit: number): Promise<EventPage> {
    const flat = listOf(await this.#connection.script(this.#scripts.events, this.#eventKeys(), [after, limit]));
    const events: StoredEvent[] = [];
    let isComplete = true;
    let expected = after + 1;
    for (let at = 1; at < flat.length; at += 2) {
      const event = eventOf(flat[at + 1]);
      const sequence = Number(flat[at]);
      if (sequence !== expected || event === null) isComplete = false;
      if (event !== null) events.push({ sequence, event });
      expected = sequence + 1;
    }
    if (flat.length === 1 && Number(flat[0]) > after) isComplete = false;
    return { events, isComplete };
  }

  async lastEvent(): Promise<number> {
    return Number((await this.#connection.text(this.#sequenceKey())) ?? 0);
  }

  watch(listener: StoreListener): () => void {
    return this.#follower.watch(listener);
  }

  heardUntilMs(): number {
    return this.#follower.heardUntilMs;
  }

  /** Fails, unlike the others, when the server may drop any key it likes: revocations would vanish unseen. */
  async ready(): Promise<boolean> {
    let memory: string;
    try {
      await this.lastEvent();
      memory = await this.#connection.about("memory");
    } catch {
      return this.#connection.isUp && (await this.#answers());
    }
    const policy = /^maxmemory_policy:(allkeys-[a-z-]+)/m.exec(memory)?.[1];
    if (policy === undefined) return true;
    throw new StoreFailure("unavailable", `the server may drop records (maxmemory-policy ${policy}); set noeviction`);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#follower.close();
    this.#connection.close();
  }

  /** For a user that may not ask about memory. */
  async #answers(): Promise<boolean> {
    try {
      await this.lastEvent();
      return true;
    } catch {
      return false;
    }
  }

  /** Listeners of this gateway hear an event before its writer gets an answer. */
  #hearOwn(sequence: number): Promise<void> | undefined {
    return sequence > 0 ? this.#follower.catchUp() : undefined;
  }

  async #lookAt(after: number, mark: string, limit: number): Promise<StreamLook> {
    const keys = [...this.#eventKeys(), `${this.#prefix}:origin`];
    const values = [after, mark, limit, this.#newMark(), this.#eventsMax, this.#channel];
    const flat = listOf(await this.#connection.script(this.#scripts.follow, keys, values));
    const entries: StreamEntry[] = [];
    for (let at = 3; at < flat.length; at += 3) {
      entries.push({ sequence: Number(flat[at]), event: eventOf(flat[at + 1]), mark: String(flat[at + 2]) });
    }
    return { isSame: flat[0] === 1, last: Number(flat[1]), lastMark: String(flat[2]), entries };
  }

  #newMark(): string {
    return this.#clock.randomBytes(MARK_BYTES).toString("base64url");
  }

  #eventValues(event: RevocationEvent | undefined): readonly (string | number)[] {
    const text = event === undefined ? "" : JSON.stringify(event);
    return [text, this.#newMark(), this.#eventsMax, this.#channel];
  }

  #recordsKey(kind: RecordKind): string {
    return `${this.#prefix}:${kind}`;
  }

  #keysOf(kind: RecordKind): readonly string[] {
    const records = this.#recordsKey(kind);
    return [records, `${records}:ids`, `${records}:expiring`];
  }

  #sequenceKey(): string {
    return `${this.#prefix}:sequence`;
  }

  #eventKeys(): readonly string[] {
    return [this.#sequenceKey(), `${this.#prefix}:events`];
  }
}

/** The doors for what the server holds: only this class writes it, and what somebody else wrote there is no record. */
function recordOf<K extends RecordKind>(text: string): Records[K] {
  const record: unknown = parsed(text);
  if (typeof record === "object" && record !== null && !Array.isArray(record)) return record as Records[K];
  throw new StoreFailure("unavailable", "distributed store: a record cannot be read");
}

/** Null for an entry that holds no event, or nothing that this class wrote: readers treat it as a gap. */
function eventOf(text: unknown): RevocationEvent | null {
  const event: unknown = typeof text === "string" ? parsed(text) : null;
  const isEvent = typeof event === "object" && event !== null && "effect" in event && "identities" in event;
  return isEvent && Array.isArray(event.identities) ? (event as RevocationEvent) : null;
}

/** Null for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function listOf(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : [];
}

function textsOf(answer: unknown): readonly string[] {
  return listOf(answer).map(String);
}

function numbersOf(answer: unknown): readonly [number, number] {
  const [first, second] = listOf(answer);
  return [Number(first ?? 0), Number(second ?? 0)];
}
