/**
 * Faults: what goes wrong because of a client, a target or a policy. A closed table (Apigee's codes, statuses and texts; see
 * docs/differences.md for the rows that are ours). A fault is a plain object without a stack: making one costs an allocation,
 * and it is thrown like an exception through compiled chains.
 */
import type { ResponseMessage } from "./message.ts";

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
  /** One line for the reference. */
  readonly doc: string;
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

const security = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string, doc: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "oauthV2",
  doc,
});
const jwt = /* @__NO_SIDE_EFFECTS__ */ (text: string, doc: string): FaultRow => ({
  status: 401,
  text,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "jwt",
  doc,
});
const step = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string, failedPrefix: string, doc: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix,
  doc,
});
const messaging = /* @__NO_SIDE_EFFECTS__ */ (status: number, subcategory: string, text: string, doc: string): FaultRow => ({
  status,
  text,
  category: "Messaging",
  subcategory,
  doc,
});
const transport = /* @__NO_SIDE_EFFECTS__ */ (status: number, subcategory: string, text: string, doc: string): FaultRow => ({
  status,
  text,
  category: "Transport",
  subcategory,
  doc,
});

/** Every fault, by error code. */
export const faults = {
  // Classification and routing
  "messaging.adaptors.http.flow.ApplicationNotFound": messaging(404, "Classification failures", "Unable to identify proxy for host: {}", "No proxy is deployed for this host and path."),
  "messaging.runtime.RouteFailed": messaging(500, "Routing failures", "Unable to route the message to a TargetEndpoint", "No route rule matched."),
  "protocol.http.BadPath": messaging(400, "Request validations", "Invalid path: {}", "The request target has no single canonical path."),
  "protocol.http.BadRequest": messaging(400, "Request validations", "Bad request: {}", "The request breaks HTTP or WebSocket rules that the gateway insists on."),
  "protocol.http.TooBigLine": messaging(414, "Request validations", "request line size exceeding {}", "The request target is longer than limits.requestTargetBytesMax."),
  "protocol.http.TooBigHeaders": messaging(431, "Request validations", "request headers size exceeding {}", "The request head is larger than the limits."),
  "protocol.http.UpgradeRequired": messaging(426, "Request validations", "This endpoint serves WebSocket connections only", "A plain request to an endpoint with webSocket mode `only`."),
  "protocol.websocket.UpgradeDenied": messaging(403, "Request validations", "This endpoint does not serve WebSocket connections", "An upgrade to an endpoint with `webSocket: deny`."),
  "protocol.websocket.OriginDenied": messaging(403, "Request validations", "Origin not allowed", "The Origin is not allowed, or differs from the host while the credential is ambient."),
  "protocol.websocket.UnsupportedVersion": messaging(426, "Request validations", "Sec-WebSocket-Version must be 13", "RFC 6455 section 4.4."),
  "messaging.adaptors.http.flow.RequestTimeOut": transport(408, "IO errors", "Request timed out", "The client was too slow."),
  "flow.APITimedOut": transport(504, "IO errors", "API timed out", "api.timeout ran out."),
  "gateway.Overload": messaging(503, "Classification failures", "The gateway is at one of its limits", "Too many handshakes, sessions or connections."),
  "gateway.Draining": messaging(503, "Classification failures", "The gateway is stopping", "A newcomer while draining with `drain.refuse: 503`."),
  "gateway.SessionEnded": messaging(401, "Classification failures", "The connection ended before its handshake: {}", "A revocation or an operator ended the handshake."),
  "gateway.StoreUnavailable": messaging(503, "Classification failures", "The store is unavailable", "A credential could not be looked up."),
  "gateway.InternalError": { status: 500, text: "Internal error", category: "System", subcategory: "Gateway", doc: "A defect of the gateway itself; the log has the details." },
  // Targets
  "messaging.adaptors.http.flow.ServiceUnavailable": transport(503, "Connectivity", "The Service is temporarily unavailable", "The target refused the connection, could not be resolved or did not accept in time."),
  "messaging.adaptors.http.flow.NoActiveTargets": transport(503, "Connectivity", "The Service is temporarily unavailable", "Every target server is out of rotation."),
  "messaging.adaptors.http.flow.GatewayTimeout": transport(504, "IO errors", "Gateway Timeout", "The target was silent for io.timeout.millis."),
  "messaging.adaptors.http.flow.UnexpectedEOFAtTarget": transport(502, "IO errors", "Unexpected EOF at target", "The target closed or reset the connection in mid-answer."),
  "messaging.adaptors.http.flow.SslHandshakeFailed": transport(503, "Connectivity", "SSL Handshake failed", "TLS to the target failed."),
  "messaging.adaptors.http.flow.BadUpgradeResponse": transport(502, "Response validations", "The target's upgrade answer is not valid: {}", "Wrong Sec-WebSocket-Accept, unoffered subprotocol or extension, or no valid HTTP answer."),
  "messaging.adaptors.http.flow.ErrorResponseCode": messaging(502, "Response codes", "The target answered with an error status", "The target's status is not in success.codes; its own answer goes to the client."),
  // VerifyAPIKey and OAuthV2
  "steps.oauth.v2.FailedToResolveAPIKey": security(401, "Failed to resolve API Key variable {}", "The variable that should hold the key is empty."),
  "oauth.v2.InvalidApiKey": security(401, "Invalid ApiKey", "No such key."),
  "oauth.v2.ApiKeyNotApproved": security(401, "Invalid ApiKey", "The key was revoked or is not approved yet."),
  "oauth.v2.InvalidApiKeyForGivenResource": security(401, "Invalid ApiKey for given resource", "No approved product of the key covers this proxy, environment and path."),
  "keymanagement.service.consumer_key_expired": security(401, "Consumer key expired", "The key reached its expiry."),
  "keymanagement.service.invalid_client-app_not_approved": security(401, "App is not approved", "The app was revoked."),
  "keymanagement.service.DeveloperStatusNotActive": security(401, "Developer Status is not Active", "The app's developer is inactive."),
  "oauth.v2.InvalidAccessToken": security(401, "Invalid access token", "No bearer token where one is expected."),
  "keymanagement.service.invalid_access_token": security(401, "Invalid Access Token", "No such token, or a JWT that does not verify."),
  "keymanagement.service.access_token_expired": security(401, "Access Token expired", "The token reached its expiry."),
  "keymanagement.service.access_token_not_approved": security(401, "Access Token not approved", "The token was revoked."),
  "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound": security(401, "Invalid API call as no apiproduct match found", "No product of the token covers this call."),
  "steps.oauth.v2.InsufficientScope": security(403, "Required scope(s): {}", "The token lacks a required scope."),
  "steps.oauth.v2.FailedToResolveAccessToken": security(500, "Failed to resolve Access Token variable {}", "The configured variable is empty."),
  "steps.oauth.v2.FailedToResolveToken": security(500, "Failed to resolve Token variable {}", "The configured variable is empty."),
  "steps.oauth.v2.InvalidClientIdentifier": security(401, "ClientId is Invalid", "Unknown client or wrong secret."),
  "steps.oauth.v2.invalid_request": security(400, "Required param : {}", "A parameter of a token request is missing or wrong."),
  "steps.oauth.v2.UnSupportedGrantType": security(400, "Unsupported grant type : {}", "The grant type is not among those of the policy."),
  "steps.oauth.v2.InvalidTokenType": security(400, "Invalid token type", "A token of another kind was given."),
  "steps.oauth.v2.InvalidValueForExpiresIn": security(500, "Invalid value for expires in : {}", "The variable that should hold a token's lifetime holds neither a positive number of milliseconds nor -1."),
  // VerifyJWT
  "steps.jwt.FailedToResolveVariable": jwt("Failed to resolve variable: policy({})", "The variable that should hold the token is empty."),
  "steps.jwt.FailedToDecode": jwt("Failed to decode Token: policy({})", "Not a compact JWS of three base64url parts."),
  "steps.jwt.InvalidToken": jwt("Invalid token: policy({})", "The signature does not verify."),
  "steps.jwt.TokenExpired": jwt("Token has expired: policy({})", "exp has passed."),
  "steps.jwt.TokenNotYetValid": jwt("Token not yet valid: policy({})", "nbf or iat lies ahead."),
  "steps.jwt.AlgorithmMismatch": jwt("Algorithm mismatch: policy({})", "The key does not fit the algorithm."),
  "steps.jwt.AlgorithmInTokenNotPresentInConfiguration": jwt("Algorithm in header did not match any algorithm specified in the Configuration: policy({})", "alg is not among the policy's algorithms."),
  "steps.jwt.NoAlgorithmFoundInHeader": jwt("No algorithm found in header: policy({})", "No alg."),
  "steps.jwt.NoMatchingPublicKey": jwt("No matching public key found in JWKS: policy({})", "No key of the set has the token's kid."),
  "steps.jwt.KeyIdMissing": jwt("Key id missing in header: policy({})", "A key set needs a kid."),
  "steps.jwt.JwtAudienceMismatch": jwt("Audience mismatch: policy({})", "aud differs."),
  "steps.jwt.JwtIssuerMismatch": jwt("Issuer mismatch: policy({})", "iss differs."),
  "steps.jwt.JwtSubjectMismatch": jwt("Subject mismatch: policy({})", "sub differs."),
  "steps.jwt.InvalidClaim": jwt("Invalid claim: policy({})", "A demanded claim is absent or differs."),
  "steps.jwt.UnhandledCriticalHeader": jwt("Unhandled critical header: policy({})", "crit names a header that the policy does not know."),
  "steps.jwt.KeyParsingFailed": jwt("Failed to parse key: policy({})", "The policy's key or key set cannot be read."),
  "steps.jwt.InsufficientKeyLength": jwt("Insufficient key length: policy({})", "RSA under 2048 bits, or a secret shorter than the hash (RFC 7518 sections 3.2 and 3.3)."),
  "steps.jwt.WrongKeyType": jwt("Wrong key type: policy({})", "A private key where a public one belongs, or a PEM text where a secret belongs."),
  // Mediation and traffic
  "steps.assignmessage.UnresolvedVariable": step(500, "AssignMessage[{}]: unable to resolve variable", "assignmessage", "A referenced variable has no value and ignoreUnresolvedVariables is false."),
  "steps.assignmessage.SetVariableFailed": step(500, "AssignMessage[{}]: value of variable cannot be set", "assignmessage", "A status, verb or header value is not valid."),
  "steps.assignmessage.VariableOfNonMsgType": step(500, "AssignMessage[{}]: value of variable is not of type Message", "assignmessage", "assignTo names something that is no message."),
  "steps.raisefault.RaiseFault": step(500, "Raising fault. Fault name : {}", "raisefault", "A RaiseFault policy ran."),
  "policies.ratelimit.SpikeArrestViolation": step(429, "Spike arrest violation. Allowed rate : {}", "ratelimit", "More calls than the rate allows."),
  "policies.ratelimit.FailedToResolveSpikeArrestRate": step(500, "Failed to resolve Spike Arrest Rate reference {}", "ratelimit", "The rate's variable is empty or no rate."),
  "policies.ratelimit.InvalidMessageWeight": step(500, "Invalid message weight value {}", "ratelimit", "The weight is no positive integer."),
  "accesscontrol.IPDeniedAccess": step(403, "Access Denied for client ip : {}", "acl", "A rule denies the client's address."),
  "accesscontrol.InvalidRulePattern": step(500, "Invalid IP rule pattern {}", "acl", "A rule's address or mask comes from a variable and is neither."),
  "accesscontrol.InvalidIPAddressInVariable": step(500, "Invalid IP address in variable {}", "acl", "clientIPVariable holds no IP address."),
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
