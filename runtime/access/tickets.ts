/**
 * One-time tickets: what a request has proven, handed to a browser that cannot repeat the proof in its handshake. A
 * ticket leaves this file once, in the answer to whoever asked for it; the store has its digest, for seconds.
 */
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { randomSecret } from "./change.ts";
import type { AccessServices } from "./change.ts";
import type { AccessCall, Credential } from "./credential.ts";
import { areTokensRevoked } from "./cutoff.ts";
import { digest } from "./digest.ts";
import { ticketIdentity } from "./identity.ts";
import { isJwtRevoked } from "./jwt-revocation.ts";
import type { AccessGrant, TicketRecord } from "./model.ts";
import { resolveBasis } from "./resolve.ts";
import type { Refusal } from "./resolve.ts";

/** Where a ticket can be redeemed. */
export type TicketPlace = Pick<TicketRecord, "proxy" | "environment">;

/** A ticket as its page gets it. */
export interface MintedTicket {
  readonly ticket: string;
  readonly record: TicketRecord;
  /** Wall clock. */
  readonly expiresAtMs: number;
}

/** What a ticket stood for, found good again. */
export interface RedeemedTicket {
  readonly credentials: readonly Credential[];
  /** What the last of them gives access to; null where the store knows of none. */
  readonly grant: AccessGrant | null;
}

const INVALID = "steps.ticket.InvalidTicket";
const REVOKED = "keymanagement.service.access_token_not_approved";

/** Why a ticket is not taken: it is none, or what it stands for is no longer good. */
type TicketRefusal = typeof INVALID | Refusal;

/** Makes a ticket for these credentials, at least one. It never outlives the first of them to expire. */
export function mintTicket(
  { store, clock }: AccessServices,
  place: TicketPlace,
  credentials: readonly Credential[],
  lifetimeMs: number,
): Maybe<MintedTicket> {
  const ticket = randomSecret(clock);
  const record: TicketRecord = { id: clock.randomId(), ...place, credentials };
  let expiresAtMs = clock.wallMs() + lifetimeMs;
  for (const credential of credentials) expiresAtMs = Math.min(expiresAtMs, credential.expiresAtMs ?? Infinity);
  const minted: MintedTicket = { ticket, record, expiresAtMs };
  return andThen(store.put("ticket", digest(ticket), record, { ifAbsent: true, expiresAtMs }), () => minted);
}

/**
 * Takes a ticket, so that nobody can take it again, and checks everything that it stands for as if it had come with
 * this call. `epoch`: `Revocations.epoch`, read before.
 */
export function redeemTicket(
  services: AccessServices,
  presented: string,
  call: AccessCall,
  epoch: number,
): Maybe<RedeemedTicket | TicketRefusal> {
  return andThen(services.store.take("ticket", digest(presented)), (record) => {
    if (record === null || record.proxy !== call.proxy || record.environment !== call.environment) return INVALID;
    const own = ticketIdentity(record.id);
    const credentials = record.credentials.map((credential) => ({
      ...credential,
      epoch,
      identities: [...credential.identities, own],
      basis: credential.basis === null ? null : { ...credential.basis, call },
    }));
    return checkAll(services, { credentials, grant: null }, 0);
  });
}

function checkAll(services: AccessServices, redeemed: RedeemedTicket, at: number): Maybe<RedeemedTicket | TicketRefusal> {
  const credential = redeemed.credentials[at];
  if (credential === undefined) return redeemed;
  return andThen(check(services, credential), (found) => {
    if (typeof found === "string") return found;
    return checkAll(services, { ...redeemed, grant: found ?? redeemed.grant }, at + 1);
  });
}

/** What a credential gives access to now; null for one that the store knows nothing of. */
function check(
  { store, clock }: AccessServices,
  { kind, basis, identities, issuedAtMs = 0 }: Credential,
): Maybe<AccessGrant | Refusal | null> {
  return andThen(kind === "jwt" ? isJwtRevoked(store, { identities, issuedAtMs }) : false, (isRevoked) => {
    if (isRevoked) return REVOKED;
    if (basis === null) return null;
    return andThen(resolveBasis(store, clock, basis), (found) => {
      const isLate = kind === "jwt" && typeof found !== "string" && areTokensRevoked(issuedAtMs, found);
      return isLate ? REVOKED : found;
    });
  });
}
