/** Targets with a load balancer. Linked only where a bundle has one. */
import type { Limits } from "../limits.ts";
import { basePathOf } from "./address.ts";
import { endpointParts, type EndpointSpec } from "./plain.ts";
import { Rotation, rotationState, type Algorithm, type RotationServer } from "./rotation.ts";
import type { TargetTlsSpec } from "./secure.ts";
import type { Target, Transport } from "./target.ts";

/** A target endpoint with a load balancer; values from the environment are already filled in. */
export interface BalancedSpec extends EndpointSpec {
  /** Path in front of the suffix. */
  readonly path: string;
  /** Enabled servers in the order of the list. */
  readonly servers: readonly BalancedServerSpec[];
  /** TLS towards a URL that a flow has written; null: http. */
  readonly tls: TargetTlsSpec | null;
  readonly algorithm: Algorithm;
  readonly maxFailures: number;
  readonly retryEnabled: boolean;
  /** Apigee: ServerUnhealthyResponse. */
  readonly unhealthyStatuses: readonly number[];
  readonly isMonitored: boolean;
}

/** One of its servers. */
export interface BalancedServerSpec {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Null: plain TCP. */
  readonly tls: TargetTlsSpec | null;
  readonly weight: number;
  readonly isFallback: boolean;
}

/** Makes what reaches a server; `plainTransport` where no server of the bundle has TLS. */
export type TransportMaker = (spec: EndpointSpec, limits: Limits, tls: TargetTlsSpec | null) => Transport;

/** A target whose servers take turns. */
export function balancedTarget(spec: BalancedSpec, transportOf: TransportMaker, limits: Limits): Target {
  const servers = spec.servers.map(({ name, host, port, tls, weight, isFallback }): RotationServer => {
    const transport = transportOf(spec, limits, tls);
    return { name, host, port, transport, isFallback, state: rotationState(weight) };
  });
  const { algorithm, maxFailures, retryEnabled, unhealthyStatuses, isMonitored } = spec;
  const trialAfterMs = limits.targetTrialMs;
  const settings = { algorithm, maxFailures, retryEnabled, unhealthyStatuses, isMonitored, trialAfterMs };
  return {
    ...endpointParts(spec),
    transport: transportOf(spec, limits, spec.tls),
    servers,
    balancer: new Rotation(servers, settings),
    basePath: basePathOf(spec.path),
    query: null,
  };
}
