/**
 * One WebSocket connection as a governed object, from the start of its handshake to its record: which credentials
 * admitted it, until when, how it ends. It moves no bytes (splice.ts), keeps no list (session-index.ts) and sets no
 * timer of its own.
 */
import type { SpanId } from "../otlp/span.ts";
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { Credential, CredentialKind, CredentialLabels } from "../access/credential.ts";
import { sessionIdOf } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import type { HandshakeMark } from "../observe/analytics-exchange.ts";
import { NO_FLIGHT, type FlightEvent, type FlightKind, type FlightRecorder } from "../observe/flight-recorder.ts";
import type { SessionRecord, SessionTimer } from "../observe/record.ts";
import { closeReasons, TARGET_CLOSE_CODE } from "./close-reason.ts";
import type { CloseReasonId, CloseWords } from "./close-reason.ts";
import { NOT_SCHEDULED } from "../scheduler.ts";
import type { Scheduled, Scheduler } from "../scheduler.ts";
import type { Sessions } from "./session-index.ts";
import type { SpliceCounters, SpliceEnd, SpliceOwner } from "./splice.ts";

/** What all sessions of one route share. */
export interface SessionRoute {
  readonly environment: string;
  readonly proxy: string;
  /** Name of the proxy endpoint. */
  readonly endpoint: string;
  /** `proxyIdentity(proxy)`, made once. */
  readonly proxyIdentity: Identity;
  /** Time without a byte in either direction; Infinity: none. */
  readonly idleTimeoutMs: number;
  /** Time from the 101; Infinity: none. */
  readonly maxDurationMs: number;
  /** Time that an open session outlives its token, so that a renewal can come; 0: none. */
  readonly renewalGraceMs: number;
  /** What the route says in place of the close-reason table. */
  readonly closes: { readonly [reason in CloseReasonId]?: { readonly code: number; readonly text: string } };
  /** Revocations and changes that do not end open sessions of the route. */
  readonly survives?: readonly CloseReasonId[];
}

/** What all sessions of one gateway share. */
export interface SessionServices {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly sessions: Sessions;
  readonly limits: Pick<Limits, "credentialsPerSessionMax">;
  /** Remembers the last events of each session; absent: nothing does. */
  readonly flight?: FlightRecorder;
  /** Called exactly once for each session whose target answered 101. `wasOpen`: the client got that 101. */
  onRecord(record: SessionRecord, wasOpen: boolean): void;
  /** Called behind that and behind the session's own `onEnd`, if the client got the 101. */
  onEnded?(record: SessionRecord): void;
}

/** The handshake, as long as there is one. */
export interface SessionAbort {
  /** Answer the client by the reason's status and let go of the target. Called at most once; then call `abandon`. */
  onAbort(reason: CloseReasonId): void;
}

/** What a session needs of its splice. Nothing here knows how bytes move. */
export interface SessionSplice {
  /** Monotonic time of the last byte in either direction. */
  readonly lastActivityMs: number;
  /** Monotonic time at which `check` must be called; Infinity: none. */
  readonly dueMs: number;
  check(nowMs: number): void;
  counters(): SpliceCounters;
  end(reason: CloseReasonId, code: number, text: string): void;
}

/** `closing`: somebody began to end it. `closed`: both sockets are gone, or the handshake came to nothing. */
export type SessionState = "handshake" | "open" | "closing" | "closed";

const NO_CREDENTIALS: readonly Credential[] = [];
const NO_IDENTITIES: readonly Identity[] = [];

export class Session implements SpliceOwner, Scheduled {
  readonly id: string;
  readonly route: SessionRoute;
  readonly clientAddress: string;
  state: SessionState = "handshake";
  /** Why the gateway ends it; null while it does not. */
  endReason: CloseReasonId | null = null;
  /** What admitted it, in the order of verification. */
  credentials: readonly Credential[] = NO_CREDENTIALS;
  /** Epoch up to which all credentials were found good again after changes (`Revocations.confirm`). */
  confirmedEpoch = 0;
  /** Name of the target endpoint; null until there is one. */
  target: string | null = null;
  /** The span of its handshake; null where the gateway takes no part in traces. */
  span: SpanId | null = null;
  /** What its row of analytics will say of the handshake; null without analytics. */
  mark: HandshakeMark | null = null;
  /** Hears of its record when that is written, if the client got the 101; may not throw. */
  onEnd: ((record: SessionRecord) => void) | null = null;
  /** Wall clock at the start of the handshake. */
  readonly startedAtMs: number;
  /** See Scheduled. */
  dueMs = Infinity;
  /** The scheduler's own. */
  scheduledAt = NOT_SCHEDULED;
  /** The index's own. */
  serial = 0;
  readonly #services: SessionServices;
  /** Monotonic clock at the start of the handshake. */
  readonly startedMs: number;
  #openedMs = 0;
  #renewals = 0;
  /** Wall clock; the earliest expiry of all credentials. */
  #expiresAtMs = Infinity;
  #abort: SessionAbort | null;
  /** True from the moment that no byte may pass any more. */
  #isCut = false;
  #splice: SessionSplice | null = null;
  /** Its place in the flight recorder. */
  #flight = NO_FLIGHT;

