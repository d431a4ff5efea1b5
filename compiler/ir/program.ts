/**
 * The resolved program: what the model means. No name points elsewhere any more, conditions are parsed, defaults are
 * filled, shared flows stand where they are called. Types only.
 */
import type { CompressionAlgorithm } from "#runtime/body/compression.ts";
import type { Condition } from "#runtime/language/condition.ts";
import type { MaskRules } from "#runtime/debug/mask-rules.ts";
import type { CloseReasonId } from "#runtime/upgrade/close-reason.ts";
import type { CredentialSource } from "#runtime/upgrade/presented-credential.ts";
import type { PolicyDefinition } from "../policies/definition.ts";
import type { Span } from "../source/positions.ts";
import type { ApiProductModel, AppModel, DeveloperModel } from "./access-model.ts";
import type { FlowHookModel, HookPoint, ReferenceModel } from "./environment-model.ts";
import type { GatewayModel } from "./gateway-model.ts";
import type { BundleModel, Named, PolicyModel, TextSetting, PortSetting } from "./model.ts";
import type { HealthMonitorModel, LoadBalancingAlgorithm } from "./proxy-model.ts";

export interface Program {
  readonly organization: string;
  readonly model: BundleModel;
  readonly gateway: GatewayModel;
  readonly groups: readonly ProgramGroup[];
  /** One entry for each proxy deployed in an environment. */
  readonly deployments: readonly ProgramDeployment[];
  readonly environments: readonly ProgramEnvironment[];
  readonly proxies: readonly ProgramProxy[];
  readonly products: readonly Named<ApiProductModel>[];
  readonly developers: readonly Named<DeveloperModel>[];
  readonly apps: readonly Named<AppModel>[];
}

export interface ProgramGroup {
  readonly name: string;
  /** Lower-case: exact names, `*.suffix`, or `*`. */
  readonly hostnames: readonly { readonly name: string; readonly span: Span | null }[];
  readonly environments: readonly string[];
}

export interface ProgramDeployment {
  readonly environment: string;
  readonly proxy: string;
  readonly span: Span | null;
}

export interface ProgramEnvironment {
  readonly name: string;
  /** The header and the entry that tell the client's address; null: the chain of trusted proxies does. */
  readonly clientIpResolution: { readonly header: string; readonly index: number } | null;
  readonly targetServers: readonly ProgramTargetServer[];
}

