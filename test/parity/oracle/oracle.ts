/**
 * The oracle: a plain interpreter of the resolved program. One request at a time, from route to answer, in the order
 * of the reference and with nothing prepared. What it says is what compiled programs have to do.
 */
import type { Program, ProgramTarget } from "#compiler/ir/program.ts";
import { headerMap, type Answer, type Lines, type Outcome, type ParityRequest, type Sent, type Value } from "../outcome.ts";
import { canonicalPath } from "#runtime/exchange/path.ts";
import { findPlace, passing, passingOn } from "./entry.ts";
import { answerTo, raised } from "./faults.ts";
import { chooseRoute, handleFault, runFlows, runHook } from "./flows.ts";
import { Headers } from "./message.ts";
import type { Operators } from "./operators.ts";
import { configuredUrl, parsedUrl, type Address } from "./target-url.ts";
import { eventFlowsOf, streamThrough, type Entered } from "./streams.ts";
import { expand } from "./template.ts";
import { Raised, Transaction, World, type OracleResponse } from "./transaction.ts";
import { hasOpenScheme } from "./variables.ts";

/** Header lines that the hop writes for itself: nothing a bundle can change. */
export const HOP_LINES = [
  "connection", "upgrade", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
  "sec-websocket-extensions", "sec-websocket-accept", "content-length", "transfer-encoding", "te", "trailer",
    "keep-alive",
  "proxy-connection", "proxy-authorization", "http2-settings",
];

/** Interprets the requests of one project in order. */
export class Oracle {
  readonly #world: World;

  constructor(program: Program, start: { monotonicMs: number; wallMs: number }, table: Operators) {
    this.#world = new World(program, table, start.monotonicMs, start.wallMs);
  }

  run(given: ParityRequest): Outcome {
    const world = this.#world;
    world.monotonicMs += given.advanceMs;
    world.wallMs += given.advanceMs;
    const host = given.host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
    const place = findPlace(world.program, host, given.path);
    if (place === null) {
      return early(raised("messaging.adaptors.http.flow.ApplicationNotFound", `${host} and url: ${given.path}`,
        null), null);
    }
    const { environment, proxy, endpoint } = place;
    const label = `${environment}/${proxy.name}/${endpoint.name}`;
    const { mode } = endpoint.webSocket;
    if (!given.upgrade && mode === "only") return early(raised("protocol.http.UpgradeRequired", "", null), label);
    if (given.upgrade && mode === "deny") return early(raised("protocol.websocket.UpgradeDenied", "", null), label);
    const headers = new Headers(passing([["Host", given.host], ...given.headers], proxy, world.program, given.upgrade));
    const { upgrade, verb, path, query, body = "" } = given;
    const request = { verb, path, query, headers, version: "1.1", content: upgrade ? "" : body };
    const clientAddress = given.clientAddress.replace(/^::ffff:/, "");
    const t = new Transaction(world, place, { host, upgrade, clientAddress, request });
    const { sent, isSwitched, isOwnBody, events } = this.#pipeline(t, given);
    const { content, isWhole } = passEvents(t, events);
    const response = t.response ?? answerTo(raised("messaging.runtime.RouteFailed", "", null));
    return {
      proxy: label,
      route: t.route,
      sent,
      answer: {
        status: response.status,
        reason: response.reason,
        headers: headerMap(response.headers.pairs(), HOP_LINES),
        body: content === null && isOwnBody ? "of the target" : { text: content ?? "" },
        isWhole,
      },
      fault: t.fault === null ? null : faultPart(t.fault),
      failed: [...t.failed].sort(),
      variables: Object.fromEntries(t.custom),
      session: isSwitched && t.fault === null ? t.admitted : null,
      defect: null,
    };
  }

