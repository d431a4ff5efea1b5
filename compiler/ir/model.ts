/**
 * The bundle model: what a user wrote, validated against the schemas, defaults not yet filled, names not yet resolved.
 * Types only. Objects are the plain values of the YAML; `positions` knows where each of them and each of their keys stands.
 */
import type { Positions } from "../source/positions.ts";
import type { AnalyticsModel, DataCollectorModel, LogsModel } from "./observe-model.ts";

/** `{ env: NAME, default: x }`: read from the environment when the gateway starts, so that CI promotes the tested bytes. */
export interface FromEnv {
  readonly env: string;
  readonly default?: string | number;
}

/** A secret: never literal, read when the gateway starts. */
export type SecretSource = FromEnv | { readonly file: string | FromEnv };

/** A path of a file read when the gateway starts. */
export type FileSource = string | FromEnv;

export type TextSetting = string | FromEnv;
export type PortSetting = number | FromEnv;

/** `ref` with a literal fallback. A bare scalar is a literal. */
export type RefOr<T> = T | { readonly ref: string; readonly value?: T };

/** One gateway project, validated. Lists are in file order; files in path order. */
export interface BundleModel {
  readonly gateway: GatewayModel;
  readonly environments: readonly Named<EnvironmentModel>[];
  readonly proxies: readonly Named<ProxyModel>[];
  readonly sharedFlows: readonly Named<SharedFlowModel>[];
  readonly products: readonly Named<ApiProductModel>[];
  readonly developers: readonly Named<DeveloperModel>[];
  readonly apps: readonly Named<AppModel>[];
  readonly positions: Positions;
}

/** A document with the name that its path (or its own `name`) gives it. */
export interface Named<T> {
  readonly name: string;
  /** Path of its file within the project, with forward slashes. */
  readonly file: string;
  readonly value: T;
}

export interface GatewayModel {
  readonly kind: "Gateway";
  readonly organization?: string;
  readonly environmentGroups?: readonly EnvironmentGroupModel[];
  /** Environment name -> names of the proxies deployed there. Absent: every proxy in every environment. */
  readonly deployments?: Readonly<Record<string, readonly string[]>>;
  readonly listeners?: readonly ListenerModel[];
  readonly store?: StoreModel;
  readonly revocation?: { readonly maxLag?: string; readonly onLag?: "refuse" | "keep" | "end" };
  readonly ops?: { readonly host?: TextSetting; readonly port: PortSetting };
  readonly admin?: {
    readonly host?: TextSetting;
    readonly port?: PortSetting;
    /** Path of a Unix socket instead of host and port. */
    readonly socket?: FileSource;
    readonly secret?: SecretSource;
    readonly page?: "on" | "off";
    readonly tls?: TlsModel;
  };
  /** Durations as `30s`, sizes as `64KiB`, counts as numbers; keys are those of `limits` in the schema. */
  readonly limits?: Readonly<Record<string, string | number>>;
  readonly drain?: {
    readonly preDrainDelay?: string;
    readonly window?: string;
    readonly spread?: string;
    /** What newcomers get while draining; absent: they are accepted until the listener closes. */
    readonly refuse?: 503;
    /** False: no successor serves the port; closes say 1001 instead of 1012. */
    readonly successor?: boolean;
  };
  readonly observability?: {
    readonly debug?: "on" | "off";
    readonly masks?: MasksModel;
    readonly accessLog?: "on" | "off";
    readonly analytics?: "on" | "off" | AnalyticsModel;
    readonly traces?: TracesModel;
    readonly dataCollectors?: readonly DataCollectorModel[];
    readonly policyTimes?: number;
    readonly logs?: LogsModel;
  };
}

/** What recordings hide (apigee-core section 8.3). */
export interface MasksModel {
  readonly variables?: readonly string[];
  readonly headers?: readonly string[];
  readonly requestJsonPaths?: readonly string[];
  readonly responseJsonPaths?: readonly string[];
  readonly faultJsonPaths?: readonly string[];
  readonly requestXPaths?: readonly string[];
  readonly responseXPaths?: readonly string[];
  readonly faultXPaths?: readonly string[];
  readonly namespaces?: Readonly<Record<string, string>>;
}

/** Which exchanges are sent to a collector. */
export interface SamplingModel {
  readonly sample?: number;
  readonly condition?: string;
}

export interface TracesModel extends SamplingModel {
  readonly endpoint: TextSetting;
  readonly headers?: Readonly<Record<string, string | SecretSource>>;
  readonly serviceName?: string;
  readonly followParent?: boolean;
}

/** Members of other kinds than the written one are absent; for redis one of `url`, `cluster`, `sentinel` is there. */
export interface StoreModel {
  readonly kind: "memory" | "embedded" | "redis";
  readonly file?: FileSource;
  readonly url?: TextSetting;
  readonly cluster?: readonly RedisNodeModel[];
  readonly sentinel?: {
    readonly master: string;
    readonly nodes: readonly RedisNodeModel[];
    readonly password?: SecretSource;
  };
  readonly username?: TextSetting;
  readonly password?: SecretSource;
  readonly tls?: {
    readonly caFile?: FileSource;
    readonly certFile?: FileSource;
    readonly keyFile?: FileSource;
    readonly serverName?: TextSetting;
  };
  readonly keyPrefix?: string;
  readonly connectTimeout?: string;
  readonly commandTimeout?: string;
}

export interface RedisNodeModel {
  readonly host: TextSetting;
  readonly port: PortSetting;
}

export interface EnvironmentGroupModel {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly environments: readonly string[];
}

