/**
 * One request through compiled chains, driven as runtime/exchange/request.ts and runtime/upgrade/handshake.ts drive them,
 * without sockets: what would be written is the outcome.
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { Socket } from "node:net";
import { directClient } from "#runtime/client/client.ts";
import type { EventFlows } from "#runtime/body/event-stream.ts";
import type { Exchange, Wire } from "#runtime/context.ts";
import { enter } from "#runtime/exchange/entry.ts";
import { fault, isFault, type Fault } from "#runtime/fault.ts";
import { hygieneResponse, outgoingRequest, upgradeOffer, writeRequestHead } from "#runtime/message/head.ts";
import { ResponseMessage } from "#runtime/message/message.ts";
import { breakExchange, enterCall, failExchange, faultResponse, leaveCall, runAnswer, runChain, type ChainOwner } from "#runtime/flow/run.ts";
import { addressTarget, hostFor } from "#runtime/target/address.ts";
import { firstServer } from "#runtime/target/attempts.ts";
import { TargetAnswer } from "#runtime/target/answer.ts";
import { Session } from "#runtime/upgrade/session.ts";
import {
  flatLines, headerMap, pairedLines, type Lines, type Outcome, type ParityRequest, type Sent, type Value,
} from "../outcome.ts";
import { HOP_LINES } from "../oracle/oracle.ts";
import { ROUTE } from "../../support/session-fixture.ts";
import type { TestedGateway } from "./gateway.ts";

const UPGRADE: Lines = [
  ["Connection", "Upgrade"], ["Upgrade", "websocket"], ["Sec-WebSocket-Version", "13"], ["Sec-WebSocket-Key",
    "dGhlIHNhbXBsZSBub25jZQ=="],
];

/** Field of the exchange by custom variable, for a proxy. */
export type Fields = (proxy: string) => ReadonlyMap<string, string>;

/** Sends one request through; the clock has been moved before. */
export async function exchangeOutcome(tested: TestedGateway, given: ParityRequest, fields: Fields): Promise<Outcome> {
  const { gateway } = tested;
  tested.defects = [];
  let broken: () => void = () => undefined;
  const destroy = (): void => broken();
  const socket = { remoteAddress: given.clientAddress, remotePort: 50_000, destroy } as unknown as Socket;
  const lines: Lines = [["Host", given.host], ...(given.upgrade ? UPGRADE : []), ...given.headers];
  const url = given.query === null ? given.path : `${given.path}?${given.query}`;
  const incoming = { method: given.verb, url, httpVersion: "1.1", rawHeaders: flatLines(lines),
    socket } as IncomingMessage;
  const client = directClient(socket, "http");
  const entered = enter(gateway, incoming, client, given.upgrade);
  if ("fault" in entered) return early(entered.fault, null);
  const { program } = entered.deployed;
  const label = `${program.environment}/${program.proxy}/${program.endpoint}`;
  const { mode } = program.webSocket;
  if (!given.upgrade && mode === "only") return early(fault("protocol.http.UpgradeRequired"), label);
  if (given.upgrade && mode === "deny") return early(fault("protocol.websocket.UpgradeDenied"), label);
  const abort = { onAbort: () => undefined };
  const session = given.upgrade ? Session.begin(gateway.sessionServices, ROUTE, given.clientAddress, abort) : null;
  const { request, host, pathSuffix, clientAddress } = entered;
  const x = program.open({ gateway, program, request, socket, client, clientAddress, host, pathSuffix, session });
  const driver = new Driver(x, given);
  broken = () => driver.broken();
  if (!given.upgrade) x.wire = new Sockets(given, null);
  await driver.run();
  const outcome = driver.outcome(label, fields(program.proxy),
    tested.defects.length === 0 ? null : tested.defects.join("\n"));
  session?.abandon(false);
  return outcome;
}

/** Bytes of a body that come at once: less than an event, so that most of them are cut. */
const PIECE_BYTES = 5;

/** The streams of an exchange, with nobody at their other ends. `status`: of the target's answer, once it came. */
class Sockets implements Wire {
  events: EventFlows | null = null;
  readonly incoming: IncomingMessage;
  readonly answer: TargetAnswer | null;

  constructor({ body = "", answer }: ParityRequest, status: number | null) {
    this.incoming = incomingOf(body);
    this.answer = status === null ? null : answerOf(answer.body ?? "", status);
  }

