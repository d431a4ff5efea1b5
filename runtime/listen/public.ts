/** Opens a program's public listeners and hands what arrives to the two kinds of exchanges. */
import type { Socket } from "node:net";
import type { Gateway } from "../gateway.ts";
import { isWebSocketUpgrade } from "../exchange/guard.ts";
import { refusalCounter } from "./refusal.ts";
import type { Listener, ListenerOptions } from "./listen.ts";
import type { GatewayProgram, ListenerSpec } from "../program.ts";
import { serveRequest } from "../exchange/request.ts";
import type { GatewayHost } from "../process/start.ts";
import { beginHandshake } from "../upgrade/handshake.ts";

/** Opens one listener. Rejects when its address cannot be had or its certificates cannot be used. */
export async function openPublic(
  program: GatewayProgram,
  gateway: Gateway,
  spec: ListenerSpec,
  host: GatewayHost,
): Promise<Listener> {
  const { clock, limits, metrics, log } = gateway;
  // The listener hands itself to handlers that run only once it listens.
  let listener: Listener | null = null;
  const self = (): Listener => {
    if (listener === null) throw new TypeError("invariant: nothing arrives before the listener is open");
    return listener;
  };
  const options: ListenerOptions = {
    name: spec.name,
    at: { host: spec.host, port: spec.port, reusePort: spec.reusePort },
    limits,
    clock,
    forwarding: spec.forwarding ?? null,
    preface: spec.preface ?? null,
    isUpgrade: isWebSocketUpgrade,
    onRequest: (request, response) => {
      orBreakOff(gateway, request.socket, () => serveRequest(gateway, self(), request, response));
    },
    onUpgrade: (request, socket, head) => {
      host.onUpgrade();
      orBreakOff(gateway, socket, () => beginHandshake(gateway, self(), request, socket, head));
    },
    onRefused: (kind) => metrics.count(refusalCounter(kind)),
  };
  if (spec.tls === null) listener = await program.openListener(options);
  else if (program.openTlsListener === null) throw new TypeError("invariant: programs with TLS listeners carry them");
  else {
    listener = await program.openTlsListener({
      ...options,
      tls: spec.tls,
      readFile: host.readFile,
      onReloaded: () => {
        metrics.count("tlsReloads");
        log.event("certificates_reloaded", { listener: spec.name });
      },
      onReloadFailed: (problems) => {
        metrics.count("tlsReloadFailures");
        log.event("certificates_unusable", { listener: spec.name, problems: problems.join("; ") }, "error");
      },
    });
  }
  return listener;
}

/** A client whose request met a defect of ours must not wait for an answer that nobody writes. */
function orBreakOff(gateway: Gateway, socket: Socket, begin: () => void): void {
  try {
    begin();
  } catch (defect) {
    gateway.defect(defect);
    socket.destroy();
  }
}
