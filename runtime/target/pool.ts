/**
 * The kept connections of one target: idle ones wait, the most recently used first, so that the others can go. It opens
 * connections and closes them; what is said over them is connection.ts.
 */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { TargetConnection } from "./connection.ts";

export interface PoolSettings {
  readonly limits: Limits;
  /** Opens a connection: error listener attached, not yet connected. */
  readonly connect: (host: string, port: number) => Socket;
  /** True when connections are usable at `secureConnect` instead of `connect`. */
  readonly isTls: boolean;
  /** How long an idle connection is kept (Apigee: keepalive.timeout.millis). */
  readonly keepAliveTimeoutMs: number;
}

export class ConnectionPool {
  readonly #settings: PoolSettings;
  /** Idle connections by server; the one that was used last stands last. */
  readonly #idle = new Map<string, TargetConnection[]>();
  #idleCount = 0;
  #openCount = 0;
  /** Runs while connections are idle. */
  #sweep: { readonly clock: Clock; readonly timer: Timer } | null = null;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /** Connections that are open or being opened. */
  get size(): number {
    return this.#openCount;
  }

  /** Connections that wait for a request. */
  get idleSize(): number {
    return this.#idleCount;
  }

  /**
   * An idle connection, else a new one; null when the pool is full (`targetConnectionsMax`). `clock`: the gateway's,
   * the same for every call.
   */
  take(host: string, port: number, clock: Clock): TargetConnection | null {
    const key = keyOf(host, port);
    const kept = this.#idle.get(key);
    const nowMs = clock.monotonicMs();
    for (let idle = kept?.pop(); idle !== undefined; idle = kept?.pop()) {
      this.#idleCount--;
      // Where requests choose their servers there is no end of them.
      if (kept?.length === 0) this.#idle.delete(key);
      if (idle.idleUntilMs > nowMs) return idle;
      idle.close();
    }
    return this.open(host, port, clock);
  }

  /** A new connection, whether one is idle or not: for what is sent again after a kept one had ended. */
  open(host: string, port: number, clock: Clock): TargetConnection | null {
    const { limits, connect, isTls } = this.#settings;
    if (this.#openCount >= limits.targetConnectionsMax) {
      const oldest = this.#oldestIdle();
      if (oldest === null) return null;
      oldest.close();
    }
    this.#openCount++;
    return new TargetConnection(connect(host, port), { key: keyOf(host, port), isTls, limits, clock, keeper: this });
  }

  /** Closes what is idle. Connections in use close when they are done with. */
  close(): void {
    for (const kept of this.#idle.values()) for (const connection of kept.splice(0)) connection.close();
    this.#idle.clear();
    this.#idleCount = 0;
    this.#stopSweep();
  }

  /** @internal A connection has carried an exchange and can carry another. `hintMs`: what its target allows. */
  release(connection: TargetConnection, hintMs: number): void {
    const { limits, keepAliveTimeoutMs } = this.#settings;
    const { clock } = connection;
    const keepMs = Math.min(keepAliveTimeoutMs, hintMs);
    if (keepMs <= 0 || this.#idleCount >= limits.targetIdleConnectionsMax) return connection.close();
    connection.idleUntilMs = clock.monotonicMs() + keepMs;
    const kept = this.#idle.get(connection.key);
    if (kept === undefined) this.#idle.set(connection.key, [connection]);
    else kept.push(connection);
    this.#idleCount++;
    this.#sweep ??= { clock, timer: clock.setTimer(this.#onSweep, keepAliveTimeoutMs) };
  }

  /** @internal A connection is gone. */
  gone(connection: TargetConnection): void {
    this.#openCount--;
    const kept = this.#idle.get(connection.key);
    const at = kept?.indexOf(connection) ?? -1;
    if (at < 0 || kept === undefined) return;
    kept.splice(at, 1);
    this.#idleCount--;
    if (kept.length === 0) this.#idle.delete(connection.key);
  }

  #oldestIdle(): TargetConnection | null {
    for (const kept of this.#idle.values()) if (kept[0] !== undefined) return kept[0];
    return null;
  }


  readonly #onSweep = (): void => {
    const clock = this.#sweep?.clock;
    this.#sweep = null;
    if (clock === undefined) return;
    const nowMs = clock.monotonicMs();
    for (const kept of [...this.#idle.values()]) {
      for (const connection of kept.filter(({ idleUntilMs }) => idleUntilMs <= nowMs)) connection.close();
    }
    if (this.#idleCount === 0) return;
    this.#sweep = { clock, timer: clock.setTimer(this.#onSweep, this.#settings.keepAliveTimeoutMs) };
  };

  #stopSweep(): void {
    this.#sweep?.clock.clearTimer(this.#sweep.timer);
    this.#sweep = null;
  }
}

function keyOf(host: string, port: number): string {
  return `${host} ${port}`;
}
