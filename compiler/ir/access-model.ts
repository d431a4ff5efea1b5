/** What access/ holds, after validation: products, developers, apps and their keys. Types only. */
import type { SecretSource } from "./model.ts";

export interface ApiProductModel {
  readonly kind: "ApiProduct";
  readonly name?: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly approvalType?: "auto" | "manual";
  /** Empty or absent: all. */
  readonly environments?: readonly string[];
  readonly proxies?: readonly string[];
  readonly apiResources?: readonly string[];
  readonly operations?: readonly {
    readonly proxy: string;
    readonly resource: string;
    readonly methods?: readonly string[];
    readonly quota?: QuotaModel;
    readonly attributes?: Readonly<Record<string, string>>;
  }[];
  readonly scopes?: readonly string[];
  readonly quota?: QuotaModel;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Calls in an interval; only told to policies. */
export interface QuotaModel {
  readonly limit: number;
  readonly interval: number;
  readonly timeUnit: string;
}

export interface DeveloperModel {
  readonly kind: "Developer";
  readonly email: string;
  readonly userName?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly status?: "active" | "inactive";
  /** RFC 3339 instant; absent: never. */
  readonly expiresAt?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export interface AppModel {
  readonly kind: "App";
  readonly name?: string;
  /** E-mail address of its developer. */
  readonly developer: string;
  readonly status?: "approved" | "revoked";
  /** RFC 3339 instant; absent: never. */
  readonly expiresAt?: string;
  readonly callbackUrl?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly credentials?: readonly CredentialModel[];
}

export interface CredentialModel {
  readonly key: DigestOrSecret;
  readonly secret?: DigestOrSecret;
  /** Names of products. */
  readonly products: readonly string[];
  readonly status?: "approved" | "revoked";
  /** RFC 3339 instant; absent: never. */
  readonly expiresAt?: string;
  readonly scopes?: readonly string[];
}

/** A SHA-256 digest (`apigw-compile digest` makes one), or where the secret is read when the gateway starts. */
export type DigestOrSecret = { readonly digest: string } | SecretSource;
