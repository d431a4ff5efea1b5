/**
 * Fetched key sets that verify tokens, shared by the policies that name their URL. A key that left its set verifies
 * nothing once that is known, which takes no longer than limits.jwksFreshMs while the issuer answers.
 */
import type { KeyObject } from "node:crypto";
import type { Gateway } from "../gateway.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { Algorithm } from "./algorithm.ts";
import type { KeySource } from "./key-source.ts";
import { holdsKey, pickKey, readSet } from "./keys.ts";
import type { KeyForm, KeyProblem, KeySet } from "./keys.ts";
import { RemoteSet } from "./remote-set.ts";

/** The source of a key set's URL; policies with the same URL and form share it. */
export function remoteKeys(gateway: Gateway, form: KeyForm, url: string): KeySource {
  const allowPrivateAddresses = form.form === "url" && form.allowPrivateAddresses;
  const at = `key set ${allowPrivateAddresses ? "anywhere" : "public"} ${url}`;
  const present = gateway.counters.get(at);
  if (present instanceof RemoteKeys) return present;
  const source = new RemoteKeys(gateway, { url, allowPrivateAddresses });
  gateway.counters.set(at, source);
  return source;
}

class RemoteKeys implements KeySource {
  readonly #set: RemoteSet<KeySet>;

  constructor(gateway: Gateway, place: { readonly url: string; readonly allowPrivateAddresses: boolean }) {
    this.#set = new RemoteSet(gateway, place, (text, before) => {
      const set = readSet(text, gateway.limits.jwksKeysMax, before);
      return typeof set === "string" ? null : set;
    });
  }

  pick(algorithm: Algorithm, kid: string | null): Maybe<KeyObject | KeyProblem> {
    return this.#set.find<KeyObject | KeyProblem>((set) => pickKey(set, algorithm, kid));
  }

  holds(key: KeyObject, kid: string | null): Maybe<boolean> {
    return andThen(this.#set.latest(), (set) => set !== null && holdsKey(set, key, kid));
  }
}
