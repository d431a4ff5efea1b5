/**
 * What a compiled bundle hands to the runtime: the shapes that generated code fills. Types only.
 */
import type { Seed } from "./access/seed.ts";
import type { TlsSettings } from "./listen/certificates.ts";
import type { ClientIpRule, Forwarding } from "./client/client.ts";
import type { Clock } from "./clock.ts";
import type { Compression } from "./body/compression.ts";
import type { Limits } from "./limits.ts";
import type { ListenAt } from "./listen/bind.ts";
import type { ListenerPreface, openListener } from "./listen/listen.ts";
import type { openTlsListener } from "./listen/tls.ts";
import type { LogLines } from "./observe/log-lines.ts";
import type { MetricProxy } from "./observe/metric-slots.ts";
import type { watchPolicyTimes } from "./observe/policy-times.ts";
import type { startTracing } from "./observe/tracing.ts";
import type { DebugHides, openDebug } from "./debug/debug.ts";
import type { Excerpts } from "./debug/transaction.ts";
import type { Sampling } from "./otlp/exchange-span.ts";
import type { Spans, SpansHost } from "./otlp/spans.ts";
import type { SettingSpec } from "./process/settings.ts";
import type { AnalyticsSettings, openAnalytics } from "./observe/analytics.ts";
import type { AdminSubject } from "./side/admin-route.ts";
import type { openAdmin } from "./side/admin.ts";
import type { adminPage } from "./side/admin-page.ts";
import type { openFleet } from "./side/fleet-store.ts";
import type { openReplicas } from "./state/replicas.ts";
import type { openOps } from "./side/ops.ts";
import type { Store, StoreReport } from "./state/store.ts";
import type { Exchange, ExchangeStart, Value } from "./context.ts";
import type { HeaderOwnership } from "./message/header-ownership.ts";
import type { Maybe } from "./maybe.ts";
import type { CloseReasonId } from "./upgrade/close-reason.ts";
import type { TakeCredential } from "./upgrade/presented-credential.ts";
import type { TellRefusal } from "./upgrade/refusal-close.ts";
import type { HealthMonitor, MonitorServices } from "./target/health-monitor.ts";
import type { carryOutRenewal } from "./upgrade/renewal.ts";
import type { LagSettings, watchLag } from "./upgrade/revocation-lag.ts";
import type { Target } from "./target/target.ts";

/**
 * The chains of one proxy endpoint, in one of their two forms. Each throws, or rejects with, a Fault; anything else that is
 * thrown is a defect. Declared as methods, so that chains over an extended exchange fit where chains are kept.
 */
export interface Chains<X extends Exchange = Exchange> {
  /** Proxy request flow, route rules, target request flow. Sets `x.target` unless the route is null. */
  request(x: X): Maybe<void>;
  /** Target response flow, proxy response flow. `x.response` is the target's answer. */
  response(x: X): Maybe<void>;
  /** Fault rules. `x.fault` is set and `x.response` holds the default answer; rules edit it. */
  fault(x: X): Maybe<void>;
  /** Puts the EventFlows into the way of a target's event stream; absent where none is written. */
  events?(x: X): void;
  /** PostClientFlow, which waits for nothing; absent where none is written. */
  postClient?(x: X): Maybe<void>;
  /** Runs when the session of this exchange has ended (`x.ended`), and waits for nothing; absent where none is written. */
  sessionEnd?(x: X): Maybe<void>;
}

