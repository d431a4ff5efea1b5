/**
 * Access records for tests: one developer, app, product, key and token that fit together, a store that answers late,
 * and what several tests do with them.
 */
import { updateRecord } from "#runtime/access/change.ts";
import { provenClient } from "#runtime/access/clients.ts";
import type { AccessServices } from "#runtime/access/change.ts";
import type { Client } from "#runtime/access/clients.ts";
import type { AccessCall } from "#runtime/access/credential.ts";
import { digest, fingerprint } from "#runtime/access/digest.ts";
import type { AccessGrant, ApiProduct, App, Developer, KeyRecord, TokenRecord } from "#runtime/access/model.ts";
import { resolveKeyDigest } from "#runtime/access/resolve.ts";
import type { Refusal } from "#runtime/access/resolve.ts";
import { mintToken, setTokenStatus } from "#runtime/access/tokens.ts";
import type { IssuedToken, TokenRefusal, TokenStatusOptions, TokenWish } from "#runtime/access/tokens.ts";
import type { Clock } from "#runtime/clock.ts";
import { andThen } from "#runtime/maybe.ts";
import type { Maybe } from "#runtime/maybe.ts";
import type { Store } from "#runtime/state/store.ts";

export const KEY = "key-in-clear";
export const SECRET = "secret-in-clear";
export const TOKEN = "token-in-clear";

/** The call that the records allow. */
export const CALL: AccessCall = { proxy: "chat", environment: "prod", pathSuffix: "/rooms/1", verb: "GET" };

export const DEVELOPER: Developer = {
  id: "dev",
  email: "dev@example.com",
  userName: "dev",
  firstName: "D",
  lastName: "V",
  status: "active",
  attributes: {},
};

export const APP: App = {
  id: "app",
  name: "the-app",
  developerId: "dev",
  status: "approved",
  callbackUrl: null,
  attributes: {},
};

export const PRODUCT: ApiProduct = {
  name: "gold",
  displayName: "Gold",
  environments: ["prod"],
  proxies: ["chat"],
  resources: ["/rooms/*"],
  operations: [],
  scopes: [],
  quota: null,
  attributes: {},
};

export const KEY_RECORD: KeyRecord = {
  id: digest(KEY),
  clientId: fingerprint(digest(KEY)),
  appId: "app",
  status: "approved",
  expiresAtMs: null,
  products: [{ name: "gold", status: "approved" }],
  secretDigest: digest(SECRET),
  scopes: [],
  attributes: {},
};

export const TOKEN_RECORD: TokenRecord = {
  id: digest(TOKEN),
  kind: "access",
  clientKeyDigest: KEY_RECORD.id,
  appId: "app",
  developerId: "dev",
  products: ["gold"],
  scopes: [],
  issuedAtMs: 1_000,
  expiresAtMs: null,
  status: "approved",
  attributes: {},
  subject: null,
  grantType: "client_credentials",
};

/** Records to put in place of the usual ones; null: none at all. */
export interface RecordChanges {
  readonly developer?: Partial<Developer> | null;
  readonly app?: Partial<App> | null;
  readonly product?: Partial<ApiProduct> | null;
  readonly key?: Partial<KeyRecord> | null;
  readonly token?: Partial<TokenRecord> | null;
}

/** Fills a store with the records, changed as said. */
export async function fillStore(store: Store, changes: RecordChanges = {}): Promise<void> {
  const { developer, app, product, key, token } = changes;
  if (developer !== null) await store.put("developer", "dev", { ...DEVELOPER, ...developer });
  if (app !== null) await store.put("app", "app", { ...APP, ...app });
  if (product !== null) await store.put("product", "gold", { ...PRODUCT, ...product });
  if (key !== null) await store.put("key", KEY_RECORD.id, { ...KEY_RECORD, ...key });
  if (token !== null) await store.put("token", TOKEN_RECORD.id, { ...TOKEN_RECORD, ...token });
}

/** The same store behind promises, as one on another machine would be. */
export function distantStore(store: Store): Store {
  const later = async <T>(answer: () => T): Promise<Awaited<T>> => {
    await new Promise((resolve) => setImmediate(resolve));
    return await answer();
  };
  return {
    get: (kind, id) => later(() => store.get(kind, id)),
    put: (kind, id, record, options) => later(() => store.put(kind, id, record, options)),
    remove: (kind, id, event) => later(() => store.remove(kind, id, event)),
    take: (kind, id) => later(() => store.take(kind, id)),
    list: (kind, page) => later(() => store.list(kind, page)),
    append: (event) => later(() => store.append(event)),
    events: (after, limit) => later(() => store.events(after, limit)),
    lastEvent: () => later(() => store.lastEvent()),
    watch: (listener) => store.watch(listener),
    heardUntilMs: () => store.heardUntilMs(),
    ready: () => later(() => store.ready()),
    close: () => later(() => store.close()),
  };
}

/** What a presented consumer key may do. */
export function resolveKey(store: Store, clock: Clock, key: string, call: AccessCall): Maybe<AccessGrant | Refusal> {
  return resolveKeyDigest(store, clock, digest(key), call);
}

/** An access token for a client that proves itself. */
export function issueToken(
  services: AccessServices,
  client: Client,
  wish: TokenWish,
): Maybe<IssuedToken | TokenRefusal> {
  return andThen(provenClient(services, client), (key) =>
    typeof key === "string" ? key : mintToken(services, key, wish),
  );
}

/** Revokes a token as presented. */
export function invalidateToken(
  services: AccessServices,
  presentedToken: string,
  options: TokenStatusOptions = {},
): Maybe<TokenRecord | null> {
  return setTokenStatus(services, digest(presentedToken), "revoked", options);
}

/** Writes a product that there is already. */
export function putProduct(services: AccessServices, product: ApiProduct): Maybe<ApiProduct | null> {
  return updateRecord(services, "product", product.name, () => product);
}
