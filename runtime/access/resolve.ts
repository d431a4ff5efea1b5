/**
 * Who a key or token stands for, and whether that covers this call: the order of checks of Apigee (reference
 * apigee-policies 3.42, apigee-core 9.4 and 9.5). It asks the store and decides; it caches nothing and answers at once
 * when the store does.
 */
import type { Clock } from "../clock.ts";
import type { FaultCode } from "../fault.ts";
import { matchesResource } from "../language/resource-path.ts";
import { andThen, isPending } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { AccessCall, CredentialBasis, CredentialLabels } from "./credential.ts";
import { bulkRevocation } from "./cutoff.ts";
import { digest } from "./digest.ts";
import {
  appIdentity,
  developerIdentity,
  grantIdentity,
  keyIdentity,
  productIdentity,
  subjectIdentity,
  tokenIdentity,
} from "./identity.ts";
import type { AccessGrant, ApiProduct, App, Developer } from "./model.ts";
import type { KeyRecord, ProductOperation, TokenRecord } from "./model.ts";
import type { RecordReader } from "./recalled-records.ts";

/** Why access is refused. */
export type Refusal = Extract<
  FaultCode,
  | "oauth.v2.InvalidApiKey"
  | "oauth.v2.ApiKeyNotApproved"
  | "keymanagement.service.consumer_key_expired"
  | "keymanagement.service.invalid_client-app_not_approved"
  | "keymanagement.service.DeveloperStatusNotActive"
  | "oauth.v2.InvalidApiKeyForGivenResource"
  | "keymanagement.service.invalid_access_token"
  | "keymanagement.service.access_token_expired"
  | "keymanagement.service.access_token_not_approved"
  | "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound"
>;

/** An app and its developer, both in good standing. */
export interface Owner {
  readonly app: App;
  readonly developer: Developer;
}

/** A product that covers a call. */
interface Cover {
  readonly product: ApiProduct;
  readonly operation: ProductOperation | null;
}

/** What a consumer key, known by its digest, may do. Fails only as the store fails. */
export function resolveKeyDigest(
  store: RecordReader,
  clock: Clock,
  keyDigest: string,
  call: AccessCall,
): Maybe<AccessGrant | Refusal> {
  return andThen(store.get("key", keyDigest), (key) => {
    if (key === null) return "oauth.v2.InvalidApiKey";
    const refusal = keyRefusal(key, clock);
    if (refusal !== null) return refusal;
    return andThen(ownerOf(store, clock, key.appId), (owner) => {
      if (typeof owner === "string") return owner;
      return andThen(firstCover(store, productsNow(key, clock), 0, call, null), (cover) =>
        cover === null ? "oauth.v2.InvalidApiKeyForGivenResource" : grantOf(key, null, owner, cover),
      );
    });
  });
}

/**
 * What a presented opaque access token may do. Scopes that a policy demands are its own check, on `grant.token.scopes`.
 */
export function resolveToken(
  store: RecordReader,
  clock: Clock,
  presentedToken: string,
  call: AccessCall,
): Maybe<AccessGrant | Refusal> {
  return resolveTokenDigest(store, clock, digest(presentedToken), call);
}

/** The same for a token known by its digest only. */
export function resolveTokenDigest(
  store: RecordReader,
  clock: Clock,
  tokenDigest: string,
  call: AccessCall,
): Maybe<AccessGrant | Refusal> {
  return andThen(store.get("token", tokenDigest), (token) => {
    if (token === null || token.kind !== "access") return "keymanagement.service.invalid_access_token";
    if (isPast(token.expiresAtMs, clock)) return "keymanagement.service.access_token_expired";
    if (token.status !== "approved") return "keymanagement.service.access_token_not_approved";
    return andThen(store.get("key", token.clientKeyDigest), (key) => {
      if (key === null) return "keymanagement.service.invalid_access_token";
      const refusal = keyRefusal(key, clock);
      if (refusal !== null) return refusal;
      return andThen(ownerOf(store, clock, token.appId), (owner) => {
        if (typeof owner === "string") return owner;
        return andThen(isUnrevoked(store, token, owner), (isGood) => {
          if (!isGood) return "keymanagement.service.access_token_not_approved";
          return andThen(firstCover(store, productsOfToken(token, key, clock), 0, call, token.scopes), (cover) =>
            cover === null
              ? "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound"
              : grantOf(key, token, owner, cover),
          );
        });
      });
    });
  });
}

/** Repeats the check that admitted a session, after a change of access data. */
export function resolveBasis(store: RecordReader, clock: Clock, basis: CredentialBasis): Maybe<AccessGrant | Refusal> {
  return basis.kind === "key"
    ? resolveKeyDigest(store, clock, basis.digest, basis.call)
    : resolveTokenDigest(store, clock, basis.digest, basis.call);
}

/** True when a wall-clock expiry has come. */
export function isPast(expiresAtMs: number | null | undefined, clock: Clock): boolean {
  return expiresAtMs !== null && expiresAtMs !== undefined && clock.wallMs() >= expiresAtMs;
}

/** What is wrong with a key itself, null when nothing is. */
export function keyRefusal(key: KeyRecord, clock: Clock): Refusal | null {
  if (key.status !== "approved") return "oauth.v2.ApiKeyNotApproved";
  return isPast(key.expiresAtMs, clock) ? "keymanagement.service.consumer_key_expired" : null;
}

