/** What the connections of a proxy endpoint are held to, as a constant of its file. */
import type { Limits } from "#runtime/limits.ts";
import type { EndpointPlan } from "../ir/plan.ts";
import { code, identifier, literal, type Code } from "./code.ts";

/** An object literal of type `WebSocketRoute` (runtime/program.ts). */
export function webSocketRoute(plan: EndpointPlan, limits: Limits): Code {
  const { webSocket } = plan.endpoint;
  return literal({
    mode: webSocket.mode,
    idleTimeoutMs: webSocket.idleTimeoutMs ?? limits.idleTimeoutMs,
    maxDurationMs: webSocket.maxDurationMs ?? code`${identifier("Infinity")}`,
    allowedOrigins: webSocket.allowedOrigins,
    ambientCredential: plan.session.ambientCredential,
    halfCloseTimeoutMs: webSocket.halfCloseTimeoutMs ?? limits.halfCloseTimeoutMs,
    writeStallTimeoutMs: webSocket.writeStallTimeoutMs ?? limits.writeStallTimeoutMs,
    closeGraceMs: webSocket.closeGraceMs ?? limits.closeGraceMs,
    closeTimeoutMs: webSocket.closeTimeoutMs ?? limits.closeTimeoutMs,
    spliceBufferBytesMax: limits.spliceBufferBytesMax,
    closes: Object.fromEntries(Object.entries(webSocket.closes).map(([reason, close]) => [reason, { ...close }])),
  });
}
