/** Faults of keys, tokens and codes: VerifyAPIKey, OAuthV2 and its kin: a part of the closed table (fault.ts), linked where they can be raised. */
import { coreFaults, fault, faultIn, type CoreFaultCode, type Fault } from "../fault.ts";
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "oauthV2",
});

/** By error code. */
export const accessFaults = {
  "steps.oauth.v2.FailedToResolveAPIKey": row(401, "Failed to resolve API Key variable {}"),
  "oauth.v2.InvalidApiKey": row(401, "Invalid ApiKey"),
  "oauth.v2.ApiKeyNotApproved": row(401, "Invalid ApiKey"),
  "oauth.v2.InvalidApiKeyForGivenResource": row(401, "Invalid ApiKey for given resource"),
  "keymanagement.service.consumer_key_expired": row(401, "Consumer key expired"),
  "keymanagement.service.invalid_client-app_not_approved": row(401, "App is not approved"),
  "keymanagement.service.DeveloperStatusNotActive": row(401, "Developer Status is not Active"),
  "oauth.v2.InvalidAccessToken": row(401, "Invalid access token"),
  "keymanagement.service.invalid_access_token": row(401, "Invalid Access Token"),
  "keymanagement.service.access_token_expired": row(401, "Access Token expired"),
  "keymanagement.service.access_token_not_approved": row(401, "Access Token not approved"),
  "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound": row(401, "Invalid API call as no apiproduct match found"),
  "steps.oauth.v2.InsufficientScope": row(403, "Required scope(s): {}"),
  "steps.oauth.v2.FailedToResolveAccessToken": row(500, "Failed to resolve Access Token variable {}"),
  "steps.oauth.v2.FailedToResolveToken": row(500, "Failed to resolve Token variable {}"),
  "steps.oauth.v2.InvalidClientIdentifier": row(401, "ClientId is Invalid"),
  "steps.oauth.v2.invalid_request": row(400, "Required param : {}"),
  "steps.oauth.v2.UnSupportedGrantType": row(400, "Unsupported grant type : {}"),
  "steps.oauth.v2.InvalidParameter": row(500, "Invalid parameter : {}"),
  "steps.oauth.v2.InvalidTokenType": row(400, "Invalid token type"),
  "steps.oauth.v2.InvalidValueForExpiresIn": row(500, "Invalid value for expires in : {}"),
  "steps.oauth.v2.InvalidValueForRefreshTokenExpiresIn": row(500, "Invalid value for refresh token expires in : {}"),
  "keymanagement.service.invalid_refresh_token": row(400, "Invalid Refresh Token"),
  "keymanagement.service.refresh_token_expired": row(400, "Refresh Token expired"),
  "keymanagement.service.refresh_token_not_approved": row(400, "Refresh Token not approved"),
  "steps.oauth.v2.FailedToResolveRefreshToken": row(500, "Failed to resolve Refresh Token variable {}"),
  "steps.oauth.v2.FailedToResolveAuthorizationCode": row(500, "Failed to resolve Authorization Code variable {}"),
  "steps.oauth.v2.FailedToResolveClientId": row(500, "Failed to resolve Client Id variable {}"),
  "steps.oauth.v2.invalid_access_token": row(500, "Invalid Access Token"),
  "steps.oauth.v2.access_token_expired": row(500, "Access Token expired"),
  "steps.oauth.v2.access_token_not_approved": row(500, "Access Token not approved"),
  "steps.oauth.v2.invalid_refresh_token": row(500, "Invalid Refresh Token"),
  "steps.oauth.v2.refresh_token_expired": row(500, "Refresh Token expired"),
  "steps.oauth.v2.invalid_request-authorization_code_invalid": row(500, "Invalid Authorization Code"),
  "steps.oauth.v2.authorization_code_expired": row(500, "Authorization Code expired"),
  "steps.oauth.v2.invalid_client-invalid_client_id": row(500, "ClientId is Invalid"),
  "steps.oauth.v2.InvalidAPICallAsNoApiProductMatchFound": row(401, "Invalid API call as no apiproduct match found"),
  "keymanagement.service.invalid_request-authorization_code_invalid": row(400, "Invalid Authorization Code"),
  "keymanagement.service.authorization_code_expired": row(400, "Authorization Code expired"),
} as const satisfies Record<string, FaultRow>;

/** With which access is refused: by this table, or because the gateway cannot tell. */
export type AccessFaultCode = keyof typeof accessFaults | CoreFaultCode;

/** See `fault` (fault.ts). */
export function accessFault(
  code: AccessFaultCode,
  detail?: string,
  policy?: string | null,
  headers?: readonly string[] | null,
): Fault {
  if (isCore(code)) return fault(code, detail, policy, headers);
  return faultIn(accessFaults, code, detail, policy, headers);
}

function isCore(code: AccessFaultCode): code is CoreFaultCode {
  return Object.hasOwn(coreFaults, code);
}
