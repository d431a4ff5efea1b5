/** Faults of signatures over any text: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (text: string): FaultRow => ({
  status: 401,
  text: `${text}: policy({})`,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "jws",
});

/** By error code. */
export const jwsFaults = {
  "steps.jws.FailedToResolveVariable": row("Failed to resolve variable"),
  "steps.jws.FailedToDecode": row("Failed to decode JWS"),
  "steps.jws.InvalidJws": row("Invalid JWS"),
  "steps.jws.InvalidSignature": row("Invalid signature"),
  "steps.jws.MissingPayload": row("Payload is missing"),
  "steps.jws.ContentIsNotDetached": row("Content is not detached"),
  "steps.jws.AlgorithmMismatch": row("Algorithm mismatch"),
  "steps.jws.AlgorithmInTokenNotPresentInConfiguration": row("Algorithm in header did not match any algorithm specified in the Configuration"),
  "steps.jws.NoAlgorithmFoundInHeader": row("No algorithm found in header"),
  "steps.jws.NoMatchingPublicKey": row("No matching public key found in JWKS"),
  "steps.jws.KeyIdMissing": row("Key id missing in header"),
  "steps.jws.InvalidClaim": row("Invalid header"),
  "steps.jws.UnhandledCriticalHeader": row("Unhandled critical header"),
  "steps.jws.KeyParsingFailed": row("Failed to parse key"),
  "steps.jws.InsufficientKeyLength": row("Insufficient key length"),
  "steps.jws.WrongKeyType": row("Wrong key type"),
  "steps.jws.GenerationFailed": row("JWS generation failed"),
  "steps.jws.SigningFailed": row("Failed to sign"),
} as const satisfies Record<string, FaultRow>;
