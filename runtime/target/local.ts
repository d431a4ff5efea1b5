/**
 * Targets that are proxies of the same environment (apigee-core section 2.3): a call opens an exchange of that proxy,
 * which runs all its flows. Nothing is sent; request.ts and upgrade/handshake.ts go in and come back. Linked only where
 * a bundle chains proxies.
 */
import type { Exchange } from "../context.ts";
import { fault } from "../fault.ts";
import { hygieneRequest, isRetained } from "../message/head.ts";
import type { Limits } from "../limits.ts";
import { RequestMessage } from "../message/message.ts";
import { originRefusal } from "../exchange/origin.ts";
import type { ProxyProgram } from "../program.ts";
import { pathSuffix } from "../flow/routing.ts";
import { basePathOf, pathBehind, queryBehind, templatePath } from "./address.ts";
import { endpointParts, plainTransport, type EndpointSpec } from "./plain.ts";
import type { Target } from "./target.ts";

/** A target that calls one proxy endpoint; its base path stands in front of the caller's path suffix. */
export function localTarget(spec: EndpointSpec, program: ProxyProgram, limits: Limits): Target {
  const basePath = basePathOf(program.basePath);
  return { ...parts(spec, basePath, limits), call: (x) => callProgram(x, program, pathBehind(x, basePath)) };
}

/** A target that calls whoever serves a path in the caller's environment, as if a client had asked there. */
export function localPathTarget(spec: EndpointSpec, configuredPath: string, limits: Limits): Target {
  const basePath = basePathOf(configuredPath);
  const call = (x: Exchange): Exchange => {
    const path = pathBehind(x, templatePath(x) ?? basePath);
    const program = x.gateway.router(x.host, path);
    // The same host may reach other environments, and a call never leaves its own.
    if (program === null || program.environment !== x.program.environment) {
      throw fault("messaging.runtime.TargetMissing", path);
    }
    return callProgram(x, program, path);
  };
  return { ...parts(spec, basePath, limits), call };
}

/** No server is ever asked, so that the transport stays idle. */
function parts(spec: EndpointSpec, basePath: string, limits: Limits): Omit<Target, "call"> {
  const transport = plainTransport(spec, limits);
  return { ...endpointParts(spec), transport, servers: [], balancer: null, basePath, query: null };
}

/** Opens the exchange of a called proxy. Throws a fault of the caller's when it does not take the request. */
function callProgram(caller: Exchange, program: ProxyProgram, path: string): Exchange {
  const { gateway, host, session, client, clientAddress, socket, credential } = caller;
  const { proxyCallsMax } = gateway.limits;
  if (caller.depth >= proxyCallsMax) throw fault("gateway.TooManyProxyCalls", String(proxyCallsMax));
  const sent = caller.request;
  sent.path = path;
  sent.query = queryBehind(caller, null);
  const request = new RequestMessage(sent.verb, path, sent.query, sent.version, [...sent.lines]);
  request.takeBody(sent);
  const retained = caller.target?.retainedHeaders;
  if (retained !== undefined) request.removeWhere((name) => !isRetained(name, retained));
  // Like over a network: what the called proxy writes itself, nobody else can have sent.
  hygieneRequest(request, program.headers, session !== null, true);
  refuse(caller, request, program);
  const suffix = pathSuffix(path, program.baseSegments);
  const own = { program, request, pathSuffix: suffix, caller };
  return program.open({ gateway, socket, client, clientAddress, host, session, credential, ...own });
}

/** What a client would hear before any flow. */
function refuse({ session, client: { scheme } }: Exchange, request: RequestMessage, { webSocket }: ProxyProgram): void {
  if (session === null) {
    if (webSocket.mode === "only") throw fault("protocol.http.UpgradeRequired");
    return;
  }
  if (webSocket.mode === "deny") throw fault("protocol.websocket.UpgradeDenied");
  // Who may connect without saying so is for the endpoint that the client asked.
  const isOpen = webSocket.allowedOrigins === null || originRefusal(request, webSocket, scheme) === null;
  if (!isOpen) throw fault("protocol.websocket.OriginDenied");
}
