/**
 * Looks after the servers of one load balancer: a check of each from time to time, whose outcome counts like that of a
 * request (apigee-core section 2.7). One check of a server at a time. Linked only where a bundle has a monitor.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { Log } from "../observe/log.ts";
import { tellServerBack, tellServerOut, type ServerPlace } from "./server-event.ts";
import type { Balancer, ServerState, Target, TargetServer } from "./target.ts";

/** What monitors need of their gateway. */
export interface MonitorServices {
  readonly organization: string;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
}

/**
 * Checks one server and calls `done` once, later: with null when it is well, else with what is wrong, which quotes
 * nothing that the server sent. Returns what breaks the check off; `done` is not called then.
 */
export type HealthCheck = (
  server: TargetServer,
  place: ServerPlace,
  services: MonitorServices,
  done: (problem: string | null) => void,
) => () => void;

/** A monitor that runs. */
export interface HealthMonitor {
  /** No more checks; those under way are broken off. */
  stop(): void;
}

/** Checks come up to a tenth early or late, so that the gateways of a fleet do not ask all at once. */
const JITTER = 0.1;

/** Begins to check the servers of a target. The first checks are spread over the first interval. */
export function watchServers(
  services: MonitorServices,
  place: ServerPlace,
  target: Target | undefined,
  intervalMs: number,
  check: HealthCheck,
): HealthMonitor {
  const { balancer } = target ?? { balancer: null };
  if (target === undefined || balancer === null) throw new TypeError("invariant: monitors belong to load balancers");
  const shared = { services, place, target, balancer, intervalMs, check };
  const watches = target.servers.map((server) => new Watch(shared, server));
  return {
    stop: () => {
      for (const watch of watches) watch.stop();
    },
  };
}

/** What the checks of one load balancer share. */
interface WatchSettings {
  readonly services: MonitorServices;
  readonly place: ServerPlace;
  readonly target: Target;
  readonly balancer: Balancer;
  readonly intervalMs: number;
  readonly check: HealthCheck;
}

/** The checks of one server. */
class Watch {
  readonly #settings: WatchSettings;
  readonly #server: TargetServer;
  #timer: Timer;
  #breakOff: (() => void) | null = null;

  constructor(settings: WatchSettings, server: TargetServer) {
    this.#settings = settings;
    this.#server = server;
    const { clock } = settings.services;
    this.#timer = clock.setTimer(this.#begin, settings.intervalMs * fraction(clock));
  }

  stop(): void {
    this.#settings.services.clock.clearTimer(this.#timer);
    this.#breakOff?.();
    this.#breakOff = null;
  }

  readonly #begin = (): void => {
    const { check, place, services } = this.#settings;
    this.#breakOff = check(this.#server, place, services, this.#done);
  };

  readonly #done = (problem: string | null): void => {
    const { services: { clock }, intervalMs } = this.#settings;
    this.#breakOff = null;
    this.#timer = clock.setTimer(this.#begin, intervalMs * (1 - JITTER + 2 * JITTER * fraction(clock)));
    const { state } = this.#server;
    if (state !== null) this.#count(state, problem);
  };

  #count(state: ServerState, problem: string | null): void {
    const { balancer, place, target, services: { clock, log } } = this.#settings;
    if (problem === null) {
      if (balancer.recovered(state)) tellServerBack(log, place, target, this.#server);
    } else if (balancer.failed(state, clock.monotonicMs())) {
      tellServerOut(log, place, target, this.#server, `health check: ${problem}`);
    }
  }
}

/** A number from 0 to below 1. */
function fraction(clock: Clock): number {
  return clock.randomBytes(2).readUInt16BE(0) / 65_536;
}
