/**
 * Every helper of runtime/ that generated code may use, and where it comes from. A name that its module does not export
 * fails the type check: renaming a helper breaks the compile, not a customer.
 */
import type * as Body from "#runtime/body/body.ts";
import type * as Compression from "#runtime/body/compression.ts";
import type * as ClientTimes from "#runtime/flow/client-times.ts";
import type * as TimeTaken from "#runtime/flow/policy-times.ts";
import type * as EventStream from "#runtime/body/event-stream.ts";
import type * as Chain from "#runtime/flow/chain.ts";
import type * as Maybe from "#runtime/maybe.ts";
import type * as ClientIp from "#runtime/client/client-ip.ts";
import type * as Forwarded from "#runtime/client/forwarded.ts";
import type * as IpRanges from "#runtime/client/ip-ranges.ts";
import type * as ListenProxied from "#runtime/listen/proxied.ts";
import type * as HeaderOwnership from "#runtime/message/header-ownership.ts";
import type * as Routing from "#runtime/flow/routing.ts";
import type * as Operators from "#runtime/language/operators.ts";
import type * as Variables from "#runtime/flow/variables.ts";
import type * as PlainTarget from "#runtime/target/plain.ts";
import type * as BalancedTarget from "#runtime/target/balanced.ts";
import type * as Algorithm from "#runtime/target/algorithm.ts";
import type * as HealthMonitor from "#runtime/target/health-monitor.ts";
import type * as HealthHttp from "#runtime/target/health-http.ts";
import type * as HealthTcp from "#runtime/target/health-tcp.ts";
import type * as TargetVariables from "#runtime/target/variables.ts";
import type * as SecureTarget from "#runtime/target/secure.ts";
import type * as LocalTarget from "#runtime/target/local.ts";
import type * as PresentedCredential from "#runtime/upgrade/presented-credential.ts";
import type * as RefusalClose from "#runtime/upgrade/refusal-close.ts";
import type * as Listen from "#runtime/listen/listen.ts";
import type * as ListenTls from "#runtime/listen/tls.ts";
import type * as MemoryStore from "#runtime/state/memory.ts";
import type * as EmbeddedStore from "#runtime/state/embedded.ts";
import type * as RevocationLag from "#runtime/upgrade/revocation-lag.ts";
import type * as RedisStore from "#runtime/state/redis.ts";
import type * as JsonLine from "#runtime/observe/json-line.ts";
import type * as LogField from "#runtime/observe/log-field.ts";
import type * as LogLines from "#runtime/observe/log-lines.ts";
import type * as PolicyTimes from "#runtime/observe/policy-times.ts";
import type * as Tracing from "#runtime/observe/tracing.ts";
import type * as Spans from "#runtime/otlp/spans.ts";
import type * as Debug from "#runtime/debug/debug.ts";
import type * as MaskXml from "#runtime/debug/mask-xml.ts";
import type * as Analytics from "#runtime/observe/analytics.ts";
import type * as AdminPolicyTimes from "#runtime/side/admin-policy-times.ts";
import type * as AdminStats from "#runtime/side/admin-stats.ts";
import type * as Ops from "#runtime/side/ops.ts";
import type * as FleetStore from "#runtime/side/fleet-store.ts";
import type * as Replicas from "#runtime/state/replicas.ts";
import type * as Admin from "#runtime/side/admin.ts";
import type * as AdminPage from "#runtime/side/admin-page.ts";
import type * as AdminRoutes from "#runtime/side/admin-routes.ts";
import type * as VerifyApiKey from "#runtime/policies/verify-api-key.ts";
import type * as OAuthV2 from "#runtime/policies/oauth-v2.ts";
import type * as OAuthV2Issue from "#runtime/policies/oauth-v2-issue.ts";
import type * as OAuthV2Code from "#runtime/policies/oauth-v2-code.ts";
import type * as OAuthV2Implicit from "#runtime/policies/oauth-v2-implicit.ts";
import type * as GetOAuthV2Info from "#runtime/policies/get-oauth-v2-info.ts";
import type * as SetOAuthV2Info from "#runtime/policies/set-oauth-v2-info.ts";
import type * as DeleteOAuthV2Info from "#runtime/policies/delete-oauth-v2-info.ts";
import type * as RevokeOAuthV2 from "#runtime/policies/revoke-oauth-v2.ts";
import type * as IntrospectToken from "#runtime/policies/introspect-token.ts";
import type * as OAuthV2Revoke from "#runtime/policies/oauth-v2-revoke.ts";
import type * as SignedAccessToken from "#runtime/token/signed-access-token.ts";
import type * as OAuthV2IssueJwt from "#runtime/policies/oauth-v2-issue-jwt.ts";
import type * as OAuthV2Grants from "#runtime/policies/oauth-v2-grants.ts";
import type * as OAuthV2Jwt from "#runtime/policies/oauth-v2-jwt.ts";
import type * as VerifyJwt from "#runtime/policies/verify-jwt.ts";
import type * as AssignMessage from "#runtime/policies/assign-message.ts";
import type * as RaiseFault from "#runtime/policies/raise-fault.ts";
import type * as SpikeArrest from "#runtime/policies/spike-arrest.ts";
import type * as SyslogLogging from "#runtime/policies/message-logging-syslog.ts";
import type * as SyslogTcp from "#runtime/syslog/tcp.ts";
import type * as SyslogTls from "#runtime/syslog/tls.ts";
import type * as SyslogUdp from "#runtime/syslog/udp.ts";
import type * as MessageLogging from "#runtime/policies/message-logging.ts";
import type * as AccessControl from "#runtime/policies/access-control.ts";
import type * as DataCapture from "#runtime/policies/data-capture.ts";
import type * as BasicAuthentication from "#runtime/policies/basic-authentication.ts";
import type * as HmacPolicy from "#runtime/policies/hmac.ts";
import type * as VerifyEncryptedJwt from "#runtime/policies/verify-jwt-encrypted.ts";
import type * as GenerateEncryptedJwt from "#runtime/policies/generate-jwt-encrypted.ts";
import type * as Jwt from "#runtime/token/jwt.ts";
import type * as RevokeBySecurityEvent from "#runtime/policies/revoke-by-security-event.ts";
import type * as SecurityEvent from "#runtime/token/security-event.ts";
import type * as RevokeJwt from "#runtime/policies/revoke-jwt.ts";
import type * as Signing from "#runtime/token/signing.ts";
import type * as DecodeJwt from "#runtime/policies/decode-jwt.ts";
import type * as GenerateJwt from "#runtime/policies/generate-jwt.ts";
import type * as KeySource from "#runtime/token/key-source.ts";
import type * as RemoteKeys from "#runtime/token/remote-keys.ts";
import type * as RemoteRecipients from "#runtime/token/remote-recipients.ts";
import type * as DecodeJws from "#runtime/policies/decode-jws.ts";
import type * as GenerateJws from "#runtime/policies/generate-jws.ts";
import type * as GenerateTicket from "#runtime/policies/generate-ticket.ts";
import type * as VerifyTicket from "#runtime/policies/verify-ticket.ts";
import type * as RenewSession from "#runtime/policies/renew-session.ts";
import type * as Renewal from "#runtime/upgrade/renewal.ts";
import type * as VerifyJws from "#runtime/policies/verify-jws.ts";
import type * as JwtVariables from "#runtime/token/jwt-variables.ts";
import type * as Issued from "#runtime/token/issued.ts";
import type * as Form from "#runtime/message/form.ts";
import type * as Query from "#runtime/message/query.ts";
import type * as Base64 from "#runtime/template/base64.ts";
import type * as Digest from "#runtime/template/digest.ts";
import type * as Hmac from "#runtime/template/hmac.ts";
import type * as RandomLong from "#runtime/template/random-long.ts";
import type * as Replace from "#runtime/template/replace.ts";
import type * as Escape from "#runtime/language/functions/escape.ts";
import type * as JsonPath from "#runtime/language/functions/json-path.ts";
import type * as JsonQuery from "#runtime/language/functions/json-query.ts";
import type * as Xeger from "#runtime/template/xeger.ts";
import type * as XPath from "#runtime/template/xpath.ts";
import type * as Substring from "#runtime/language/functions/substring.ts";
import type * as TimeFormat from "#runtime/language/functions/time-format.ts";