  #pipeline(t: Transaction, given: ParityRequest): Passed {
    let sent: Sent | null = null;
    let isSwitched = false;
    let isOwnBody = false;
    let events: readonly Entered[] = [];
    try {
      runHook(t, "preProxy");
      runFlows(t, t.place.endpoint, "request");
      chooseRoute(t);
      if (t.target === null) {
        t.response = { status: 200, reason: "", headers: new Headers([]), content: "", isTargets: false };
      } else {
        runFlows(t, t.target, "request");
        runHook(t, "preTarget");
        if (t.target.local === null) {
          sent = this.#send(t, t.target, given);
          isSwitched = given.upgrade && given.answer.status === 101;
          isOwnBody = true;
          receive(t, t.target, given);
        } else {
          const called = this.#call(t, t.target, given);
          ({ sent, isSwitched, isOwnBody, events } = called);
          accept(t, t.target, called.response);
        }
      }
      t.phase = "response";
      if (t.target !== null) {
        runHook(t, "postTarget");
        runFlows(t, t.target, "response");
      }
      t.inTarget = false;
      runFlows(t, t.place.endpoint, "response");
      runHook(t, "postProxy");
      if (!given.upgrade) events = [...events, ...eventFlowsOf(t, given.answer.status)];
    } catch (thrown) {
      if (!(thrown instanceof Raised)) throw thrown;
      handleFault(t, thrown);
    }
    return { sent, isSwitched, isOwnBody, events };
  }

  /** The target is another proxy of the environment (apigee-core 2.3). */
  #call(t: Transaction, target: ProgramTarget, given: ParityRequest): Passed & { readonly response: OracleResponse } {
    const { program } = this.#world;
    const { local } = target;
    const proxy = program.proxies.find(({ name }) => local !== null && "proxy" in local && name === local.proxy);
    const endpoint = proxy?.endpoints.find(({ name }) => local !== null && "proxy" in local && name === local.endpoint);
    if (proxy === undefined || endpoint === undefined) throw new Error("projects call proxies by name");
    const { request, host, upgrade, clientAddress } = t;
    const base = endpoint.basePath === "/" ? "" : endpoint.basePath;
    const path = isTrue(t.copyPathSuffix) ? joined(base, t.place.pathSuffix) : base;
    request.path = path === "" ? "/" : path;
    request.query = this.#query(t, target, null);
    const lines = retainedOf(target.retained.requestHeaders, request.headers.pairs(), REQUEST_KEPT);
    const headers = new Headers(passingOn(lines, proxy, program));
    const { mode } = endpoint.webSocket;
    if (!upgrade && mode === "only") throw raised("protocol.http.UpgradeRequired", "", null);
    if (upgrade && mode === "deny") throw raised("protocol.websocket.UpgradeDenied", "", null);
    const { segments } = endpoint;
    const rest = request.path.split("/").slice(1 + segments.length);
    const pathSuffix = segments.length === 0 ? request.path : rest.map((segment) => `/${segment}`).join("");
    const place = { environment: t.place.environment, proxy, endpoint, pathSuffix };
    const inner = new Transaction(this.#world, place, { host, upgrade, clientAddress, request: { ...request, headers } });
    const passed = this.#pipeline(inner, given);
    // What admitted the call admits the session.
    t.admitted.push(...inner.admitted);
    const response = inner.response ?? answerTo(raised("messaging.runtime.RouteFailed", "", null));
    return { ...passed, isSwitched: passed.isSwitched && inner.fault === null, response };
  }

  /** The query towards a target: its own, then what of the request's goes on. */
  #query(t: Transaction, target: ProgramTarget, own: string | null): string | null {
    const { queryParams } = target.retained;
    const { query: whole } = t.request;
    const kept = queryParams === null || whole === null ? whole : keptPairs(whole, queryParams);
    const queries = [own, isTrue(t.copyQueryParams) ? kept : null];
    const query = queries.filter((part) => part !== null && part !== "").join("&");
    const isEmptyKept = query === "" && queries[1] === "" && queries[0] === null;
    return query === "" && !isEmptyKept ? null : query;
  }

  /** Address and head of the request to the target (apigee-core 2.4). */
  #send(t: Transaction, target: ProgramTarget, given: ParityRequest): Sent {
    const { request } = t;
    const at = this.#address(t, target);
    t.scheme = at.scheme;
    const path = isTrue(t.copyPathSuffix) ? joined(at.path, t.place.pathSuffix) : at.path;
    request.path = path === "" ? "/" : path;
    request.query = this.#query(t, target, at.query);
    // Only then is it somebody's turn: what a fault finds in the request is what would have been sent.
    const server = at.server ?? this.#serverInTurn(t, target);
    const host = t.targetHost === null ? (at.host ?? server) : String(t.targetHost);
    if (!/^[\x21-\x7e]+$/.test(host)) throw raised("steps.assignmessage.SetVariableFailed", "Host", null);
    const goOn = retainedOf(target.retained.requestHeaders, request.headers.pairs(), REQUEST_KEPT);
    const lines = goOn.filter(([name]) => name.toLowerCase() !== "host" && name.toLowerCase() !== "x-forwarded-for");
    const before = request.headers.joined("x-forwarded-for");
    const address = t.clientAddress;
    lines.push(["Host", host], ["X-Forwarded-For", before === null ? address : `${before}, ${address}`]);
    if (request.headers.joined("x-forwarded-proto") === null) lines.push(["X-Forwarded-Proto", "http"]);
    if (request.headers.joined("x-forwarded-host") === null) {
      lines.push(["X-Forwarded-Host", given.host]);
    }
    const uri = request.query === null ? request.path : `${request.path}?${request.query}`;
    const { verb, content } = request;
    const body = given.upgrade ? "" : content;
    return { target: target.name, server, verb, uri, headers: headerMap(lines, HOP_LINES), body };
  }

  #address(t: Transaction, target: ProgramTarget): Address {
    // A template stands in for what no flow has written.
    if (target.template !== null) t.targetUrl ??= expand(t, target.template.text, null);
    if (t.targetUrl !== null) {
      const url = parsedUrl(String(t.targetUrl), hasOpenScheme(target));
      if (url === null) throw raised("messaging.adaptors.http.flow.ServiceUnavailable", "target.url", null);
      return url;
    }
    if (target.url === null) {
      const base = target.pathStep === null ? target.path : madePath(expand(t, templateOf(target), null));
      return { server: null, host: null, scheme: "http", path: base, query: null };
    }
    return configuredUrl(target.url);
  }

  #serverInTurn(t: Transaction, target: ProgramTarget): string {
    const { environment, proxy } = t.place;
    const known = this.#world.program.environments.find(({ name }) => name === environment)?.targetServers ?? [];
    const active = (target.loadBalancer?.servers ?? []).flatMap(({ name }) => known.filter((server) => server.name === name && server.enabled));
    const key = JSON.stringify([environment, proxy.name, target.name]);
    const turn = this.#world.turns.get(key) ?? 0;
    this.#world.turns.set(key, turn + 1);
    const server = active[turn % active.length];
    if (server === undefined) throw raised("messaging.adaptors.http.flow.NoActiveTargets", "", null);
    return server.port === 80 ? String(server.host) : `${String(server.host)}:${String(server.port)}`;
  }
}

