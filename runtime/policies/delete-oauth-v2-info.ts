/** DeleteOAuthV2Info: removes an access token or an authorization code. Removing a token ends its sessions. */
import { askStore } from "../access/admission.ts";
import { eventNow } from "../access/change.ts";
import { tokenIdentity } from "../access/identity.ts";
import type { Exchange, Value } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { storedCode, storedToken } from "../token/stored-credential.ts";
import type { StoredSource } from "../token/stored-credential.ts";

/** Removes the access token: whoever brings it from now on brings an unknown one. */
export function deleteAccessToken(x: Exchange, source: StoredSource, value: Value): Maybe<void> {
  const { store, clock } = x.gateway;
  return askStore(source.name, () =>
    andThen(storedToken(x, source, value, "access"), ({ id }) =>
      andThen(store.remove("token", id, eventNow(clock, "revoked", [tokenIdentity(id)])), () => undefined),
    ),
  );
}

/** Removes the code: it brings no tokens any more. Tokens that it has brought are good. */
export function deleteAuthorizationCode(x: Exchange, source: StoredSource, value: Value): Maybe<void> {
  return askStore(source.name, () =>
    andThen(storedCode(x, source, value), ({ id }) => andThen(x.gateway.store.remove("code", id), () => undefined)),
  );
}
