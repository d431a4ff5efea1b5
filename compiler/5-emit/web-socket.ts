/** What the connections of a proxy endpoint are held to, as a constant of its file. */
import type { Limits } from "#runtime/limits.ts";
import type { EndpointPlan } from "../ir/plan.ts";
import type { ProgramWebSocket } from "../ir/program.ts";
import { code, identifier, literal, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";

/** An object literal of type `WebSocketRoute` (runtime/program.ts). */
export function webSocketRoute(plan: EndpointPlan, limits: Limits, file: FileWriter): Code {
  const { webSocket } = plan.endpoint;
  return literal({
    mode: webSocket.mode,
    idleTimeoutMs: webSocket.idleTimeoutMs ?? limits.idleTimeoutMs,
    maxDurationMs: webSocket.maxDurationMs ?? code`${identifier("Infinity")}`,
    allowedOrigins: webSocket.allowedOrigins,
    ambientCredential: plan.session.ambientCredential,
    ...takes(webSocket.credential, file),
    ...(webSocket.renewalGraceMs === null ? {} : { renewalGraceMs: webSocket.renewalGraceMs }),
    ...(webSocket.sessionIdHeader === null ? {} : { sessionIdHeader: webSocket.sessionIdHeader }),
    ...(webSocket.tellsRefusal ? { tellRefusal: file.symbol("closeRefused") } : {}),
    halfCloseTimeoutMs: webSocket.halfCloseTimeoutMs ?? limits.halfCloseTimeoutMs,
    writeStallTimeoutMs: webSocket.writeStallTimeoutMs ?? limits.writeStallTimeoutMs,
    closeGraceMs: webSocket.closeGraceMs ?? limits.closeGraceMs,
    closeTimeoutMs: webSocket.closeTimeoutMs ?? limits.closeTimeoutMs,
    spliceBufferBytesMax: limits.spliceBufferBytesMax,
    closes: Object.fromEntries(Object.entries(webSocket.closes).map(([reason, close]) => [reason, { ...close }])),
    ...(webSocket.survives.length === 0 ? {} : { survives: webSocket.survives }),
  });
}

function takes(sources: ProgramWebSocket["credential"], file: FileWriter): { readonly takeCredential?: Code } {
  if (sources.length === 0) return {};
  const places = literal(sources.map((source) => ({ ...source })));
  return { takeCredential: code`${file.symbol("credentialFrom")}(${places})` };
}