/** Module path under runtime/ of each helper. */
export const symbols = {
  ...from<typeof Chain>()("flow/chain.ts", [
    "takeRoute",
    "noRoute",
    "carryOn",
    "carryOnLater",
    "enforce",
    "traceStep",
    "traceEnd",
    "traceSkipped",
    "traceFolded",
  ]),
  ...from<typeof Body>()("body/body.ts", ["requestBody", "requestForm", "responseBody"]),
  ...from<typeof Compression>()("body/compression.ts", ["compression"]),
  ...from<typeof ClientTimes>()("flow/client-times.ts", ["clientSent", "clientSentText"]),
  ...from<typeof TimeTaken>()("flow/policy-times.ts", ["beginPolicy", "endPolicy", "endPolicyLater", "policyTime"]),
  ...from<typeof Maybe>()("maybe.ts", ["andThen"]),
  ...from<typeof ClientIp>()("client/client-ip.ts", ["clientIpFrom"]),
  ...from<typeof Forwarded>()("client/forwarded.ts", ["trustedProxies"]),
  ...from<typeof IpRanges>()("client/ip-ranges.ts", ["ipRanges"]),
  ...from<typeof ListenProxied>()("listen/proxied.ts", ["proxyProtocol"]),
  ...from<typeof HeaderOwnership>()("message/header-ownership.ts", ["headerOwnership"]),
  ...from<typeof Routing>()("flow/routing.ts", ["segmentEnd", "longer"]),
  ...from<typeof Operators>()("language/operators.ts", [
    "equals",
    "notEquals",
    "equalsIgnoreCase",
    "greater",
    "greaterOrEqual",
    "less",
    "lessOrEqual",
    "startsWith",
    "matches",
    "truthy",
  ]),
  ...from<typeof Variables>()("flow/variables.ts", [
    "attribute",
    "operationAttribute",
    "operationMethods",
    "quotaOf",
    "calledUrl",
    "clientSubject",
    "contentIn",
    "errorState",
    "expiresIn",
    "faultVariable",
    "formNames",
    "formText",
    "formValue",
    "formValues",
    "hasAffixes",
    "failureVariable",
    "hasFailed",
    "headerNames",
    "headerValues",
    "ifMade",
    "listText",
    "needText",
    "proxyUrl",
    "queryParamNames",
    "queryValue",
    "queryValues",
    "reasonPhrase",
    "requestUri",
    "responseOf",
    "resultOf",
    "textOr",
    "textOrNull",
    "timePart",
    "timeText",
    "writeFormParam",
    "writeFormPart",
    "writeHeaderPart",
    "writeQueryParam",
    "writeQueryPart",
    "writeContent", "writeStatus", "writeVerb",
  ]),
  ...from<typeof EventStream>()("body/event-stream.ts", ["eventFlow"]),
  ...from<typeof PresentedCredential>()("upgrade/presented-credential.ts", ["credentialFrom"]),
  ...from<typeof RefusalClose>()("upgrade/refusal-close.ts", ["closeRefused"]),
  ...from<typeof Listen>()("listen/listen.ts", ["openListener"]),
  ...from<typeof ListenTls>()("listen/tls.ts", ["openTlsListener"]),
  ...from<typeof MemoryStore>()("state/memory.ts", ["MemoryStore"]),
  ...from<typeof EmbeddedStore>()("state/embedded.ts", ["EmbeddedStore"]),
  ...from<typeof RevocationLag>()("upgrade/revocation-lag.ts", ["watchLag"]),
  ...from<typeof RedisStore>()("state/redis.ts", ["RedisStore"]),
  ...from<typeof JsonLine>()("observe/json-line.ts", ["field", "numberField", "plainField", "textField"]),
  ...from<typeof LogField>()("observe/log-field.ts", [
    "closeErrorField",
    "closeReasonField",
    "eventsField",
    "headerField",
    "queryField",
    "renewalsField",
    "spanIdField",
    "traceIdField",
    "timeField",
  ]),
  ...from<typeof LogLines>()("observe/log-lines.ts", ["everyField"]),
  ...from<typeof PolicyTimes>()("observe/policy-times.ts", ["watchPolicyTimes"]),
  ...from<typeof Tracing>()("observe/tracing.ts", ["startTracing"]),
  ...from<typeof Spans>()("otlp/spans.ts", ["openSpans"]),
  ...from<typeof Debug>()("debug/debug.ts", ["openDebug"]),
  ...from<typeof MaskXml>()("debug/mask-xml.ts", ["hideInXml"]),
  ...from<typeof Analytics>()("observe/analytics.ts", ["openAnalytics"]),
  ...from<typeof AdminPolicyTimes>()("side/admin-policy-times.ts", ["policyTimesSubject"]),
  ...from<typeof AdminStats>()("side/admin-stats.ts", ["statsSubject"]),
  ...from<typeof Ops>()("side/ops.ts", ["openOps"]),
  ...from<typeof FleetStore>()("side/fleet-store.ts", ["openFleet"]),
  ...from<typeof Replicas>()("state/replicas.ts", ["openReplicas"]),
  ...from<typeof Admin>()("side/admin.ts", ["openAdmin"]),
  ...from<typeof AdminPage>()("side/admin-page.ts", ["adminPage"]),
  ...from<typeof AdminRoutes>()("side/admin-routes.ts", ["routesSubject"]),
  ...from<typeof LocalTarget>()("target/local.ts", ["localPathTarget", "localTarget"]),
  ...from<typeof PlainTarget>()("target/plain.ts", ["plainTarget", "plainTemplateTarget", "plainTransport"]),
  ...from<typeof HealthMonitor>()("target/health-monitor.ts", ["watchServers"]),
  ...from<typeof HealthHttp>()("target/health-http.ts", ["httpCheck"]),
  ...from<typeof HealthTcp>()("target/health-tcp.ts", ["tcpCheck"]),
  ...from<typeof TargetVariables>()("target/variables.ts", [
    "balancedServer",
    "expectedName",
    "failedServers",
    "targetIp",
    "targetScheme",
    "targetServer",
    "targetSubject",
    "targetTime",
    "targetTimeText",
    "targetUrl",
  ]),
  ...from<typeof BalancedTarget>()("target/balanced.ts", ["balancedTarget"]),
  ...from<typeof Algorithm>()("target/algorithm.ts", ["leastConnections", "roundRobin", "weighted"]),
  ...from<typeof SecureTarget>()("target/secure.ts", [
    "anyTarget", "anyTemplateTarget", "secureTarget", "secureTemplateTarget", "secureTransport", "trustedTransport",
  ]),
  ...from<typeof VerifyApiKey>()("policies/verify-api-key.ts", ["verifyApiKey"]),
  ...from<typeof OAuthV2>()("policies/oauth-v2.ts", ["verifyAccessToken", "invalidateToken", "validateToken"]),
  ...from<typeof OAuthV2Issue>()("policies/oauth-v2-issue.ts", ["clientCredentialsGrant", "generateAccessToken"]),
  ...from<typeof OAuthV2Code>()("policies/oauth-v2-code.ts", ["authorizationCodeGrant", "generateAuthorizationCode"]),
  ...from<typeof OAuthV2Implicit>()("policies/oauth-v2-implicit.ts", ["generateImplicitToken"]),
  ...from<typeof GetOAuthV2Info>()("policies/get-oauth-v2-info.ts", [
    "getAccessTokenInfo",
    "getAuthorizationCodeInfo",
    "getClientInfo",
    "getRefreshTokenInfo",
  ]),
  ...from<typeof SetOAuthV2Info>()("policies/set-oauth-v2-info.ts", ["setOAuthV2Info"]),
  ...from<typeof DeleteOAuthV2Info>()("policies/delete-oauth-v2-info.ts", [
    "deleteAccessToken",
    "deleteAuthorizationCode",
  ]),
  ...from<typeof RevokeOAuthV2>()("policies/revoke-oauth-v2.ts", ["revokeOAuthV2"]),
  ...from<typeof IntrospectToken>()("policies/introspect-token.ts", ["introspectToken"]),
  ...from<typeof OAuthV2Revoke>()("policies/oauth-v2-revoke.ts", ["revokeToken"]),
  ...from<typeof SignedAccessToken>()("token/signed-access-token.ts", ["signedAccessToken"]),
  ...from<typeof OAuthV2IssueJwt>()("policies/oauth-v2-issue-jwt.ts", ["generateJwtAccessToken"]),
  ...from<typeof OAuthV2Grants>()("policies/oauth-v2-grants.ts", ["passwordGrant", "refreshTokenGrant"]),
  ...from<typeof OAuthV2Jwt>()("policies/oauth-v2-jwt.ts", ["verifyJwtAccessToken"]),
  ...from<typeof VerifyJwt>()("policies/verify-jwt.ts", ["verifyJwt"]),
  ...from<typeof AssignMessage>()("policies/assign-message.ts", [
    "copyHeaders",
    "copyPayload",
    "copyQueryParams",
    "headerValue",
    "needMessage",
    "needValue",
    "newRequest",
    "newResponse",
    "removeHeaders",
    "renewMessage",
    "requestMethod",
    "statusCode",
    "switchedProtocols",
    "valueOr",
  ]),
  ...from<typeof RaiseFault>()("policies/raise-fault.ts", ["faultResponse", "raiseFault"]),
  ...from<typeof SpikeArrest>()("policies/spike-arrest.ts", ["rateVariable", "spikeArrest"]),
  ...from<typeof MessageLogging>()("policies/message-logging.ts", ["logMessage"]),
  ...from<typeof SyslogLogging>()("policies/message-logging-syslog.ts", ["logSyslog"]),
  ...from<typeof SyslogTcp>()("syslog/tcp.ts", ["tcpReceiver"]),
  ...from<typeof SyslogTls>()("syslog/tls.ts", ["tlsReceiver"]),
  ...from<typeof SyslogUdp>()("syslog/udp.ts", ["udpReceiver"]),
  ...from<typeof AccessControl>()("policies/access-control.ts", ["accessControl"]),
  ...from<typeof DataCapture>()("policies/data-capture.ts", ["captureData"]),
  ...from<typeof BasicAuthentication>()("policies/basic-authentication.ts", ["decodeBasic", "encodeBasic"]),
  ...from<typeof HmacPolicy>()("policies/hmac.ts", ["calculateHmac"]),
  ...from<typeof DecodeJwt>()("policies/decode-jwt.ts", ["decodeJwt"]),
  ...from<typeof GenerateJwt>()("policies/generate-jwt.ts", ["generateJwt"]),
  ...from<typeof VerifyEncryptedJwt>()("policies/verify-jwt-encrypted.ts", ["verifyEncryptedJwt"]),
  ...from<typeof GenerateEncryptedJwt>()("policies/generate-jwt-encrypted.ts", ["generateEncryptedJwt"]),
  ...from<typeof Jwt>()("token/jwt.ts", ["signedTokens"]),
  ...from<typeof RevokeBySecurityEvent>()("policies/revoke-by-security-event.ts", ["revokeBySecurityEvent"]),
  ...from<typeof SecurityEvent>()("token/security-event.ts", ["logoutNotice", "securityEventNotice"]),
  ...from<typeof RevokeJwt>()("policies/revoke-jwt.ts", ["revokeJwt"]),
  ...from<typeof Signing>()("token/signing.ts", ["signCompact"]),
  ...from<typeof KeySource>()("token/key-source.ts", ["localKeys"]),
  ...from<typeof RemoteKeys>()("token/remote-keys.ts", ["remoteKeys"]),
  ...from<typeof RemoteRecipients>()("token/remote-recipients.ts", ["remoteRecipient"]),
  ...from<typeof DecodeJws>()("policies/decode-jws.ts", ["decodeJws"]),
  ...from<typeof GenerateJws>()("policies/generate-jws.ts", ["generateJws"]),
  ...from<typeof GenerateTicket>()("policies/generate-ticket.ts", ["generateTicket"]),
  ...from<typeof VerifyTicket>()("policies/verify-ticket.ts", ["verifyTicket"]),
  ...from<typeof RenewSession>()("policies/renew-session.ts", ["renewSession"]),
  ...from<typeof Renewal>()("upgrade/renewal.ts", ["carryOutRenewal"]),
  ...from<typeof VerifyJws>()("policies/verify-jws.ts", ["verifyJws"]),
  ...from<typeof JwtVariables>()("token/jwt-variables.ts", ["jwtVariable"]),
  ...from<typeof Issued>()("token/issued.ts", ["issuedVariable"]),
  ...from<typeof Escape>()("language/functions/escape.ts", ["escapeHtml", "escapeJson", "escapeXml", "escapeXml11"]),
  ...from<typeof JsonPath>()("language/functions/json-path.ts", ["jsonPath"]),
  ...from<typeof JsonQuery>()("language/functions/json-query.ts", ["jsonQuery"]),
  ...from<typeof Xeger>()("template/xeger.ts", ["xeger"]),
  ...from<typeof XPath>()("template/xpath.ts", ["xpath"]),
  ...from<typeof Substring>()("language/functions/substring.ts", ["substring"]),
  ...from<typeof TimeFormat>()("language/functions/time-format.ts", ["formatTime"]),
  ...from<typeof Base64>()("template/base64.ts", ["decodeBase64", "encodeBase64"]),
  ...from<typeof Digest>()("template/digest.ts", ["digest"]),
  ...from<typeof Hmac>()("template/hmac.ts", ["hmac"]),
  ...from<typeof RandomLong>()("template/random-long.ts", ["randomLong"]),
  ...from<typeof Replace>()("template/replace.ts", ["replaceWith"]),
  ...from<typeof Form>()("message/form.ts", [
    "addFormParam",
    "copyFormParams",
    "removeFormParam",
    "removeFormParams",
    "setFormParam",
  ]),
  ...from<typeof Query>()("message/query.ts", ["addQueryParam", "removeQueryParam", "setQueryParam"]),
} as const;

export type RuntimeSymbol = keyof typeof symbols;

/** Types a group of names against the module that must export them. */
function from<M>() {
  return <const N extends keyof M & string, const P extends string>(path: P, names: readonly N[]): Record<N, P> => {
    const group: Record<string, P> = {};
    for (const name of names) group[name] = path;
    return group as Record<N, P>;
  };
}
