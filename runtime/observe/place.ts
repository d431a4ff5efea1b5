/** What an exchange's log lines say of where it came from and where it went, wherever on its way it ended. */
import type { IncomingMessage } from "node:http";
import type { Exchange } from "../context.ts";
import type { Entered } from "../entry.ts";
import type { Gateway } from "../gateway.ts";
import type { ExchangePlace } from "./log.ts";

/** Who asked, and how; known before anything is decided. */
export type Asked = Pick<ExchangePlace, "method" | "scheme" | "version" | "clientAddress" | "userAgent">;

/** Takes from a request head what its line will say of it. */
export function asked(
  gateway: Gateway,
  incoming: IncomingMessage,
  scheme: "http" | "https",
  clientAddress: string,
): Asked {
  return {
    method: incoming.method ?? "",
    scheme,
    version: incoming.httpVersion,
    clientAddress,
    userAgent: gateway.log.access ? (incoming.headers["user-agent"] ?? null) : null,
  };
}

/** `entered`: null when the request found no proxy; `x`: null when no policy has seen it. */
export function exchangePlace(
  gateway: Gateway,
  request: Asked,
  entered: Entered | null,
  x: Exchange | null,
): ExchangePlace {
  const program = entered?.deployed.program;
  return {
    ...request,
    id: x?.id ?? gateway.clock.randomId(),
    environment: program?.environment ?? null,
    proxy: program?.proxy ?? null,
    endpoint: program?.endpoint ?? null,
    route: program?.basePath ?? null,
    target: x?.target?.name ?? null,
    // Flows may write another path; a request that no flow has seen still has its own.
    path: x?.inboundPath ?? entered?.request.path ?? null,
    host: entered?.host ?? null,
    app: x?.access?.app.name ?? null,
    developer: x?.access?.developer.id ?? null,
  };
}
