/**
 * One splice between real sockets under a clock that stands still: what tests of the splice start from.
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { CloseReasonId } from "#runtime/upgrade/close-reason.ts";
import { Splice } from "#runtime/upgrade/splice.ts";
import type { SpliceEnd, SpliceSettings } from "#runtime/upgrade/splice.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { fakeClock } from "./fake-clock.ts";
import type { FakeClock } from "./fake-clock.ts";
import { frame } from "./frames.ts";
import { connectedPair, read } from "./socket-pair.ts";
import type { Reader, SocketPair } from "./socket-pair.ts";

export interface Spliced {
  /** The client's and the target's own ends, and what they receive. */
  readonly client: Socket;
  readonly target: Socket;
  readonly clientGot: Reader;
  readonly targetGot: Reader;
  /** The gateway's ends. */
  readonly clientSide: Socket;
  readonly targetSide: Socket;
  readonly splice: Splice;
  readonly clock: FakeClock;
  /** Listeners on the gateway's ends before there was a splice. */
  readonly listenersBefore: readonly number[];
  /** Every call of spliceEnded and spliceClosing. */
  readonly ends: SpliceEnd[];
  readonly closings: CloseReasonId[];
  /** The one end of the session. */
  ended(): Promise<SpliceEnd>;
  /** Moves the clock and does what falls due on the way, as a scheduler would. */
  pass(ms: number): void;
  /** Resolves when the splice has relayed this many bytes from a side. */
  relayed(side: "client" | "target", bytes: number): Promise<void>;
}

export interface SplicedOptions {
  readonly settings?: Partial<SpliceSettings>;
  readonly clientHead?: Buffer;
  readonly targetHead?: Buffer;
  /** Makes the two connections; plain TCP when absent. */
  readonly connect?: () => Promise<SocketPair>;
  /** False: the peers' sockets are left unread (a peer that does not read). */
  readonly clientReads?: boolean;
  readonly targetReads?: boolean;
  /** Called between the splice's construction and its `open`. */
  readonly beforeOpen?: (spliced: Pick<Spliced, "splice" | "clientSide" | "targetSide">) => void;
}

const NOTHING_READ: Reader = {
  bytes: Buffer.alloc(0),
  finished: false,
  error: null,
  received: () => Promise.reject(new Error("this side does not read")),
  end: () => Promise.reject(new Error("this side does not read")),
  closed: () => Promise.reject(new Error("this side does not read")),
};

export async function spliced(options: SplicedOptions = {}): Promise<Spliced> {
  const connect = options.connect ?? connectedPair;
  const [clientPair, targetPair] = await Promise.all([connect(), connect()]);
  const clientGot = options.clientReads === false ? NOTHING_READ : read(clientPair.far);
  const targetGot = options.targetReads === false ? NOTHING_READ : read(targetPair.far);
  clientPair.far.on("error", () => {});
  targetPair.far.on("error", () => {});
  const listenersBefore = [listeners(clientPair.near), listeners(targetPair.near)];
  const clock = fakeClock();
  const ends: SpliceEnd[] = [];
  const closings: CloseReasonId[] = [];
  const waiting: ((end: SpliceEnd) => void)[] = [];
  let scheduledMs = Infinity;
  const owner = {
    spliceDue(splice: Splice): void {
      scheduledMs = splice.dueMs;
    },
    spliceClosing(_splice: Splice, reason: CloseReasonId): void {
      closings.push(reason);
    },
    spliceEnded(_splice: Splice, end: SpliceEnd): void {
      ends.push(end);
      for (const resolve of waiting) resolve(end);
    },
  };
  const settings: SpliceSettings = Object.freeze({ ...defaultLimits, ...options.settings });
  const splice = new Splice(clientPair.near, targetPair.near, owner, settings, clock);
  options.beforeOpen?.({ splice, clientSide: clientPair.near, targetSide: targetPair.near });
  splice.open(options.clientHead ?? Buffer.alloc(0), options.targetHead ?? Buffer.alloc(0));
  return {
    client: clientPair.far,
    target: targetPair.far,
    clientGot,
    targetGot,
    clientSide: clientPair.near,
    targetSide: targetPair.near,
    splice,
    clock,
    listenersBefore,
    ends,
    closings,
    ended: () => new Promise((resolve) => {
      const [end] = ends;
      if (end !== undefined) resolve(end);
      else waiting.push(resolve);
    }),
    pass(ms) {
      const untilMs = clock.monotonicMs() + ms;
      // Only what the owner was told: a deadline that moved earlier without notice would be missed, as in the gateway.
      while (scheduledMs <= untilMs) {
        clock.advance(Math.max(scheduledMs - clock.monotonicMs(), 0));
        splice.check(clock.monotonicMs());
        scheduledMs = splice.dueMs;
      }
      clock.advance(untilMs - clock.monotonicMs());
    },
    relayed: (side, bytes) =>
      until(() => splice.counters()[side === "client" ? "bytesFromClient" : "bytesFromTarget"] >= bytes),
  };
}

/** Resolves once `met` holds, looking again in every turn of the event loop. The test's timeout bounds it. */
export async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves after the event loop has turned `turns` times: enough for bytes on loopback to have arrived. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

const LARGE_FRAME = frame({ opcode: 2, payload: randomBytes(60_000) });

/** Lets the target write frames until the splice has taken no more for a while. */
export async function fill(session: Spliced, chunk: Buffer = LARGE_FRAME): Promise<void> {
  let last = -1;
  for (let still = 0; still < 200; still += 1) {
    while (session.target.writableLength === 0) session.target.write(chunk);
    const { bytesFromTarget } = session.splice.counters();
    if (bytesFromTarget !== last) still = 0;
    last = bytesFromTarget;
    await turns(1);
  }
}

/** What an ended session leaves behind on the gateway's sockets. */
export function leftovers({ ends, splice, clientSide, targetSide, listenersBefore }: Spliced): object {
  const sockets = [clientSide, targetSide];
  return {
    ends: ends.length,
    dueMs: splice.dueMs,
    open: sockets.filter((socket) => !socket.destroyed).length,
    // Node's own, which were there before, do not count.
    listeners: sockets.map((socket, index) => listeners(socket) - (listenersBefore[index] ?? 0)),
    flows: sockets.flatMap((socket) =>
      Object.getOwnPropertySymbols(socket).filter(
        (key) => key.description === "apigw.owner" && Reflect.get(socket, key) !== undefined,
      )),
  };
}

/** What it should be. */
export const NO_LEFTOVERS = { ends: 1, dueMs: Infinity, open: 0, listeners: [0, 0], flows: [] };

function listeners(socket: Socket): number {
  let count = 0;
  for (const event of ["data", "end", "drain", "close", "error"]) count += socket.listenerCount(event);
  return count;
}
