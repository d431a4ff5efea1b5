/**
 * A listener: one server socket and the HTTP connections it accepted. It owns node's server with every option said,
 * and the order in which a listener stops. It refuses to know what a request means: handlers do.
 */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import { hasBody } from "../body/framing.ts";
import type { Forwarding } from "../client/client.ts";
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { listHas, sameName } from "../message/field-grammar.ts";
import { bind, type ListenAt } from "./bind.ts";
import { Connections } from "./connections.ts";
import { answerFor, answerToConnect, refuse, type RefusalKind } from "./refusal.ts";

/** The limits that a listener keeps. */
export type ListenLimits = Pick<
  Limits,
  | "connectionsMax"
  | "keepAliveTimeoutMs"
  | "proxyHeaderBytesMax"
  | "proxyHeaderTimeoutMs"
  | "requestHeadBytesMax"
  | "requestHeadersMax"
  | "requestHeadTimeoutMs"
  | "requestTimeoutMs"
  | "requestsPipelinedMax"
  | "tcpKeepAliveMs"
  | "tlsHandshakeTimeoutMs"
>;

export interface ListenerHandlers {
  /**
   * True for requests that go to `onUpgrade`; all others, whatever they ask to upgrade to, are plain (guard.ts has
   * it), and so is one that is pipelined behind a request still being answered. A listener without upgrades says
   * `() => false`.
   */
  readonly isUpgrade: (request: IncomingMessage) => boolean;
  /** A plain request. One that expects `100-continue` comes here too: `response.writeContinue()` asks for its body. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /**
   * An upgrade request and what followed its head. The socket is the handler's from here on, error listener included,
   * until `reattach`. A request that announced a body still has node's parser on its socket: answer it and close.
   */
  readonly onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
  /** A connection or request was refused without a handler having seen it. */
  readonly onRefused?: (kind: RefusalKind) => void;
}

/** What a preface needs of the listener. */
export interface PrefaceHost {
  readonly isTls: boolean;
  readonly clock: Clock;
  readonly limits: ListenLimits;
  /** So many bytes at the start of a connection were not the client's. */
  readonly onRead: (socket: Socket, bytes: number) => void;
  /** A connection did not begin as it must. */
  readonly onRefused: () => void;
}

/** Reads what comes on every connection before TLS and HTTP (proxied.ts); called before others listen. */
export type ListenerPreface = (server: NetServer, host: PrefaceHost) => void;

export interface ListenerOptions extends ListenerHandlers {
  /** For logs. */
  readonly name: string;
  readonly at: ListenAt;
  readonly limits: ListenLimits;
  readonly clock: Clock;
  /** Whose forwarding headers are believed; absent: nobody's. */
  readonly forwarding?: Forwarding | null;
  readonly preface?: ListenerPreface | null;
}

export interface Listener {
  readonly name: string;
  readonly scheme: "http" | "https";
  /** Whose forwarding headers are believed; null: nobody's. */
  readonly forwarding: Forwarding | null;
  /** `127.0.0.1:8080`, `[::1]:8080`, or the path of a Unix socket. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Connections open now, upgraded ones included. */
  readonly connections: number;
  /** Connections accepted since the start. */
  readonly accepted: number;
  /** Hands the socket of a refused upgrade back to HTTP. Nobody else may listen for its data any more. */
  reattach(socket: Socket): void;
  /** Stops listening at a moment when the accept queue is empty; from then on every answer says `Connection: close`. */
  stopAccepting(): Promise<void>;
  /** Closes connections that wait between two requests. Those that were just accepted are not idle. */
  closeIdle(): void;
  /** Settles when it stopped listening and the last connection is gone. */
  readonly closed: Promise<void>;
  /** Destroys every connection. */
  destroyAll(): void;
}

/** Between two looks for requests that take too long; a late head is noticed this much later. */
const CHECK_INTERVAL_MS = 1_000;
/** Added to the announced keep-alive time, so that a request sent at the last moment is still served. */
const KEEP_ALIVE_BUFFER_MS = 1_000;
/** Turns of the event loop among which `stopAccepting` looks for a calm one. Counted, not timed: a stall is no calm. */
const CALM_TURNS_MAX = 2_000;
/** A turn this short did nothing but look at its sockets; the longer the search, the longer a turn may be. */
const CALM_TURN_MS = 0.03;
const CALM_TURN_GROWTH_MS = 0.001;