/** One proxy endpoint deployed in one environment. */
export interface ProxyProgram {
  readonly proxy: string;
  readonly endpoint: string;
  readonly environment: string;
  /** As configured, wildcards kept (Apigee's proxy.basepath). */
  readonly basePath: string;
  /** How many segments of a request's path the base path takes. */
  readonly baseSegments: number;
  /** Digest of the compiled chain, so that a plan can tell what a deploy touches. */
  readonly hash: string;
  readonly webSocket: WebSocketRoute;
  /** Bound of a whole call, of a handshake for WebSocket (Apigee: api.timeout); null: none. */
  readonly apiTimeoutMs: number | null;
  /** Target endpoints of the proxy in this environment. */
  readonly targets: Targets;
  /**
   * Bytes of a request's body where a policy looks into it (`request.payload.parse.limit`); absent:
   * limits.bodyBytesMax.
   */
  readonly requestBytesMax?: number;
  /** What becomes of the bodies of answers to clients (compression.algorithm); absent: they go as they are. */
  readonly compression?: Compression;
  /** True when some policy asks what plain requests have proven. */
  readonly keepsCredentials?: true;
  /** True when something reads when answers left for the client. */
  readonly readsClientTimes?: true;
  /** True when something reads when the target was asked and answered. */
  readonly readsTargetTimes?: true;
  /** Which header names the proxy owns: a client can neither send them nor spell them differently. */
  readonly headers: HeaderOwnership;
  /** Steps of the traced twins by index. */
  readonly positions: readonly StepPosition[];
  /** Which exchanges are recorded as spans; absent where the gateway sends none. */
  readonly sampling?: Sampling;
  /** What recordings show of variables; absent where none can be asked for. */
  readonly variables?: readonly TracedVariable[];
  /** By step, indexes of the variables that it reads and writes. */
  readonly stepVariables?: readonly StepVariables[];
  readonly open: (start: ExchangeStart) => Exchange;
  readonly plain: Chains;
  /** The traced twins; null where the bundle says `debug: off`, or nothing in the gateway could record. */
  readonly traced: Chains | null;
}

/** What holds for the connections of one proxy endpoint. */
export interface WebSocketRoute {
  readonly mode: "allow" | "only" | "deny";
  readonly idleTimeoutMs: number;
  /** Infinity: none. */
  readonly maxDurationMs: number;
  /** Lower-case origins; null: nothing was written, the default rule applies; ["*"]: any. */
  readonly allowedOrigins: readonly string[] | null;
  /** True when an admitting credential travels by itself (cookie, Basic, client certificate, address only). */
  readonly ambientCredential: boolean;
  /** Takes `websocket.credential` out of requests; absent: they keep what they bring. */
  readonly takeCredential?: TakeCredential;
  /** Tells browsers of refused upgrades by a close frame; absent: they get the ordinary answer. */
  readonly tellRefusal?: TellRefusal;
  readonly halfCloseTimeoutMs: number;
  readonly writeStallTimeoutMs: number;
  readonly closeGraceMs: number;
  readonly closeTimeoutMs: number;
  readonly spliceBufferBytesMax: number;
  /** Overrides of the close-reason table. */
  /** Time that an open session outlives its token, so that a renewal can come; absent: none. */
  readonly renewalGraceMs?: number;
  /** Header of the 101 that names the session; absent: none. */
  readonly sessionIdHeader?: string;
  readonly closes: { readonly [reason in CloseReasonId]?: { readonly code: number; readonly text: string } };
  /** Reasons that do not end open sessions; absent: all do. */
  readonly survives?: readonly CloseReasonId[];
}

/** Finds the program for a host (lower-case, without port) and a canonical path; null when nothing is deployed there. */
export type Router = (host: string, path: string) => ProxyProgram | null;

/** Where a step stands in the user's files, for traces and for the stack of a defect. */
export interface StepPosition {
  readonly policy: string;
  readonly kind: string;
  readonly file: string;
  readonly line: number;
  readonly flow: string;
  /** The step's condition as written; absent when it has none. */
  readonly condition?: string;
}

/** A variable that some step reads or writes. Declared with a method, like chains. */
export interface TracedVariable<X extends Exchange = Exchange> {
  readonly name: string;
  /** It holds a credential. */
  readonly secret?: true;
  /** Absent: nobody reads it, so that it has no place. */
  read?(x: X): Value;
}

