/**
 * One exchange on its way through the chains: messages, route, what was verified, custom variables. Generated code
 * extends Exchange by the bundle's own variables, as plain fields. It owns state only; what it decides, once, is
 * whether it is traced.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Credential } from "./access/credential.ts";
import type { AccessGrant } from "./access/model.ts";
import type { Client } from "./client/client.ts";
import type { ClientTimes } from "./flow/client-times.ts";
import type { EventFlows } from "./body/event-stream.ts";
import type { Fault } from "./fault.ts";
import type { Gateway } from "./gateway.ts";
import type { HeaderLines, RequestMessage, ResponseMessage } from "./message/message.ts";
import type { Trace } from "./observe/trace.ts";
import type { ExchangeSpan } from "./otlp/exchange-span.ts";
import type { SessionRecord } from "./observe/record.ts";
import type { Chains, ProxyProgram } from "./program.ts";
import type { ServerEvent } from "./body/server-event.ts";
import type { TargetAnswer } from "./target/answer.ts";
import type { Target, TargetServer, TargetTimes } from "./target/target.ts";
import type { PresentedCredential } from "./upgrade/presented-credential.ts";
import type { Session } from "./upgrade/session.ts";

/** A flow variable's value; null is Apigee's unresolved variable. */
export type Value = string | number | boolean | null;

/** What an exchange starts from. */
export interface ExchangeStart {
  readonly gateway: Gateway;
  readonly program: ProxyProgram;
  readonly request: RequestMessage;
  /** Header lines as they came, before hygiene; absent: those of `request`. */
  readonly received?: HeaderLines;
  readonly socket: Socket;
  readonly client: Client;
  /** Where the client is, as its environment has it (`client.resolved.ip`). */
  readonly clientAddress: string;
  /** Host header, lower-case, without port. */
  readonly host: string;
  /** Rest of the path behind the base path, "" when nothing remains. */
  readonly pathSuffix: string;
  /** The session being made; null for plain HTTP. */
  readonly session: Session | null;
  /** What was taken out of the request before any flow; null where the endpoint takes nothing. */
  readonly credential?: PresentedCredential | null;
  /** The exchange whose target is this one's proxy; absent: a client asked. */
  readonly caller?: Exchange;
}

/** The streams of a plain HTTP exchange, for what reads bodies. */
export interface Wire {
  readonly incoming: IncomingMessage;
  /** The target's answer; null until it came. */
  readonly answer: TargetAnswer | null;
  /** What the events of that answer go through; null for every other answer (event-stream.ts). */
  events: EventFlows | null;
  /** Asks a client that waits with its body (100-continue) to send it. */
  askForBody(): void;
}

