/** Clients of the authorization server: a client is a consumer key, and proves itself with the key's secret. */
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { AccessServices } from "./change.ts";
import { digest, matches } from "./digest.ts";
import type { KeyRecord } from "./model.ts";

/** A client as it presents itself. */
export interface Client {
  readonly id: string;
  readonly secret: string;
}

/** Compared with when there is no such client, so that unknown clients take as long as wrong secrets. */
const NO_SECRET = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/**
 * The key of a client that proves itself with its secret. What is wrong with a client only its secret's owner hears.
 * `mayBePublic`: a key that has no secret needs none (RFC 6749 section 2.1); something else proves such a client.
 */
export function provenClient(
  { store }: AccessServices,
  client: Client,
  mayBePublic = false,
): Maybe<KeyRecord | "steps.oauth.v2.InvalidClientIdentifier"> {
  return andThen(store.get("key", digest(client.id)), (key) => {
    const isProven = matches(client.secret, key?.secretDigest ?? NO_SECRET);
    if (key === null) return "steps.oauth.v2.InvalidClientIdentifier";
    if (key.secretDigest === null) {
      return mayBePublic && client.secret === "" ? key : "steps.oauth.v2.InvalidClientIdentifier";
    }
    return isProven ? key : "steps.oauth.v2.InvalidClientIdentifier";
  });
}

/** The key of a client that somebody else has proven. */
export function knownClient(
  { store }: AccessServices,
  clientId: string,
): Maybe<KeyRecord | "steps.oauth.v2.InvalidClientIdentifier"> {
  return andThen(store.get("key", digest(clientId)), (key) => key ?? "steps.oauth.v2.InvalidClientIdentifier");
}
