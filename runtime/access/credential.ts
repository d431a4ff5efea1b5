/**
 * What a verify step leaves behind for the session it admitted: until when, under which identities, and how to check
 * again. It holds digests and names, never a key or token.
 */
import type { Identity } from "./identity.ts";
import type { AccessGrant } from "./model.ts";

export type CredentialKind = "key" | "token" | "jwt" | "certificate";

/** The call that a product must cover. */
export interface AccessCall {
  readonly proxy: string;
  readonly environment: string;
  /** `proxy.pathsuffix`: the canonical path after the base path. */
  readonly pathSuffix: string;
  /** Method in upper case. */
  readonly verb: string;
}

/** Names for records and lists; each null where the credential does not tell. */
export interface CredentialLabels {
  readonly app: string | null;
  readonly developer: string | null;
  readonly product: string | null;
  readonly keyFingerprint: string | null;
}

/** One credential that admitted a session. Immutable; renewal puts another in its place. */
export interface Credential {
  readonly kind: CredentialKind;
  /** Name of the policy that verified it. */
  readonly policy: string;
  /** `Revocations.epoch` read before the verification began. */
  readonly epoch: number;
  /** Wall clock; null: never. */
  readonly expiresAtMs: number | null;
  readonly identities: readonly Identity[];
  readonly labels: CredentialLabels;
  /** Of a JWT: wall clock, 0 when it does not say. */
  readonly issuedAtMs?: number;
  /** Scopes of a token; absent where nobody tells. */
  readonly scopes?: readonly string[];
  /** Own identities of the tokens that were renewed into this one, the oldest first; `identities` has them too. */
  readonly former?: readonly (readonly Identity[])[];
  /** What to repeat after a change of access data; null where the store knows nothing of the credential. */
  readonly basis: CredentialBasis | null;
}

/** Enough to verify a stored key or token again, without the key or token. */
export interface CredentialBasis {
  readonly kind: "key" | "token";
  readonly digest: string;
  readonly call: AccessCall;
}

/** Labels of a credential about which nothing is known. */
export const noLabels: CredentialLabels = { app: null, developer: null, product: null, keyFingerprint: null };

/** The credential of a verified key or token. `epoch`: `Revocations.epoch` as read before the verification. */
export function credentialOf(grant: AccessGrant, policy: string, epoch: number, call: AccessCall): Credential {
  const { token, key, expiresAtMs, identities, labels } = grant;
  const basis: CredentialBasis =
    token === null ? { kind: "key", digest: key.id, call } : { kind: "token", digest: token.id, call };
  const made = { kind: basis.kind, policy, epoch, expiresAtMs, identities, labels, basis };
  return token === null ? made : { ...made, scopes: token.scopes };
}
