/**
 * The admin listener: sessions and access data for operators, as JSON. On loopback or a Unix socket unless told
 * otherwise, and never without a secret or client certificates. It owns the way of a request to its endpoint; guards
 * come first.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { digest } from "../access/digest.ts";
import type { TlsSettings } from "../listen/certificates.ts";
import type { Limits } from "../limits.ts";
import type { ListenAt } from "../listen/bind.ts";
import { openListener, type Listener, type ListenerOptions } from "../listen/listen.ts";
import type { openTlsListener, TlsEvents } from "../listen/tls.ts";
import { sameName } from "../message/field-grammar.ts";
import { StoreFailure } from "../state/store.ts";
import { Fields, parseQuery, readBody } from "./admin-body.ts";
import { appsSubject } from "./admin-apps.ts";
import { isAnswer, type AdminGateway } from "./admin-call.ts";
import { developersSubject } from "./admin-developers.ts";
import { fleetSubject } from "./admin-fleet.ts";
import { guardActor, guardSite, hasCertificate, type AdminAuth } from "./admin-guard.ts";
import { jwtsSubject } from "./admin-jwts.ts";
import { keysSubject } from "./admin-keys.ts";
import { openapiSubject } from "./admin-openapi.ts";
import type { adminPage } from "./admin-page.ts";
import { processSubject } from "./admin-process.ts";
import { productsSubject } from "./admin-products.ts";
import { routerOf, type AdminSubject, type Router } from "./admin-route.ts";
import { sessionsSubject } from "./admin-sessions.ts";
import { tokensSubject } from "./admin-tokens.ts";
import { badRequest, errorAnswer, pathOf, send, sideLimits, type Answer } from "./answer.ts";
import { fleetOfOne, type Fleet } from "./fleet.ts";

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
  /** Answers with the page at `/`; null: there is none. */
  readonly page?: typeof adminPage | null;
  /** What an artifact adds to the operations that every admin listener has. */
  readonly subjects?: readonly AdminSubject[];
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
  { hostnames = [], page = null, subjects = [], tls = null }: AdminOptions = {},
): Promise<Listener> {
  const certificates = tls !== null && tls.settings.clientAuth !== "none";
  if (secret === null && !certificates) throw new TypeError("the admin listener needs a secret or client certificates");
  const problem = secret === null ? null : adminSecretProblem(secret);
  if (problem !== null) throw new TypeError(problem);
  const auth: AdminAuth = { secretDigest: secret === null ? null : digest(secret), certificates, hostnames };
  const fleet = gateway.fleet ?? fleetOfOne(gateway);
  const all = adminSubjects(gateway.limits, fleet, subjects);
  const door: Door = { gateway, lifecycle, auth, page, find: routerOf(all) };
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
  readonly page: typeof adminPage | null;
  readonly find: Router;
}

/** Everything that the listener answers, its own description last. */
export function adminSubjects(
  limits: Limits,
  fleet: Fleet,
  more: readonly AdminSubject[] = [],
): readonly AdminSubject[] {
  const records = [developersSubject, appsSubject, keysSubject, productsSubject, tokensSubject, jwtsSubject];
  const own = [sessionsSubject, ...records, processSubject];
  const subjects = [...own.map((subject) => subject(limits)), fleetSubject(fleet), ...more];
  return [...subjects, openapiSubject(subjects)];
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
  const { auth, find, gateway, lifecycle, page } = door;
  const refusal = guardSite(request, auth);
  if (refusal !== null) return refusal;
  // The page holds no data: whoever reads it has learnt nothing, and must show a secret for everything it asks.
  if (page !== null && pathOf(request.url) === "/") return page(request, hasCertificate(request, auth));
  const actor = guardActor(request, auth);
  if (isAnswer(actor)) {
    if (actor.status === 401) gateway.metrics.count("adminUnauthorized");
    return actor;
  }
  const found = find(request.method ?? "", pathOf(request.url));
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

/** The query of GET and DELETE, the body of POST and PATCH; no body at all has no fields. */
async function fieldsOf(
  request: IncomingMessage,
  response: ServerResponse,
  bytesMax: number,
): Promise<Fields | Answer> {
  const { headers, method } = request;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  if (method !== "POST" && method !== "PATCH") {
    return hasBody ? badRequest(`${method} has no body`, { Connection: "close" }) : parseQuery(request.url);
  }
  if (parseQuery(request.url).size > 0) return badRequest(`${method} has no query`, { Connection: "close" });
  if (!hasBody) return new Fields(new Map());
  if (headers.expect !== undefined && !sameName(headers.expect, "100-continue")) {
    return errorAnswer(417, "expectation", "Expect may say 100-continue");
  }
  if (headers.expect !== undefined) response.writeContinue();
  return readBody(request, bytesMax);
}
