/**
 * Moves the bytes of one WebSocket session between two sockets, and ends it. Follows frame headers (frame-boundary.ts)
 * so that a close frame can be put between two frames; never unmasks, copies or looks into a message. Knows no timers
 * (its owner calls `check` at `dueMs`), no policies and no records.
 *
 * How a session ends:
 * - A peer's own close frame passes untouched and names who closed. Nothing behind it passes; FINs travel on; the rest
 *   must happen within halfCloseTimeout.
 * - `end()`, and what the splice itself finds (a lost peer, a stalled one, bytes that are no frames), puts a close
 *   frame on each leg. When the reason cuts traffic, a leg inside a frame gets only what the gateway held already; if
 *   that does not complete the frame, the target is reset at once, the client after closeGrace (its queue may flush
 *   until then). For other reasons the frame in flight may go on; a leg without a boundary by closeGrace is reset.
 * - The client's answer is awaited, all else discarded, until closeTimeout: then both sockets are destroyed.
 */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { NOT_PAUSED, type Backpressure } from "./backpressure.ts";
import { closeFrameForClient, closeFrameForTarget, cutCloseText, NO_FRAME } from "./close-frame.ts";
import { closeReasons, TARGET_CLOSE_CODE } from "./close-reason.ts";
import type { CloseReasonId } from "./close-reason.ts";
import { FrameBoundary, FRAMES_CLOSED, FRAMES_OPEN } from "./frame-boundary.ts";
import { disown, own, type SocketOwner } from "../socket-owner.ts";
import type { FlightKind } from "../observe/flight-recorder.ts";
import { answerTo, breakOff, newEnding } from "./splice-ending.ts";
import type { ClosedBy, Ending } from "./splice-ending.ts";

/** What holds for all sessions of one route; one frozen object shared by them. See limits.ts for the meanings. */
export interface SpliceSettings {
  readonly spliceBufferBytesMax: number;
  readonly writeStallTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  readonly closeGraceMs: number;
  readonly closeTimeoutMs: number;
  /** Time for which a side was not read because the other did not take its bytes: shared by the sessions of a proxy. */
  readonly backpressure?: Backpressure;
  /** Overrides of the close-reason table, for the reasons that the splice itself finds. */
  readonly closes?: { readonly [reason in CloseReasonId]?: { readonly code: number; readonly text: string } };
}

/** Bytes received and relayed, and whole frames among them (data and control). The gateway's own do not count. */
export interface SpliceCounters {
  readonly bytesFromClient: number;
  readonly bytesFromTarget: number;
  readonly framesFromClient: number;
  readonly framesFromTarget: number;
}

/** How a session ended. */
export interface SpliceEnd extends SpliceCounters {
  readonly reason: CloseReasonId;
  /** Who ended it first: by close frame, by FIN, or by a broken connection. */
  readonly closedBy: ClosedBy;
  /** Code of the closing peer's frame, or of the gateway's to the client. 1005: without code, 1006: no frame. */
  readonly code: number;
  /** Reason text that went with `code`; a peer's may hold control characters. */
  readonly text: string;
  /** True when a connection had to be broken off: no boundary within closeGrace, or no answer within closeTimeout. */
  readonly forced: boolean;
}

/** Whoever made the splice. */
export interface SpliceOwner {
  /** `dueMs` moved earlier: schedule it anew. */
  spliceDue(splice: Splice): void;
  /** The gateway began to end the session, or a peer's close frame or FIN did. At most once, before `spliceEnded`. */
  spliceClosing?(splice: Splice, reason: CloseReasonId): void;
  /** Something changed that is worth remembering. Never for a message. */
  spliceNoted?(splice: Splice, kind: FlightKind): void;
  /** Both sockets are gone. Exactly once. */
  spliceEnded(splice: Splice, end: SpliceEnd): void;
}

/** Ends what waits below a socket's own high-water mark; see #wait. */
const NO_BYTES = /* @__PURE__ */ Buffer.alloc(0);

/** Bytes pass. */
const RELAYING = 0;
/** The gateway ends the session; bytes pass up to the next boundary. */
const FINISHING = 1;
/** Nothing passes any more; bytes are read and dropped. */
const DISCARDING = 2;
type Phase = typeof RELAYING | typeof FINISHING | typeof DISCARDING;

