/** The log's events about servers of load balancers. */
import type { Log } from "../observe/log.ts";
import type { Target, TargetServer } from "./target.ts";

/** A deployed proxy. */
export interface ServerPlace {
  readonly environment: string;
  readonly proxy: string;
}

/** Says that a server went out of rotation; `why` quotes nothing that a server sent. */
export function tellServerOut(log: Log, place: ServerPlace, target: Target, server: TargetServer, why: string): void {
  log.event("target_server_out", { ...names(place, target, server), detail: why }, "warn");
}

/** Says that it came back. */
export function tellServerBack(log: Log, place: ServerPlace, target: Target, server: TargetServer): void {
  log.event("target_server_back", names(place, target, server));
}

function names({ environment, proxy }: ServerPlace, target: Target, server: TargetServer) {
  return { environment, proxy, target: target.name, server: server.name };
}
