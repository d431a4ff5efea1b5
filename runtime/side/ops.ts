/**
 * The ops listener: health, readiness, metrics. Read-only, without secrets in what it tells, so that it may face the
 * cluster; never on the public port. It refuses everything but GET and HEAD.
 */
import type { IncomingMessage } from "node:http";
import type { Gateway } from "../gateway.ts";
import type { ListenAt } from "../listen/bind.ts";
import { openListener, type Listener } from "../listen/listen.ts";
import { contentTypes, formOf } from "../observe/metric-text.ts";
import { pathOf, send, sideLimits, textAnswer, type Answer } from "./answer.ts";

/** What readiness is made of. */
export interface Lifecycle {
  /** True when newcomers are welcome: everything listens and nobody asked to stop. */
  isReady(): boolean;
}

/** What the ops listener needs of the gateway. */
export type OpsGateway = Pick<Gateway, "clock" | "limits" | "metrics">;

/** Opens it. Rejects with the system's error when it cannot listen. */
export function openOps(at: ListenAt, gateway: OpsGateway, lifecycle: Lifecycle): Promise<Listener> {
  return openListener({
    name: "ops",
    at,
    limits: sideLimits(gateway.limits),
    clock: gateway.clock,
    isUpgrade: () => false,
    onRequest: (request, response) => void send(response, answerOps(request, gateway, lifecycle)),
    onUpgrade: (_request, socket) => void socket.destroy(),
  });
}

function answerOps(request: IncomingMessage, gateway: OpsGateway, lifecycle: Lifecycle): Answer {
  const path = pathOf(request.url);
  const isKnown = path === "/healthz" || path === "/readyz" || path === "/metrics";
  if (!isKnown) return textAnswer(404, "not found");
  if (request.method !== "GET" && request.method !== "HEAD") {
    return textAnswer(405, "method not allowed", { Allow: "GET, HEAD", Connection: "close" });
  }
  if (path === "/healthz") return textAnswer(200, "ok");
  if (path === "/readyz") {
    return lifecycle.isReady() ? textAnswer(200, "ready") : textAnswer(503, "not ready");
  }
  const form = formOf(request.headers.accept);
  return { status: 200, contentType: contentTypes[form], body: gateway.metrics.text(form) };
}