/** What one step does with variables: indexes into the program's. */
export interface StepVariables {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

/** A deployed route, for logs and `--routes`. */
export interface RouteEntry {
  readonly hostnames: readonly string[];
  readonly program: ProxyProgram;
}

/** A listener as compiled; its settings are filled in when it opens. */
export interface ListenerSpec {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
  readonly tls: TlsSettings | null;
  /** Whose forwarding headers are believed; absent: nobody's. */
  readonly forwarding?: Forwarding;
  /** Reads what comes before TLS and HTTP; absent: nothing does. */
  readonly preface?: ListenerPreface;
}

/** What a stopping gateway does (see shutdown.ts). */
export interface DrainSpec {
  readonly preDrainDelayMs: number;
  readonly windowMs: number;
  readonly spreadMs: number;
  /** Newcomers get 503 instead of being accepted. */
  readonly refuse: boolean;
  /** Whether a successor serves the same port; null: found out when the listeners have closed. */
  readonly hasSuccessor: boolean | null;
}

/** A compiled gateway. What is a function is asked when the settings have been read. */
export interface GatewayProgram {
  readonly organization: string;
  /** Version of the compiler. */
  readonly compiler: string;
  /** Digest of the compiled program. */
  readonly hash: string;
  readonly settings: readonly SettingSpec[];
  /** Filled with the settings' values when the gateway starts. */
  readonly values: Record<string, string>;
  readonly limits: Partial<Limits>;
  readonly drain: DrainSpec;
  /** What the log says of exchanges and sessions; null: nothing. */
  readonly logLines: LogLines | null;
  readonly proxies: readonly MetricProxy[];
  readonly routes: readonly RouteEntry[];
  readonly route: Router;
  /** Environments that pick the client's address from a header. */
  readonly clientIp?: ReadonlyMap<string, ClientIpRule>;
  /** `limits`: those of the program over the defaults. */
  readonly makeTargets: (limits: Limits) => void;
  /** Begins to check the servers of load balancers; null where none has a health monitor. */
  readonly watchTargets: ((services: MonitorServices) => readonly HealthMonitor[]) | null;
  readonly listeners: () => readonly ListenerSpec[];
  readonly openListener: typeof openListener;
  /** Null where no listener has TLS: then none of it is in the artifact. */
  readonly openTlsListener: typeof openTlsListener | null;
  readonly openStore: (clock: Clock, limits: Limits, report: StoreReport) => Store;
  /** How long revocations may go unheard; null where none can. */
  readonly lag: (LagSettings & { readonly watch: typeof watchLag }) | null;
  /** The register of the replicas that share the store; absent where none can or nobody asks them. */
  readonly openReplicas?: typeof openReplicas;
  /** Asks them about their sessions; absent without a register or an admin API. */
  readonly openFleet?: typeof openFleet;
  readonly access: () => Seed;
  /** Absent where no proxy has traced twins. */
  readonly startTracing?: typeof startTracing;
  /** Sends spans to a collector; absent where the bundle does not ask for it. */
  readonly openSpans?: (host: SpansHost) => Spans;
  /** Absent where nothing renews sessions. */
  readonly carryOutRenewal?: typeof carryOutRenewal;
  /** Times policies in one exchange of so many; absent where nobody asked for it. */
  readonly policyTimes?: { readonly every: number; readonly watch: typeof watchPolicyTimes };
  /** Debug sessions over the admin listener; absent where nothing could ask for one. */
  readonly openDebug?: typeof openDebug;
  /** The YAML of steps; with `openDebug`. */
  readonly stepExcerpts?: () => Excerpts;
  /** What bundles hide in recordings; absent where none says anything. */
  readonly debugMasks?: Omit<DebugHides, "excerpts" | "secrets">;
  /** Absent where gateway.yaml asks for none. */
  readonly analytics?: { readonly open: typeof openAnalytics; readonly settings: () => AnalyticsSettings };
  readonly ops: { readonly open: typeof openOps; readonly at: () => ListenAt } | null;
  readonly admin: {
    readonly open: typeof openAdmin;
    readonly at: () => ListenAt;
    readonly secret: () => string | null;
    readonly tls: () => TlsSettings | null;
    /** Endpoints of what gateway.yaml asks for; absent: none. */
    readonly subjects?: readonly AdminSubject[];
    /** Absent where the page is off: then it is not in the artifact. */
    readonly page?: typeof adminPage;
  } | null;
}

/** Targets by name, made when the gateway starts. */
export type Targets = Readonly<Record<string, Target>>;