/** The app and developer behind a key or token; an absent or expired one counts as one not in good standing. */
export function ownerOf(store: RecordReader, clock: Clock, appId: string): Maybe<Owner | Refusal> {
  return andThen(store.get("app", appId), (app) => {
    if (app === null || app.status !== "approved" || isPast(app.expiresAtMs, clock)) {
      return "keymanagement.service.invalid_client-app_not_approved";
    }
    return andThen(store.get("developer", app.developerId), (developer) =>
      developer === null || developer.status !== "active" || isPast(developer.expiresAtMs, clock)
        ? "keymanagement.service.DeveloperStatusNotActive"
        : { app, developer },
    );
  });
}

/** Names of a key's approved products, in the key's order, whether or not they have expired. */
export function approvedProducts(key: KeyRecord): readonly string[] {
  return key.products.filter((product) => product.status === "approved").map((product) => product.name);
}

/** Of these, those that have not expired. */
function productsNow(key: KeyRecord, clock: Clock): readonly string[] {
  const gone = key.products.filter(({ expiresAtMs }) => isPast(expiresAtMs, clock)).map(({ name }) => name);
  return gone.length === 0 ? approvedProducts(key) : approvedProducts(key).filter((name) => !gone.includes(name));
}

/** A token keeps the products it was issued for, as long as its key has them too. */
function productsOfToken(token: TokenRecord, key: KeyRecord, clock: Clock): readonly string[] {
  const approved = productsNow(key, clock);
  return token.products.filter((name) => approved.includes(name));
}

/** True when nothing that is larger than the token revokes it: its grant, or a bulk revocation (access/cutoff). */
function isUnrevoked(store: RecordReader, token: TokenRecord, owner: Owner): Maybe<boolean> {
  return andThen(bulkRevocation(store, token, owner), (reason) => {
    if (reason !== null) return false;
    if (token.grantId === undefined) return true;
    return andThen(store.get("grant", token.grantId), (grant) => grant !== null && grant.status === "approved");
  });
}

/** The first product, in order, that covers the call. `scopes` null: a key, for which scopes play no part. */
function firstCover(
  store: RecordReader,
  names: readonly string[],
  from: number,
  call: AccessCall,
  scopes: readonly string[] | null,
): Maybe<Cover | null> {
  for (let at = from; at < names.length; at++) {
    const product = store.get("product", names[at] ?? "");
    if (isPending(product)) {
      return product.then((found) => coverOf(found, call, scopes) ?? firstCover(store, names, at + 1, call, scopes));
    }
    const cover = coverOf(product, call, scopes);
    if (cover !== null) return cover;
  }
  return null;
}

/** How a product covers a call, null when it does not. Of several operations the first that matches counts. */
export function coverOf(
  product: ApiProduct | null,
  call: AccessCall,
  scopes: readonly string[] | null,
): Cover | null {
  if (product === null) return null;
  if (!allows(product.environments, call.environment)) return null;
  if (scopes !== null && !sharesScope(product.scopes, scopes)) return null;
  if (product.operations.length > 0) {
    const operation = product.operations.find((candidate) => covers(candidate, call));
    return operation === undefined ? null : { product, operation };
  }
  if (!allows(product.proxies, call.proxy)) return null;
  const { resources } = product;
  if (resources.length > 0 && !resources.some((resource) => matchesResource(resource, call.pathSuffix))) return null;
  return { product, operation: null };
}

function covers(operation: ProductOperation, call: AccessCall): boolean {
  if (operation.proxy !== call.proxy) return false;
  return allows(operation.methods, call.verb) && matchesResource(operation.resource, call.pathSuffix);
}

/** An empty list allows everything. */
function allows(list: readonly string[], name: string): boolean {
  return list.length === 0 || list.includes(name);
}

function sharesScope(ofProduct: readonly string[], ofToken: readonly string[]): boolean {
  return ofProduct.length === 0 || ofProduct.some((scope) => ofToken.includes(scope));
}

function grantOf(key: KeyRecord, token: TokenRecord | null, owner: Owner, cover: Cover): AccessGrant {
  const { app, developer } = owner;
  const { product, operation } = cover;
  const identities = [
    keyIdentity(key.id),
    appIdentity(app.id),
    developerIdentity(developer.id),
    productIdentity(product.name),
  ];
  if (token !== null) identities.push(tokenIdentity(token.id));
  if (token?.grantId !== undefined) identities.push(grantIdentity(token.grantId));
  if (token !== null && token.subject !== null) identities.push(subjectIdentity("", token.subject));
  const labels: CredentialLabels = {
    app: app.name,
    developer: developer.id,
    product: product.name,
    keyFingerprint: key.clientId,
  };
  const bond = key.products.find(({ name }) => name === product.name);
  const ends = [key.expiresAtMs, token?.expiresAtMs, app.expiresAtMs, developer.expiresAtMs, bond?.expiresAtMs];
  const expiresAtMs = earliest(ends);
  return { key, app, developer, product, operation, token, expiresAtMs, identities, labels };
}

function earliest(ends: readonly (number | null | undefined)[]): number | null {
  let first = Infinity;
  for (const end of ends) if (typeof end === "number" && end < first) first = end;
  return first === Infinity ? null : first;
}
