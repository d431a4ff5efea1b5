/**
 * Token introspection at an outside server (RFC 7662): one question for each token that is not known, the answers kept
 * in bounds. An answer is never used beyond the token's own expiry, nor beyond the age that the policy allows; a server
 * that fails is no answer. It admits nobody.
 */
import { Buffer } from "node:buffer";
import { digest } from "../access/digest.ts";
import type { Identity } from "../access/identity.ts";
import { isJwtRevoked } from "../access/jwt-revocation.ts";
import type { Exchange } from "../context.ts";
import type { Gateway } from "../gateway.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { fetchText } from "./fetch-text.ts";
import { introspected, type IntrospectedToken } from "./introspected.ts";
import { keySetUrl } from "./key-set-url.ts";
import type { KeySetUrl } from "./key-set-url.ts";

/** How a policy asks, and how long it believes the answers. */
export interface IntrospectionRules {
  /** What tells the policy from others of its proxy. */
  readonly id: string;
  readonly allowPrivateAddresses: boolean;
  /** Where the client's secret goes: `basic` header or `form` (RFC 6749 section 2.3.1). */
  readonly authentication: "basic" | "form";
  readonly timeoutMs: number;
  /** Time an active token's answer is used without asking again. */
  readonly freshMs: number;
  /** Time beyond that for which it is used while the server fails. */
  readonly staleMs: number;
  /** Time for which a token is known not to be active. */
  readonly negativeMs: number;
}

/** Values read when the gateway starts. */
export interface IntrospectionServer {
  readonly endpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What came of a question: the token, or why there is none. */
export type IntrospectionAnswer = IntrospectedToken | "inactive" | "revoked" | "unavailable";

interface Entry {
  readonly token: IntrospectedToken;
  /** Monotonic. */
  readonly freshUntilMs: number;
  readonly goneAtMs: number;
  /** Epoch up to which no event concerns the token. */
  epoch: number;
}

/** The answers of a policy's server. */
export function introspector(x: Exchange, rules: IntrospectionRules, server: IntrospectionServer): Introspector {
  const { gateway, program } = x;
  const at = `introspection ${program.environment} ${program.proxy} ${rules.id}`;
  const present = gateway.counters.get(at);
  if (present instanceof Introspector) return present;
  const made = new Introspector(gateway, rules, server);
  gateway.counters.set(at, made);
  return made;
}

export class Introspector {
  readonly #gateway: Gateway;
  readonly #rules: IntrospectionRules;
  readonly #server: IntrospectionServer;
  readonly #target: KeySetUrl | string;
  /** By the token's digest, oldest first. */
  readonly #active = new Map<string, Entry>();
  /** Until when (monotonic) a token is known not to be active. */
  readonly #inactive = new Map<string, number>();
  readonly #flights = new Map<string, Promise<IntrospectionAnswer>>();
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(gateway: Gateway, rules: IntrospectionRules, server: IntrospectionServer) {
    this.#gateway = gateway;
    this.#rules = rules;
    this.#server = server;
    this.#target = keySetUrl(server.endpoint, rules.allowPrivateAddresses);
  }

  /** Answers held, of either kind. */
  get size(): number {
    return this.#active.size + this.#inactive.size;
  }

  /** What the server says of a token; at once where that is known. Fails as the store fails. */
  ask(token: string): Maybe<IntrospectionAnswer> {
    this.#gateway.revocations.assertHearing();
    const id = digest(token);
    const nowMs = this.#gateway.clock.monotonicMs();
    const entry = this.#entry(id, nowMs);
    if (entry !== null && nowMs < entry.freshUntilMs) return this.#unrevoked(id, entry);
    if ((this.#inactive.get(id) ?? nowMs) > nowMs) return "inactive";
    return andThen(this.#flight(id, token, nowMs), (answer) => {
      if (typeof answer === "object") return this.#unrevoked(id, this.#active.get(id) ?? this.#entryOf(answer));
      return answer === "unavailable" ? this.#stale(id) : answer;
    });
  }

  /** The kept answer, unless its time is over. */
  #entry(id: string, nowMs: number): Entry | null {
    const entry = this.#active.get(id);
    if (entry === undefined) return null;
    const { expiresAtMs } = entry.token;
    const isExpired = expiresAtMs !== null && this.#gateway.clock.wallMs() >= expiresAtMs;
    if (!isExpired && nowMs < entry.goneAtMs) return entry;
    this.#active.delete(id);
    return null;
  }