/** A stalled peer is looked at this many times within writeStallTimeout; the verdict is late by one look at most. */
const STALL_LOOKS = 4;

/** `stalledSinceMs` while nothing waits. */
const NOT_STALLED = -1;

/** One direction: what `from` sends goes to `to`. It owns `from`. */
class Flow implements SocketOwner {
  readonly splice: Splice;
  readonly from: Socket;
  readonly to: Socket;
  readonly frames: FrameBoundary;
  phase: Phase = RELAYING;
  /** Bytes received and handed to `to`. */
  bytes = 0;
  /** When `to` was last seen to take bytes while some waited for it. */
  stalledSinceMs = NOT_STALLED;
  /** Bytes that `to` had taken then. */
  stalledAtBytes = 0;
  /** Since when `from` is not read, whole milliseconds; NOT_PAUSED while it is. */
  pausedSinceMs = NOT_PAUSED;
  /** True once `from` is destroyed. */
  gone = false;
  /** True once the gateway has put its last word on `to`: a close frame, or FIN. */
  told = false;

  constructor(splice: Splice, from: Socket, to: Socket, fromClient: boolean) {
    this.splice = splice;
    this.from = from;
    this.to = to;
    this.frames = new FrameBoundary(fromClient);
  }

  socketData(bytes: Buffer): void {
    this.splice.received(this, bytes);
  }

  socketEnd(): void {
    this.splice.finishReading(this);
  }

  socketClose(): void {
    this.splice.lost(this);
  }

  socketDrain(): void {
    this.splice.drained(this);
  }
}

export class Splice {
  readonly #owner: SpliceOwner;
  readonly #settings: SpliceSettings;
  readonly #clock: Clock;
  readonly #up: Flow;
  readonly #down: Flow;
  #ending: Ending | null = null;
  #ended = false;
  /** Monotonic time of the last byte in either direction. */
  lastActivityMs: number;
  /** Monotonic time at which `check` must be called; Infinity: no need. */
  dueMs = Infinity;

