/**
 * The admin listener: sessions and access data for operators, as JSON. On loopback or a Unix socket unless told
 * otherwise, and never without a secret or client certificates. It owns the way of a request to its endpoint; guards
 * come first.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { digest } from "../access/digest.ts";
import type { TlsSettings } from "../certificates.ts";
import { openListener, type ListenAt, type Listener, type ListenerOptions } from "../listen.ts";
import type { openTlsListener, TlsEvents } from "../listen-tls.ts";
import { StoreFailure } from "../state/store.ts";
import {
  appAction,
  developerAction,
  getApp,
  getDeveloper,
  keyStatus,
  listRecords,
  postDrain,
  postKey,
  postToken,
  tokenStatus,
} from "./admin-access.ts";
import { Fields, parseQuery, readBody } from "./admin-body.ts";
import { isAnswer, type AdminGateway, type AdminRoute, type Endpoint } from "./admin-call.ts";
import { guardAdmin, type AdminAuth } from "./admin-guard.ts";
import { approveNamedJwts, revokeNamedJwts } from "./admin-jwts.ts";
import { endSession, endSessions, getSession, listSessions } from "./admin-sessions.ts";
import { badRequest, errorAnswer, pathOf, send, sideLimits, type Answer } from "./answer.ts";

export type { AdminGateway } from "./admin-call.ts";

/** Certificates for the listener itself, and with `clientAuth` for its clients. */
export interface AdminTls extends TlsEvents {
  readonly open: typeof openTlsListener;
  readonly settings: TlsSettings;
  readonly readFile: (path: string) => Buffer;
}

export interface AdminOptions {
  /** Names besides loopback and addresses that clients may ask for. */
  readonly hostnames?: readonly string[];
  /** Null: plain. */
  readonly tls?: AdminTls | null;
  /** Endpoints of what only some artifacts have. */
  readonly routes?: readonly AdminRoute[];
}

export interface AdminLifecycle {
  /** Begins to drain. */
  drain(): void;
}

/** A secret shorter than this is a password, and digests of those can be guessed. */
const SECRET_CHARS_MIN = 16;

/** What is wrong with a bearer secret, for the list of problems at the start; null when nothing is. */
export function adminSecretProblem(secret: string): string | null {
  if (secret.length < SECRET_CHARS_MIN) return `the admin secret has fewer than ${SECRET_CHARS_MIN} characters`;
  return /^[\x21-\x7e]+$/.test(secret) ? null : "the admin secret must be printable ASCII without spaces";
}

/**
 * Opens it. `secret`: the bearer secret; null where client certificates are demanded instead. Rejects with the
 * system's error when it cannot listen, and with an assertion when nothing would guard it.
 */
export async function openAdmin(
  at: ListenAt,
  gateway: AdminGateway,
  lifecycle: AdminLifecycle,
  secret: string | null,
  { hostnames = [], tls = null, routes = [] }: AdminOptions = {},
): Promise<Listener> {
  const certificates = tls !== null && tls.settings.clientAuth !== "none";
  if (secret === null && !certificates) throw new TypeError("the admin listener needs a secret or client certificates");
  const problem = secret === null ? null : adminSecretProblem(secret);
  if (problem !== null) throw new TypeError(problem);
  const auth: AdminAuth = { secretDigest: secret === null ? null : digest(secret), certificates, hostnames };
  const door: Door = { gateway, lifecycle, auth, routes: [...adminRoutes(), ...routes] };
  const listener: ListenerOptions = {
    name: "admin",
    at,
    limits: sideLimits(gateway.limits),
    clock: gateway.clock,
    isUpgrade: () => false,
    onRequest: (request, response) => void serve(request, response, door),
    onUpgrade: (_request, socket) => void socket.destroy(),
  };
  return tls === null ? openListener(listener) : tls.open({ ...listener, ...tls, tls: tls.settings });
}

/** What stands behind one admin listener. */
interface Door {
  readonly gateway: AdminGateway;
  readonly lifecycle: AdminLifecycle;
  readonly auth: AdminAuth;
  readonly routes: readonly AdminRoute[];
}

async function serve(request: IncomingMessage, response: ServerResponse, door: Door): Promise<void> {
  let answer: Answer;
  try {
    answer = await answerAdmin(request, response, door);
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    if (error instanceof StoreFailure) answer = errorAnswer(503, `store_${error.code}`, "The store cannot answer now");
    else {
      door.gateway.defect(error);
      answer = errorAnswer(500, "internal", "Internal error; the log has the details");
    }
  }
  // A body nobody read would be taken for the next request.
  if (!request.complete) response.shouldKeepAlive = false;
  try {
    await send(response, answer);
  } catch (error) {
    if (!(error instanceof StoreFailure)) door.gateway.defect(error);
  }
}

