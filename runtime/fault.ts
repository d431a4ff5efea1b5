/**
 * Faults: what goes wrong because of a client, a target or a policy. A closed table (Apigee's codes, statuses and
 * texts; see docs/differences.md for the rows that are ours; compiler/diagnostics/fault-docs.ts says what leads to
 * each). A fault is a plain object without a stack: making one costs an allocation, and it is thrown like an exception
 * through compiled chains.
 */
import type { ResponseMessage } from "./message/message.ts";

/** Apigee's fault taxonomy (`fault.category`). */
export type FaultCategory = "Step" | "Messaging" | "Transport" | "System";

/** One kind of fault. */
export interface FaultRow {
  /** HTTP status of the answer when no fault rule says otherwise. */
  readonly status: number;
  /** `faultstring`; `{}` is where the detail goes. */
  readonly text: string;
  readonly category: FaultCategory;
  /** `fault.subcategory`. */
  readonly subcategory: string;
  /** Prefix of the failing policy's `<prefix>.<policy>.failed` variable, where a policy raises it. */
  readonly failedPrefix?: string;
}

/** A fault as it travels. */
export interface Fault {
  readonly code: FaultCode;
  readonly status: number;
  readonly text: string;
  /** Name of the policy that raised it; null when the gateway itself did. */
  readonly policy: string | null;
  /** What RaiseFault wrote, or the target's own error answer; null for the default JSON body. */
  readonly response: ResponseMessage | null;
  /** Further header lines of the default answer, name and value alternating. */
  readonly headers: readonly string[] | null;
}

const security = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "oauthV2",
});
const jwt = /* @__NO_SIDE_EFFECTS__ */ (text: string): FaultRow => ({
  status: 401,
  text,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "jwt",
});
const step = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string, failedPrefix: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix,
});
const jws = /* @__NO_SIDE_EFFECTS__ */ (text: string): FaultRow => ({
  status: 401,
  text: `${text}: policy({})`,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "jws",
});
const hmac = /* @__NO_SIDE_EFFECTS__ */ (text: string): FaultRow => ({
  status: 401,
  text,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "hmac",
});
const messaging = /* @__NO_SIDE_EFFECTS__ */ (status: number, subcategory: string, text: string): FaultRow => ({
  status,
  text,
  category: "Messaging",
  subcategory,
});
const transport = /* @__NO_SIDE_EFFECTS__ */ (status: number, subcategory: string, text: string): FaultRow => ({
  status,
  text,
  category: "Transport",
  subcategory,
});

