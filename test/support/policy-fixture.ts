/**
 * An exchange for tests of single policies: real store, cache, revocations and session, a hand-moved clock, no sockets.
 */
import type { Socket } from "node:net";
import { directClient, type Forwarding } from "#runtime/client/client.ts";
import { resolveBasis } from "#runtime/access/resolve.ts";
import { VerifiedCache } from "#runtime/access/verified-cache.ts";
import { Exchange } from "#runtime/context.ts";
import { isFault } from "#runtime/fault.ts";
import type { Fault } from "#runtime/fault.ts";
import type { Gateway } from "#runtime/gateway.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { Limits } from "#runtime/limits.ts";
import { andThen } from "#runtime/maybe.ts";
import { RequestMessage } from "#runtime/message/message.ts";
import type { ProxyProgram } from "#runtime/program.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import type { Store } from "#runtime/state/store.ts";
import { Revocations } from "#runtime/upgrade/revocation.ts";
import { SessionFixture } from "./session-fixture.ts";

/** How an exchange differs from a GET of /rooms/1 over plain HTTP. */
export interface ExchangeOptions {
  readonly headers?: readonly string[];
  readonly query?: string | null;
  readonly verb?: string;
  readonly pathSuffix?: string;
  /** Of the connection. */
  readonly address?: string;
  /** Where the environment says that the client is; absent: at the connection's other end. */
  readonly clientAddress?: string;
  /** The connection is a trusted proxy's. */
  readonly trusted?: boolean;
  /** With a session, as for an upgrade. */
  readonly upgrade?: boolean;
  readonly proxy?: string;
  readonly environment?: string;
}

/** Trusts the peer, and reads nothing of it. */
const NO_FORWARDING: Forwarding = { client: () => null, tidy: () => undefined };

/** A gateway without listeners and targets. */
export class PolicyFixture {
  readonly around = new SessionFixture();
  readonly clock = this.around.clock;
  readonly limits: Limits;
  readonly store: Store;
  readonly revocations: Revocations;
  readonly gateway: Gateway;

  constructor(options: { readonly limits?: Partial<Limits>; readonly store?: (memory: MemoryStore) => Store } = {}) {
    this.limits = { ...defaultLimits, ...options.limits };
    const memory = new MemoryStore(this.clock, this.limits);
    this.store = options.store?.(memory) ?? memory;
    this.revocations = new Revocations(this.store, this.around.sessions, this.limits, {
      isStillGood: (basis) => andThen(
        resolveBasis(this.store, this.clock, basis),
        (found) => typeof found !== "string",
      ),
    });
    const parts: Partial<Gateway> = {
      organization: "acme",
      clock: this.clock,
      limits: this.limits,
      store: this.store,
      revocations: this.revocations,
      verified: new VerifiedCache(this.store, this.revocations, this.clock, this.limits),
      sessions: this.around.sessions,
      counters: new Map(),
      spans: null,
      tracing: null,
    };
    this.gateway = parts as Gateway;
  }

  /** Listens for revocations, as a started gateway does. */
  async start(): Promise<this> {
    await this.revocations.start();
    return this;
  }

  /** A new exchange. */
  exchange(options: ExchangeOptions = {}): Exchange {
    const { headers = [], query = null, verb = "GET", pathSuffix = "/rooms/1", address = "192.0.2.1" } = options;
    const program: Partial<ProxyProgram> = {
      proxy: options.proxy ?? "chat",
      environment: options.environment ?? "prod",
      endpoint: "default",
      basePath: "/v1",
    };
    const socket: Partial<Socket> = { remoteAddress: address };
    const client = directClient(socket as Socket, "http");
    return new Exchange({
      gateway: this.gateway,
      program: program as ProxyProgram,
      request: new RequestMessage(verb, `/v1${pathSuffix}`, query, "1.1", [...headers]),
      socket: socket as Socket,
      client: { ...client, ...(options.trusted === true ? { forwarding: NO_FORWARDING } : {}) },
      clientAddress: options.clientAddress ?? client.address,
      host: "api.example.com",
      pathSuffix,
      session: options.upgrade === true ? this.around.begin() : null,
    });
  }
}

/** The fault that a step throws or rejects with; fails when there is none, and passes defects on. */
export async function faultOf(step: () => unknown): Promise<Fault> {
  try {
    await step();
  } catch (thrown) {
    if (isFault(thrown)) return thrown;
    throw thrown;
  }
  throw new Error("the step raised no fault");
}