  /**
   * Both sockets must be connected, allow half-open and have no other reader, and the client must have been written its
   * 101. From here on they are the splice's; `open`, in the same turn, starts the traffic.
   */
  constructor(client: Socket, target: Socket, owner: SpliceOwner, settings: SpliceSettings, clock: Clock) {
    this.#owner = owner;
    this.#settings = settings;
    this.#clock = clock;
    this.lastActivityMs = clock.monotonicMs();
    this.#up = new Flow(this, client, target, true);
    this.#down = new Flow(this, target, client, false);
    own(client, this.#up);
    own(target, this.#down);
  }

  /** Starts the traffic with what was already read from both sides; empty buffers when nothing was. */
  open(clientHead: Buffer, targetHead: Buffer): void {
    this.#start(this.#up, clientHead);
    this.#start(this.#down, targetHead);
  }

  /** Bytes and frames so far. */
  counters(): SpliceCounters {
    const { frames: up } = this.#up;
    const { frames: down } = this.#down;
    return {
      bytesFromClient: this.#up.bytes,
      bytesFromTarget: this.#down.bytes,
      framesFromClient: up.dataFrames + up.controlFrames,
      framesFromTarget: down.dataFrames + down.controlFrames,
    };
  }

  /**
   * Ends the session: the client gets a close frame with this code and text, the target one with TARGET_CLOSE_CODE. May
   * be called at any moment and again: the first reason is recorded, but a later one that cuts traffic still cuts it.
   */
  end(reason: CloseReasonId, code: number, text: string): void {
    if (this.#ended) return;
    if (this.#ending === null || !this.#ending.settled) {
      this.#ending = newEnding(reason, closerFor(reason), true);
      this.#owner.spliceClosing?.(this, reason);
    }
    const ending = this.#ending;
    const cut = closeReasons[reason].cutsTraffic;
    if (ending.frame !== null && (ending.cut || !cut)) return;
    ending.cut ||= cut;
    const nowMs = this.#clock.monotonicMs();
    if (ending.frame === null) {
      // A client that sent its own close frame is owed an answer to that.
      const asked = this.#up.frames.close;
      ending.frame = asked === null ? { code: code === 0 ? TARGET_CLOSE_CODE : code, text } : answerTo(asked);
      ending.halfCloseDueMs = Infinity;
      ending.graceDueMs = nowMs + this.#settings.closeGraceMs;
      ending.closeDueMs = nowMs + this.#settings.closeTimeoutMs;
    }
    this.#settle(this.#up, ending);
    this.#settle(this.#down, ending);
    this.#planCheck(nowMs);
  }

  /** Does what is due at `nowMs`; calling it early is harmless. Moves `dueMs`. */
  check(nowMs: number): void {
    if (this.#ended) return;
    const ending = this.#ending;
    if (ending !== null && nowMs >= ending.closeDueMs) this.#destroyBoth(ending);
    else if (ending !== null && nowMs >= ending.graceDueMs) this.#endGrace(ending);
    else if (ending !== null && nowMs >= ending.halfCloseDueMs) this.#endFor("halfClose");
    else if (this.#isStalled(this.#up, nowMs) || this.#isStalled(this.#down, nowMs)) this.#endFor("writeStall");
    this.dueMs = Infinity;
    this.#planCheck(nowMs);
  }

  #start(flow: Flow, head: Buffer): void {
    const socket = flow.from;
    // Gone before there was a listener: its events will not come again.
    if (socket.destroyed) {
      this.lost(flow);
      return;
    }
    socket.setTimeout(0);
    socket.setNoDelay(true);
    if (head.length > 0) this.received(flow, head);
    if (socket.readableEnded) this.finishReading(flow);
    else if (this.#isFull(flow.to)) socket.pause();
    else socket.resume();
  }

  #peerOf(flow: Flow): Flow {
    return flow === this.#up ? this.#down : this.#up;
  }

  /** @internal The hot path: bytes came from `flow.from`. */
  received(flow: Flow, chunk: Buffer): void {
    this.lastActivityMs = this.#clock.monotonicMs();
    if (flow.phase !== RELAYING) this.#receiveLate(flow, chunk);
    else if (flow.frames.track(chunk) !== FRAMES_OPEN) this.#receiveLast(flow, chunk);
    else this.#relay(flow, chunk);
  }

  #relay(flow: Flow, chunk: Buffer): void {
    flow.bytes += chunk.length;
    flow.to.write(chunk);
    if (flow.to.writableLength > 0) this.#wait(flow);
  }

  /** Bytes wait for `flow.to`: bounds their number and the time they may wait. */
  #wait(flow: Flow): void {
    if (this.#isFull(flow.to)) {
      if (!flow.from.isPaused()) this.#note(flow, "pauseClient", "pauseTarget");
      flow.from.pause();
      if (flow.pausedSinceMs === NOT_PAUSED) flow.pausedSinceMs = Math.trunc(this.lastActivityMs);
      // Below its own high-water mark a socket reports no drain; an empty write behind the others tells the same.
      if (!flow.to.writableNeedDrain) flow.to.write(NO_BYTES, () => this.#drain(flow));
    }
    if (flow.stalledSinceMs !== NOT_STALLED || this.#ending?.frame != null) return;
    const nowMs = this.lastActivityMs;
    flow.stalledSinceMs = nowMs;
    flow.stalledAtBytes = flow.bytes - flow.to.writableLength;
    this.#planCheck(nowMs);
  }

  #isFull(socket: Socket): boolean {
    return socket.writableLength > this.#settings.spliceBufferBytesMax;
  }

  #drain(flow: Flow): void {
    flow.stalledSinceMs = NOT_STALLED;
    this.#settings.backpressure?.end(flow, flow === this.#up, this.#clock);
    if (flow.from.isPaused()) this.#note(flow, "resumeClient", "resumeTarget");
    flow.from.resume();
  }

  #note(flow: Flow, client: FlightKind, target: FlightKind): void {
    this.#owner.spliceNoted?.(this, flow === this.#up ? client : target);
  }

  /** The last bytes of a direction that may pass: up to a close frame, or up to something that is no frame. */
  #receiveLast(flow: Flow, chunk: Buffer): void {
    const { passed, close } = flow.frames;
    flow.phase = DISCARDING;
    if (passed > 0) this.#relay(flow, chunk.subarray(0, passed));
    if (close === null) {
      this.#endFor("protocolError");
      return;
    }
    if (this.#ending === null) {
      this.#ending = flow === this.#up
        ? newEnding("clientClosed", "client", false)
        : newEnding("targetClosed", "target", false);
      this.#ending.code = close.code;
      this.#ending.text = close.text;
    }
    if (this.#ending.settled) return;
    this.#ending.settled = true;
    this.#owner.spliceClosing?.(this, this.#ending.reason);
    this.#awaitOtherSide(this.#ending);
  }

  #awaitOtherSide(ending: Ending): void {
    const nowMs = this.#clock.monotonicMs();
    if (ending.halfCloseDueMs === Infinity) ending.halfCloseDueMs = nowMs + this.#settings.halfCloseTimeoutMs;
    this.#planCheck(nowMs);
  }

