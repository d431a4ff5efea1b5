/** Faults of JSON Web Tokens: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (text: string): FaultRow => ({
  status: 401,
  text,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "jwt",
});

/** By error code. */
export const jwtFaults = {
  "steps.jwt.FailedToResolveVariable": row("Failed to resolve variable: policy({})"),
  "steps.jwt.GenerationFailed": row("Token generation failed: policy({})"),
  "steps.jwt.SigningFailed": row("Failed to sign: policy({})"),
  "steps.jwt.FailedToDecode": row("Failed to decode Token: policy({})"),
  "steps.jwt.InvalidToken": row("Invalid token: policy({})"),
  "steps.jwt.TokenExpired": row("Token has expired: policy({})"),
  "steps.jwt.TokenNotYetValid": row("Token not yet valid: policy({})"),
  "steps.jwt.AlgorithmMismatch": row("Algorithm mismatch: policy({})"),
  "steps.jwt.AlgorithmInTokenNotPresentInConfiguration": row("Algorithm in header did not match any algorithm specified in the Configuration: policy({})"),
  "steps.jwt.NoAlgorithmFoundInHeader": row("No algorithm found in header: policy({})"),
  "steps.jwt.NoMatchingPublicKey": row("No matching public key found in JWKS: policy({})"),
  "steps.jwt.KeyIdMissing": row("Key id missing in header: policy({})"),
  "steps.jwt.JwtAudienceMismatch": row("Audience mismatch: policy({})"),
  "steps.jwt.JwtIssuerMismatch": row("Issuer mismatch: policy({})"),
  "steps.jwt.JwtSubjectMismatch": row("Subject mismatch: policy({})"),
  "steps.jwt.InvalidClaim": row("Invalid claim: policy({})"),
  "steps.jwt.UnhandledCriticalHeader": row("Unhandled critical header: policy({})"),
  "steps.jwt.KeyParsingFailed": row("Failed to parse key: policy({})"),
  "steps.jwt.InsufficientKeyLength": row("Insufficient key length: policy({})"),
  "steps.jwt.EncryptionFailed": row("Failed to encrypt: policy({})"),
  "steps.jwt.InvalidJsonFormat": row("Invalid JSON format in payload: policy({})"),
  "steps.jwt.InvalidSecretKey": row("Invalid secret key: policy({})"),
  "steps.jwt.WrongKeyType": row("Wrong key type: policy({})"),
} as const satisfies Record<string, FaultRow>;