/** What a request came to on its way through a proxy, and those that it calls. */
interface Passed {
  readonly sent: Sent | null;
  readonly isSwitched: boolean;
  readonly isOwnBody: boolean;
  /** The flows that are to see the events of its answer. */
  readonly events: readonly Entered[];
}

function isTrue(value: Value): boolean {
  return value === null || String(value).toLowerCase() !== "false";
}

/** The template of a target's path. */
function templateOf({ pathStep }: ProgramTarget): string {
  return String(pathStep?.policy.model["template"]);
}

/** The path that a template made; one that means more than one thing reaches nobody. */
function madePath(text: string): string {
  const path = /^[^?]*$/.test(text) && /^\//.test(text) && !/(^|\/)\.\.?(\/|$)/.test(text) ? canonicalPath(text).path : null;
  if (path === null) throw raised("messaging.adaptors.http.flow.ServiceUnavailable", "path of the target", null);
  return path === "/" ? "" : path;
}

/** Headers that go on whatever a list says, since a body or a handshake is nothing without them. */
const KEPT = /^(content-type|content-encoding|content-range|content-length|connection|upgrade|sec-websocket-.*)$/;
const REQUEST_KEPT = new RegExp(`${KEPT.source}|^x-forwarded-`);

/** Header lines of a list; null: all. */
function retainedOf(names: readonly string[] | null, lines: Lines, always: RegExp): [string, string][] {
  const kept = lines.filter(([name]) => names === null || names.includes(name.toLowerCase()) || always.test(name.toLowerCase()));
  return kept.map(([name, value]) => [name, value]);
}