/** Every fault, by error code. */
export const faults = {
  // Classification and routing
  "messaging.adaptors.http.flow.ApplicationNotFound": messaging(404, "Classification failures", "Unable to identify proxy for host: {}"),
  "messaging.runtime.RouteFailed": messaging(500, "Routing failures", "Unable to route the message to a TargetEndpoint"),
  "messaging.runtime.TargetMissing": messaging(500, "Routing failures", "No proxy of this environment serves {}"),
  "gateway.TooManyProxyCalls": messaging(508, "Routing failures", "Proxies call each other more than {} deep"),
  "protocol.http.BadPath": messaging(400, "Request validations", "Invalid path: {}"),
  "protocol.http.BadRequest": messaging(400, "Request validations", "Bad request: {}"),
  "protocol.http.DuplicateHeader": messaging(400, "Request validations", "Duplicate Header \"{}\""),
  "protocol.http.TooBigLine": messaging(414, "Request validations", "Bad request: {}"),
  "protocol.http.TooBigHeaders": messaging(431, "Request validations", "Bad request: {}"),
  "protocol.http.TooBigBody": messaging(413, "Request validations", "Body buffer overflow"),
  "protocol.http.UnsupportedEncoding": messaging(415, "Request validations", "Unsupported content encoding"),
  "protocol.http.UpgradeRequired": messaging(426, "Request validations", "This endpoint serves WebSocket connections only"),
  "protocol.websocket.UpgradeDenied": messaging(403, "Request validations", "This endpoint does not serve WebSocket connections"),
  "protocol.websocket.OriginDenied": messaging(403, "Request validations", "Origin not allowed"),
  "protocol.websocket.UnsupportedVersion": messaging(426, "Request validations", "Unsupported WebSocket version: {}"),
  "messaging.adaptors.http.flow.DecompressionFailureAtRequest": messaging(400, "Request validations", "Decompression failure at request"),
  "messaging.adaptors.http.flow.RequestTimeOut": transport(408, "IO errors", "Request timed out"),
  "flow.APITimedOut": transport(504, "IO errors", "API timed out"),
  "gateway.Overload": messaging(503, "Classification failures", "The gateway is at one of its limits"),
  "gateway.Draining": messaging(503, "Classification failures", "The gateway is stopping"),
  "gateway.SessionEnded": messaging(401, "Classification failures", "The connection ended before its handshake: {}"),
  "gateway.StoreUnavailable": messaging(503, "Classification failures", "The store is unavailable"),
  "gateway.KeySetUnavailable": messaging(503, "Classification failures", "The keys of the token's issuer are unavailable"),
  "gateway.IntrospectionUnavailable": messaging(503, "Classification failures", "The token's server is unavailable"),
  "gateway.InternalError": { status: 500, text: "Internal error", category: "System", subcategory: "Gateway" },
  // Targets
  "messaging.adaptors.http.flow.ServiceUnavailable": transport(503, "Connectivity", "The Service is temporarily unavailable"),
  "messaging.adaptors.http.flow.NoActiveTargets": transport(503, "Connectivity", "The Service is temporarily unavailable"),
  "messaging.adaptors.http.flow.GatewayTimeout": transport(504, "IO errors", "Gateway Timeout"),
  "messaging.adaptors.http.flow.UnexpectedEOFAtTarget": transport(502, "IO errors", "Unexpected EOF at target"),
  "messaging.adaptors.http.flow.DecompressionFailureAtResponse": messaging(502, "Response validations", "Decompression failure at response"),
  "messaging.adaptors.http.flow.SslHandshakeFailed": transport(503, "Connectivity", "SSL Handshake failed"),
  "messaging.adaptors.http.flow.BadUpgradeResponse": transport(502, "Response validations", "The target's upgrade answer is not valid: {}"),
  "protocol.http.Response405WithoutAllowHeader": transport(502, "Response validations", "Received 405 Response without Allow Header"),
  "messaging.adaptors.http.flow.ErrorResponseCode": messaging(502, "Response codes", "The target answered with an error status"),
  // VerifyAPIKey and OAuthV2
  "steps.oauth.v2.FailedToResolveAPIKey": security(401, "Failed to resolve API Key variable {}"),
  "oauth.v2.InvalidApiKey": security(401, "Invalid ApiKey"),
  "oauth.v2.ApiKeyNotApproved": security(401, "Invalid ApiKey"),
  "oauth.v2.InvalidApiKeyForGivenResource": security(401, "Invalid ApiKey for given resource"),
  "keymanagement.service.consumer_key_expired": security(401, "Consumer key expired"),
  "keymanagement.service.invalid_client-app_not_approved": security(401, "App is not approved"),
  "keymanagement.service.DeveloperStatusNotActive": security(401, "Developer Status is not Active"),
  "oauth.v2.InvalidAccessToken": security(401, "Invalid access token"),
  "keymanagement.service.invalid_access_token": security(401, "Invalid Access Token"),
  "keymanagement.service.access_token_expired": security(401, "Access Token expired"),
  "keymanagement.service.access_token_not_approved": security(401, "Access Token not approved"),
  "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound": security(401, "Invalid API call as no apiproduct match found"),
  "steps.oauth.v2.InsufficientScope": security(403, "Required scope(s): {}"),
  "steps.oauth.v2.FailedToResolveAccessToken": security(500, "Failed to resolve Access Token variable {}"),
  "steps.oauth.v2.FailedToResolveToken": security(500, "Failed to resolve Token variable {}"),
  "steps.oauth.v2.InvalidClientIdentifier": security(401, "ClientId is Invalid"),
  "steps.oauth.v2.invalid_request": security(400, "Required param : {}"),
  "steps.oauth.v2.UnSupportedGrantType": security(400, "Unsupported grant type : {}"),
  "steps.oauth.v2.InvalidParameter": security(500, "Invalid parameter : {}"),
  "steps.oauth.v2.InvalidTokenType": security(400, "Invalid token type"),
  "steps.oauth.v2.InvalidValueForExpiresIn": security(500, "Invalid value for expires in : {}"),
  "steps.oauth.v2.InvalidValueForRefreshTokenExpiresIn": security(500, "Invalid value for refresh token expires in : {}"),
  "keymanagement.service.invalid_refresh_token": security(400, "Invalid Refresh Token"),
  "keymanagement.service.refresh_token_expired": security(400, "Refresh Token expired"),
  "keymanagement.service.refresh_token_not_approved": security(400, "Refresh Token not approved"),
  "steps.oauth.v2.FailedToResolveRefreshToken": security(500, "Failed to resolve Refresh Token variable {}"),
  "steps.oauth.v2.FailedToResolveAuthorizationCode": security(500, "Failed to resolve Authorization Code variable {}"),
  "steps.oauth.v2.FailedToResolveClientId": security(500, "Failed to resolve Client Id variable {}"),
  "steps.oauth.v2.invalid_access_token": security(500, "Invalid Access Token"),
  "steps.oauth.v2.access_token_expired": security(500, "Access Token expired"),
  "steps.oauth.v2.access_token_not_approved": security(500, "Access Token not approved"),
  "steps.oauth.v2.invalid_refresh_token": security(500, "Invalid Refresh Token"),
  "steps.oauth.v2.refresh_token_expired": security(500, "Refresh Token expired"),
  "steps.oauth.v2.invalid_request-authorization_code_invalid": security(500, "Invalid Authorization Code"),
  "steps.oauth.v2.authorization_code_expired": security(500, "Authorization Code expired"),
  "steps.oauth.v2.invalid_client-invalid_client_id": security(500, "ClientId is Invalid"),
  "steps.oauth.v2.InvalidAPICallAsNoApiProductMatchFound": security(401, "Invalid API call as no apiproduct match found"),
  "keymanagement.service.invalid_request-authorization_code_invalid": security(400, "Invalid Authorization Code"),
  "keymanagement.service.authorization_code_expired": security(400, "Authorization Code expired"),
  // GenerateTicket, VerifyTicket
  "steps.ticket.NothingProven": step(401, "Nothing proves who asks for a ticket", "ticket"),
  "steps.ticket.InvalidTicket": step(401, "Invalid ticket", "ticket"),
  // RenewSession
  "steps.renewsession.NothingProven": step(401, "No token to renew with", "renewsession"),
  "steps.renewsession.NoSession": step(400, "No session is named", "renewsession"),
  "steps.renewsession.NotRenewable": step(409, "The session has no token that this one can follow", "renewsession"),
  "steps.renewsession.AppDiffers": step(403, "The session belongs to another app", "renewsession"),
  "steps.renewsession.SubjectDiffers": step(403, "The session belongs to another subject", "renewsession"),
  "steps.renewsession.ScopeMissing": step(403, "The token lacks a scope of the session's", "renewsession"),
  "steps.renewsession.AccessDenied": step(403, "The token does not cover the session", "renewsession"),
  // VerifyJWT, DecodeJWT, GenerateJWT
  "steps.jwt.FailedToResolveVariable": jwt("Failed to resolve variable: policy({})"),
  "steps.jwt.GenerationFailed": jwt("Token generation failed: policy({})"),
  "steps.jwt.SigningFailed": jwt("Failed to sign: policy({})"),
  "steps.jwt.FailedToDecode": jwt("Failed to decode Token: policy({})"),
  "steps.jwt.InvalidToken": jwt("Invalid token: policy({})"),
  "steps.jwt.TokenExpired": jwt("Token has expired: policy({})"),
  "steps.jwt.TokenNotYetValid": jwt("Token not yet valid: policy({})"),
  "steps.jwt.AlgorithmMismatch": jwt("Algorithm mismatch: policy({})"),
  "steps.jwt.AlgorithmInTokenNotPresentInConfiguration": jwt("Algorithm in header did not match any algorithm specified in the Configuration: policy({})"),
  "steps.jwt.NoAlgorithmFoundInHeader": jwt("No algorithm found in header: policy({})"),
  "steps.jwt.NoMatchingPublicKey": jwt("No matching public key found in JWKS: policy({})"),
  "steps.jwt.KeyIdMissing": jwt("Key id missing in header: policy({})"),
  "steps.jwt.JwtAudienceMismatch": jwt("Audience mismatch: policy({})"),
  "steps.jwt.JwtIssuerMismatch": jwt("Issuer mismatch: policy({})"),
  "steps.jwt.JwtSubjectMismatch": jwt("Subject mismatch: policy({})"),
  "steps.jwt.InvalidClaim": jwt("Invalid claim: policy({})"),
  "steps.jwt.UnhandledCriticalHeader": jwt("Unhandled critical header: policy({})"),
  "steps.jwt.KeyParsingFailed": jwt("Failed to parse key: policy({})"),
  "steps.jwt.InsufficientKeyLength": jwt("Insufficient key length: policy({})"),
  "steps.jwt.EncryptionFailed": jwt("Failed to encrypt: policy({})"),
  "steps.jwt.InvalidJsonFormat": jwt("Invalid JSON format in payload: policy({})"),
  "steps.jwt.InvalidSecretKey": jwt("Invalid secret key: policy({})"),
  "steps.jwt.WrongKeyType": jwt("Wrong key type: policy({})"),
  // VerifyJWS, DecodeJWS, GenerateJWS
  "steps.securityevent.InvalidRequest": step(400, "Not a security event that can be read: policy({})", "securityevent"),
  "steps.securityevent.InvalidKey": step(400, "No key verifies the security event: policy({})", "securityevent"),
  "steps.securityevent.InvalidIssuer": step(400, "Issuer mismatch: policy({})", "securityevent"),
  "steps.securityevent.InvalidAudience": step(400, "Audience mismatch: policy({})", "securityevent"),
  "steps.securityevent.AuthenticationFailed": step(400, "The security event does not verify: policy({})", "securityevent"),
  "steps.jws.FailedToResolveVariable": jws("Failed to resolve variable"),
  "steps.jws.FailedToDecode": jws("Failed to decode JWS"),
  "steps.jws.InvalidJws": jws("Invalid JWS"),
  "steps.jws.InvalidSignature": jws("Invalid signature"),
  "steps.jws.MissingPayload": jws("Payload is missing"),
  "steps.jws.ContentIsNotDetached": jws("Content is not detached"),
  "steps.jws.AlgorithmMismatch": jws("Algorithm mismatch"),
  "steps.jws.AlgorithmInTokenNotPresentInConfiguration": jws("Algorithm in header did not match any algorithm specified in the Configuration"),
  "steps.jws.NoAlgorithmFoundInHeader": jws("No algorithm found in header"),
  "steps.jws.NoMatchingPublicKey": jws("No matching public key found in JWKS"),
  "steps.jws.KeyIdMissing": jws("Key id missing in header"),
  "steps.jws.InvalidClaim": jws("Invalid header"),
  "steps.jws.UnhandledCriticalHeader": jws("Unhandled critical header"),
  "steps.jws.KeyParsingFailed": jws("Failed to parse key"),
  "steps.jws.InsufficientKeyLength": jws("Insufficient key length"),
  "steps.jws.WrongKeyType": jws("Wrong key type"),
  "steps.jws.GenerationFailed": jws("JWS generation failed"),
  "steps.jws.SigningFailed": jws("Failed to sign"),
  // BasicAuthentication
  "steps.basicauthentication.UnresolvedVariable": step(500, "BasicAuthentication[{}]: unable to resolve variable", "BasicAuthentication"),
  "steps.basicauthentication.InvalidBasicAuthenticationSource": step(500, "BasicAuthentication[{}]: the source is no valid Basic credential", "BasicAuthentication"),
  // HMAC
  "steps.hmac.UnresolvedVariable": hmac("HMAC[{}]: unable to resolve variable"),
  "steps.hmac.EmptySecretKey": hmac("HMAC[{}]: the secret key is empty"),
  "steps.hmac.HmacCalculationFailed": hmac("HMAC[{}]: the hash cannot be calculated"),
  "steps.hmac.EmptyVerificationValue": hmac("HMAC[{}]: the verification value is empty"),
  "steps.hmac.HmacVerificationFailed": hmac("HMAC[{}]: the hash is not the expected one"),
  // Mediation and traffic
  "steps.assignmessage.UnresolvedVariable": step(500, "AssignMessage[{}]: unable to resolve variable", "assignmessage"),
  "steps.assignmessage.SetVariableFailed": step(500, "AssignMessage[{}]: value of variable cannot be set", "assignmessage"),
  "steps.assignmessage.VariableOfNonMsgType": step(500, "AssignMessage[{}]: value of variable is not of type Message", "assignmessage"),
  "steps.datacapture.UnresolvedVariable": step(500, "DataCapture[{}]: unable to resolve variable", "datacapture"),
  "steps.datacapture.DataCollectorTypeMismatch": step(500, "DataCapture[{}]: value is not of the data collector's type", "datacapture"),
  "steps.datacapture.VariableCountLimitExceeded": step(500, "DataCapture[{}]: too many variables", "datacapture"),
  "steps.datacapture.VariableValueLimitExceeded": step(500, "DataCapture[{}]: value is too long", "datacapture"),
  "steps.raisefault.RaiseFault": step(500, "Raising fault. Fault name : {}", "raisefault"),
  "policies.ratelimit.SpikeArrestViolation": step(429, "Spike arrest violation. Allowed rate : {}", "ratelimit"),
  "policies.ratelimit.FailedToResolveSpikeArrestRate": step(500, "Failed to resolve Spike Arrest Rate reference {}", "ratelimit"),
  "policies.ratelimit.InvalidMessageWeight": step(500, "Invalid message weight value {}", "ratelimit"),
  "accesscontrol.IPDeniedAccess": step(403, "Access Denied for client ip : {}", "acl"),
  "accesscontrol.InvalidRulePattern": step(500, "Invalid IP rule pattern {}", "acl"),
  "accesscontrol.InvalidIPAddressInVariable": step(500, "Invalid IP address in variable {}", "acl"),
} as const satisfies Record<string, FaultRow>;

/** Error code of a fault. */
export type FaultCode = keyof typeof faults;

/** Makes a fault. `detail` fills the `{}` of its text: never a secret, it goes to the client. */
export function fault(
  code: FaultCode,
  detail = "",
  policy: string | null = null,
  headers: readonly string[] | null = null,
): Fault {
  const row = faults[code];
  return { code, status: row.status, text: row.text.replace("{}", () => detail), policy, response: null, headers };
}

/** True for what compiled chains throw on purpose; everything else is a defect. */
export function isFault(thrown: unknown): thrown is Fault {
  return typeof thrown === "object" && thrown !== null && "code" in thrown && "response" in thrown && "text" in thrown;
}

/** Apigee's `fault.name`: the last dotted part of the error code. */
export function faultName(code: string): string {
  return code.slice(code.lastIndexOf(".") + 1);
}

/** Apigee's default error body (apigee-core section 3.8). */
export function faultBody(text: string, code: string): string {
  return JSON.stringify({ fault: { faultstring: text, detail: { errorcode: code } } });
}
