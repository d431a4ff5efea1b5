/** The connection of one health check, bounded in time, that never outlives its check. */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../clock.ts";

/** What a check does with its connection. */
export interface HealthSocketOwner {
  /** It stands; TLS included where there is any. True: go on reading; false: that was all. */
  connected(): boolean;
  /** Bytes of the server: null while more must come, else the outcome. */
  received(bytes: Buffer): HealthOutcome | null;
}

/** What a check found: null is well. */
export interface HealthOutcome {
  readonly problem: string | null;
}

/** How long the parts of a check may take. */
export interface HealthTimes {
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
}

/** Sees a connecting socket through; see HealthCheck for `done` and what is returned. */
export function checkOver(
  socket: Socket,
  isTls: boolean,
  times: HealthTimes,
  clock: Clock,
  owner: HealthSocketOwner,
  done: (problem: string | null) => void,
): () => void {
  let isOver = false;
  let timer: Timer;
  const release = (): void => {
    isOver = true;
    clock.clearTimer(timer);
    socket.destroy();
  };
  const finish = (problem: string | null): void => {
    if (isOver) return;
    release();
    done(problem);
  };
  timer = clock.setTimer(() => finish("no connection in time"), times.connectTimeoutMs);
  socket.unref();
  socket.on(isTls ? "secureConnect" : "connect", () => {
    if (isOver) return;
    if (!owner.connected()) return finish(null);
    clock.clearTimer(timer);
    timer = clock.setTimer(() => finish("no answer in time"), times.readTimeoutMs);
  });
  socket.on("data", (bytes: Buffer) => {
    const outcome = isOver ? null : owner.received(bytes);
    if (outcome !== null) finish(outcome.problem);
  });
  socket.on("end", () => finish("connection ended"));
  socket.on("close", () => finish(errorCode(socket.errored)));
  return () => {
    if (!isOver) release();
  };
}

function errorCode(error: NodeJS.ErrnoException | null): string {
  return error === null ? "connection closed" : (error.code ?? error.name);
}
