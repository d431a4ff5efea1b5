/**
 * One line about each fault, for `explain` and the reference. Here and not in the table, so that artifacts do not carry
 * it.
 */
import type { FaultCode } from "#runtime/fault.ts";

/** What leads to each fault. */
export const faultDocs: { readonly [code in FaultCode]: string } = {
  "messaging.adaptors.http.flow.ApplicationNotFound": "No proxy is deployed for this host and path.",
  "messaging.runtime.RouteFailed": "No route rule matched.",
  "messaging.runtime.TargetMissing": "A localTargetConnection's path leads to no proxy of its environment.",
  "gateway.TooManyProxyCalls": "Proxies that call each other by path do so too often for one request.",
  "protocol.http.BadPath": "The request target has no single canonical path.",
  "protocol.http.BadRequest": "The request breaks HTTP or WebSocket rules that the gateway insists on.",
  "protocol.http.DuplicateHeader": "Two lines of Host, Content-Length, Authorization, Content-Type or Origin.",
  "protocol.http.TooBigLine": "The request target is longer than limits.requestTarget.",
  "protocol.http.TooBigHeaders": "The request head is larger than limits.requestHead, or has more than 100 lines.",
  "protocol.http.TooBigBody": "A policy looks into a body that is larger than its limit; 502 when the target sent it.",
  "protocol.http.UnsupportedEncoding":
    "A policy looks into a body whose Content-Encoding is none of gzip, deflate and br; 502 when the target sent it.",
  "messaging.adaptors.http.flow.DecompressionFailureAtRequest":
    "A policy looks into a body that is not encoded as it says.",
  "messaging.adaptors.http.flow.DecompressionFailureAtResponse": "The same for the body of a target's answer.",
  "protocol.http.UpgradeRequired": "A plain request to an endpoint with webSocket mode `only`.",
  "protocol.websocket.UpgradeDenied": "An upgrade to an endpoint with `webSocket: deny`.",
  "protocol.websocket.OriginDenied":
    "The Origin is not allowed, or differs from the host while the credential is ambient.",
  "protocol.websocket.UnsupportedVersion": "Sec-WebSocket-Version is not 13 (RFC 6455 section 4.4).",
  "messaging.adaptors.http.flow.RequestTimeOut": "The client was too slow.",
  "flow.APITimedOut": "api.timeout ran out.",
  "gateway.Overload":
    "Too many handshakes or sessions, too much of bodies in memory, or too many credentials for one session.",
  "gateway.Draining": "A newcomer while draining with `drain.refuse: 503`.",
  "gateway.SessionEnded": "A revocation or an operator ended the handshake.",
  "gateway.StoreUnavailable": "A credential could not be looked up.",
  "gateway.KeySetUnavailable": "A key set could not be fetched, and there is none from before.",
  "gateway.IntrospectionUnavailable":
    "The introspection server did not answer as it should, and no answer of before may stand in.",
  "gateway.InternalError": "A defect of the gateway itself; the log has the details.",
  "messaging.adaptors.http.flow.ServiceUnavailable":
    "The target refused the connection, could not be resolved or did not accept in time, or its pool of connections is full.",
  "messaging.adaptors.http.flow.NoActiveTargets": "Every target server is out of rotation.",
  "messaging.adaptors.http.flow.GatewayTimeout": "The target was silent for io.timeout.millis.",
  "messaging.adaptors.http.flow.UnexpectedEOFAtTarget": "The target closed or reset the connection in mid-answer.",
  "messaging.adaptors.http.flow.SslHandshakeFailed": "TLS to the target failed.",
  "messaging.adaptors.http.flow.BadUpgradeResponse":
    "Wrong Sec-WebSocket-Accept, unoffered subprotocol or extension, or no valid HTTP answer.",
  "protocol.http.Response405WithoutAllowHeader":
    "The target answered 405 without Allow, and the target endpoint says `ignore.allow.header.for.405: false`.",
  "messaging.adaptors.http.flow.ErrorResponseCode":
    "The target's status is not in success.codes; its own answer goes to the client.",
  "steps.oauth.v2.FailedToResolveAPIKey": "The variable that should hold the key is empty.",
  "oauth.v2.InvalidApiKey": "No such key.",
  "oauth.v2.ApiKeyNotApproved": "The key was revoked or is not approved yet.",
  "oauth.v2.InvalidApiKeyForGivenResource": "No approved product of the key covers this proxy, environment and path.",
  "keymanagement.service.consumer_key_expired": "The key reached its expiry.",
  "keymanagement.service.invalid_client-app_not_approved": "The app was revoked.",
  "keymanagement.service.DeveloperStatusNotActive": "The app's developer is inactive.",
  "oauth.v2.InvalidAccessToken": "No bearer token where one is expected.",
  "keymanagement.service.invalid_access_token": "No such token, or a JWT that does not verify.",
  "keymanagement.service.access_token_expired": "The token reached its expiry.",
  "keymanagement.service.access_token_not_approved": "The token was revoked.",
  "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound": "No product of the token covers this call.",
  "steps.oauth.v2.InsufficientScope": "The token lacks a required scope.",
  "steps.oauth.v2.FailedToResolveAccessToken": "The configured variable is empty.",
  "steps.oauth.v2.FailedToResolveToken": "The configured variable is empty.",
  "steps.oauth.v2.InvalidClientIdentifier": "Unknown client or wrong secret.",
  "steps.oauth.v2.invalid_request": "A parameter of a token request is missing or wrong.",
  "steps.oauth.v2.UnSupportedGrantType": "The grant type is not among those of the policy.",
  "steps.oauth.v2.InvalidParameter":
    "A token or code of another server is none, is longer than 2 KiB, or is known here already.",
  "steps.oauth.v2.InvalidTokenType": "A token of another kind was given.",
  "steps.oauth.v2.InvalidValueForExpiresIn":
    "The variable that should hold a token's lifetime holds neither a positive number of milliseconds nor -1.",
  "steps.oauth.v2.InvalidValueForRefreshTokenExpiresIn":
    "The same for the lifetime of a refresh token.",
  "keymanagement.service.invalid_refresh_token":
    "No such refresh token is the client's, or it was replaced by another one; in that case its grant is revoked.",
  "keymanagement.service.refresh_token_expired": "The refresh token has expired.",
  "keymanagement.service.refresh_token_not_approved": "The refresh token, or the grant that it prolongs, was revoked.",
  "keymanagement.service.invalid_request-authorization_code_invalid":
    "No such authorization code is the client's, its redirect_uri or code_verifier is another one, or it was used before;" +
    " in that case what came of it is revoked.",
  "steps.oauth.v2.FailedToResolveRefreshToken": "The variable that should hold the refresh token has no value.",
  "steps.oauth.v2.FailedToResolveAuthorizationCode":
    "The variable that should hold the authorization code has no value.",
  "steps.oauth.v2.FailedToResolveClientId": "The variable that should hold the client id has no value.",
  "steps.oauth.v2.invalid_access_token":
    "GetOAuthV2Info, SetOAuthV2Info or DeleteOAuthV2Info: the store knows no such access token.",
  "steps.oauth.v2.access_token_expired": "The same: the access token has expired.",
  "steps.oauth.v2.access_token_not_approved": "GetOAuthV2Info: the access token is revoked.",
  "steps.oauth.v2.invalid_refresh_token": "GetOAuthV2Info: the store knows no such refresh token.",
  "steps.oauth.v2.refresh_token_expired": "GetOAuthV2Info: the refresh token has expired.",
  "steps.oauth.v2.invalid_request-authorization_code_invalid":
    "GetOAuthV2Info or DeleteOAuthV2Info: the store knows no such authorization code.",
  "steps.oauth.v2.authorization_code_expired": "The same: the authorization code has expired.",
  "steps.oauth.v2.invalid_client-invalid_client_id": "GetOAuthV2Info: the store knows no such client.",
  "steps.oauth.v2.InvalidAPICallAsNoApiProductMatchFound":
    "GetOAuthV2Info: no product of the access token covers the call.",
  "keymanagement.service.authorization_code_expired": "The authorization code has expired.",
  "steps.ticket.NothingProven": "No policy before GenerateTicket has verified a key or token.",
  "steps.ticket.InvalidTicket":
    "No ticket, or one that is unknown, spent, expired, for another proxy, or of another app than the request's key.",
  "steps.renewsession.NothingProven": "The policies before RenewSession have verified no token, or more than one.",
  "steps.renewsession.NoSession": "Neither a session's id nor an old token, or none that can name a session.",
  "steps.renewsession.NotRenewable":
    "The session was admitted without a token, with two, or with one of another kind; or it has just ended.",
  "steps.renewsession.AppDiffers": "The token was issued to another app than the session's.",
  "steps.renewsession.SubjectDiffers": "The token speaks for another end user than the session's.",
  "steps.renewsession.ScopeMissing": "The session's token had scopes that this one lacks.",
  "steps.renewsession.AccessDenied": "The token was revoked meanwhile, or no product of it covers the session's call.",
  "steps.jwt.FailedToResolveVariable":
    "A variable that should hold the token, a demanded value or a claim has no value.",
  "steps.jwt.GenerationFailed": "A claim or header is not of its type, or a time cannot be read.",
  "steps.jwt.SigningFailed": "The key did not sign.",
  "steps.jwt.FailedToDecode": "Not a compact JWS of three base64url parts, nor a compact JWE of five.",
  "steps.jwt.InvalidToken":
    "The signature does not verify, the token cannot be decrypted or was revoked, or DecodeJWT found no token.",
  "steps.jwt.EncryptionFailed": "The key did not encrypt.",
  "steps.jwt.InvalidJsonFormat": "What was decrypted is no JSON object.",
  "steps.jwt.InvalidSecretKey": "A secret with more bytes than the algorithm's keys have.",
  "steps.jwt.TokenExpired": "exp has passed.",
  "steps.jwt.TokenNotYetValid": "nbf or iat lies ahead.",
  "steps.jwt.AlgorithmMismatch": "The key does not fit the algorithm.",
  "steps.jwt.AlgorithmInTokenNotPresentInConfiguration": "alg is not among the policy's algorithms.",
  "steps.jwt.NoAlgorithmFoundInHeader": "No alg.",
  "steps.jwt.NoMatchingPublicKey": "No key of the set has the token's kid.",
  "steps.jwt.KeyIdMissing": "A key set needs a kid.",
  "steps.jwt.JwtAudienceMismatch": "aud differs.",
  "steps.jwt.JwtIssuerMismatch": "iss differs.",
  "steps.jwt.JwtSubjectMismatch": "sub differs.",
  "steps.jwt.InvalidClaim": "A demanded claim is absent or differs.",
  "steps.jwt.UnhandledCriticalHeader": "crit names a header that the policy does not know.",
  "steps.jwt.KeyParsingFailed": "The policy's key or key set cannot be read.",
  "steps.jwt.InsufficientKeyLength":
    "RSA under 2048 bits, or a secret shorter than the hash (RFC 7518 sections 3.2 and 3.3).",
  "steps.jwt.WrongKeyType":
    "A private key where a public one belongs, or the reverse; a PEM text where a secret belongs.",
  "steps.securityevent.InvalidRequest":
    "No token, of another type or too old, or claims that are not those of a security event or logout.",
  "steps.securityevent.InvalidKey": "No key of the issuer fits the token.",
  "steps.securityevent.InvalidIssuer": "iss differs.",
  "steps.securityevent.InvalidAudience": "aud differs.",
  "steps.securityevent.AuthenticationFailed": "The signature does not verify, or the type is another.",
  "steps.jws.FailedToResolveVariable":
    "A variable that should hold the signature, the payload or a header has no value.",
  "steps.jws.FailedToDecode": "Not three base64url parts behind a JSON header.",
  "steps.jws.InvalidJws": "DecodeJWS found no signature.",
  "steps.jws.InvalidSignature": "The signature does not verify.",
  "steps.jws.MissingPayload": "The payload is empty, or a detached signature came without it.",
  "steps.jws.ContentIsNotDetached": "The payload is in a signature that should be detached.",
  "steps.jws.AlgorithmMismatch": "The key does not fit the algorithm.",
  "steps.jws.AlgorithmInTokenNotPresentInConfiguration": "alg is not among the policy's algorithms.",
  "steps.jws.NoAlgorithmFoundInHeader": "No alg.",
  "steps.jws.NoMatchingPublicKey": "No key of the set has the signature's kid.",
  "steps.jws.KeyIdMissing": "A key set needs a kid.",
  "steps.jws.InvalidClaim": "A demanded header is absent or differs.",
  "steps.jws.UnhandledCriticalHeader": "crit names a header that the policy does not know.",
  "steps.jws.KeyParsingFailed": "The policy's key or key set cannot be read.",
  "steps.jws.InsufficientKeyLength": "RSA under 2048 bits, or a secret shorter than the hash.",
  "steps.jws.WrongKeyType":
    "A private key where a public one belongs, or the reverse; a PEM text where a secret belongs.",
  "steps.jws.GenerationFailed": "A header is not of its type.",
  "steps.jws.SigningFailed": "The key did not sign.",
  "steps.basicauthentication.UnresolvedVariable":
    "User, password or source has no value and ignoreUnresolvedVariables is false.",
  "steps.basicauthentication.InvalidBasicAuthenticationSource":
    "Not `Basic` with base64 of a user, a colon and a password in UTF-8; a user with a colon; control characters.",
  "steps.hmac.UnresolvedVariable":
    "The variable of the secret has no value, or one of the message has none and ignoreUnresolvedVariables is false.",
  "steps.hmac.EmptySecretKey": "The variable of the secret is empty.",
  "steps.hmac.HmacCalculationFailed": "The secret is not of the encoding that the policy names.",
  "steps.hmac.EmptyVerificationValue": "The variable that should hold the expected hash is empty.",
  "steps.hmac.HmacVerificationFailed": "The expected hash is another one, or is not of its encoding.",
  "steps.assignmessage.UnresolvedVariable":
    "A referenced variable has no value and ignoreUnresolvedVariables is false.",
  "steps.assignmessage.SetVariableFailed": "A status, verb or header value is not valid.",
  "steps.datacapture.UnresolvedVariable":
    "What a DataCapture collects has no value, and neither default nor ignoreUnresolvedVariables is written.",
  "steps.datacapture.DataCollectorTypeMismatch": "The value is no number, boolean or time, as its data collector wants.",
  "steps.datacapture.VariableCountLimitExceeded":
    "More than 100 values for one exchange, with throwExceptionOnLimit; without it those beyond are left out.",
  "steps.datacapture.VariableValueLimitExceeded":
    "A text of more than 400 bytes, with throwExceptionOnLimit; without it the text is cut.",
  "steps.assignmessage.VariableOfNonMsgType": "assignTo names something that is no message.",
  "steps.raisefault.RaiseFault": "A RaiseFault policy ran.",
  "policies.ratelimit.SpikeArrestViolation": "More calls than the rate allows.",
  "policies.ratelimit.FailedToResolveSpikeArrestRate": "The rate's variable is empty or no rate.",
  "policies.ratelimit.InvalidMessageWeight": "The weight is no positive integer.",
  "accesscontrol.IPDeniedAccess": "A rule denies the client's address.",
  "accesscontrol.InvalidRulePattern": "A rule's address or mask comes from a variable and is neither.",
  "accesscontrol.InvalidIPAddressInVariable": "clientIPVariable holds no IP address.",
};
