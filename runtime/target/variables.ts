/** What flow variables say of targets (apigee-core section 6.4). It reads; others write. */
import type { Exchange } from "../context.ts";
import type { TargetServer } from "./target.ts";

/** The server of the exchange: the one that was tried last, before that the one of the target's URL. */
export function targetServer({ server, target }: Exchange): TargetServer | null {
  if (server !== null || target === null || target.balancer !== null) return server;
  return target.servers[0] ?? null;
}

/** How it is reached; before a server is picked, how the first of a load balancer is. */
export function targetScheme({ server, target }: Exchange): "http" | "https" | null {
  if (target === null) return null;
  return (server ?? target.servers[0] ?? target).transport.scheme;
}