/** Pairs of a query with one of these names, as they are spelled; null for none. */
function keptPairs(query: string, names: readonly string[]): string | null {
  const kept = query.split("&").filter((pair) => pair !== "" && names.includes(decoded(pair.split("=", 1)[0] ?? "")));
  return kept.length === 0 ? null : kept.join("&");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text.replaceAll("+", " ");
  }
}

function joined(base: string, suffix: string): string {
  return base.endsWith("/") && suffix.startsWith("/") ? base + suffix.slice(1) : base + suffix;
}

/** The target's answer, without what belongs to its hop; a status that is no success is a fault of the target. */
function receive(t: Transaction, target: ProgramTarget, { answer, upgrade: isUpgrade }: ParityRequest): void {
  const gone = answer.headers
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.toLowerCase().split(",").map((element) => element.trim()))
    .filter((name) => !/^(host|content-length|origin|sec-websocket-.*)$/.test(name));
  const hop = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];
  const kept = answer.headers.filter(([name]) => !hop.includes(name.toLowerCase()) &&
    !gone.includes(name.toLowerCase()));
  const hasNone = answer.status === 204 || answer.status === 304 || t.request.verb === "HEAD";
  // What a target says when it refuses an upgrade is relayed unread.
  const content = isUpgrade ? null : hasNone ? "" : (answer.body ?? "");
  accept(t, target, { status: answer.status, reason: answer.reason, headers: new Headers(kept), content, isTargets: true });
}

/** The body that leaves, and whether it is whole. What a policy has put in the place of events is not theirs. */
function passEvents(t: Transaction, events: readonly Entered[]): { content: string | null; isWhole: boolean } {
  const { response } = t;
  if (events.length > 0 && response?.isTargets === true) {
    const { text, failure } = streamThrough(response.content ?? "", events);
    if (failure === null) return { content: text, isWhole: true };
    t.fault = failure;
    if (failure.policy !== null) t.failed.add(failure.policy);
    return { content: text, isWhole: false };
  }
  return { content: response?.content ?? null, isWhole: true };
}

/** What a target answered, or a proxy that was called: a success, or a fault of the target. */
function accept(t: Transaction, target: ProgramTarget, answer: OracleResponse): void {
  const { status } = answer;
  const lines = retainedOf(target.retained.responseHeaders, answer.headers.pairs(), KEPT);
  t.response = { ...answer, headers: new Headers(lines) };
  // A switch of protocols is no error, whatever success.codes says (docs/differences.md).
  if (status === 101 || isSuccess(target.successCodes, status)) return;
  const code = "messaging.adaptors.http.flow.ErrorResponseCode";
  throw new Raised(code, status, raised(code, "", null).text, null, t.response);
}

function isSuccess(codes: readonly string[], status: number): boolean {
  const wanted = codes.length === 0 ? ["1xx", "2xx", "3xx"] : codes;
  return wanted.some((code) => new RegExp(`^${code.toLowerCase().replaceAll("x", "[0-9]")}$`).test(String(status)));
}

function faultPart({ code, status, text, policy }: Raised): NonNullable<Outcome["fault"]> {
  return { code, status, text, policy };
}

/** An answer before any flow. */
function early(fault: Raised, proxy: string | null): Outcome {
  const response = answerTo(fault);
  const headers = headerMap(response.headers.pairs(), HOP_LINES);
  const answer: Answer = { status: response.status, reason: "", headers, body: { text: response.content ?? "" }, isWhole: true };
  return { proxy, route: null, sent: null, answer, fault: faultPart(fault), failed: [], variables: {}, session: null,
    defect: null };
}
