/**
 * One recorded exchange as the admin API shows it (apigee-core section 8.2, in words of its own): who asked for what,
 * each step in order, where it went, how it ended. It shapes a trace; debug-session.ts keeps the result.
 */
import type { Exchange, Value } from "../context.ts";
import { faultName, type Fault } from "../fault.ts";
import type { SessionRecord } from "../observe/record.ts";
import type { StepOutcome, Trace, TracedStep, TracedValue } from "../observe/trace.ts";
import type { ProxyProgram, TracedVariable } from "../program.ts";
import { closeReasons } from "../upgrade/close-reason.ts";
import { HIDDEN, type Mask } from "./mask.ts";
import { cut, learnMessages, shownMessages, type ShownMessages } from "./shown-message.ts";

/** Characters of a variable's value that are kept. */
const VARIABLE_CHARS_MAX = 1_024;
/** Characters of the YAML of a policy that are kept; the compiler has cut it before. */
const EXCERPT_CHARS_MAX = 4_096;

/** The YAML of policies, by file and line (`policies/VK-Key.yaml:1`). */
export type Excerpts = Readonly<Record<string, string>>;

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
  /** Variables of its condition and its policy, before it ran. */
  readonly reads: readonly ShownVariable[];
  /** Variables that it wrote, or tried to. */
  readonly writes: readonly ShownVariable[];
}

export interface ShownVariable {
  readonly name: string;
  readonly value: Value;
  /** Nobody reads it, so that the compiled chain does not write it. */
  readonly unread?: true;
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
  /** The YAML of their policies, each once. */
  readonly sources: Excerpts;
  /** Steps beyond those that a trace keeps. */
  readonly stepsDropped: number;
  readonly messages: ShownMessages;
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

/** Teaches a mask what a trace and its exchange give away. */
export function learnTransaction(mask: Mask, trace: Trace, x: Exchange): void {
  // What policies took comes first: a request can be full of other things that look like credentials.
  mask.learn(x.credential?.value ?? "");
  for (const { reads, writes } of trace.steps) {
    for (const { variable, value } of [...reads, ...writes]) {
      const known = x.program.variables?.[variable];
      if (known !== undefined && typeof value === "string" && isHidden(mask, known)) mask.learn(value);
    }
  }
  learnMessages(mask, trace, x);
}

/** An exchange that is over, with what is shown of the bundle beside it. */
export interface EndedExchange {
  readonly x: Exchange;
  readonly status: number;
  readonly durationMs: number;
  readonly excerpts: Excerpts;
}

/** What a trace and its exchange tell, without what the mask hides. */
export function transactionOf(mask: Mask, trace: Trace, ended: EndedExchange): Transaction {
  const { x, status, durationMs, excerpts } = ended;
  const { program, target, request } = x;
  const steps = trace.steps.flatMap((step) => stepOf(mask, step, program));
  return {
    id: x.id,
    kind: request.names.includes("upgrade") ? "websocket" : "http",
    environment: program.environment,
    proxy: program.proxy,
    endpoint: program.endpoint,
    startedAt: new Date(x.startedWallMs).toISOString(),
    durationMs: milliseconds(durationMs),
    method: trace.request.verb,
    path: mask.text(trace.request.path),
    status,
    fault: faultOf(mask, x.fault),
    client: { address: x.clientAddress, scheme: x.client.scheme },
    host: mask.text(x.host),
    basePath: program.basePath,
    pathSuffix: mask.text(x.pathSuffix),
    route: x.route,
    target: target === null ? null : {
      endpoint: target.name,
      server: x.server?.name ?? null,
      failedServers: (x.failedServers ?? []).map(({ name }) => name),
    },
    steps,
    sources: sourcesOf(mask, steps, excerpts),
    stepsDropped: trace.dropped,
    messages: shownMessages(mask, trace, x),
  };
}

/** What its record tells of the end of a session. */
export function closeOf(mask: Mask, record: SessionRecord): TransactionClose {
  return {
    at: new Date(record.endedAtMs).toISOString(),
    closedBy: record.closedBy,
    reason: closeReasons[record.reason].label,
    code: record.code,
    text: mask.text(record.text),
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

function stepOf(mask: Mask, step: TracedStep, program: ProxyProgram): TransactionStep[] {
  const position = program.positions[step.step];
  if (position === undefined) return [];
  const { policy, kind, file, line, flow, condition } = position;
  return [{
    policy,
    type: kind,
    file,
    line,
    flow,
    condition: condition === undefined ? null : { text: mask.text(condition), result: step.condition },
    outcome: step.outcome,
    startMs: milliseconds(step.startMs),
    durationMs: milliseconds(step.durationMs),
    fault: faultOf(mask, step.fault),
    reads: shownVariables(mask, step.reads, program),
    writes: shownVariables(mask, step.writes, program),
  }];
}

/** A literal of a policy may be what the mask hides. */
function sourcesOf(mask: Mask, steps: readonly TransactionStep[], excerpts: Excerpts): Excerpts {
  const places = new Set(steps.map(({ file, line }) => `${file}:${line}`));
  const shown = [...places].flatMap((place): [string, string][] => {
    const text = excerpts[place];
    return text === undefined ? [] : [[place, mask.document(text, EXCERPT_CHARS_MAX)]];
  });
  return Object.fromEntries(shown);
}

function shownVariables(mask: Mask, values: readonly TracedValue[], program: ProxyProgram): readonly ShownVariable[] {
  return values.flatMap(({ variable, value }): ShownVariable[] => {
    const known = program.variables?.[variable];
    if (known === undefined) return [];
    const { name } = known;
    if (known.read === undefined) return [{ name, value: null, unread: true }];
    if (value !== null && isHidden(mask, known)) return [{ name, value: HIDDEN }];
    if (typeof value !== "string") return [{ name, value }];
    const shown = mask.document(value, VARIABLE_CHARS_MAX);
    return [{ name, value: cut(shown, VARIABLE_CHARS_MAX, value.length) }];
  });
}

function isHidden(mask: Mask, { name, secret }: TracedVariable): boolean {
  return secret === true || mask.hidesVariable(name);
}

function faultOf(mask: Mask, fault: Fault | null): TransactionFault | null {
  if (fault === null) return null;
  return { name: faultName(fault.code), code: fault.code, message: mask.text(fault.text), policy: fault.policy };
}

/** To the microsecond. */
function milliseconds(exact: number): number {
  return Math.round(exact * 1_000) / 1_000;
}
