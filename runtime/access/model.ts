/**
 * The records that say who may call what: developers, apps, products, keys and tokens, in Apigee's words (reference
 * apigee-core section 9). Plain JSON, so that any store can hold them; no key, secret or token in clear.
 */
import type { Credential, CredentialLabels } from "./credential.ts";
import type { Identity } from "./identity.ts";

/** Custom attributes. Read them with `attributeOf`, because their names are the user's. */
export type Attributes = Readonly<Record<string, string>>;

/** A developer; while `inactive`, all keys and tokens of the developer's apps fail. */
export interface Developer {
  readonly id: string;
  readonly email: string;
  readonly userName: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly status: "active" | "inactive";
  /** Wall clock: from then on as inactive; absent or null: never. */
  readonly expiresAtMs?: number | null;
  readonly attributes: Attributes;
  /** Tokens issued up to this instant (wall clock) count as revoked. */
  readonly tokensRevokedAtMs?: number;
}

/** Since when tokens of an end user count, everywhere or at one app. */
export interface TokenCutoff {
  readonly id: string;
  /** Tokens issued up to this instant (wall clock) count as revoked. */
  readonly tokensRevokedAtMs?: number;
  /** The same for access tokens alone. */
  readonly accessTokensRevokedAtMs?: number;
}

/**
 * An app; while `revoked`, none of its keys works, whatever their own status says. Its credentials are separate
 * records.
 */
export interface App {
  readonly id: string;
  readonly name: string;
  readonly developerId: string;
  readonly status: "approved" | "revoked";
  /** Wall clock: from then on as revoked; absent or null: never. */
  readonly expiresAtMs?: number | null;
  readonly callbackUrl: string | null;
  readonly attributes: Attributes;
  /** Tokens issued up to this instant (wall clock) count as revoked. */
  readonly tokensRevokedAtMs?: number;
  /** The same for access tokens alone. */
  readonly accessTokensRevokedAtMs?: number;
}

/** Status of a key, and of the bond between a key and one of its products. */
export type ApprovalStatus = "approved" | "revoked" | "pending";

/** A product of a key; only approved ones that have not expired are considered. */
export interface KeyProduct {
  readonly name: string;
  readonly status: ApprovalStatus;
  /** Wall clock; absent or null: never. */
  readonly expiresAtMs?: number | null;
}

/** A consumer key, stored under its digest. Several of one app may be valid at once (rotation). */
export interface KeyRecord {
  /** Digest of the consumer key (access/digest). */
  readonly id: string;
  /** Public name of the key: its fingerprint. The key itself is known only while a request presents it. */
  readonly clientId: string;
  readonly appId: string;
  readonly status: ApprovalStatus;
  /** Wall clock; null: never. */
  readonly expiresAtMs: number | null;
  readonly products: readonly KeyProduct[];
  /** Digest of the consumer secret; null when the key has none and so cannot ask for tokens. */
  readonly secretDigest: string | null;
  /** Scopes the key may ask for; empty: those of its products. */
  readonly scopes: readonly string[];
  readonly attributes: Attributes;
}

/** Quota written at a product or operation. Nothing enforces it but a policy that refers to it. */
export interface ProductQuota {
  readonly limit: number;
  readonly interval: number;
  readonly timeUnit: "minute" | "hour" | "day" | "week" | "month";
}

/** One operation of a product: a proxy, a resource path and the methods allowed on it (none: all). */
export interface ProductOperation {
  readonly proxy: string;
  readonly resource: string;
  readonly methods: readonly string[];
  readonly quota?: ProductQuota | null;
  readonly attributes?: Attributes;
}

/** What may be called: either `operations`, or any of `proxies` with any of `resources`. An empty list allows all. */
export interface ApiProduct {
  readonly name: string;
  readonly displayName: string;
  readonly environments: readonly string[];
  readonly proxies: readonly string[];
  readonly resources: readonly string[];
  readonly operations: readonly ProductOperation[];
  readonly scopes: readonly string[];
  readonly quota: ProductQuota | null;
  readonly attributes: Attributes;
}

