/**
 * A key set that is fetched by URL: refreshed ahead of need, one fetch in flight, the last good set kept through an
 * outage. What its text holds is for whoever reads it.
 */
import type { Gateway } from "../gateway.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { fetchText } from "./fetch-text.ts";
import { keySetUrl } from "./key-set-url.ts";
import type { KeySetUrl } from "./key-set-url.ts";

/** Part of its fresh time after which a set that is asked for is fetched again. */
const REFRESH_AHEAD = 0.8;

/** Where a set is. */
export interface RemoteSetPlace {
  readonly url: string;
  readonly allowPrivateAddresses: boolean;
}

/** Keys by `kid`. */
export interface NamedKeys {
  readonly byKid: ReadonlyMap<string, unknown>;
}

/** Makes a set of its text; null when it is none. `before`: the one that it takes the place of. */
export type ReadSet<S> = (text: string, before: S | null) => S | null;

/** One set. */
export class RemoteSet<S extends NamedKeys> {
  readonly #gateway: Gateway;
  readonly #read: ReadSet<S>;
  /** For the log, without query. */
  readonly #shown: string;
  /** The checked URL, or why it is not fetched. */
  readonly #target: KeySetUrl | string;
  #set: S | null = null;
  /** The text of the set: the same text leaves every key as it is. */
  #text = "";
  #fetchedMs = Number.NEGATIVE_INFINITY;
  #triedMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #flight: Promise<void> | null = null;

  constructor(gateway: Gateway, { allowPrivateAddresses, url }: RemoteSetPlace, read: ReadSet<S>) {
    this.#gateway = gateway;
    this.#read = read;
    this.#shown = url.replace(/\?.*$/s, "");
    this.#target = keySetUrl(url, allowPrivateAddresses);
  }

  /** What `pick` finds in the set; where it finds no key of that name, perhaps in a newer one. */
  find<T>(pick: (set: S) => T | "NoMatchingPublicKey"): Maybe<T | "NoMatchingPublicKey" | "KeySetUnavailable"> {
    const pickNow = (): T | "NoMatchingPublicKey" | "KeySetUnavailable" => {
      const set = this.#current();
      return set === null ? "KeySetUnavailable" : pick(set);
    };
    return andThen(this.#ready(), () => {
      const found = pickNow();
      // The issuer may have begun to use a key since: worth one look, not one look for every made-up kid.
      if (found !== "NoMatchingPublicKey" || !this.#mayTry()) return found;
      return this.#refresh().then(pickNow);
    });
  }

  /** The last good set, null when there is none that may still stand in. */
  latest(): Maybe<S | null> {
    return andThen(this.#ready(), () => this.#current());
  }

  /** The last good set, as long as it may stand in for a new one. */
  #current(): S | null {
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
    return fetchText(this.#target, clock, {
      bytesMax: limits.jwksBytesMax,
      headBytesMax: limits.responseHeadBytesMax,
      timeoutMs: limits.jwksFetchTimeoutMs,
    });
  }

  /** Puts a set to use; a problem when it is none. Keys that stay remain the same objects. */
  #take(text: string): string | null {
    const { clock, log } = this.#gateway;
    if (this.#set === null || text !== this.#text) {
      const set = this.#read(text, this.#set);
      if (set === null) return "the answer is no key set";
      this.#set = set;
      this.#text = text;
      log.event("key_set_read", { url: this.#shown, keys: set.byKid.size });
    }
    this.#fetchedMs = clock.monotonicMs();
    return null;
  }
}
