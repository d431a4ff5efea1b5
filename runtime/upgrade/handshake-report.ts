/**
 * What metrics, log, traces and analytics hear of a handshake that is over: its 101 has left, or its refusal has. It
 * decides nothing and writes to no socket.
 */
import type { Socket } from "node:net";
import type { Exchange } from "../context.ts";
import { traceRefusal, type Entered } from "../exchange/entry.ts";
import type { Fault } from "../fault.ts";
import type { Gateway } from "../gateway.ts";
import type { TargetMark } from "../observe/analytics-exchange.ts";
import { exchangePlace, type Asked } from "../observe/place.ts";
import { runPostClient } from "../flow/run.ts";
import { closeReasons, type CloseReasonId } from "./close-reason.ts";
import type { Session } from "./session.ts";

/** A handshake as far as it came. */
export interface HandshakePlace {
  readonly gateway: Gateway;
  readonly socket: Socket;
  readonly asked: Asked;
  /** Null: no proxy was found. */
  readonly entered: Entered | null;
  /** Monotonic. */
  readonly startedMs: number;
  readonly mark: TargetMark;
}

/** How it was refused. */
export interface HandshakeRefusal {
  readonly status: number;
  readonly cause: Fault | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Why a session came to nothing after its target's 101; null where there was none. */
  readonly endedBy: CloseReasonId | null;
}

/** The 101 has left. */
export function reportOpened(place: HandshakePlace, x: Exchange, session: Session, protocol: string | null): void {
  const { gateway, asked, entered } = place;
  const { metrics, log } = gateway;
  const { handshakeMs } = session;
  metrics.handshake(x.program, 101, handshakeMs);
  metrics.sessionOpened(x.program);
  runPostClient(x);
  gateway.analytics?.recapture(session.mark, x);
  gateway.analytics?.opened(session);
  session.span = x.span;
  x.trace?.finish(x, 101);
  if (!log.access) return;
  log.upgraded({ ...exchangePlace(gateway, asked, entered, x), handshakeMs, subprotocol: protocolLabel(protocol) });
}

/** The refusal has left, or the client has. `x`: null where no flow was reached. */
export function reportRefused(place: HandshakePlace, x: Exchange | null, refusal: HandshakeRefusal): void {
  const { gateway, socket, asked, entered, startedMs, mark } = place;
  const { status, cause, bytesIn, bytesOut, endedBy } = refusal;
  const { analytics, log, clock } = gateway;
  if (x !== null) {
    runPostClient(x);
    x.trace?.finish(x, status);
  } else if (entered !== null) {
    traceRefusal({ gateway, socket, client: asked }, entered, cause, status);
  }
  const durationMs = clock.monotonicMs() - startedMs;
  const closeReason = endedBy === null ? null : closeReasons[endedBy].label;
  const times = { startedMs, durationMs, target: mark };
  analytics?.exchange({ asked, entered, x, isUpgrade: true, status, cause, ...times, bytesIn, bytesOut, closeReason });
  if (!log.access) return;
  const faulted = { fault: cause?.code ?? null, policy: cause?.policy ?? null };
  log.exchange({ ...exchangePlace(gateway, asked, entered, x), status, ...faulted, durationMs, bytesIn, bytesOut });
}

/** A subprotocol for the log. Clients put tokens among those they offer, so what may be one is not written. */
function protocolLabel(protocol: string | null): string | null {
  return protocol === null || /^[A-Za-z0-9.-]{1,24}$/.test(protocol) ? protocol : "(not shown)";
}