  /** What stands in for a server that fails: an older answer, if the policy allows one. */
  #stale(id: string): Maybe<IntrospectionAnswer> {
    const entry = this.#entry(id, this.#gateway.clock.monotonicMs());
    return entry === null ? "unavailable" : this.#unrevoked(id, entry);
  }

  /** Asks the store only where events since the last look concern the token. */
  #unrevoked(id: string, entry: Entry): Maybe<IntrospectedToken | "revoked"> {
    const { revocations, store } = this.#gateway;
    const { epoch } = revocations;
    const { token } = entry;
    if (entry.epoch >= epoch || revocations.revokedSince(entry.epoch, token.identities, "jwt") === null) {
      entry.epoch = Math.max(entry.epoch, epoch);
      return token;
    }
    return andThen(isJwtRevoked(store, token), (isRevoked) => {
      if (isRevoked) this.#active.delete(id);
      else entry.epoch = Math.max(entry.epoch, epoch);
      return isRevoked ? "revoked" : token;
    });
  }

  /** One question at a time for one token, and not too many for all of them. */
  #flight(id: string, token: string, nowMs: number): Maybe<IntrospectionAnswer> {
    const flying = this.#flights.get(id);
    if (flying !== undefined) return flying;
    if (nowMs < this.#pausedUntilMs) return "unavailable";
    if (this.#flights.size >= this.#gateway.limits.introspectionsAtOnceMax) return "unavailable";
    const flight = this.#question(id, token).finally(() => this.#flights.delete(id));
    this.#flights.set(id, flight);
    return flight;
  }

  async #question(id: string, token: string): Promise<IntrospectionAnswer> {
    const { clock, limits, log, metrics } = this.#gateway;
    const answer = await this.#fetched(id, token);
    const isFailure = typeof answer === "object" && "problem" in answer;
    metrics.count(isFailure ? "introspectionFailures" : "introspections");
    if (isFailure) {
      this.#pausedUntilMs = clock.monotonicMs() + limits.introspectionPauseMs;
      log.event("introspection_failed", { policy: this.#rules.id, detail: answer.problem }, "warn");
      return "unavailable";
    }
    if (answer === "inactive") {
      this.#active.delete(id);
      put(this.#inactive, id, clock.monotonicMs() + this.#rules.negativeMs, limits.introspectionsKeptMax);
      return answer;
    }
    this.#inactive.delete(id);
    // What the store knows of revocations is part of a first answer.
    const entry = this.#entryOf(answer);
    if (await isJwtRevoked(this.#gateway.store, answer)) return "revoked";
    put(this.#active, id, entry, limits.introspectionsKeptMax);
    return answer;
  }

  async #fetched(id: string, token: string): Promise<IntrospectedToken | "inactive" | { readonly problem: string }> {
    const { clock, limits } = this.#gateway;
    if (typeof this.#target === "string") return { problem: this.#target };
    const { headers, form } = this.#credentials();
    form.set("token", token);
    form.set("token_type_hint", "access_token");
    const fetched = await fetchText(
      this.#target,
      clock,
      {
        bytesMax: limits.introspectionBytesMax,
        headBytesMax: limits.responseHeadBytesMax,
        timeoutMs: this.#rules.timeoutMs,
      },
      { accept: "application/json", headers, body: form.toString() },
    );
    if ("problem" in fetched) return fetched;
    return introspected(fetched.text, id, clock.wallMs()) ?? { problem: "the answer is no introspection response" };
  }

  #credentials(): { readonly headers: Readonly<Record<string, string>>; readonly form: URLSearchParams } {
    const { clientId, clientSecret } = this.#server;
    const type = { "Content-Type": "application/x-www-form-urlencoded" };
    if (this.#rules.authentication === "form") {
      return { headers: type, form: new URLSearchParams({ client_id: clientId, client_secret: clientSecret }) };
    }
    const basic = Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`, "utf8").toString("base64");
    return { headers: { ...type, Authorization: `Basic ${basic}` }, form: new URLSearchParams() };
  }

  #entryOf(token: IntrospectedToken): Entry {
    const nowMs = this.#gateway.clock.monotonicMs();
    const freshUntilMs = nowMs + this.#rules.freshMs;
    const { epoch } = this.#gateway.revocations;
    return { token, freshUntilMs, goneAtMs: freshUntilMs + this.#rules.staleMs, epoch };
  }
}

/** RFC 6749 section 2.3.1 and appendix B. */
function formEncoded(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}

/** Keeps the newest entries. */
function put<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  map.delete(key);
  if (map.size >= max) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  map.set(key, value);
}
