/**
 * Key sets that are fetched by URL and shared by the policies that name it: refreshed ahead of need, one fetch in
 * flight, the last good set kept through an outage. A key that left its set verifies nothing once that is known, which
 * takes no longer than limits.jwksFreshMs while the issuer answers.
 */
import type { KeyObject } from "node:crypto";
import type { Gateway } from "../gateway.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { Algorithm } from "./algorithm.ts";
import { fetchText } from "./fetch-text.ts";
import { keySetUrl } from "./key-set-url.ts";
import type { KeySetUrl } from "./key-set-url.ts";
import type { KeySource } from "./key-source.ts";
import { holdsKey, pickKey, readSet } from "./keys.ts";
import type { KeyForm, KeyProblem, KeySet } from "./keys.ts";

/** Part of its fresh time after which a set that is asked for is fetched again. */
const REFRESH_AHEAD = 0.8;

/** The source of a key set's URL; policies with the same URL and form share it. */
export function remoteKeys(gateway: Gateway, form: KeyForm, url: string): KeySource {
  const isPrivateAllowed = form.form === "url" && form.allowPrivateAddresses;
  const at = `key set ${isPrivateAllowed ? "anywhere" : "public"} ${url}`;
  const present = gateway.counters.get(at);
  if (present instanceof RemoteKeys) return present;
  const source = new RemoteKeys(gateway, url, keySetUrl(url, isPrivateAllowed));
  gateway.counters.set(at, source);
  return source;
}

/** One key set. */
export class RemoteKeys implements KeySource {
  readonly #gateway: Gateway;
  /** For the log, without query. */
  readonly #shown: string;
  readonly #target: KeySetUrl | string;
  #set: KeySet | null = null;
  /** The text of the set: the same text leaves every key as it is. */
  #text = "";
  #fetchedMs = Number.NEGATIVE_INFINITY;
  #triedMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #flight: Promise<void> | null = null;

  /** `target` is the checked URL, or why it is not fetched. */
  constructor(gateway: Gateway, shown: string, target: KeySetUrl | string) {
    this.#gateway = gateway;
    this.#shown = shown.replace(/\?.*$/s, "");
    this.#target = target;
  }

  pick(algorithm: Algorithm, kid: string | null): Maybe<KeyObject | KeyProblem> {
    return andThen(this.#ready(), () => {
      const found = this.#pickNow(algorithm, kid);
      // The issuer may have begun to use a key since: worth one look, not one look for every made-up kid.
      if (found !== "NoMatchingPublicKey" || !this.#mayTry()) return found;
      return this.#refresh().then(() => this.#pickNow(algorithm, kid));
    });
  }

  holds(key: KeyObject, kid: string | null): Maybe<boolean> {
    return andThen(this.#ready(), () => {
      const set = this.#current();
      return set !== null && holdsKey(set, key, kid);
    });
  }

  #pickNow(algorithm: Algorithm, kid: string | null): KeyObject | KeyProblem {
    const set = this.#current();
    return set === null ? "KeySetUnavailable" : pickKey(set, algorithm, kid);
  }

  /** The last good set, as long as it may stand in for a new one. */
  #current(): KeySet | null {
    return this.#ageMs() < this.#gateway.limits.jwksKeptMaxMs ? this.#set : null;
  }

  #ageMs(): number {
    return this.#gateway.clock.monotonicMs() - this.#fetchedMs;
  }

  /** Nothing while the set is fresh; who comes later waits for a new one, unless the issuer does not answer anyway. */
  #ready(): Maybe<void> {
    const ageMs = this.#ageMs();
    const { jwksFreshMs } = this.#gateway.limits;
    if (ageMs < jwksFreshMs * REFRESH_AHEAD) return;
    if (ageMs >= jwksFreshMs && (this.#flight !== null || this.#mayTry())) {
      const fetching = this.#refresh();
      return this.#hasFailed && this.#current() !== null ? undefined : fetching;
    }
    if (this.#mayTry()) void this.#refresh();
  }

  #mayTry(): boolean {
    if (this.#flight !== null) return true;
    return this.#gateway.clock.monotonicMs() - this.#triedMs >= this.#gateway.limits.jwksRetryMs;
  }

  /** Never rejects. */
  #refresh(): Promise<void> {
    return (this.#flight ??= this.#fetch().finally(() => {
      this.#flight = null;
    }));
  }

  async #fetch(): Promise<void> {
    const { clock, log, metrics } = this.#gateway;
    this.#triedMs = clock.monotonicMs();
    const text = await this.#fetchedText();
    const problem = "problem" in text ? text.problem : this.#take(text.text);
    this.#hasFailed = problem !== null;
    metrics.count(problem === null ? "keySetFetches" : "keySetFetchFailures");
    if (problem === null) return;
    log.event("key_set_failed", { url: this.#shown, detail: problem, kept: this.#current() !== null }, "warn");
  }

  async #fetchedText(): Promise<{ readonly text: string } | { readonly problem: string }> {
    const { clock, limits } = this.#gateway;
    if (typeof this.#target === "string") return { problem: this.#target };
    try {
      const text = await fetchText(this.#target, clock, {
        bytesMax: limits.jwksBytesMax,
        headBytesMax: limits.responseHeadBytesMax,
        timeoutMs: limits.jwksFetchTimeoutMs,
      });
      return { text };
    } catch (cause) {
      return { problem: cause instanceof Error ? cause.message : "unknown" };
    }
  }

  /** Puts a set to use; a problem when it is none. Keys that stay remain the same objects. */
  #take(text: string): string | null {
    const { clock, limits, log } = this.#gateway;
    if (this.#set === null || text !== this.#text) {
      const set = readSet(text, limits.jwksKeysMax, this.#set);
      if (typeof set === "string") return "the answer is no key set";
      this.#set = set;
      this.#text = text;
      log.event("key_set_read", { url: this.#shown, keys: set.byKid.size });
    }
    this.#fetchedMs = clock.monotonicMs();
    return null;
  }
}
