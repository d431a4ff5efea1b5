/**
 * What all verify steps share: the call that access is asked for, a failing store as a fault, and the credential that
 * the session watches from then on. It verifies nothing itself.
 */
import type { Exchange } from "../context.ts";
import { fault } from "../fault.ts";
import { isPending } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { StoreFailure } from "../state/store.ts";
import { credentialOf, type AccessCall, type Credential, type CredentialBasis } from "./credential.ts";
import type { AccessGrant } from "./model.ts";

/** The call that a product must cover. */
export function callOf(x: Exchange): AccessCall {
  return {
    proxy: x.program.proxy,
    environment: x.program.environment,
    pathSuffix: x.pathSuffix,
    verb: x.request.verb,
  };
}

/**
 * Asks the store: a store that cannot answer is `gateway.StoreUnavailable` (503), so that nobody is let in or called
 * a stranger because of it. Anything else thrown passes through as the defect that it is.
 */
export function askStore<T>(policy: string, ask: () => Maybe<T>): Maybe<T> {
  try {
    const answer = ask();
    if (!isPending(answer)) return answer;
    return answer.catch((cause: unknown) => {
      throw asFault(cause, policy);
    });
  } catch (cause) {
    throw asFault(cause, policy);
  }
}

/** A verified key or opaque token. */
export interface Admission {
  readonly policy: string;
  /** `Revocations.epoch` read before the look-up began. */
  readonly epoch: number;
  readonly grant: AccessGrant;
}

/**
 * Fills the exchange's access and leaves the credential with the session. Synchronous: no revocation can come
 * between.
 */
export function admit(x: Exchange, { policy, epoch, grant }: Admission): void {
  x.access = grant;
  const last = grant.admitted;
  const isSame = last !== undefined && last.policy === policy && last.epoch === epoch;
  if (isSame && isCallOf(x, last.basis)) return watch(x, last);
  grant.admitted = credentialOf(grant, policy, epoch, callOf(x));
  watch(x, grant.admitted);
}

function isCallOf(x: Exchange, basis: CredentialBasis | null): boolean {
  if (basis === null) return false;
  const { proxy, environment, pathSuffix, verb } = basis.call;
  const { program, request } = x;
  const isSameProxy = proxy === program.proxy && environment === program.environment;
  return isSameProxy && pathSuffix === x.pathSuffix && verb === request.verb;
}

/**
 * Leaves a credential with the session. Plain HTTP has none: it is kept where a later step asks for it. A session that
 * cannot take another one is refused: it would outlive the revocation of this one.
 */
export function watch(x: Exchange, credential: Credential): void {
  if (x.session === null) {
    if (x.program.keepsCredentials === true) (x.proven ??= []).push(credential);
    return;
  }
  if (x.session.addCredential(credential)) return;
  throw fault("gateway.Overload", "", credential.policy);
}

function asFault(cause: unknown, policy: string): unknown {
  return cause instanceof StoreFailure ? fault("gateway.StoreUnavailable", "", policy) : cause;
}