/** An access or refresh token, stored under its digest. */
export interface TokenRecord {
  /** Digest of the token. */
  readonly id: string;
  readonly kind: "access" | "refresh";
  /** Digest of the consumer key that asked for it. */
  readonly clientKeyDigest: string;
  readonly appId: string;
  readonly developerId: string;
  /** Names of the products it was issued for. */
  readonly products: readonly string[];
  readonly scopes: readonly string[];
  /** Wall clock. */
  readonly issuedAtMs: number;
  /** Wall clock; null: never. */
  readonly expiresAtMs: number | null;
  readonly status: "approved" | "revoked";
  readonly attributes: Attributes;
  /** The end user; null when the client acts for itself. */
  readonly subject: string | null;
  readonly grantType: string;
  /** The grant that it came of; absent where there is no refresh token. */
  readonly grantId?: string;
  /** Attributes that no answer shows. */
  readonly hidden?: readonly string[];
}

/**
 * What a refresh token prolongs: all access tokens and refresh tokens that came of one consent. Its tokens are good
 * only while it is there and approved.
 */
export interface TokenGrant {
  readonly id: string;
  /** `replayed`: a refresh token or code was used again, so somebody has stolen one; that is never lifted. */
  readonly status: "approved" | "revoked" | "replayed";
  /** Digest of the one refresh token that can be used. */
  readonly refreshDigest: string;
  /** Refreshes so far. */
  readonly refreshCount: number;
  /** Wall clock: when the last of its tokens expires; null: never. */
  readonly endsAtMs: number | null;
  /** Issuer of its signed access tokens, which no store holds: they bear the grant's id as `sid`. */
  readonly issuer?: string;
}

/** An authorization code, stored under its digest. */
export interface AuthorizationCode {
  /** Digest of the code. */
  readonly id: string;
  /** Digest of the consumer key that it was issued to. */
  readonly clientKeyDigest: string;
  readonly scopes: readonly string[];
  readonly subject: string | null;
  readonly attributes: Attributes;
  readonly hidden: readonly string[];
  /** What the token request must repeat; null when the authorization request named no address. */
  readonly redirectUri: string | null;
  /** Digest of the verifier that the token request must bring; null without a challenge. */
  readonly verifierDigest: string | null;
  /** Wall clock. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** The grant that the code was taken for; null while nobody has used it. */
  readonly grantId: string | null;
}

/** A one-time ticket, stored under its digest: it stands for the credentials of the request that asked for it. */
export interface TicketRecord {
  /** Its public name. */
  readonly id: string;
  /** Where it can be redeemed. */
  readonly proxy: string;
  readonly environment: string;
  readonly credentials: readonly Credential[];
}

/** A mark that the gateway keeps for itself: a removed record, a revoked JWT. */
export interface MetaRecord {
  readonly note: string;
  /** Wall clock. */
  readonly atMs: number;
}

/** An attribute's value, null when there is none. Names that every object has (`constructor`) are no attributes. */
export function attributeOf(attributes: Attributes, name: string): string | null {
  return Object.hasOwn(attributes, name) ? (attributes[name] ?? null) : null;
}

/** What a verified key or token stands for. Flow variables are read from it. */
export interface AccessGrant {
  /** The consumer key; a token's grant has the key that asked for the token. */
  readonly key: KeyRecord;
  readonly app: App;
  readonly developer: Developer;
  /** The product that covers the call. */
  readonly product: ApiProduct;
  /** The product's operation that covers it; null for a product without operations. */
  readonly operation: ProductOperation | null;
  /** Null when a key was presented. */
  readonly token: TokenRecord | null;
  /** Wall clock, the earlier of key and token; null: never. */
  readonly expiresAtMs: number | null;
  /** What a revocation of this access can name. */
  readonly identities: readonly Identity[];
  readonly labels: CredentialLabels;
  /** The credential that was last made of it; admission.ts keeps it here, so that sessions can share it. */
  admitted?: Credential;
}