export interface ProgramTargetServer {
  readonly name: string;
  readonly host: TextSetting;
  readonly port: PortSetting;
  readonly enabled: boolean;
  /** How it is reached, which goes before what target endpoints say; null: its sslInfo says nothing. */
  readonly secure: boolean | null;
  readonly tls: ProgramTargetTls | null;
  readonly span: Span;
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** TLS towards a target, references resolved. */
export interface ProgramTargetTls {
  readonly trust: ReferenceModel | null;
  readonly identity: ReferenceModel | null;
  readonly commonName: string | null;
  /** Oldest and newest protocol version; null: TLS 1.2 and up. */
  readonly minVersion: TlsVersion | null;
  readonly maxVersion: TlsVersion | null;
  /** OpenSSL's names; empty: those of the runtime. */
  readonly ciphers: readonly string[];
}

export interface ProgramProxy {
  readonly name: string;
  readonly file: string;
  readonly endpoints: readonly ProgramEndpoint[];
  readonly targets: readonly ProgramTarget[];
  readonly hooks: Readonly<Record<HookPoint, readonly ProgramHook[]>>;
  readonly properties: ProgramProperties;
  /** Every policy of the proxy and of the shared flows it calls that some step runs, each once. */
  readonly policies: readonly ProgramPolicy[];
  readonly debug: boolean;
  /** What recordings hide, by environment; none for those that hide nothing. */
  readonly masks: readonly ProgramMasks[];
  /** Which exchanges are sent to a collector; null where the gateway names none. */
  readonly sampling: ProgramSampling | null;
}

export interface ProgramSampling {
  /** Share of all exchanges, 0 to 1. */
  readonly share: number;
  /** What is recorded whatever the share; null: nothing. */
  readonly condition: ProgramCondition | null;
}

/** What recordings of a proxy hide in one environment. */
export type ProgramMasks = Omit<MaskRules, "proxy">;

/** Values of property sets: environment where the proxy is deployed -> name of the variable -> text. */
export type ProgramProperties = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** A shared flow that environments run at one hook point of every proxy. */
export interface ProgramHook {
  /** Those where the proxy is deployed and that say the same. */
  readonly environments: readonly string[];
  /** A call of the shared flow, named like Apigee's hook point. */
  readonly step: ProgramStep;
}

/** A policy with its definition. `name` is unique in the proxy; those of shared flows are `<flow>/<policy>` in `id`. */
export interface ProgramPolicy {
  readonly id: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly model: PolicyModel;
  /** What is written in place of a document of its own: the flow hook whose call this is. */
  readonly hook?: FlowHookModel;
  readonly definition: PolicyDefinition;
  readonly continueOnError: boolean;
  readonly enabled: boolean;
}

/** A parsed condition with its text and place. */
export interface ProgramCondition {
  readonly text: string;
  readonly ast: Condition;
  readonly span: Span;
}

/** A step: a policy, or the steps of a called shared flow. */
export interface ProgramStep {
  readonly policy: ProgramPolicy;
  readonly condition: ProgramCondition | null;
  /** Steps of the shared flow that a FlowCallout calls; null for every other policy. */
  readonly body: readonly ProgramStep[] | null;
  readonly span: Span;
}

export interface ProgramFlow {
  readonly name: string;
  /** What a conditional flow says of itself (`current.flow.description`); null for PreFlow and PostFlow. */
  readonly description: string | null;
  readonly condition: ProgramCondition | null;
  readonly request: readonly ProgramStep[];
  readonly response: readonly ProgramStep[];
  readonly span: Span | null;
}

export interface ProgramFaultRule {
  readonly name: string;
  readonly condition: ProgramCondition | null;
  readonly steps: readonly ProgramStep[];
  readonly span: Span;
}

export interface ProgramFlows {
  readonly preFlow: ProgramFlow;
  readonly flows: readonly ProgramFlow[];
  readonly postFlow: ProgramFlow;
  /** In the order in which they are tried (proxy endpoints: bottom to top, target endpoints: top to bottom). */
  readonly faultRules: readonly ProgramFaultRule[];
  readonly defaultFaultRule: (ProgramFaultRule & { readonly alwaysEnforce: boolean }) | null;
  /** Steps that run for each server-sent event of a target's answer. */
  readonly eventFlow: readonly ProgramStep[];
}

export interface ProgramEndpoint extends ProgramFlows {
  readonly name: string;
  readonly basePath: string;
  /** Segments of the base path; "*" is any one. Empty for "/". */
  readonly segments: readonly string[];
  readonly span: Span;
  readonly routeRules: readonly ProgramRouteRule[];
  /** Steps that run when the answer has left. */
  readonly postClientFlow: readonly ProgramStep[];
  /** Steps that run when a WebSocket session has ended. */
  readonly sessionEnd: readonly ProgramStep[];
  /** `request.payload.parse.limit`; null: the gateway's own limit. */
  readonly requestBytesMax: number | null;
  /** `compression.algorithm` of answers to clients; null: they leave as they came. */
  readonly compression: CompressionAlgorithm | null;
  /** `api.timeout`: bound of a whole call; null: none. */
  readonly apiTimeoutMs: number | null;
  readonly webSocket: ProgramWebSocket;
}

export interface ProgramRouteRule {
  readonly name: string;
  readonly condition: ProgramCondition | null;
  /** Null: the null route. */
  readonly target: ProgramTarget | null;
  readonly span: Span | null;
}

export interface ProgramTarget extends ProgramFlows {
  readonly name: string;
  /** True for a route rule's inline URL: no flows. */
  readonly inline: boolean;
  /** Null for a template too. */
  readonly url: TextSetting | null;
  /** A `url` that is a template; null: it is none. */
  readonly template: ProgramUrlTemplate | null;
  /** What is called instead of a server; null: `url` or a load balancer is asked. */
  readonly local: ProgramLocal | null;
  /** Null when `url` or `local` is set. */
  readonly loadBalancer: ProgramLoadBalancer | null;
  /** Null when there is none, or none that is enabled. */
  readonly healthMonitor: HealthMonitorModel | null;
  readonly path: string;
  /** Makes the path in front of the suffix from a template; null: `path` is it. */
  readonly pathStep: ProgramStep | null;
  /** True when the endpoint's own sslInfo asks for TLS towards target servers; the scheme of a `url` decides alone. */
  readonly secure: boolean;
  /** TLS of the endpoint's own sslInfo by environment; empty when none is written. */
  readonly tls: ReadonlyMap<string, ProgramTargetTls>;
  readonly connectTimeoutMs: number;
  readonly ioTimeoutMs: number;
  /** `keepalive.timeout.millis`: how long an idle pooled connection is kept. */
  readonly keepAliveTimeoutMs: number;
  /** As written: `2xx, 404`. */
  readonly successCodes: readonly string[];
  /** `response.payload.parse.limit`; null: the gateway's own limit. */
  readonly responseBytesMax: number | null;
  /** What of messages goes on (`request.retain.headers` and its kin); null: everything. Header names in lower case. */
  readonly retained: ProgramRetained;
  /** `compression.algorithm` of requests to the target; null: they leave as they came. */
  readonly compression: CompressionAlgorithm | null;
  /** `allow.tls.session.resumption`. */
  readonly resumesTls: boolean;
  /** `ignore.allow.header.for.405` is false. */
  readonly needsAllowHeader: boolean;
  readonly span: Span;
}

/** Lists of names, in the order of the bundle. */
export interface ProgramRetained {
  readonly requestHeaders: readonly string[] | null;
  readonly responseHeaders: readonly string[] | null;
  readonly queryParams: readonly string[] | null;
}

/** A URL that variables make (apigee-core section 2.4). */
export interface ProgramUrlTemplate {
  readonly text: string;
  /** Null: variables decide about it. */
  readonly scheme: "http" | "https" | null;
  /** Writes `target.url` behind the target request flow, unless that has. */
  readonly step: ProgramStep;
}

/** A load balancer with its defaults filled in. */
export interface ProgramLoadBalancer {
  readonly algorithm: LoadBalancingAlgorithm;
  /** Servers that are not switched off here, in the order of the list. */
  readonly servers: readonly ProgramBalancedServer[];
  readonly maxFailures: number;
  readonly retryEnabled: boolean;
  readonly unhealthyStatuses: readonly number[];
}

/** A target server's part in a load balancer. */
export interface ProgramBalancedServer {
  readonly name: string;
  readonly weight: number;
  readonly isFallback: boolean;
}

/** A proxy endpoint of the same environment, by name or by whoever serves a path. */
export type ProgramLocal = { readonly proxy: string; readonly endpoint: string } | { readonly path: string };

export interface ProgramWebSocket {
  readonly mode: "allow" | "only" | "deny";
  readonly idleTimeoutMs: number | null;
  readonly maxDurationMs: number | null;
  readonly allowedOrigins: readonly string[] | null;
  /** Where `websocket.credential` is looked for; empty: nowhere. */
  readonly credential: readonly CredentialSource[];
  readonly renewalGraceMs: number | null;
  readonly sessionIdHeader: string | null;
  /** Browsers are told of refusals by a close frame. */
  readonly tellsRefusal: boolean;
  readonly halfCloseTimeoutMs: number | null;
  readonly writeStallTimeoutMs: number | null;
  readonly closeGraceMs: number | null;
  readonly closeTimeoutMs: number | null;
  readonly closes: { readonly [reason in CloseReasonId]?: { readonly code: number; readonly text: string } };
  /** Reasons that do not end open connections. */
  readonly survives: readonly CloseReasonId[];
}
