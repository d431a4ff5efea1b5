/**
 * Runs compiled chains and turns what they throw into an answer. A fault goes through the fault rules of the endpoint
 * where it occurred; anything else that is thrown is a defect of the gateway: 500, logged with its stack, and nothing
 * more of it.
 */
import { noteSentAnswer } from "./client-times.ts";
import type { Exchange } from "../context.ts";
import { fault, faultBody, isFault, type Fault } from "../fault.ts";
import { isRetained } from "../message/head.ts";
import type { Maybe } from "../maybe.ts";
import { ResponseMessage } from "../message/message.ts";
import type { SessionRecord } from "../observe/record.ts";

/** Status of an exchange whose client left before its answer. */
const CLIENT_LEFT = 499;

const SWITCHED = 101;

/** Hears how a chain ended; exactly one of the two, once. Neither may throw. */
export interface ChainOwner {
  /** The chain ran to its end. */
  chainDone(): void;
  /** A fault ended it and its fault rules have run: `x.response` is the answer. */
  chainFaulted(): void;
}

/**
 * Runs a chain. The owner hears of its end at once when nothing had to wait, and never when a fault from elsewhere (a
 * deadline, a target that broke) came before that end.
 */
export function runChain(x: Exchange, chain: (x: Exchange) => Maybe<void>, owner: ChainOwner): void {
  const run = ++x.run;
  let wait: Maybe<void>;
  try {
    wait = chain(x);
  } catch (thrown) {
    failExchange(x, thrown, owner);
    return;
  }
  if (!(wait instanceof Promise)) {
    tellDone(x, owner);
    return;
  }
  void wait.then(
    () => {
      if (x.run === run) tellDone(x, owner);
    },
    (thrown: unknown) => {
      if (x.run === run) failExchange(x, thrown, owner);
    },
  );
}

/**
 * Ends an exchange's pipeline with what was thrown and runs the fault rules; they run once, so that a fault while they
 * wait for something goes straight into the answer.
 */
export function failExchange(x: Exchange, thrown: unknown, owner: ChainOwner): void {
  const run = ++x.run;
  const isFirst = x.fault === null;
  takeFault(x, thrown);
  if (!isFirst) return tellFaulted(x, owner);
  let wait: Maybe<void>;
  try {
    wait = x.chains.fault(x);
  } catch (again) {
    takeFault(x, again);
    tellFaulted(x, owner);
    return;
  }
  if (!(wait instanceof Promise)) {
    tellFaulted(x, owner);
    return;
  }
  void wait.then(
    () => {
      if (x.run === run) tellFaulted(x, owner);
    },
    (again: unknown) => {
      if (x.run !== run) return;
      takeFault(x, again);
      tellFaulted(x, owner);
    },
  );
}

/**
 * A target has answered, or a proxy that was called in its place: a success goes through the response flows, another
 * status through the fault rules. A 101 that was asked for is a success always.
 */
export function runAnswer(x: Exchange, response: ResponseMessage, owner: ChainOwner): void {
  const { status } = response;
  x.response = response;
  x.isAnswered = true;
  if (status === 405 && x.target?.needsAllowHeader === true && !response.names.includes("allow")) {
    return failExchange(x, fault("protocol.http.Response405WithoutAllowHeader"), owner);
  }
  const retained = x.target?.retainedResponseHeaders;
  if (retained !== undefined) response.removeWhere((name) => !isRetained(name, retained));
  if (status === SWITCHED || x.target?.isSuccess(status) === true) return runChain(x, x.chains.response, owner);
  failExchange(x, { ...fault("messaging.adaptors.http.flow.ErrorResponseCode"), status, response }, owner);
}

/** What a null route answers where no policy has: 200 and nothing. */
export function answerNull(x: Exchange): void {
  x.isAnswered = true;
  x.response ??= new ResponseMessage(200, "", []);
  x.response.content ??= "";
}

/** Goes into the proxy that a target is. The exchange there; null when the caller's fault rules have taken over. */
export function enterCall(x: Exchange, call: (x: Exchange) => Exchange, owner: ChainOwner): Exchange | null {
  try {
    return call(x);
  } catch (thrown) {
    failExchange(x, thrown, owner);
    return null;
  }
}

