/**
 * W3C Trace Context (Recommendation, level 2): what a request says of the trace it belongs to, and what the next hop is
 * told. It reads and writes the two header fields; who is sampled is decided elsewhere.
 */
import type { Clock } from "../clock.ts";
import type { Message } from "../message/message.ts";

/** Where a request comes from. */
export interface TraceParent {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** The caller's span: 16 such digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** The last 7 bytes of the trace id are random (level 2, section 2.2.3.2). */
  readonly isRandom: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const FLAG_SAMPLED = 1;
const FLAG_RANDOM = 2;

/** Reads `traceparent` (section 3.2). Null: there is none, there are several, or it is not valid. */
export function readTraceParent(message: Message): TraceParent | null {
  let found: string | null = null;
  for (let at = 0; at < message.names.length; at++) {
    if (message.names[at] !== "traceparent") continue;
    if (found !== null) return null;
    found = message.lines[2 * at + 1] ?? "";
  }
  if (found === null) return null;
  const parts = TRACEPARENT.exec(found);
  if (parts === null) return null;
  const [, version = "", traceId = "", spanId = "", flagText = "", more] = parts;
  if (version === "ff" || (version === "00" && more !== undefined)) return null;
  if (isZero(traceId) || isZero(spanId)) return null;
  const flags = Number.parseInt(flagText, 16);
  return { traceId, spanId, isSampled: (flags & FLAG_SAMPLED) !== 0, isRandom: (flags & FLAG_RANDOM) !== 0 };
}

/** Members of `tracestate` that are passed on at most (section 3.3.1.1). */
const STATE_MEMBERS_MAX = 32;
const STATE_MEMBER =
  /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[ -+--<>-~]{0,255}[!-+--<>-~]$/;

/** Whether `tracestate` can be passed on: a list with one bad member is discarded whole (section 3.3.1). */
export function isTraceState(text: string): boolean {
  const members = text.split(",").map((member) => member.trim()).filter((member) => member !== "");
  if (members.length > STATE_MEMBERS_MAX || !members.every((member) => STATE_MEMBER.test(member))) return false;
  return new Set(members.map((member) => member.slice(0, member.indexOf("=")))).size === members.length;
}

/** Tells the next hop its place in the trace; what the message said of another one is gone. */
export function writeTraceParent(
  message: Message,
  { traceId, spanId, isSampled, isRandom }: TraceParent,
  keepsState: boolean,
): void {
  const flags = (isSampled ? FLAG_SAMPLED : 0) | (isRandom ? FLAG_RANDOM : 0);
  message.setHeader("traceparent", `00-${traceId}-${spanId}-0${flags}`);
  const state = message.headerJoined("tracestate");
  if (state !== null && !(keepsState && isTraceState(state))) message.removeHeader("tracestate");
}

/** A new trace id, all of it random. */
export function newTraceId(clock: Clock): string {
  return nonZero(clock.randomBytes(16)).toString("hex");
}

/** A new span id. */
export function newSpanId(clock: Clock): string {
  return nonZero(clock.randomBytes(8)).toString("hex");
}

function nonZero(bytes: Buffer): Buffer {
  if (bytes.every((byte) => byte === 0)) bytes[bytes.length - 1] = 1;
  return bytes;
}

function isZero(id: string): boolean {
  return /^0+$/.test(id);
}

const TWO_TO_52 = 2 ** 52;

/**
 * Whether a share of all traces takes this one in. It depends on the id alone, so that every gateway on the way of a
 * trace decides alike. `share`: 0 none, 1 all.
 */
export function isInShare(traceId: string, share: number): boolean {
  if (share >= 1) return true;
  return share > 0 && Number.parseInt(traceId.slice(19), 16) < share * TWO_TO_52;
}