/** Opens a plain TCP (or Unix socket) listener. Rejects with the system's error when it cannot listen. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const connections = new Connections();
  const server = createServer(serverOptions(options, connections));
  const listener = new HttpListener(server, options, "http", connections);
  await listener.listen();
  return listener;
}

/**
 * Options of node's HTTP server, none left to its defaults. An upgrade that a client pipelines behind a request still
 * being answered is a plain request: its answer has to wait its turn, which nobody but node keeps, and behind a 101
 * the earlier answer would land between the frames. Upgrades to other protocols come out of HTTP as well, where they
 * can: see HttpListener's #replay.
 */
export function serverOptions({ limits, isUpgrade }: ListenerOptions, connections: Connections): ServerOptions {
  return {
    maxHeaderSize: limits.requestHeadBytesMax,
    headersTimeout: limits.requestHeadTimeoutMs,
    requestTimeout: Math.max(limits.requestTimeoutMs, limits.requestHeadTimeoutMs),
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    keepAliveTimeoutBuffer: KEEP_ALIVE_BUFFER_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    shouldUpgradeCallback: (request) => {
      return connections.answering(request.socket) === 0 && (isUpgrade(request) || !hasBody(request));
    },
    // Handlers look at Host: node would answer 400 itself and still hand out what is pipelined behind that.
    requireHostHeader: false,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    rejectNonStandardBodyWrites: false,
    optimizeEmptyRequests: false,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: limits.tcpKeepAliveMs,
  };
}

/** Whether node's parser took it for an upgrade, and has thrown away what followed it in its packet: see `#replay`. */
function isCutOff({ headers }: IncomingMessage): boolean {
  return headers.upgrade !== undefined && listHas(headers.connection ?? "", "upgrade");
}

/** A listener around a server that is not listening yet; tls.ts gives it one for TLS. */
export class HttpListener implements Listener {
  readonly name: string;
  readonly scheme: "http" | "https";
  readonly forwarding: Forwarding | null;
  readonly closed: Promise<void>;
  readonly #server: Server;
  readonly #options: ListenerOptions;
  /** The event that hands a socket to HTTP. */
  readonly #entry: "connection" | "secureConnection";
  readonly #connections: Connections;
  /** On TLS the TCP sockets below, those in their TLS handshake included; bounded like connections. */
  readonly #transports = new Set<{ socket: Socket | null }>();
  #stopping: Promise<void> | null = null;
  #isStopped = false;
  #address = "";
  #port = 0;