  askForBody(): void {}
}

function incomingOf(body: string): IncomingMessage {
  const bytes = Buffer.from(body, "utf8");
  const headers = { "content-length": String(bytes.length) };
  return Object.assign(Readable.from(bytes.length === 0 ? [] : [bytes]), { headers }) as IncomingMessage;
}

function answerOf(body: string, status: number): TargetAnswer {
  const bytes = Buffer.from(body, "utf8");
  const source = { resumeAnswer: () => undefined, dropAnswer: () => undefined };
  const answer = new TargetAnswer({ status, reason: "", lines: [] }, bytes.length, source);
  if (bytes.length > 0) answer.push(bytes);
  answer.finish([]);
  return answer;
}

function hasNone(x: Exchange, status: number): boolean {
  return status === 204 || status === 304 || x.request.verb === "HEAD";
}

type Stage = "request" | "response" | "over";

class Driver implements ChainOwner {
  #x: Exchange;
  readonly #given: ParityRequest;
  #stage: Stage = "request";
  #sent: Sent | null = null;
  #hasOwnBody = false;
  #isSwitched = false;
  #isOpen = false;
  #streamed: string | null = null;
  #isBroken = false;
  #finish: () => void = () => undefined;

  constructor(x: Exchange, given: ParityRequest) {
    this.#x = x;
    this.#given = given;
  }

  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#finish = resolve;
      runChain(this.#x, this.#x.chains.request, this);
    });
  }

  /** A defect outside of the chains: nothing more comes. */
  broken(): void {
    this.#end();
  }

  chainDone(): void {
    if (this.#stage === "over") throw new Error("a chain ended twice");
    if (this.#stage === "response") return this.#finished();
    const { target } = this.#x;
    if (target === null) return this.#nullRoute();
    if (target.call === undefined) return this.#forward();
    const inner = enterCall(this.#x, target.call, this);
    if (inner === null) return;
    this.#x = inner;
    runChain(inner, inner.chains.request, this);
  }

  chainFaulted(): void {
    if (this.#stage === "over") throw new Error("a chain ended twice");
    this.#stage = "response";
    this.#isSwitched = false;
    this.#finished();
  }

  /** The answer of an exchange is there: for the client, or for the exchange that called. */
  #finished(): void {
    const x = this.#x;
    if (x.fault === null && !this.#given.upgrade) {
      try {
        x.chains.events?.(x);
      } catch (thrown) {
        return this.#fail(thrown);
      }
    }
    if (x.caller !== null) {
      this.#x = x.caller;
      return leaveCall(x, x.caller, this);
    }
    if (this.#isSwitched) this.#confirm();
    else this.#leave();
  }

  /** The answer goes out; an event stream through the flows that are in its way. */
  #leave(): void {
    const x = this.#x;
    const events = x.wire?.events ?? null;
    const { response } = x;
    if (events === null || response === null) return this.#end();
    // Written anew: what is read instead, which nothing in these projects does, is a fault.
    if (response.isHeld) return this.#end();
    const bytes = Buffer.from(this.#given.answer.body ?? "", "utf8");
    const left: Buffer[] = [];
    for (let at = 0; at < bytes.length && events.failure === null; at += PIECE_BYTES) {
      left.push(events.take(bytes.subarray(at, at + PIECE_BYTES)));
    }
    if (events.failure === null) left.push(events.end());
    this.#streamed = Buffer.concat(left).toString("utf8");
    this.#isBroken = events.failure !== null;
    if (events.failure !== null) breakExchange(x, events.failure.thrown);
    this.#end();
  }

  outcome(proxy: string, fields: ReadonlyMap<string, string>, defect: string | null): Outcome {
    const x = this.#x;
    const response = x.response ?? faultResponse(fault("gateway.InternalError"));
    const variables: Record<string, Value> = {};
    for (const [name, field] of fields) variables[name] = Reflect.get(x, field) as Value;
    return {
      proxy,
      route: x.route,
      sent: this.#sent,
      answer: {
        status: response.status,
        reason: response.reason,
        headers: headerMap(pairedLines(response.lines), HOP_LINES),
        body: this.#bodyOf(response),
        isWhole: !this.#isBroken,
      },
      fault: x.fault === null ? null : faultPart(x.fault),
      failed: [...new Set(x.failed ?? [])].sort(),
      variables,
      session: this.#isOpen
        ? (x.session?.credentials ?? []).map(({ policy, identities, expiresAtMs }) => ({
            policy,
            identities: [...identities].sort(),
            expiresAtMs,
          }))
        : null,
      defect,
    };
  }

  /** What nobody read is the target's. */
  #bodyOf(response: ResponseMessage): Outcome["answer"]["body"] {
    if (this.#streamed !== null) return { text: this.#streamed };
    if (response.content !== null || !this.#hasOwnBody) return { text: response.content ?? "" };
    if (this.#given.upgrade) return "of the target";
    return { text: hasNone(this.#x, this.#given.answer.status) ? "" : (this.#given.answer.body ?? "") };
  }

  #end(): void {
    this.#stage = "over";
    this.#finish();
  }

  #fail(thrown: unknown): void {
    failExchange(this.#x, thrown, this);
  }

  #nullRoute(): void {
    const x = this.#x;
    this.#stage = "response";
    x.response ??= new ResponseMessage(200, "", []);
    x.response.content ??= "";
    runChain(x, x.chains.response, this);
  }

  #forward(): void {
    const x = this.#x;
    const { target } = x;
    if (target === null) throw new Error("a routed exchange has a target");
    this.#stage = "response";
    try {
      this.#sent = this.#send(x, target);
    } catch (thrown) {
      return this.#fail(thrown);
    }
    const { status, reason, headers } = this.#given.answer;
    const response = new ResponseMessage(status, reason, flatLines(headers));
    hygieneResponse(response);
    const wire = this.#given.upgrade ? null : new Sockets(this.#given, status);
    for (let one: Exchange | null = x; one !== null; one = one.caller) one.wire = wire;
    this.#isSwitched = this.#given.upgrade && status === 101;
    this.#hasOwnBody = true;
    runAnswer(x, response, this);
  }

  #send(x: Exchange, target: NonNullable<Exchange["target"]>): Sent {
    const { path, query, server: written } = addressTarget(x, target);
    const server = firstServer(x, target, written);
    const { request, client } = x;
    const forwarded = { for: client.peer, proto: "http", host: this.#given.host };
    const upgrade = this.#given.upgrade ? upgradeOffer(request) : null;
    const parts = { host: hostFor(x, server), upgrade, forwarded, retained: target.retainedHeaders };
    const outgoing = outgoingRequest(request, parts);
    const head = writeRequestHead(request, parts);
    if ("refused" in outgoing || typeof head !== "string") {
      throw fault("steps.assignmessage.SetVariableFailed", "refused" in outgoing ? outgoing.refused : "");
    }
    const lines = upgrade === null ? pairedLines(outgoing.lines) : linesOfHead(head);
    return {
      target: target.name,
      server: server.port === 80 ? server.host : `${server.host}:${server.port}`,
      verb: request.verb,
      uri: query === null ? path : `${path}?${query}`,
      headers: headerMap(lines, HOP_LINES),
      body: this.#given.upgrade ? "" : (request.content ?? this.#given.body ?? ""),
    };
  }

  /** The last look before the 101 leaves. */
  #confirm(): void {
    const x = this.#x;
    const { session, response } = x;
    if (session === null || response === null) throw new Error("an upgrade has a session and a response");
    const reason = x.gateway.revocations.confirm(session);
    if (reason !== null) throw new Error(`nothing is revoked here: ${String(reason)}`);
    if (response.status !== 101 || response.content !== null) {
      return this.#fail(fault("steps.assignmessage.SetVariableFailed", "a 101 has no other status and no body"));
    }
    this.#isOpen = true;
    this.#end();
  }
}

function linesOfHead(head: string): [string, string][] {
  return head.trimEnd().split("\r\n").slice(1).map((line): [string, string] => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
}

function faultPart({ code, status, text, policy }: Fault): NonNullable<Outcome["fault"]> {
  return { code, status, text, policy };
}

function early(cause: Fault, proxy: string | null): Outcome {
  if (!isFault(cause)) throw new Error("a refusal is a fault");
  const response = faultResponse(cause);
  const headers = headerMap(pairedLines(response.lines), HOP_LINES);
  const answer = { status: response.status, reason: "", headers, body: { text: response.content ?? "" }, isWhole: true };
  return { proxy, route: null, sent: null, answer, fault: faultPart(cause), failed: [], variables: {}, session: null,
    defect: null };
}
