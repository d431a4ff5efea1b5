/** What a proxy and its endpoints hold, after validation. Policies are in their own files. Types only. */
import type { PropertySetsModel, SslInfoModel } from "./environment-model.ts";
import type { MasksModel, SamplingModel } from "./gateway-model.ts";
import type { Named, PolicyModel, SecretSource, TextSetting } from "./model.ts";

export interface ProxyModel {
  readonly kind: "ApiProxy";
  readonly description?: string;
  readonly proxyEndpoints: readonly ProxyEndpointModel[];
  readonly targetEndpoints?: readonly TargetEndpointModel[];
  /** A set takes the place of the environment's of the same name. */
  readonly propertySets?: PropertySetsModel;
  /** Policies of this proxy by name, from its policies folder. */
  readonly policies: readonly Named<PolicyModel>[];
  readonly observability?: {
    readonly debug?: "on" | "off";
    readonly masks?: MasksModel;
    readonly traces?: SamplingModel;
  };
}

export interface SharedFlowModel {
  readonly kind: "SharedFlow";
  readonly description?: string;
  readonly steps: readonly StepModel[];
  readonly policies: readonly Named<PolicyModel>[];
}

/** A policy's name, or its name with a condition. */
export type StepModel = string | { readonly name: string; readonly condition?: string };

export interface FlowPartsModel {
  readonly request?: readonly StepModel[];
  readonly response?: readonly StepModel[];
}

export interface FlowModel extends FlowPartsModel {
  readonly name: string;
  readonly description?: string;
  readonly condition?: string;
}

export interface FaultRuleModel {
  readonly name: string;
  readonly condition?: string;
  readonly steps: readonly StepModel[];
}

export interface DefaultFaultRuleModel {
  readonly name?: string;
  readonly condition?: string;
  readonly alwaysEnforce?: boolean;
  readonly steps: readonly StepModel[];
}

/** What proxy endpoints and target endpoints share. */
export interface EndpointFlowsModel {
  readonly description?: string;
  readonly preFlow?: FlowPartsModel;
  readonly flows?: readonly FlowModel[];
  readonly postFlow?: FlowPartsModel;
  readonly faultRules?: readonly FaultRuleModel[];
  readonly defaultFaultRule?: DefaultFaultRuleModel;
  readonly eventFlow?: { readonly contentType: string; readonly response?: readonly StepModel[] };
  /** Apigee's Property names, verbatim. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

export interface ProxyEndpointModel extends EndpointFlowsModel {
  /** Absent: `default`. */
  readonly name?: string;
  readonly basePath: string;
  readonly postClientFlow?: { readonly response?: readonly StepModel[] };
  readonly sessionFlow?: { readonly end: readonly StepModel[] };
  readonly webSocket?: "deny" | WebSocketModel;
  readonly routeRules?: readonly RouteRuleModel[];
}

export interface WebSocketModel {
  /** `only`: plain requests get 426. */
  readonly mode?: "allow" | "only";
  readonly idleTimeout?: string;
  /** `none` (the default) or a duration. */
  readonly maxDuration?: string;
  /** Origins that may open a connection; `*` for any. */
  readonly allowedOrigins?: readonly string[];
  /** Where `websocket.credential` is looked for, the first place that has one counts. */
  readonly credential?: readonly CredentialSourceModel[];
  /** How refused upgrades are answered. */
  readonly renewalGrace?: string;
  /** Header of the 101. */
  readonly sessionIdHeader?: string;
  readonly onRefused?: { readonly browsers?: "answer" | "close" };
  readonly halfCloseTimeout?: string;
  readonly writeStallTimeout?: string;
  readonly closeGrace?: string;
  readonly closeTimeout?: string;
  /** Reason id -> the close frame that the client gets. */
  readonly close?: Readonly<Record<string, { readonly code?: number; readonly reason?: string }>>;
  /** Reason id -> whether it ends open connections. */
  readonly endOn?: Readonly<Record<string, boolean>>;
}

export type CredentialSourceModel =
  | "authorization"
  | "subprotocol"
  | { readonly cookie: string }
  | { readonly queryParam: string };

export interface RouteRuleModel {
  readonly name: string;
  readonly condition?: string;
  readonly targetEndpoint?: string;
  readonly url?: TextSetting;
}

export interface TargetEndpointModel extends EndpointFlowsModel {
  /** Absent: `default`. */
  readonly name?: string;
  readonly url?: TextSetting;
  readonly loadBalancer?: LoadBalancerModel;
  readonly healthMonitor?: HealthMonitorModel;
  readonly localTargetConnection?: LocalTargetModel;
  /** Path in front of the suffix; only with loadBalancer. */
  readonly path?: string;
  readonly sslInfo?: SslInfoModel;
}

/** Apigee: LoadBalancer. */
export interface LoadBalancerModel {
  readonly algorithm?: LoadBalancingAlgorithm;
  /** Target servers of the environment. */
  readonly servers: readonly BalancedServerModel[];
  readonly maxFailures?: number;
  readonly retryEnabled?: boolean;
  /** Statuses that count as failures. */
  readonly serverUnhealthyResponse?: readonly number[];
}

export type LoadBalancingAlgorithm = "RoundRobin" | "Weighted" | "LeastConnections";

/** A target server's name, or its name with its part in the rotation. */
export type BalancedServerModel =
  | string
  | { readonly name: string; readonly weight?: number; readonly isFallback?: boolean; readonly isEnabled?: boolean };

/** Apigee: HealthMonitor. Times are seconds. */
export interface HealthMonitorModel {
  readonly isEnabled: boolean;
  readonly intervalInSec: number;
  readonly tcpMonitor?: { readonly connectTimeoutInSec: number; readonly port?: number };
  readonly httpMonitor?: {
    readonly request: {
      readonly connectTimeoutInSec?: number;
      readonly socketReadTimeoutInSec?: number;
      readonly port?: number;
      readonly verb?: "GET" | "PUT" | "POST" | "DELETE";
      readonly path: string;
      readonly payload?: string;
      readonly headers?: Readonly<Record<string, string | SecretSource>>;
      readonly isSSL?: boolean;
      readonly useTargetServerSSLInfo?: boolean;
      readonly includeHealthCheckIdHeader?: boolean;
    };
    readonly successResponse?: {
      readonly responseCodes?: readonly number[];
      readonly headers?: Readonly<Record<string, string>>;
    };
  };
}

/** A proxy of the same environment, called instead of a server: by name, or by the path that a client would ask for. */
export interface LocalTargetModel {
  readonly apiProxy?: string;
  readonly proxyEndpoint?: string;
  readonly path?: string;
}
