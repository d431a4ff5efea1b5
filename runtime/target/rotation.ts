/**
 * The rotation of one load balancer: which servers are in it, which come next, when one goes out and when it is tried
 * again (apigee-core section 2.7). It sends nothing and sets no timers.
 */
import type { Balancer, ServerState, TargetServer } from "./target.ts";

/** A server with what the rotation keeps of it. */
export interface RotationServer extends TargetServer {
  readonly state: RotationState;
}

/** See ServerState; the rest is the rotation's own. */
export interface RotationState extends ServerState {
  /** Share of the requests with `weighted`. */
  readonly weight: number;
  /** What `weighted` owes the server. */
  credit: number;
  /** When a server that is out may be tried by one request. */
  trialAtMs: number;
  /** One request tries it now. */
  isOnTrial: boolean;
}

/** Chooses among the servers for which `isCandidate` holds; null when there is none. */
export type Algorithm = (
  servers: readonly RotationServer[],
  isCandidate: (server: RotationServer) => boolean,
) => RotationServer | null;

/** What the load balancer of a target endpoint says. */
export interface RotationSettings {
  readonly algorithm: Algorithm;
  /** Failures in a row that take a server out; 0: none ever does. */
  readonly maxFailures: number;
  readonly retryEnabled: boolean;
  readonly unhealthyStatuses: readonly number[];
  /** A health monitor decides when a server comes back; otherwise one request tries it from time to time. */
  readonly isMonitored: boolean;
  /** How long a server that is out is left alone. */
  readonly trialAfterMs: number;
}

const NOBODY: readonly TargetServer[] = [];

export class Rotation implements Balancer {
  readonly servers: readonly RotationServer[];
  readonly retryEnabled: boolean;
  readonly #settings: RotationSettings;
  readonly #regular: readonly RotationServer[];
  readonly #fallback: RotationServer | null;
  /** What `#isCandidate` looks at while an algorithm chooses. */
  #tried: readonly TargetServer[] = NOBODY;
  #nowMs = 0;

  constructor(servers: readonly RotationServer[], settings: RotationSettings) {
    this.servers = servers;
    this.#settings = settings;
    this.#regular = servers.filter((server) => !server.isFallback);
    this.#fallback = servers.find((server) => server.isFallback) ?? null;
    this.retryEnabled = settings.retryEnabled && servers.length > 1;
  }

  /** See Balancer. */
  pick(tried: readonly TargetServer[], nowMs: number): TargetServer | null {
    this.#tried = tried;
    this.#nowMs = nowMs;
    const chosen = this.#settings.algorithm(this.#regular, this.#isCandidate) ?? this.#lastResort();
    this.#tried = NOBODY;
    if (chosen === null) return null;
    const { state } = chosen;
    state.open++;
    if (!state.isUp) state.isOnTrial = true;
    return chosen;
  }

  /** See Balancer. What fails while a server is out already changes nothing, unless it was its trial. */
  failed(state: RotationState, nowMs: number): boolean {
    const { maxFailures, trialAfterMs } = this.#settings;
    state.failures++;
    state.failuresTotal++;
    if (maxFailures === 0) return false;
    if (!state.isUp) {
      if (state.isOnTrial) state.trialAtMs = nowMs + trialAfterMs;
      state.isOnTrial = false;
      return false;
    }
    if (state.failures < maxFailures) return false;
    state.isUp = false;
    state.isOnTrial = false;
    state.trialAtMs = nowMs + trialAfterMs;
    return true;
  }

  /** See Balancer. Where a health monitor looks after the servers, only it brings one back (`recovered`). */
  answered(state: RotationState): boolean {
    if (!state.isUp && this.#settings.isMonitored) return false;
    return this.recovered(state);
  }

  /** See Balancer. */
  recovered(state: RotationState): boolean {
    const wasUp = state.isUp;
    state.failures = 0;
    state.isUp = true;
    state.isOnTrial = false;
    return !wasUp;
  }

  /** See Balancer. */
  isUnhealthy(status: number): boolean {
    return this.#settings.unhealthyStatuses.includes(status);
  }

  /** The fallback, once every other server is out. */
  #lastResort(): RotationServer | null {
    const server = this.#fallback;
    if (server === null || !this.#isCandidate(server)) return null;
    for (const { state } of this.#regular) if (state.isUp) return null;
    return server;
  }

  readonly #isCandidate = (server: RotationServer): boolean => {
    if (this.#tried.includes(server)) return false;
    const { isUp, isOnTrial, trialAtMs } = server.state;
    return isUp || (!this.#settings.isMonitored && !isOnTrial && this.#nowMs >= trialAtMs);
  };
}

/** The state of a server that nothing is known of yet. */
export function rotationState(weight: number): RotationState {
  const state: RotationState = {
    isUp: true,
    open: 0,
    failures: 0,
    failuresTotal: 0,
    retriesTotal: 0,
    weight,
    credit: 0,
    trialAtMs: 0,
    isOnTrial: false,
    leave: () => {
      state.open--;
      // A trial that came to nothing (the client left) leaves the next one free.
      state.isOnTrial = false;
    },
  };
  return state;
}