  /** Use `Session.begin`. */
  constructor(services: SessionServices, route: SessionRoute, clientAddress: string, abort: SessionAbort) {
    const { clock } = services;
    this.#services = services;
    this.route = route;
    this.clientAddress = clientAddress;
    this.#abort = abort;
    this.id = clock.randomId();
    this.startedAtMs = clock.wallMs();
    this.startedMs = clock.monotonicMs();
  }

  /**
   * Starts a session with its handshake, in the index from the first moment on. Null: the process is full (overload).
   */
  static begin(
    services: SessionServices,
    route: SessionRoute,
    clientAddress: string,
    abort: SessionAbort,
  ): Session | null {
    const session = new Session(services, route, clientAddress, abort);
    return services.sessions.add(session) ? session : null;
  }

  /** Every identity it is indexed under, each once. */
  identities(): readonly Identity[] {
    return identitiesOf(this.route, this.credentials);
  }

  /** Labels of all its credentials in one; the first that tells wins. */
  labels(): CredentialLabels {
    let app: string | null = null;
    let developer: string | null = null;
    let product: string | null = null;
    let keyFingerprint: string | null = null;
    for (const { labels } of this.credentials) {
      app ??= labels.app;
      developer ??= labels.developer;
      product ??= labels.product;
      keyFingerprint ??= labels.keyFingerprint;
    }
    return { app, developer, product, keyFingerprint };
  }

  /** Time since the 101, or since the start of a handshake that is still under way. */
  ageMs(): number {
    return this.#services.clock.monotonicMs() - (this.state === "handshake" ? this.startedMs : this.#openedMs);
  }

  /** Bytes and frames so far; null before the 101. */
  counters(): SpliceCounters | null {
    return this.#splice === null ? null : this.#splice.counters();
  }

