/**
 * The one entry for HTTP and WebSocket requests: guards, canonical path, route, hygiene. It ends in an exchange that
 * policies may see, or in the fault that the client gets instead.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Client } from "../client/client.ts";
import type { Exchange } from "../context.ts";
import { fault, type Fault } from "../fault.ts";
import type { Deployed, Gateway } from "../gateway.ts";
import { guardRequest, type Refusal } from "./guard.ts";
import { hygieneRequest } from "../message/head.ts";
import { RequestMessage, type HeaderLines } from "../message/message.ts";
import { canonicalPath } from "./path.ts";
import { pathSuffix } from "../flow/routing.ts";
import { faultResponse } from "../flow/run.ts";
import type { PresentedCredential } from "../upgrade/presented-credential.ts";
import type { Session } from "../upgrade/session.ts";

/** A request that found its proxy. */
export interface Entered {
  readonly deployed: Deployed;
  readonly request: RequestMessage;
  /** Its header lines as they came. */
  readonly received: HeaderLines;
  /** Host header as the client sent it, "" when there was none. */
  readonly authority: string;
  /** Its name: lower-case, without port. */
  readonly host: string;
  readonly pathSuffix: string;
  /** Where the client is, as its environment has it. */
  readonly clientAddress: string;
  /** What the proxy endpoint takes out of requests before any flow; null where it takes nothing. */
  readonly credential: PresentedCredential | null;
}

/** A request that goes no further. `close`: where it ends is in doubt, so the connection must not be used again. */
export interface Refused {
  readonly fault: Fault;
  readonly close: boolean;
}

/** Takes a request head in. Nothing of a bundle has seen it before this returns. */
export function enter(
  gateway: Gateway,
  incoming: IncomingMessage,
  client: Client,
  isUpgrade: boolean,
): Entered | Refused {
  const refusal = guardRequest(incoming, gateway.limits);
  if (refusal !== null) return { fault: guardFault(refusal), close: refusal.close };
  const target = canonicalPath(incoming.url ?? "");
  if (target.path === null) return { fault: fault("protocol.http.BadPath", target.reason), close: false };
  const { method = "GET", httpVersion, rawHeaders } = incoming;
  const request = new RequestMessage(method, target.path, target.query, httpVersion, rawHeaders);
  const authority = request.headerLine("host") ?? "";
  const host = hostName(authority);
  const program = gateway.router(host, target.path);
  const deployed = program === null ? undefined : gateway.deployed.get(program);
  if (deployed === undefined) {
    const detail = `${host} and url: ${target.path}`;
    return { fault: fault("messaging.adaptors.http.flow.ApplicationNotFound", detail), close: false };
  }
  const { forwarding } = client;
  hygieneRequest(request, deployed.program.headers, isUpgrade, forwarding !== null);
  forwarding?.tidy(request, client);
  const ofEnvironment = forwarding === null ? null : (deployed.clientIp?.(incoming.rawHeaders) ?? null);
  const clientAddress = ofEnvironment ?? client.address;
  const credential = deployed.program.webSocket.takeCredential?.(request, isUpgrade) ?? null;
  if (typeof credential === "string") return { fault: fault("protocol.http.BadRequest", credential), close: false };
  const suffix = pathSuffix(target.path, deployed.program.baseSegments);
  const where = { host, pathSuffix: suffix, clientAddress };
  return { deployed, request, received: incoming.rawHeaders, authority, credential, ...where };
}

/** The exchange of a request that found its proxy. `session`: null for plain HTTP. */
export function openExchange(
  gateway: Gateway,
  { deployed, request, received, host, pathSuffix, clientAddress, credential }: Entered,
  socket: Socket,
  client: Client,
  session: Session | null,
): Exchange {
  const { program } = deployed;
  const asked = { request, received, client, clientAddress, host, pathSuffix, credential };
  return program.open({ gateway, program, socket, session, ...asked });
}

/** A request that found its proxy and was refused before any flow: where somebody records, one without steps. */
export function traceRefusal(
  { gateway, socket, client }: { readonly gateway: Gateway; readonly socket: Socket; readonly client: Client },
  entered: Entered,
  cause: Fault | null,
  status: number,
): void {
  if (gateway.spans === null && gateway.tracing?.watches(entered.deployed.program) !== true) return;
  const x = openExchange(gateway, entered, socket, client, null);
  x.fault = cause;
  if (cause !== null) x.response = faultResponse(cause);
  x.trace?.finish(x, status);
}

/** Host without its port and trailing dot, lower-case (apigee-core section 1.1). */
function hostName(authority: string): string {
  const lower = authority.toLowerCase();
  const colon = lower.startsWith("[") ? lower.indexOf(":", lower.indexOf("]")) : lower.indexOf(":");
  const name = colon < 0 ? lower : lower.slice(0, colon);
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

function guardFault(refusal: Refusal): Fault {
  const headers = refusal.extraHeaders.length > 0 ? refusal.extraHeaders : null;
  return { ...fault(refusal.code, refusal.reason, null, headers), status: refusal.status };
}
