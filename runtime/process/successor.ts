/**
 * Whether somebody else serves a port that this process has stopped listening on. It only knocks: it sends nothing
 * and judges nothing but that the connection was taken.
 */
import { connect } from "node:net";
import type { Clock } from "../clock.ts";

/** Time to wait for an answer on this machine. */
const KNOCK_TIMEOUT_MS = 1_000;

/** True when a TCP connection to the port is accepted. Ask only after the own listener has closed. */
export function hasSuccessor(host: string, port: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: reachable(host), port });
    const timer = clock.setTimer(() => end(false), KNOCK_TIMEOUT_MS);
    const end = (answer: boolean): void => {
      clock.clearTimer(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}

/** Listening on any address means reachable on loopback. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
