/** What the connections of a proxy endpoint are held to, as a constant of its file. */
import { defaultLimits } from "#runtime/limits.ts";
import type { EndpointPlan } from "../ir/plan.ts";
import { code, identifier, literal, type Code } from "./code.ts";

/** An object literal of type `WebSocketRoute` (runtime/program.ts). */
export function webSocketRoute(plan: EndpointPlan): Code {
  const { webSocket } = plan.endpoint;
  return literal({
    mode: webSocket.mode,
    idleTimeoutMs: webSocket.idleTimeoutMs ?? defaultLimits.idleTimeoutMs,
    maxDurationMs: webSocket.maxDurationMs ?? code`${identifier("Infinity")}`,
    allowedOrigins: webSocket.allowedOrigins,
    ambientCredential: plan.session.ambientCredential,
    halfCloseTimeoutMs: webSocket.halfCloseTimeoutMs ?? defaultLimits.halfCloseTimeoutMs,
    writeStallTimeoutMs: webSocket.writeStallTimeoutMs ?? defaultLimits.writeStallTimeoutMs,
    closeGraceMs: webSocket.closeGraceMs ?? defaultLimits.closeGraceMs,
    closeTimeoutMs: webSocket.closeTimeoutMs ?? defaultLimits.closeTimeoutMs,
    spliceBufferBytesMax: defaultLimits.spliceBufferBytesMax,
    closes: literal(webSocket.closes as Record<string, { code: number; text: string }>),
  });
}