/** Comes back from a called proxy: its answer, also that to a fault, is the answer of its caller's target. */
export function leaveCall(x: Exchange, caller: Exchange, owner: ChainOwner): void {
  settleCall(x, caller);
  runAnswer(caller, x.response ?? faultResponse(fault("gateway.InternalError")), owner);
}

/** Gives up the calls that are under way, whose chains nobody hears of any more. The exchange that the client began. */
export function endCalls(innermost: Exchange): Exchange {
  let x = innermost;
  for (; x.caller !== null; x = x.caller) {
    x.run++;
    settleCall(x, x.caller);
  }
  return x;
}

/** A called proxy is done: what its bodies take is its caller's to give back. */
function settleCall(x: Exchange, caller: Exchange): void {
  runPostClient(x);
  x.trace?.finish(x, x.response?.status ?? CLIENT_LEFT);
  x.wire = null;
  caller.heldBytes += x.heldBytes;
  x.heldBytes = 0;
}

/**
 * PostClientFlow: once for each exchange, when its answer has left or its client has (apigee-core section 3.3). Nothing
 * that it does changes anything.
 */
export function runPostClient(x: Exchange): void {
  if (x.chains.postClient === undefined) return;
  noteSentAnswer(x);
  x.inTarget = false;
  // Without an answer the client left first: what the log calls 499.
  x.response ??= new ResponseMessage(CLIENT_LEFT, "", []);
  try {
    void x.chains.postClient(x);
  } catch (thrown) {
    if (!isFault(thrown)) x.gateway.defect(thrown);
    else if (thrown.policy !== null) x.gateway.metrics.policyFault(x.program, thrown.policy);
  }
}

/**
 * The session flow of an exchange whose session has ended (docs/differences.md). Both connections are gone and the
 * record is written: whatever becomes of it changes nothing but what the session's row of analytics has captured.
 */
export function runSessionEnd(x: Exchange, record: SessionRecord): void {
  x.ended = record;
  x.inTarget = false;
  try {
    void x.chains.sessionEnd?.(x);
  } catch (thrown) {
    if (!isFault(thrown)) return x.gateway.defect(thrown);
    const { code, policy } = thrown;
    if (policy !== null) x.gateway.metrics.policyFault(x.program, policy);
    const place = { id: x.id, proxy: x.program.proxy };
    x.gateway.log.event("session_flow_failed", { ...place, fault: code, policy }, "warn");
  }
}

function tellDone(x: Exchange, owner: ChainOwner): void {
  try {
    owner.chainDone();
  } catch (defect) {
    breakOff(x, defect);
  }
}

function tellFaulted(x: Exchange, owner: ChainOwner): void {
  try {
    owner.chainFaulted();
  } catch (defect) {
    breakOff(x, defect);
  }
}

/** What stands between two chains has failed: nobody is left to answer, and a client must not wait for ever. */
function breakOff(x: Exchange, defect: unknown): void {
  x.gateway.defect(defect);
  x.socket.destroy();
}

/** The answer to a fault that no rule has touched. */
export function faultResponse(cause: Fault): ResponseMessage {
  if (cause.response !== null) return cause.response;
  const response = new ResponseMessage(cause.status, "", ["Content-Type", "application/json", ...(cause.headers ?? [])]);
  response.content = faultBody(cause.text, cause.code);
  return response;
}

/** Puts an exchange into the state of a fault: its answer is the one that no rule has touched. */
export function takeFault(x: Exchange, thrown: unknown): Fault {
  const cause = isFault(thrown) ? thrown : internalError(x, thrown);
  x.trace?.end(x, cause);
  if (cause.policy !== null) {
    x.noteFailed(cause.policy, cause);
    x.gateway.metrics.policyFault(x.program, cause.policy);
  }
  x.fault = cause;
  x.response = faultResponse(cause);
  return cause;
}

/** The same when the answer is on its way and stays what it is: the fault is only noted. */
export function breakExchange(x: Exchange, thrown: unknown): Fault {
  const { response } = x;
  const cause = takeFault(x, thrown);
  x.response = response;
  return cause;
}

function internalError(x: Exchange, thrown: unknown): Fault {
  x.gateway.defect(thrown);
  return fault("gateway.InternalError");
}