  /** Bytes that came after the end was decided. */
  #receiveLate(flow: Flow, chunk: Buffer): void {
    const { frames } = flow;
    let rest = chunk;
    if (flow.phase === FINISHING && this.#ending !== null) {
      frames.trackToBoundary(chunk);
      const { passed } = frames;
      if (passed > 0) this.#relay(flow, chunk.subarray(0, passed));
      if (frames.status === FRAMES_OPEN && !frames.atBoundary) return;
      this.#settle(flow, this.#ending);
      rest = chunk.subarray(passed);
    }
    if (flow !== this.#up) return;
    const { dataFrames, controlFrames } = frames;
    frames.track(rest);
    // What does not pass does not count.
    frames.dataFrames = dataFrames;
    frames.controlFrames = controlFrames;
    this.#endClientIfAnswered();
  }

  /** @internal FIN came from `flow.from`. */
  finishReading(flow: Flow): void {
    this.#note(flow, "finClient", "finTarget");
    if (this.#ending !== null && this.#ending.frame !== null) {
      this.#settle(flow, this.#ending);
      this.#endClientIfAnswered();
      return;
    }
    if (this.#ending === null) {
      if (flow === this.#down) {
        this.#endFor("targetLost");
        return;
      }
      this.#ending = newEnding("clientClosed", "client", false);
      this.#awaitOtherSide(this.#ending);
    }
    flow.to.end();
  }

  /** @internal `flow.from` took all that waited for it. */
  drained(flow: Flow): void {
    this.#drain(this.#peerOf(flow));
  }

  /** @internal `flow.from` is gone. */
  lost(flow: Flow): void {
    if (flow.gone) return;
    const socket = flow.from;
    flow.gone = true;
    disown(socket);
    if (socket.errored !== null || !socket.readableEnded) this.#note(flow, "lostClient", "lostTarget");
    if (this.#peerOf(flow).gone) {
      this.#finish();
    } else if (this.#ending !== null && this.#ending.frame !== null) {
      this.#settle(flow, this.#ending);
      this.#settle(this.#peerOf(flow), this.#ending);
    } else if (!socket.readableEnded || !socket.writableFinished) {
      this.#endFor(flow === this.#up ? "clientLost" : "targetLost");
    }
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.dueMs = Infinity;
    this.#settings.backpressure?.end(this.#up, true, this.#clock);
    this.#settings.backpressure?.end(this.#down, false, this.#clock);
    const { reason, closedBy, code, text, forced } = this.#ending ?? newEnding("internal", "gateway", true);
    this.#owner.spliceEnded(this, { reason, closedBy, code, text, forced, ...this.counters() });
  }