  /**
   * Notes what a verify step found, before anything is waited for: from here on revocations reach the session. False:
   * it has credentialsPerSessionMax already, and the handshake must be refused.
   */
  addCredential(credential: Credential): boolean {
    if (this.credentials.length >= this.#services.limits.credentialsPerSessionMax) return false;
    if (this.credentials.length > 0) {
      this.#setCredentials([...this.credentials, credential]);
      return true;
    }
    // Most sessions have one credential: nothing is lost, and the proxy is the only identity that it can repeat.
    this.credentials = [credential];
    const { proxyIdentity } = this.route;
    const { identities } = credential;
    const won = identities.includes(proxyIdentity) ? identities.filter((name) => name !== proxyIdentity) : identities;
    this.#services.sessions.move(this, NO_IDENTITIES, won);
    this.#expiresAtMs = this.#endOf(credential);
    this.#reschedule();
    return true;
  }

  /** Puts another form of a credential in its place; deadline and identities follow. False: the old one is not here. */
  replaceCredential(old: Credential, other: Credential): boolean {
    if (!this.credentials.includes(old)) return false;
    this.#setCredentials(this.credentials.map((credential) => (credential === old ? other : credential)));
    return true;
  }

  /** The same with another token. False also when the session is ending. */
  renew(old: Credential, renewed: Credential): boolean {
    const isLate = this.endReason !== null || this.state === "closed";
    if (isLate || !this.replaceCredential(old, renewed)) return false;
    this.#renewals++;
    return true;
  }

  /** Reason of a credential that has expired by now, null while none has. */
  expired(): CloseReasonId | null {
    if (this.#expiresAtMs === Infinity || this.#services.clock.wallMs() < this.#expiresAtMs) return null;
    const first = this.credentials.find((credential) => this.#endOf(credential) === this.#expiresAtMs);
    return first === undefined ? null : expiryReasons[first.kind];
  }

  /** From the request to its 101, monotonic; what the log says of both is one figure. */
  get handshakeMs(): number {
    return this.#openedMs - this.startedMs;
  }

  /** The 101 has left. Call it before the splice's `open`. */
  opened(splice: SessionSplice): void {
    this.#splice = splice;
    this.#abort = null;
    this.#openedMs = this.#services.clock.monotonicMs();
    this.state = "open";
    this.#flight = this.#services.flight?.take() ?? NO_FLIGHT;
    this.#note("open", null);
    if (this.route.renewalGraceMs > 0) this.#expiresAtMs = Math.min(...this.credentials.map((one) => this.#endOf(one)));
    const reason = this.endReason;
    if (reason !== null) this.#endSplice(splice, reason);
    this.#reschedule();
  }

  /**
   * The handshake came to nothing: the session leaves the index. A record is written only when the target had answered
   * 101; `reason` is why then, unless the gateway had decided to end it before.
   */
  abandon(targetAccepted: boolean, reason: CloseReasonId = "refusedAfterAccept"): void {
    if (this.state === "closed" || this.#splice !== null) return;
    this.#leave();
    if (!targetAccepted) return;
    const why = this.endReason ?? reason;
    this.#services.onRecord(
      this.#record({
        reason: why,
        closedBy: why === "clientLost" || why === "clientClosed" ? "client" : "gateway",
        code: TARGET_CLOSE_CODE,
        text: closeReasons[why].text,
        forced: false,
        ...NOTHING_MOVED,
      }),
      false,
    );
  }

  /**
   * Ends it: the handshake is aborted, an open session closed by the reason's code, or with `words`. The first reason
   * counts; a later one only stops the bytes that a gentler one still lets pass.
   */
  end(reason: CloseReasonId, words?: CloseWords): void {
    if (this.state === "closed" || this.#isCut) return;
    const { cutsTraffic } = closeReasons[reason];
    const isFirst = this.endReason === null;
    if (!isFirst && !cutsTraffic) return;
    this.endReason ??= reason;
    this.#isCut = cutsTraffic;
    if (this.#splice !== null) this.#endSplice(this.#splice, reason, words);
    else if (isFirst) this.#abortHandshake(reason);
    this.#reschedule();
  }

  /** Takes what time its peers had left to end in order: both connections go at once. Call `end` before. */
  breakOff(): void {
    this.#splice?.check(Infinity);
  }

  /** The wall clock was set: what expires by it is due at another time. */
  clockStepped(): void {
    this.#reschedule();
  }

  /** See Scheduled. */
  fire(nowMs: number): void {
    const reason = this.#isCut ? null : this.#dueReason(nowMs);
    if (reason !== null) this.end(reason);
    else if (this.#splice !== null && this.#splice.dueMs <= nowMs) this.#splice.check(nowMs);
    this.dueMs = this.#nextDueMs();
  }

  /** See SpliceOwner. */
  spliceDue(splice: SessionSplice): void {
    if (splice.dueMs >= this.dueMs || this.state === "closed") return;
    this.dueMs = splice.dueMs;
    this.#services.scheduler.schedule(this);
  }

  /** See SpliceOwner. */
  spliceClosing(_splice: SessionSplice, reason: CloseReasonId): void {
    if (this.state === "open") this.state = "closing";
    this.#note("closing", reason);
  }

  /** See SpliceOwner. */
  spliceNoted(_splice: SessionSplice, kind: FlightKind): void {
    this.#note(kind, null);
  }

  /** Its last events, oldest first; none before the 101. */
  events(): readonly FlightEvent[] {
    return this.#services.flight?.read(this.#flight) ?? [];
  }

  #note(kind: FlightKind, reason: CloseReasonId | null): void {
    const { clock, flight } = this.#services;
    if (this.#splice === null || flight === undefined) return;
    flight.note(this.#flight, kind, reason, clock.monotonicMs() - this.#openedMs, this.#splice.counters());
  }

  /** See SpliceOwner. */
  spliceEnded(_splice: SessionSplice, end: SpliceEnd): void {
    if (this.state === "closed") return;
    this.#leave();
    const record = this.#record(end);
    const { flight, onRecord, onEnded } = this.#services;
    const isTold = flight !== undefined && (end.forced || closeReasons[end.reason].isError);
    onRecord(isTold ? { ...record, events: this.events() } : record, true);
    flight?.release(this.#flight);
    this.#flight = NO_FLIGHT;
    this.onEnd?.(record);
    onEnded?.(record);
  }

  #setCredentials(credentials: readonly Credential[]): void {
    const before = identitiesOf(this.route, this.credentials);
    const after = identitiesOf(this.route, credentials);
    this.credentials = credentials;
    this.#services.sessions.move(this, without(before, after), without(after, before));
    this.#expiresAtMs = Infinity;
    for (const credential of credentials) this.#expiresAtMs = Math.min(this.#expiresAtMs, this.#endOf(credential));
    this.#reschedule();
  }

  /** Wall clock at which a credential ends the session; Infinity: never. The grace is for tokens, once it is open. */
  #endOf({ kind, expiresAtMs }: Credential): number {
    if (expiresAtMs === null) return Infinity;
    const isGraced = this.#splice !== null && (kind === "token" || kind === "jwt");
    return isGraced ? expiresAtMs + this.route.renewalGraceMs : expiresAtMs;
  }

  #abortHandshake(reason: CloseReasonId): void {
    const abort = this.#abort;
    this.#abort = null;
    abort?.onAbort(reason);
  }

  #endSplice(splice: SessionSplice, reason: CloseReasonId, words?: CloseWords): void {
    this.state = "closing";
    const { code, text } = words ?? this.route.closes[reason] ?? closeReasons[reason];
    splice.end(reason, code, text);
  }

  /** The deadline that has come; a credential's goes first, because it is the one that guards something. */
  #dueReason(nowMs: number): CloseReasonId | null {
    const expired = this.expired();
    if (expired !== null || this.#splice === null || this.endReason !== null) return expired;
    if (nowMs >= this.#openedMs + this.route.maxDurationMs) return "lifetime";
    return nowMs >= this.#splice.lastActivityMs + this.route.idleTimeoutMs ? "idle" : null;
  }

  #nextDueMs(): number {
    if (this.state === "closed") return Infinity;
    const splice = this.#splice;
    if (this.#isCut || (splice === null && this.endReason !== null)) return splice === null ? Infinity : splice.dueMs;
    const { clock } = this.#services;
    const expiryMs = this.#expiresAtMs === Infinity ? Infinity : this.#expiresAtMs - clock.wallMs() + clock.monotonicMs();
    if (splice === null) return expiryMs;
    if (this.endReason !== null) return Math.min(expiryMs, splice.dueMs);
    const { idleTimeoutMs, maxDurationMs } = this.route;
    return Math.min(expiryMs, splice.dueMs, this.#openedMs + maxDurationMs, splice.lastActivityMs + idleTimeoutMs);
  }

  #reschedule(): void {
    this.dueMs = this.#nextDueMs();
    this.#services.scheduler.schedule(this);
  }

  #leave(): void {
    this.state = "closed";
    this.dueMs = Infinity;
    this.#abort = null;
    this.#services.scheduler.cancel(this);
    this.#services.sessions.remove(this);
  }

  #record(end: SpliceEnd): SessionRecord {
    const { clock } = this.#services;
    const nowMs = clock.monotonicMs();
    const openedMs = this.#splice === null ? nowMs : this.#openedMs;
    const { bytesFromClient, bytesFromTarget, framesFromClient, framesFromTarget } = end;
    const { app, developer, product, keyFingerprint } = this.labels();
    return {
      sessionId: this.id,
      environment: this.route.environment,
      proxy: this.route.proxy,
      endpoint: this.route.endpoint,
      target: this.target,
      app,
      developer,
      product,
      keyFingerprint,
      clientAddress: this.clientAddress,
      status: 101,
      startedAtMs: this.startedAtMs,
      endedAtMs: clock.wallMs(),
      handshakeMs: openedMs - this.startedMs,
      durationMs: nowMs - openedMs,
      closedBy: end.closedBy,
      reason: end.reason,
      code: end.code,
      text: end.text,
      forced: end.forced,
      timer: timers[end.reason] ?? null,
      renewals: this.#renewals,
      span: this.span,
      bytesFromClient,
      bytesFromTarget,
      framesFromClient,
      framesFromTarget,
      mark: this.mark,
    };
  }
}

const NOTHING_MOVED: SpliceCounters = {
  bytesFromClient: 0,
  bytesFromTarget: 0,
  framesFromClient: 0,
  framesFromTarget: 0,
};

const expiryReasons: { readonly [kind in CredentialKind]: CloseReasonId } = {
  key: "keyExpired",
  token: "tokenExpired",
  jwt: "tokenExpired",
  certificate: "certificateExpired",
};

const timers: { readonly [reason in CloseReasonId]?: SessionTimer } = {
  idle: "idle",
  lifetime: "maxDuration",
  tokenExpired: "credential",
  keyExpired: "credential",
  certificateExpired: "credential",
  writeStall: "writeStall",
  halfClose: "halfClose",
};

function identitiesOf(route: SessionRoute, credentials: readonly Credential[]): readonly Identity[] {
  const [only] = credentials;
  if (credentials.length === 1 && only !== undefined && !only.identities.includes(route.proxyIdentity)) {
    return [route.proxyIdentity, ...only.identities];
  }
  const found = [route.proxyIdentity];
  for (const { identities } of credentials) {
    for (const identity of identities) if (!found.includes(identity)) found.push(identity);
  }
  return found;
}

function without(some: readonly Identity[], others: readonly Identity[]): readonly Identity[] {
  return some.filter((identity) => !others.includes(identity));
}