/** The state of one exchange. */
export class Exchange {
  readonly gateway: Gateway;
  readonly program: ProxyProgram;
  readonly socket: Socket;
  readonly client: Client;
  readonly clientAddress: string;
  readonly host: string;
  readonly pathSuffix: string;
  readonly session: Session | null;
  readonly request: RequestMessage;
  /** `websocket.credential`: see ExchangeStart. */
  readonly credential: PresentedCredential | null;
  /** The exchange that called this one's proxy, null for a client's; and how many calls deep that is. */
  readonly caller: Exchange | null;
  readonly depth: number;
  /** Path and query as they came; flows and the target's address may change those of `request`. */
  readonly inboundPath: string;
  readonly inboundQuery: string | null;
  /** The target's answer, or the one that a fault or a null route makes. */
  response: ResponseMessage | null = null;
  /** Set from the moment a fault was raised. */
  fault: Fault | null = null;
  /** Number of the chain that runs or ran last (run.ts): what an earlier one still brings is not heard. */
  run = 0;
  /** True while flows of the target endpoint run: faults go to its rules. */
  inTarget = false;
  /** True once the target has answered, or a null route has: response flows run, or have run. */
  isAnswered = false;
  /** Name of the flow that runs (`current.flow.name`). */
  flow = "";
  /** Name of the route rule that was taken. */
  route: string | null = null;
  /** Null until routed, and for a null route. */
  target: Target | null = null;
  /** The server that was tried last; null before there is one. */
  server: TargetServer | null = null;
  /** The last connection to it; null before there is one. */
  targetSocket: Socket | null = null;
  /** When the target was asked and answered; null where nobody reads that. */
  targetTimes: TargetTimes | null = null;
  /** When its answer left; null where nobody reads that, and before. */
  clientTimes: ClientTimes | null = null;
  /** How long policies took, or negative when they began; null where nobody reads that. */
  policyTimes: Map<string, number> | null = null;
  /** Servers of a load balancer that failed this exchange; null while none has. */
  failedServers: TargetServer[] | null = null;
  /** `target.url`: replaces the configured URL when written in the target request flow. */
  targetUrl: Value = null;
  /** Path in front of the suffix where a template makes it; null: the target's own. */
  targetPath: string | null = null;
  copyPathSuffix: Value = true;
  copyQueryParams: Value = true;
  /** `target.header.host`: Host towards the target. */
  targetHost: Value = null;
  /** What the last successful VerifyAPIKey or VerifyAccessToken found. */
  access: AccessGrant | null = null;
  /** What a plain request has proven, where a policy asks for it; null while there is nothing. */
  proven: Credential[] | null = null;
  /** Results of policies whose own variables somebody reads, by policy name. */
  results: Record<string, unknown> | null = null;
  /** Names of policies that failed (`<prefix>.<policy>.failed`); null while none has. */
  failed: string[] | null = null;
  /** What each of them failed with, the last time. */
  failures: Record<string, Fault> | null = null;
  /** What DataCapture policies captured, by data collector; null while nothing is. */
  captured: Map<string, Value> | null = null;
  /** Where bodies come from; null for an upgrade, which has none. */
  wire: Wire | null = null;
  /** The server-sent event that an EventFlow runs for; null outside of one. */
  event: ServerEvent | null = null;
  /** How its session ended; null before, and where there was none. */
  ended: SessionRecord | null = null;
  /** Bytes of memory that its bodies take, counted in the gateway's until it ends. */
  heldBytes = 0;
  /** Its place in a distributed trace; null where the gateway takes no part in any. */
  readonly span: ExchangeSpan | null;
  /** Recording of this exchange; null unless Debug asked for it. */
  readonly trace: Trace | null;
  /** The form of the program's chains that this exchange takes: the traced twins where it is recorded. */
  readonly chains: Chains;
  /** Wall-clock start, milliseconds. */
  readonly startedWallMs: number;
  /** Monotonic start, milliseconds. */
  readonly startedMs: number;
  #id: string | null = null;

  constructor(start: ExchangeStart) {
    this.gateway = start.gateway;
    this.program = start.program;
    this.socket = start.socket;
    this.client = start.client;
    this.clientAddress = start.clientAddress;
    this.host = start.host;
    this.pathSuffix = start.pathSuffix;
    this.session = start.session;
    this.request = start.request;
    this.credential = start.credential ?? null;
    this.caller = start.caller ?? null;
    this.depth = start.caller === undefined ? 0 : start.caller.depth + 1;
    this.wire = start.caller?.wire ?? null;
    this.inboundPath = start.request.path;
    this.inboundQuery = start.request.query;
    const { session, gateway, program } = start;
    this.span = gateway.spans === null ? null : gateway.spans.begin(this);
    const spans = this.span?.isSampled === true ? gateway.spans : null;
    this.trace = gateway.tracing === null ? null : gateway.tracing.begin(start, spans);
    this.chains = (this.trace === null ? null : program.traced) ?? program.plain;
    this.startedWallMs = session === null ? gateway.clock.wallMs() : session.startedAtMs;
    this.startedMs = session === null ? gateway.clock.monotonicMs() : session.startedMs;
  }

  /** `messageid`: unique for each exchange; a session's exchange has the session's id. */
  get id(): string {
    return (this.#id ??= this.session?.id ?? this.gateway.clock.randomId());
  }

  /** Keeps what a policy found for the variables that carry its name. */
  keep(policy: string, result: unknown): void {
    this.results ??= noNames<unknown>();
    this.results[policy] = result;
  }

  /** Notes that a policy failed, and with what. */
  noteFailed(policy: string, cause: Fault): void {
    (this.failed ??= []).push(policy);
    this.failures ??= noNames<Fault>();
    this.failures[policy] = cause;
  }
}

/** A record whose keys are a bundle's names: none of them may be one that every object has. */
function noNames<T>(): Record<string, T> {
  const names: Record<string, T> = Object.create(null);
  return names;
}
