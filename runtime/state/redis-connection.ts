/**
 * The connections of the distributed store, and the only door to ioredis: one for commands and one that hears wake-ups
 * (in a cluster the library holds both). It bounds commands in number and time, reconnects with jitter, and turns
 * whatever goes wrong into a StoreFailure whose text holds no key, no value and no credential.
 */
import { Cluster, Redis } from "ioredis";
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { RedisSettings } from "./redis-settings.ts";
import { endpointOf, tlsOf } from "./redis-settings.ts";
import type { Script, Scripts } from "./redis-scripts.ts";
import { StoreFailure } from "./store.ts";
import type { StoreReport } from "./store.ts";

/** First pause before a reconnection; it doubles with each try that fails. */
const RECONNECT_PAUSE_MS = 50;
/** Longest pause before a reconnection. */
const RECONNECT_PAUSE_MAX_MS = 3_000;
/** Redirections of one command within a cluster. */
const REDIRECTIONS_MAX = 4;
/** Codes of errors whose whole text is the server's own and names nobody's data. */
const TELLING_CODES: readonly string[] = ["NOPERM", "WRONGPASS", "NOAUTH", "READONLY", "LOADING", "MASTERDOWN"];

/** The connections. They open by themselves and stay until `close`. */
export class RedisConnection {
  readonly #clock: Clock;
  readonly #commandsMax: number;
  readonly #report: StoreReport;
  readonly #scripts: Scripts;
  readonly #commands: Redis | Cluster;
  readonly #wakes: Redis | Cluster;
  readonly #onUp: () => void;
  #inFlight = 0;
  /** Until the first connection stands or has failed: commands wait for it. */
  #opening: Promise<void> | null;
  #endOpening: () => void = () => undefined;
  #isUp = false;
  #isClosed = false;
  #problem = "no connection";

  /** `onUp`: whenever commands go through again. `onWake`: something was published on the channel. */
  constructor(
    settings: RedisSettings,
    clock: Clock,
    limits: Limits,
    report: StoreReport,
    scripts: Scripts,
    on: { readonly up: () => void; readonly wake: () => void },
  ) {
    this.#clock = clock;
    this.#commandsMax = limits.storeCommandsMax;
    this.#report = report;
    this.#scripts = scripts;
    this.#onUp = on.up;
    this.#commands = open(settings, clock);
    this.#wakes = this.#commands instanceof Cluster ? this.#commands : open(settings, clock);
    const timer = clock.setTimer(() => this.#endOpening(), settings.connectTimeoutMs);
    this.#opening = this.#untilOpen(timer);
    this.#commands.on("error", (error: unknown) => this.#note(error));
    this.#commands.on("ready", () => this.#up());
    this.#commands.on("close", () => this.#down());
    if (this.#wakes !== this.#commands) this.#wakes.on("error", (error: unknown) => this.#note(error));
    this.#wakes.on("ready", () => this.#subscribe(settings.channel));
    this.#wakes.on("message", on.wake);
  }

  /** True while commands go through, as far as is known. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** One field of a hash. */
  field(key: string, field: string): Promise<string | null> {
    return this.#run(() => this.#commands.hget(key, field));
  }

  /** A string. */
  text(key: string): Promise<string | null> {
    return this.#run(() => this.#commands.get(key));
  }

  /** A section of what the server says about itself. */
  about(section: "memory"): Promise<string> {
    return this.#run(() => this.#commands.info(section));
  }

  /** Runs a script, sending its text only to a server that has forgotten it. */
  script(script: Script, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    const { text, sha1 } = script;
    return this.#run(async () => {
      try {
        return await this.#commands.evalsha(sha1, keys.length, ...keys, ...values);
      } catch (cause) {
        if (codeOf(cause) !== "NOSCRIPT") throw cause;
        return await this.#commands.eval(text, keys.length, ...keys, ...values);
      }
    });
  }

