/**
 * One HTTP request to a target over its keep-alive pool: head written anew, body streamed with back-pressure, bounded in time.
 * Failures become Apigee's faults (apigee-core section 3.9).
 */
import { request as requestHttp, type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import type { Socket } from "node:net";
import type { Timer } from "../clock.ts";
import type { Exchange } from "../context.ts";
import { fault, type Fault } from "../fault.ts";
import { outgoingLines, writeRequestHead, type Forwarded } from "../head.ts";
import { addressTarget } from "./address.ts";
import { pickServer } from "./target.ts";

/** Hears what became of the request. */
export interface HttpTargetOwner {
  /** The final head; its body follows on the message. */
  targetAnswered(answer: IncomingMessage, waitedMs: number): void;
  /** No answer, or none that is whole. Also after `targetAnswered`, when the body breaks off. */
  targetFailed(cause: Fault, detail: string): void;
  /** An interim answer other than 101. */
  targetInformed(status: number, lines: string[]): void;
}

/** How often a request may meet a kept connection that its target has just ended. */
const REPEATS_MAX = 2;
/** RFC 9110 section 9.2.2, without what usually has a body. */
const idempotent: ReadonlySet<string> = /* @__PURE__ */ new Set(["GET", "HEAD", "OPTIONS", "DELETE"]);

export class HttpTarget {
  readonly #x: Exchange;
  readonly #incoming: IncomingMessage;
  readonly #owner: HttpTargetOwner;
  readonly #options: RequestOptions;
  #request: ClientRequest;
  /** Nothing is lost or done twice when the request is sent again. */
  readonly #isRepeatable: boolean;
  #repeats = 0;
  readonly #sentMs: number;
  readonly #ioTimeoutMs: number;
  #timer: Timer | null = null;
  #dueMs: number;
  #isConnected = false;
  #isOver = false;
  /** Body bytes sent. */
  bytesSent = 0;

  /** Sends at once. Throws a fault when the address or a header is not valid. */
  constructor(x: Exchange, incoming: IncomingMessage, body: Buffer | null, forwarded: Forwarded, owner: HttpTargetOwner) {
    const { target, gateway } = x;
    if (target === null) throw new TypeError("invariant: only routed exchanges have a target");
    this.#x = x;
    this.#incoming = incoming;
    this.#owner = owner;
    this.#ioTimeoutMs = target.ioTimeoutMs;
    const address = addressTarget(x, target, pickServer(target));
    // Written only to have every name and value checked by the one writer of heads.
    const head = writeRequestHead(x.request, { host: address.host, upgrade: null, forwarded });
    if (typeof head !== "string") throw fault("steps.assignmessage.SetVariableFailed", head.refused);
    const lines = outgoingLines(x.request, address.host, forwarded);
    const length = body === null ? x.request.headerLine("content-length") : String(body.length);
    const isChunked = incoming.headers["transfer-encoding"] !== undefined;
    if (isChunked && body === null) lines.push("Transfer-Encoding", "chunked");
    else if (length !== null) lines.push("Content-Length", length);
    const query = address.query === null ? "" : `?${address.query}`;
    this.#sentMs = gateway.clock.monotonicMs();
    this.#dueMs = this.#sentMs + target.connectTimeoutMs;
    this.#timer = gateway.clock.setTimer(this.#onTimer, target.connectTimeoutMs);
    this.#options = {
      agent: target.agent,
      host: address.server.host,
      port: address.server.port,
      method: x.request.verb,
      path: address.path + query,
      headers: lines,
      setHost: false,
      setDefaultHeaders: false,
      protocol: `${target.scheme}:`,
      maxHeaderSize: gateway.limits.responseHeadBytesMax,
    };
    this.#isRepeatable = body === null && length === null && !isChunked && idempotent.has(x.request.verb);
    this.#request = this.#open();
    if (body !== null) this.#request.end(body);
    else if (length === null && !isChunked) this.#request.end();
    else this.#stream();
  }

  #open(): ClientRequest {
    const request = requestHttp(this.#options);
    request.on("socket", this.#onSocket).on("response", this.#onResponse).on("error", this.#onError);
    request.on("information", (info) => this.#owner.targetInformed(info.statusCode, info.rawHeaders));
    request.on("upgrade", (_answer, socket) => {
      // Nobody asked for a switch; whatever follows is not HTTP.
      socket.destroy();
      this.#fail(fault("messaging.adaptors.http.flow.UnexpectedEOFAtTarget"), "unasked switch of protocols");
    });
    return request;
  }

  /** Bytes have moved: the target is not silent. */
  touch(): void {
    this.#dueMs = this.#x.gateway.clock.monotonicMs() + this.#ioTimeoutMs;
  }

  /** Nobody wants the answer any more; harmless when it is whole. */
  abort(): void {
    if (this.#isOver) return;
    this.#end();
    this.#request.destroy();
  }

  #stream(): void {
    const { socket } = this.#incoming;
    // The target may answer before the body comes, and the client may wait for that.
    this.#request.flushHeaders();
    this.#incoming.on("data", (bytes: Buffer) => {
      this.bytesSent += bytes.length;
      this.touch();
      if (!this.#isOver && !this.#request.write(bytes)) this.#incoming.pause();
    });
    this.#request.on("drain", () => {
      this.touch();
      this.#incoming.resume();
    });
    this.#incoming.on("end", () => {
      if (!this.#isOver) this.#request.end();
    });
    if (socket.destroyed) this.abort();
  }

  readonly #onSocket = (socket: Socket): void => {
    if (!socket.connecting) return this.#connected();
    socket.once(this.#x.target?.scheme === "https" ? "secureConnect" : "connect", this.#connected);
  };

  readonly #connected = (): void => {
    this.#isConnected = true;
    this.touch();
    if (this.#timer === null || this.#isOver) return;
    const { clock } = this.#x.gateway;
    clock.clearTimer(this.#timer);
    this.#timer = clock.setTimer(this.#onTimer, this.#ioTimeoutMs);
  };

  readonly #onResponse = (answer: IncomingMessage): void => {
    if (this.#isOver) {
      answer.destroy();
      return;
    }
    this.touch();
    answer.on("close", () => {
      if (!answer.complete) return this.#fail(fault("messaging.adaptors.http.flow.UnexpectedEOFAtTarget"), "answer broke off");
      this.#end();
    });
    this.#owner.targetAnswered(answer, this.#x.gateway.clock.monotonicMs() - this.#sentMs);
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    const code = error.code ?? error.name;
    if (this.#isRepeatable && !this.#isOver && this.#request.reusedSocket && this.#repeats < REPEATS_MAX) {
      // The target ended a kept connection just when it was used again (RFC 9112 section 9.3.1).
      this.#repeats++;
      this.#isConnected = false;
      this.#request = this.#open();
      this.#request.end();
      return;
    }
    if (!this.#isConnected) return this.#fail(fault(connectFault(code)), code);
    this.#fail(fault("messaging.adaptors.http.flow.UnexpectedEOFAtTarget"), code);
  };

  readonly #onTimer = (): void => {
    const { clock } = this.#x.gateway;
    const leftMs = this.#dueMs - clock.monotonicMs();
    if (this.#isOver) return;
    if (leftMs > 0) {
      this.#timer = clock.setTimer(this.#onTimer, leftMs);
      return;
    }
    const code = this.#isConnected ? "GatewayTimeout" : "ServiceUnavailable";
    this.#fail(fault(`messaging.adaptors.http.flow.${code}`), this.#isConnected ? "silent for too long" : "no connection in time");
  };

  #fail(cause: Fault, detail: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#request.destroy();
    this.#owner.targetFailed(cause, detail);
  }

  #end(): void {
    this.#isOver = true;
    // What the client still sends is read and dropped, so that it gets to reading its answer.
    if (!this.#incoming.readableEnded) this.#incoming.resume();
    if (this.#timer !== null) this.#x.gateway.clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

/** TLS failures have codes of their own; everything else before the connection stands is connectivity. */
function connectFault(code: string) {
  const isTls = code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL") || code.startsWith("CERT_") || tlsCodes.has(code);
  return isTls ? "messaging.adaptors.http.flow.SslHandshakeFailed" : "messaging.adaptors.http.flow.ServiceUnavailable";
}

const tlsCodes: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);