async function answerAdmin(request: IncomingMessage, response: ServerResponse, door: Door): Promise<Answer> {
  const { auth, gateway, lifecycle, routes } = door;
  const actor = guardAdmin(request, auth);
  if (isAnswer(actor)) {
    if (actor.status === 401) gateway.metrics.count("adminUnauthorized");
    return actor;
  }
  const found = endpointFor(routes, request.method ?? "", pathOf(request.url));
  if (isAnswer(found)) return found;
  const fields = await fieldsOf(request, response, gateway.limits.adminBodyBytesMax);
  if (isAnswer(fields)) return fields;
  return found.endpoint({
    gateway,
    fields,
    id: found.id,
    child: found.child,
    audit: (action, details) => {
      gateway.metrics.count("adminChanges");
      gateway.log.audit(action, { ...actor, "client.address": request.socket.remoteAddress ?? "unix", ...details });
    },
    drain: () => lifecycle.drain(),
  });
}

/** The query of GET and DELETE, else the body; no body at all has no fields. */
async function fieldsOf(
  request: IncomingMessage,
  response: ServerResponse,
  bytesMax: number,
): Promise<Fields | Answer> {
  const { headers, method } = request;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  if (method !== "POST") {
    return hasBody ? badRequest(`${method} has no body`, { Connection: "close" }) : parseQuery(request.url);
  }
  if (parseQuery(request.url).size > 0) return badRequest("POST has no query", { Connection: "close" });
  if (!hasBody) return new Fields(new Map());
  if (headers.expect !== undefined) response.writeContinue();
  return readBody(request, bytesMax);
}

/** Every endpoint that each admin listener has. */
function adminRoutes(): readonly AdminRoute[] {
  return [
    { method: "GET", path: /^\/v1\/sessions$/, endpoint: listSessions },
    { method: "GET", path: /^\/v1\/sessions\/([^/:]+)$/, endpoint: getSession },
    { method: "DELETE", path: /^\/v1\/sessions\/([^/:]+)$/, endpoint: endSession },
    { method: "POST", path: /^\/v1\/sessions:end$/, endpoint: endSessions },
    { method: "GET", path: /^\/v1\/keys$/, endpoint: listRecords("key") },
    { method: "POST", path: /^\/v1\/keys$/, endpoint: postKey },
    { method: "POST", path: /^\/v1\/keys:revoke$/, endpoint: keyStatus("revoked") },
    { method: "POST", path: /^\/v1\/keys:approve$/, endpoint: keyStatus("approved") },
    { method: "POST", path: /^\/v1\/tokens$/, endpoint: postToken },
    { method: "POST", path: /^\/v1\/tokens:revoke$/, endpoint: tokenStatus("revoked") },
    { method: "POST", path: /^\/v1\/tokens:approve$/, endpoint: tokenStatus("approved") },
    { method: "POST", path: /^\/v1\/jwts:revoke$/, endpoint: revokeNamedJwts },
    { method: "POST", path: /^\/v1\/jwts:approve$/, endpoint: approveNamedJwts },
    { method: "GET", path: /^\/v1\/apps$/, endpoint: listRecords("app") },
    { method: "GET", path: /^\/v1\/apps\/([^/:]+)$/, endpoint: getApp },
    { method: "POST", path: /^\/v1\/apps\/([^/:]+):revoke$/, endpoint: appAction("revoked") },
    { method: "POST", path: /^\/v1\/apps\/([^/:]+):approve$/, endpoint: appAction("approved") },
    { method: "POST", path: /^\/v1\/apps\/([^/:]+):revokeTokens$/, endpoint: appAction("tokens.revoked") },
    { method: "GET", path: /^\/v1\/developers$/, endpoint: listRecords("developer") },
    { method: "GET", path: /^\/v1\/developers\/([^/:]+)$/, endpoint: getDeveloper },
    { method: "POST", path: /^\/v1\/developers\/([^/:]+):deactivate$/, endpoint: developerAction("inactive") },
    { method: "POST", path: /^\/v1\/developers\/([^/:]+):activate$/, endpoint: developerAction("active") },
    { method: "POST", path: /^\/v1\/developers\/([^/:]+):revokeTokens$/, endpoint: developerAction("tokens.revoked") },
    { method: "POST", path: /^\/v1\/drain$/, endpoint: postDrain },
  ];
}

/** The endpoint and the decoded names in its path; 405 names the methods that the path does have. */
function endpointFor(
  routes: readonly AdminRoute[],
  method: string,
  path: string,
): { endpoint: Endpoint; id: string; child: string } | Answer {
  const allowed: string[] = [];
  for (const route of routes) {
    const match = route.path.exec(path);
    if (match === null) continue;
    if (route.method !== method) {
      allowed.push(route.method);
      continue;
    }
    const [id, child] = [decoded(match[1] ?? ""), decoded(match[2] ?? "")];
    if (id === null || child === null) return badRequest("The path is not encoded correctly");
    return { endpoint: route.endpoint, id, child };
  }
  if (allowed.length === 0) return errorAnswer(404, "not_found", "No such endpoint");
  return errorAnswer(405, "method_not_allowed", `${method} is not allowed here`, { Allow: allowed.join(", ") });
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