  /** Breaks the connections off; commands under way fail as closed. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isUp = false;
    this.#endOpening();
    this.#commands.disconnect();
    if (this.#wakes !== this.#commands) this.#wakes.disconnect();
  }

  async #run<T>(command: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreFailure("closed", "the distributed store is closed");
    if (this.#inFlight >= this.#commandsMax) throw this.#failure("storeCommandsMax commands wait for an answer");
    this.#inFlight++;
    try {
      if (this.#opening !== null) await this.#opening;
      return await command();
    } catch (cause) {
      if (this.#isClosed) throw new StoreFailure("closed", "the distributed store is closed");
      throw this.#failureOf(cause);
    } finally {
      this.#inFlight--;
    }
  }

  #untilOpen(timer: Timer): Promise<void> {
    return new Promise((resolve) => {
      this.#endOpening = () => {
        this.#clock.clearTimer(timer);
        this.#opening = null;
        resolve();
      };
    });
  }

  #up(): void {
    if (this.#isClosed) return;
    this.#isUp = true;
    // Before anything else, so that commands keep their order: none has to be sent a second time with its text.
    for (const { text } of Object.values(this.#scripts)) {
      this.#commands.script("LOAD", text).catch((error: unknown) => this.#note(error));
    }
    this.#endOpening();
    this.#report.connected();
    this.#onUp();
  }

  #down(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#report.lost(this.#problem);
  }

  #note(error: unknown): void {
    this.#problem = problemOf(error);
  }

  #subscribe(channel: string): void {
    // A wake-up that is not heard is made good for by the next look.
    this.#wakes.subscribe(channel).catch((error: unknown) => this.#note(error));
  }

  #failureOf(cause: unknown): StoreFailure {
    if (cause instanceof StoreFailure) return cause;
    const code = codeOf(cause);
    if (code === "OOM") return this.#failure("the server is out of memory", "full");
    // The library says only that nothing can be written; what went wrong before is worth more.
    return this.#failure(code === "" && !this.#isUp ? this.#problem : problemOf(cause));
  }

  #failure(problem: string, code: "full" | "unavailable" = "unavailable"): StoreFailure {
    this.#report.failed();
    return new StoreFailure(code, `distributed store: ${problem}`);
  }
}

function open(settings: RedisSettings, clock: Clock): Redis | Cluster {
  const { commandTimeoutMs, connectTimeoutMs } = settings;
  const pause = (tries: number): number => jittered(clock, tries);
  const endpoint = endpointOf(settings);
  const tls = tlsOf(settings);
  const node = {
    username: settings.username ?? endpoint.username,
    password: settings.password ?? endpoint.password,
    ...(tls === undefined ? {} : { tls }),
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    // A connection on which nothing comes back is given up, with all that waits on it.
    socketTimeout: commandTimeoutMs,
    // What was not answered is not sent again: its caller has been told that it failed.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    disableClientInfo: true,
    // A primary that became a replica: connect again, and find the new one.
    reconnectOnError: (error: Error) => codeOf(error) === "READONLY",
  };
  if (endpoint.kind === "cluster") {
    return new Cluster([...endpoint.nodes], {
      redisOptions: node,
      enableOfflineQueue: false,
      clusterRetryStrategy: pause,
      maxRedirections: REDIRECTIONS_MAX,
      slotsRefreshTimeout: connectTimeoutMs,
      // Certificates stand for names, so names are not turned into addresses before they are checked.
      dnsLookup: (host, done) => done(null, host),
    });
  }
  const single = { ...node, retryStrategy: pause, enableOfflineQueue: false };
  if (endpoint.kind === "single") {
    return new Redis({ ...single, host: endpoint.host, port: endpoint.port, db: endpoint.database });
  }
  return new Redis({
    ...single,
    name: endpoint.master,
    sentinels: [...endpoint.nodes],
    sentinelRetryStrategy: pause,
    sentinelCommandTimeout: commandTimeoutMs,
    ...(endpoint.sentinelPassword === null ? {} : { sentinelPassword: endpoint.sentinelPassword }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  });
}

/** Between half and all of a pause that doubles with each try, so that replicas do not come back all at once. */
function jittered(clock: Clock, tries: number): number {
  const pauseMs = Math.min(RECONNECT_PAUSE_MS * 2 ** Math.min(tries - 1, 16), RECONNECT_PAUSE_MAX_MS);
  return pauseMs / 2 + (pauseMs / 2) * (clock.randomBytes(4).readUInt32BE() / 2 ** 32);
}

/** Redis begins its errors with a code; the system has them beside the text. "": neither. */
function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "";
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  return /^([A-Z]+) /.exec(cause.message)?.[1] ?? "";
}

/** What may be told of an error. Texts of the server can repeat what was sent to it. */
function problemOf(cause: unknown): string {
  const code = codeOf(cause);
  if (!(cause instanceof Error)) return "no connection";
  if (TELLING_CODES.includes(code)) return cause.message;
  if (code !== "") return code;
  if (/tim(ed|e) ?out/i.test(cause.message)) return "no answer in time";
  return "no connection";
}