export interface ListenerModel {
  readonly name?: string;
  readonly host?: TextSetting;
  readonly port: PortSetting;
  readonly reusePort?: boolean;
  readonly tls?: TlsModel;
  readonly forwarded?: ForwardedModel;
  /** Every connection begins with a PROXY protocol header. */
  readonly proxyProtocol?: ProxyVersionModel | ProxyProtocolModel;
}

export type ProxyVersionModel = "v1" | "v2" | "any";

export interface ProxyProtocolModel {
  readonly version: ProxyVersionModel;
  /** Absent: whoever connects. */
  readonly trustedProxies?: AddressRanges;
}

/** Proxies in front of a listener whose word on clients is taken. */
export interface ForwardedModel {
  readonly trustedProxies: AddressRanges;
  readonly header?: "x-forwarded-for" | "forwarded";
}

/** Addresses and ranges (`10.0.0.0/8`), or the variable that lists them. */
export type AddressRanges = readonly string[] | FromEnv;

export interface TlsModel {
  readonly certFile: FileSource;
  readonly keyFile: FileSource;
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
  /** Client certificates: asked for, or demanded. */
  readonly clientAuth?: "none" | "request" | "require";
  /** Authorities that client certificates must chain to. */
  readonly clientCaFile?: FileSource;
  /** Further certificates, chosen by the server name that the client asks for. */
  readonly sni?: readonly { readonly hostnames: readonly string[]; readonly certFile: FileSource; readonly keyFile: FileSource }[];
}

export interface EnvironmentModel {
  readonly kind: "Environment";
  /** The client's address is one entry of a header that trusted proxies write. Apigee: clientIpResolutionConfig. */
  readonly clientIpResolution?: { readonly header: string; readonly index: number };
  readonly observability?: { readonly masks?: MasksModel };
  readonly targetServers?: readonly TargetServerModel[];
  readonly flowHooks?: { readonly [point in HookPoint]?: FlowHookModel };
  readonly propertySets?: PropertySetsModel;
  /** Reference name -> certificate authorities, client certificate. */
  readonly references?: Readonly<Record<string, ReferenceModel>>;
}

/** Set name -> key -> value; all values are texts to flows. */
export type PropertySetsModel = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** Where flow hooks run, in the order of a request (apigee-core section 3.5). */
export type HookPoint = "preProxy" | "preTarget" | "postTarget" | "postProxy";

export interface FlowHookModel {
  readonly sharedFlow: string;
  /** Absent: true. */
  readonly continueOnError?: boolean;
}

export interface ReferenceModel {
  readonly caFile?: FileSource;
  readonly certFile?: FileSource;
  readonly keyFile?: FileSource;
}

export interface TargetServerModel {
  readonly name: string;
  readonly host: TextSetting;
  readonly port: PortSetting;
  readonly isEnabled?: boolean;
  readonly sslInfo?: SslInfoModel;
}

export interface SslInfoModel {
  readonly enabled?: boolean;
  /** `ref://name` of an environment reference with a caFile. */
  readonly trustStore?: string;
  readonly clientAuthEnabled?: boolean;
  /** `ref://name` of an environment reference with certFile and keyFile. */
  readonly keyStore?: string;
  /** Always so; written for readers. */
  readonly enforce?: true;
  readonly ignoreValidationErrors?: false;
  readonly protocols?: readonly ("TLSv1.2" | "TLSv1.3")[];
  readonly ciphers?: readonly string[];
  /** Name expected in the target's certificate instead of its host. */
  readonly commonName?: string;
}

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

/** What every policy has; the rest of its keys belong to its kind and are typed in compiler/policies/<policy>.ts. */
export interface PolicyModel {
  readonly kind: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly enabled?: boolean;
  readonly continueOnError?: boolean;
  readonly [key: string]: unknown;
}

export interface ApiProductModel {
  readonly kind: "ApiProduct";
  readonly name?: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly approvalType?: "auto" | "manual";
  /** Empty or absent: all. */
  readonly environments?: readonly string[];
  readonly proxies?: readonly string[];
  readonly apiResources?: readonly string[];
  readonly operations?: readonly {
    readonly proxy: string;
    readonly resource: string;
    readonly methods?: readonly string[];
    readonly quota?: QuotaModel;
    readonly attributes?: Readonly<Record<string, string>>;
  }[];
  readonly scopes?: readonly string[];
  readonly quota?: QuotaModel;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Calls in an interval; only told to policies. */
export interface QuotaModel {
  readonly limit: number;
  readonly interval: number;
  readonly timeUnit: string;
}

export interface DeveloperModel {
  readonly kind: "Developer";
  readonly email: string;
  readonly userName?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly status?: "active" | "inactive";
  /** RFC 3339 instant; absent: never. */
  readonly expiresAt?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface AppModel {
  readonly kind: "App";
  readonly name?: string;
  /** E-mail address of its developer. */
  readonly developer: string;
  readonly status?: "approved" | "revoked";
  /** RFC 3339 instant; absent: never. */
  readonly expiresAt?: string;
  readonly callbackUrl?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly credentials?: readonly CredentialModel[];
}

export interface CredentialModel {
  readonly key: DigestOrSecret;
  readonly secret?: DigestOrSecret;
  /** Names of products. */
  readonly products: readonly string[];
  readonly status?: "approved" | "revoked";
  /** RFC 3339 instant; absent: never. */
  readonly expiresAt?: string;
  readonly scopes?: readonly string[];
}

/** A SHA-256 digest (`apigw-compile digest` makes one), or where the secret is read when the gateway starts. */
export type DigestOrSecret = { readonly digest: string } | SecretSource;