  constructor(server: Server, options: ListenerOptions, scheme: "http" | "https", connections: Connections) {
    const entry = scheme === "https" ? "secureConnection" : "connection";
    this.name = options.name;
    this.scheme = scheme;
    this.forwarding = options.forwarding ?? null;
    this.#connections = connections;
    this.#server = server;
    this.#options = options;
    this.#entry = entry;
    this.closed = new Promise((resolve) => void server.once("close", resolve));
    server.maxHeadersCount = options.limits.requestHeadersMax;
    server.maxRequestsPerSocket = 0;
    server.maxConnections = options.limits.connectionsMax;
    server.timeout = 0;
    options.preface?.(server, {
      isTls: scheme === "https",
      clock: options.clock,
      limits: options.limits,
      onRead: (socket, bytes) => connections.prefaced(socket, bytes),
      onRefused: () => options.onRefused?.("proxyHeader"),
    });
    if (entry === "secureConnection") server.prependListener("connection", (socket: Socket) => this.#transport(socket));
    server.prependListener(entry, (socket: Socket) => this.#connections.add(socket));
    server.on("request", (request, response) => this.#request(request, response));
    server.on("checkContinue", (request, response) => this.#request(request, response));
    server.on("checkExpectation", (request, response) => this.#request(request, response));
    server.on("upgrade", (request, stream, head) => {
      if (!options.isUpgrade(request)) return this.#replay(request, head);
      // A body still to come makes node hand out a wrapper; the connection itself is what handlers answer on. Its errors
      // are the wrapper's as well.
      if (stream !== request.socket) stream.on("error", () => undefined);
      this.#connections.upgrade(request.socket);
      options.onUpgrade(request, request.socket, head);
    });
    server.on("connect", (request) => {
      options.onRefused?.(answerToConnect().kind);
      refuse(request.socket, answerToConnect(), options.clock);
    });
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => this.#clientError(error, socket as Socket));
    server.on("drop", () => options.onRefused?.("connections"));
  }

  get address(): string {
    return this.#address;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#entry === "connection" ? this.#connections.size : this.#transports.size;
  }

  get accepted(): number {
    return this.#connections.accepted;
  }

  /** Binds and listens. */
  async listen(): Promise<void> {
    const bound = await bind(this.#server, this.#options.at);
    this.#address = bound.address;
    this.#port = bound.port;
    // Out of file descriptors, for one: the next accept may succeed.
    this.#server.on("error", () => this.#options.onRefused?.("accept"));
  }

  reattach(socket: Socket): void {
    if (socket.destroyed) return;
    this.#connections.reattach(socket);
    this.#server.emit(this.#entry, socket);
    if (socket.readableFlowing === false) socket.resume();
  }

  stopAccepting(): Promise<void> {
    this.#stopping ??= this.#stopWhenCalm();
    return this.#stopping;
  }

  closeIdle(): void {
    this.#connections.closeIdle();
  }

  destroyAll(): void {
    this.#connections.destroyAll();
    for (const { socket } of this.#transports) socket?.destroy();
  }

  #transport(socket: Socket): void {
    // Not the socket itself: see Connections.
    const transport: { socket: Socket | null } = { socket };
    this.#transports.add(transport);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#transports.delete(transport);
      transport.socket = null;
    });
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    // Node hands out all requests of one packet at once, also those behind an answer that says `Connection: close`.
    if (!this.#connections.begin(request, response)) return;
    if (this.#connections.answering(request.socket) > this.#options.limits.requestsPipelinedMax) {
      this.#options.onRefused?.("badRequest");
      request.socket.destroy();
      return;
    }
    if (this.#isStopped || isCutOff(request)) response.shouldKeepAlive = false;
    this.#options.onRequest(request, response);
  }

  /**
   * Node's parser takes what follows a request with Upgrade for the other protocol. Where that is declined the rest of
   * the packet is lost, and the next request with it, or its beginning. So the request is read once more, without.
   */
  #replay({ method, url, httpVersion, rawHeaders, socket }: IncomingMessage, head: Buffer): void {
    if (socket.destroyed) return;
    let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] ?? "";
      if (!sameName(name, "upgrade")) text += `${name}: ${rawHeaders[at + 1]}\r\n`;
    }
    socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, "latin1"), head]));
    this.#server.emit(this.#entry, socket);
  }

  #clientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const verdict = this.#connections.refusal(socket);
    if (verdict === "ignore") return;
    if (verdict === "unknown") {
      // A TLS handshake that failed, or took longer than tlsHandshakeTimeoutMs.
      this.#options.onRefused?.("tls");
      socket.destroy();
      return;
    }
    const answer = answerFor(error.code);
    // A client that sent nothing since its last answer, or ever, asked nothing: its time-out needs no answer, no count.
    if (answer === null || (answer.kind === "timeout" && this.#connections.isSilent(socket))) {
      socket.destroy();
      return;
    }
    this.#options.onRefused?.(answer.kind);
    if (verdict === "answer") refuse(socket, answer, this.#options.clock);
    else if (verdict === "drop") socket.destroy();
  }

  /**
   * Connections that the kernel has established and the process has not accepted are reset when the socket closes.
   * libuv accepts until that queue is empty, then runs other callbacks, then immediates: at the end of a turn that
   * accepted nothing and took only microseconds the queue was empty those microseconds ago
   * (docs/decisions/0003-deploy-overlap.md).
   */
  async #stopWhenCalm(): Promise<void> {
    const { clock } = this.#options;
    let turnMs = clock.monotonicMs();
    for (let turn = 0; turn < CALM_TURNS_MAX; turn++) {
      const accepted = this.#connections.accepted;
      await new Promise((resolve) => void setImmediate(resolve));
      const nowMs = clock.monotonicMs();
      const isShort = nowMs - turnMs <= CALM_TURN_MS + CALM_TURN_GROWTH_MS * turn;
      turnMs = nowMs;
      if (isShort && this.#connections.accepted === accepted) break;
    }
    this.#isStopped = true;
    // Not http's close: that also ends the checks for slow requests and every connection that sent nothing yet.
    NetServer.prototype.close.call(this.#server);
    this.#connections.lastAnswers();
  }
}
