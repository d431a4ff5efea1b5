/**
 * The bundle model: what a user wrote, validated against the schemas, defaults not yet filled, names not yet resolved.
 * Types only. Objects are the plain values of the YAML; `positions` knows where each of them and each of their keys
 * stands.
 */
import type { Positions } from "../source/positions.ts";
import type { ApiProductModel, AppModel, DeveloperModel } from "./access-model.ts";
import type { EnvironmentModel } from "./environment-model.ts";
import type { GatewayModel } from "./gateway-model.ts";
import type { ProxyModel, SharedFlowModel } from "./proxy-model.ts";

/**
 * `{ env: NAME, default: x }`: read from the environment when the gateway starts, so that CI promotes the tested bytes.
 */
export interface FromEnv {
  readonly env: string;
  readonly default?: string | number;
}

/** A secret: never literal, read when the gateway starts. */
export type SecretSource = FromEnv | { readonly file: string | FromEnv };

/** A path of a file read when the gateway starts. */
export type FileSource = string | FromEnv;

export type TextSetting = string | FromEnv;

export type PortSetting = number | FromEnv;

/** `ref` with a literal fallback. A bare scalar is a literal. */
export type RefOr<T> = T | { readonly ref: string; readonly value?: T };

/** One gateway project, validated. Lists are in file order; files in path order. */
export interface BundleModel {
  readonly gateway: GatewayModel;
  readonly environments: readonly Named<EnvironmentModel>[];
  readonly proxies: readonly Named<ProxyModel>[];
  readonly sharedFlows: readonly Named<SharedFlowModel>[];
  readonly products: readonly Named<ApiProductModel>[];
  readonly developers: readonly Named<DeveloperModel>[];
  readonly apps: readonly Named<AppModel>[];
  readonly positions: Positions;
}

/** A document with the name that its path (or its own `name`) gives it. */
export interface Named<T> {
  readonly name: string;
  /** Path of its file within the project, with forward slashes. */
  readonly file: string;
  readonly value: T;
}

/** What every policy has; the rest of its keys belong to its kind and are typed in compiler/policies/<policy>.ts. */
export interface PolicyModel {
  readonly kind: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly enabled?: boolean;
  readonly continueOnError?: boolean;
  readonly [key: string]: unknown;
}
