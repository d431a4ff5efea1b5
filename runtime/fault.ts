/**
 * Faults: what goes wrong because of a client, a target or a policy. A closed table (Apigee's codes, statuses and
 * texts; see docs/differences.md for the rows that are ours; compiler/diagnostics/fault-docs.ts says what leads to
 * each). A fault is a plain object without a stack: making one costs an allocation, and it is thrown like an exception
 * through compiled chains.
 */
import type { ResponseMessage } from "./message/message.ts";
import type { accessFaults } from "./fault/access.ts";
import type { accessControlFaults } from "./fault/access-control.ts";
import type { basicAuthenticationFaults } from "./fault/basic-authentication.ts";
import type { dataCaptureFaults } from "./fault/data-capture.ts";
import type { hmacFaults } from "./fault/hmac.ts";
import type { jwsFaults } from "./fault/jws.ts";
import type { jwtFaults } from "./fault/jwt.ts";
import type { rateFaults } from "./fault/rate.ts";
import type { renewalFaults } from "./fault/renewal.ts";
import type { securityEventFaults } from "./fault/security-event.ts";
import type { ticketFaults } from "./fault/ticket.ts";
import type { FaultRow } from "./fault/row.ts";

/** A fault as it travels. */
export interface Fault {
  readonly code: FaultCode;
  readonly status: number;
  readonly text: string;
  /** Its kind. */
  readonly row: FaultRow;
  /** Name of the policy that raised it; null when the gateway itself did. */
  readonly policy: string | null;
  /** What RaiseFault wrote, or the target's own error answer; null for the default JSON body. */
  readonly response: ResponseMessage | null;
  /** Further header lines of the default answer, name and value alternating. */
  readonly headers: readonly string[] | null;
}

const step = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string, failedPrefix: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix,
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

/** What can happen in every gateway, by error code. Faults of single policies have tables of their own, in fault/. */
export const coreFaults = {
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
  // Mediation and traffic
  "steps.assignmessage.UnresolvedVariable": step(500, "AssignMessage[{}]: unable to resolve variable", "assignmessage"),
  "steps.assignmessage.SetVariableFailed": step(500, "AssignMessage[{}]: value of variable cannot be set", "assignmessage"),
  "steps.assignmessage.VariableOfNonMsgType": step(500, "AssignMessage[{}]: value of variable is not of type Message", "assignmessage"),
  "steps.raisefault.RaiseFault": step(500, "Raising fault. Fault name : {}", "raisefault"),
} as const satisfies Record<string, FaultRow>;

/** Error code of a fault that can happen in every gateway. */
export type CoreFaultCode = keyof typeof coreFaults;

/** Error code of any fault. */
export type FaultCode =
  | CoreFaultCode
  | keyof typeof accessFaults
  | keyof typeof accessControlFaults
  | keyof typeof basicAuthenticationFaults
  | keyof typeof dataCaptureFaults
  | keyof typeof hmacFaults
  | keyof typeof jwsFaults
  | keyof typeof jwtFaults
  | keyof typeof rateFaults
  | keyof typeof renewalFaults
  | keyof typeof securityEventFaults
  | keyof typeof ticketFaults;

/** Makes a fault. `detail` fills the `{}` of its text: never a secret, it goes to the client. */
export function fault(
  code: CoreFaultCode,
  detail = "",
  policy: string | null = null,
  headers: readonly string[] | null = null,
): Fault {
  return faultIn(coreFaults, code, detail, policy, headers);
}

/** The same for a fault of another table. */
export function faultIn<C extends FaultCode>(
  table: Readonly<Record<C, FaultRow>>,
  code: C,
  detail = "",
  policy: string | null = null,
  headers: readonly string[] | null = null,
): Fault {
  const row: FaultRow = table[code];
  const text = row.text.replace("{}", () => detail);
  return { code, status: row.status, text, row, policy, response: null, headers };
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
