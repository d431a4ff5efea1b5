/**
 * The services that one running gateway shares among its exchanges. Types only: build-gateway.ts builds the value.
 */
import type { ClientIpRule } from "./client/client.ts";
import type { Clock } from "./clock.ts";
import type { Instance } from "./process/instance.ts";
import type { Limits } from "./limits.ts";
import type { Analytics } from "./observe/analytics.ts";
import type { Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import type { PolicyTimes } from "./observe/policy-times.ts";
import type { Tracing } from "./observe/tracing.ts";
import type { Spans } from "./otlp/spans.ts";
import type { ProxyProgram, Router } from "./program.ts";
import type { Fleet } from "./side/fleet.ts";
import type { Replicas } from "./state/replicas.ts";
import type { Store } from "./state/store.ts";
import type { VerifiedCache } from "./access/verified-cache.ts";
import type { Handshakes } from "./upgrade/handshakes.ts";
import type { Revocations } from "./upgrade/revocation.ts";
import type { RevocationLag } from "./upgrade/revocation-lag.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SessionRoute, SessionServices } from "./upgrade/session.ts";
import type { Sessions } from "./upgrade/session-index.ts";
import type { SpliceSettings } from "./upgrade/splice.ts";

/** A deployed program with what its sessions share. */
export interface Deployed {
  readonly program: ProxyProgram;
  readonly session: SessionRoute;
  readonly splice: SpliceSettings;
  /** How its environment picks the client's address; null: as the trusted proxies' chain says. */
  readonly clientIp: ClientIpRule | null;
}

export interface Gateway {
  /** Digest of the compiled program. */
  readonly build: string;
  readonly organization: string;
  readonly instance: Instance;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly router: Router;
  /** Every deployed program. */
  readonly deployed: ReadonlyMap<ProxyProgram, Deployed>;
  readonly sessionServices: SessionServices;
  /** Decides which exchanges run the traced twins; null where the artifact has none. */
  readonly tracing: Tracing | null;
  /** What policies took in a sample of exchanges; null where gateway.yaml does not ask for it. */
  readonly policyTimes: PolicyTimes | null;
  /** Takes part in distributed traces; null where the bundle does not ask for it. */
  readonly spans: Spans | null;
  readonly handshakes: Handshakes;
  /** Plain HTTP exchanges under way that were admitted; bounded by the listeners' connections. */
  exchanges: number;
  /** Bytes of memory that bodies take which policies look into; bounded by limits.heldBodiesBytesMax. */
  heldBytes: number;
  /** Reports a defect of the gateway's own: counted and logged with its stack; the process goes on. */
  defect(thrown: unknown): void;
  readonly store: Store;
  readonly verified: VerifiedCache;
  readonly sessions: Sessions;
  readonly revocations: Revocations;
  /** Null where the store is local. */
  readonly lag: RevocationLag | null;
  /** The register of the replicas that share the store; null where none can, or nobody asks them. */
  readonly replicas: Replicas | null;
  /** Asks them about their sessions; null where the admin API cannot. */
  readonly fleet: Fleet | null;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Null where gateway.yaml asks for none. */
  readonly analytics: Analytics | null;
  /** Counters of SpikeArrest and of whatever else lives as long as the gateway, by policy. */
  readonly counters: Map<string, unknown>;
  /** True from the first SIGTERM on. */
  draining: boolean;
  /** True once newcomers are refused while draining. */
  refusing: boolean;
}