  /** Ends the session for a reason that the splice found itself. */
  #endFor(reason: CloseReasonId): void {
    const { code, text } = this.#settings.closes?.[reason] ?? closeReasons[reason];
    this.end(reason, code, text);
  }

  /** Brings the leg towards `flow.to` as near to its end as it can come now. */
  #settle(flow: Flow, ending: Ending): void {
    const { frames, from, to } = flow;
    if (flow.told) return;
    if (ending.cut && !frames.atBoundary && flow.phase !== DISCARDING && from.readableLength > 0) {
      // Received before the decision and still in our hands: it may complete the frame in flight.
      flow.phase = FINISHING;
      from.read();
      if (flow.told) return;
    }
    const canFinish = !ending.cut && !flow.gone && !from.readableEnded && frames.status === FRAMES_OPEN;
    if (to.writableEnded || to.destroyed || frames.status === FRAMES_CLOSED) {
      flow.told = true;
      to.end();
    } else if (frames.atBoundary) {
      this.#sendClose(flow, ending);
    } else if (canFinish) {
      flow.phase = FINISHING;
      return;
    } else if (flow === this.#up) {
      breakOff(to, ending);
    }
    flow.phase = DISCARDING;
    from.resume();
  }

  #sendClose(flow: Flow, ending: Ending): void {
    flow.told = true;
    if (flow === this.#up) {
      flow.to.end(closeFrameForTarget(TARGET_CLOSE_CODE, closeReasons[ending.reason].text, this.#clock));
      return;
    }
    if (ending.frame === null) return;
    const { code, text } = ending.frame;
    flow.to.write(closeFrameForClient(code, text));
    if (ending.code === NO_FRAME) {
      ending.code = code;
      ending.text = cutCloseText(text);
    }
    this.#endClientIfAnswered();
  }

  /** The close handshake with the client is over once it has both sent and got a close frame: then its socket ends. */
  #endClientIfAnswered(): void {
    if (this.#down.told && this.#hasClientAnswered()) this.#down.to.end();
  }

  /** True when the client's answer is there, or can no longer come. */
  #hasClientAnswered(): boolean {
    return this.#up.frames.status !== FRAMES_OPEN || this.#up.from.readableEnded;
  }

  #endGrace(ending: Ending): void {
    ending.graceDueMs = Infinity;
    if (!this.#up.told || !this.#down.told) this.#owner.spliceNoted?.(this, "closeGrace");
    if (!this.#up.told) breakOff(this.#up.to, ending);
    if (!this.#down.told) breakOff(this.#down.to, ending);
  }

  #destroyBoth(ending: Ending): void {
    ending.closeDueMs = Infinity;
    ending.graceDueMs = Infinity;
    this.#owner.spliceNoted?.(this, "closeTimeout");
    const target = this.#up.to;
    const client = this.#down.to;
    // One that took everything and has nothing left to say was not cut off; it only lingers.
    if (target.writableFinished) target.destroy();
    else breakOff(target, ending);
    if (client.writableFinished && this.#hasClientAnswered()) client.destroy();
    else breakOff(client, ending);
  }

  /** True when `flow.to` took none of its waiting bytes for writeStallTimeout. */
  #isStalled(flow: Flow, nowMs: number): boolean {
    if (flow.stalledSinceMs === NOT_STALLED) return false;
    const waiting = flow.to.writableLength;
    const taken = flow.bytes - waiting;
    if (waiting === 0) {
      flow.stalledSinceMs = NOT_STALLED;
    } else if (taken !== flow.stalledAtBytes) {
      flow.stalledSinceMs = nowMs;
      flow.stalledAtBytes = taken;
    }
    return waiting > 0 && nowMs - flow.stalledSinceMs >= this.#settings.writeStallTimeoutMs;
  }

  /** Moves `dueMs` to the next thing to look at, if that is earlier, and tells the owner. */
  #planCheck(nowMs: number): void {
    const ending = this.#ending;
    let dueMs = Infinity;
    if (ending !== null) dueMs = Math.min(ending.halfCloseDueMs, ending.graceDueMs, ending.closeDueMs);
    if (ending === null || ending.frame === null) {
      if (this.#up.stalledSinceMs !== NOT_STALLED || this.#down.stalledSinceMs !== NOT_STALLED) {
        dueMs = Math.min(dueMs, nowMs + this.#settings.writeStallTimeoutMs / STALL_LOOKS);
      }
    }
    if (dueMs >= this.dueMs) return;
    this.dueMs = dueMs;
    this.#owner.spliceDue(this);
  }
}

function closerFor(reason: CloseReasonId): ClosedBy {
  if (reason === "clientLost") return "client";
  return reason === "targetLost" ? "target" : "gateway";
}
