/** What gateway.yaml holds, after validation: the file as data, without positions. Types only. */
import type { AnalyticsModel, DataCollectorModel, LogsModel } from "./observe-model.ts";
import type { FileSource, FromEnv, PortSetting, SecretSource, TextSetting } from "./model.ts";

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
