/**
 * One recorded exchange as the admin API shows it (apigee-core section 8.2, in words of its own): who asked for what,
 * each step in order, where it went, how it ended. It shapes a trace; debug-session.ts keeps the result.
 */
import type { Exchange } from "../context.ts";
import { faultName, type Fault } from "../fault.ts";
import type { SessionRecord } from "../observe/record.ts";
import type { StepOutcome, Trace, TracedStep } from "../observe/trace.ts";
import type { ProxyProgram } from "../program.ts";
import { closeReasons } from "../upgrade/close-reason.ts";

/** What a list shows of an exchange. */
export interface TransactionSummary {
  /** The exchange's `messageid`, which for a WebSocket connection is its session's id too. */
  readonly id: string;
  readonly kind: "http" | "websocket";
  readonly environment: string;
  readonly proxy: string;
  readonly endpoint: string;
  readonly startedAt: string;
  /** Until the answer had left, or the 101. */
  readonly durationMs: number;
  readonly method: string;
  readonly path: string;
  /** 499: the client left first. */
  readonly status: number;
  readonly fault: TransactionFault | null;
}

export interface TransactionFault {
  /** Apigee's `fault.name`. */
  readonly name: string;
  readonly code: string;
  readonly message: string;
  /** The policy that raised it; null when the gateway itself did. */
  readonly policy: string | null;
}

export interface TransactionStep {
  readonly policy: string;
  readonly type: string;
  readonly file: string;
  readonly line: number;
  readonly flow: string;
  readonly condition: { readonly text: string; readonly result: boolean | null } | null;
  /** `folded`: the compiler found that it never runs. */
  readonly outcome: StepOutcome;
  readonly startMs: number;
  readonly durationMs: number;
  readonly fault: TransactionFault | null;
}

export interface Transaction extends TransactionSummary {
  readonly client: { readonly address: string; readonly scheme: string };
  readonly host: string;
  readonly basePath: string;
  readonly pathSuffix: string;
  /** Name of the route rule that was taken. */
  readonly route: string | null;
  readonly target: {
    readonly endpoint: string;
    /** The server that was tried last; null where none was. */
    readonly server: string | null;
    readonly failedServers: readonly string[];
  } | null;
  readonly steps: readonly TransactionStep[];
  /** Steps beyond those that a trace keeps. */
  readonly stepsDropped: number;
}

/** How a WebSocket connection ended. */
export interface TransactionClose {
  readonly at: string;
  readonly closedBy: string;
  readonly reason: string;
  readonly code: number;
  /** What the close frame said, as its sender wrote it. */
  readonly text: string;
  readonly timer: string | null;
  readonly forced: boolean;
  readonly durationMs: number;
  readonly bytesFromClient: number;
  readonly bytesFromTarget: number;
  readonly framesFromClient: number;
  readonly framesFromTarget: number;
}

/** What a trace and its exchange tell. */
export function transactionOf(trace: Trace, x: Exchange, status: number, durationMs: number): Transaction {
  const { program, target, request } = x;
  const { positions } = program;
  return {
    id: x.id,
    kind: request.names.includes("upgrade") ? "websocket" : "http",
    environment: program.environment,
    proxy: program.proxy,
    endpoint: program.endpoint,
    startedAt: new Date(x.startedWallMs).toISOString(),
    durationMs: milliseconds(durationMs),
    method: trace.request.verb,
    path: trace.request.path,
    status,
    fault: faultOf(x.fault),
    client: { address: x.clientAddress, scheme: x.client.scheme },
    host: x.host,
    basePath: program.basePath,
    pathSuffix: x.pathSuffix,
    route: x.route,
    target: target === null ? null : {
      endpoint: target.name,
      server: x.server?.name ?? null,
      failedServers: (x.failedServers ?? []).map(({ name }) => name),
    },
    steps: trace.steps.flatMap((step) => stepOf(step, positions)),
    stepsDropped: trace.dropped,
  };
}

/** What its record tells of the end of a session. */
export function closeOf(record: SessionRecord): TransactionClose {
  return {
    at: new Date(record.endedAtMs).toISOString(),
    closedBy: record.closedBy,
    reason: closeReasons[record.reason].label,
    code: record.code,
    text: record.text,
    timer: record.timer,
    forced: record.forced,
    durationMs: milliseconds(record.durationMs),
    bytesFromClient: record.bytesFromClient,
    bytesFromTarget: record.bytesFromTarget,
    framesFromClient: record.framesFromClient,
    framesFromTarget: record.framesFromTarget,
  };
}

/** What a list shows of a transaction. */
export function summaryOf(transaction: Transaction): TransactionSummary {
  const { id, kind, environment, proxy, endpoint, startedAt, durationMs, method, path, status, fault } = transaction;
  return { id, kind, environment, proxy, endpoint, startedAt, durationMs, method, path, status, fault };
}

function stepOf(step: TracedStep, positions: ProxyProgram["positions"]): TransactionStep[] {
  const position = positions[step.step];
  if (position === undefined) return [];
  const { policy, kind, file, line, flow, condition } = position;
  return [{
    policy,
    type: kind,
    file,
    line,
    flow,
    condition: condition === undefined ? null : { text: condition, result: step.condition },
    outcome: step.outcome,
    startMs: milliseconds(step.startMs),
    durationMs: milliseconds(step.durationMs),
    fault: faultOf(step.fault),
  }];
}

function faultOf(fault: Fault | null): TransactionFault | null {
  if (fault === null) return null;
  return { name: faultName(fault.code), code: fault.code, message: fault.text, policy: fault.policy };
}

/** To the microsecond. */
function milliseconds(exact: number): number {
  return Math.round(exact * 1_000) / 1_000;
}
