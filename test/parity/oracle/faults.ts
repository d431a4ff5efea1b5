/**
 * The faults that generated projects can meet, by code: status, text, category (apigee-core 3.9,
 * docs/reference/faults).
 */
import { Headers } from "./message.ts";
import { Raised, type OracleResponse } from "./transaction.ts";

type Row = readonly [status: number, text: string, category: string, subcategory: string];

const table: Readonly<Record<string, Row>> = {
  "messaging.adaptors.http.flow.ApplicationNotFound":
    [404, "Unable to identify proxy for host: {}", "Messaging", "Classification failures"],
  "messaging.runtime.RouteFailed":
    [500, "Unable to route the message to a TargetEndpoint", "Messaging", "Routing failures"],
  "protocol.http.UnsupportedEncoding":
    [415, "Unsupported content encoding", "Messaging", "Request validations"],
  "protocol.http.UpgradeRequired":
    [426, "This endpoint serves WebSocket connections only", "Messaging", "Request validations"],
  "protocol.websocket.UpgradeDenied":
    [403, "This endpoint does not serve WebSocket connections", "Messaging", "Request validations"],
  "messaging.adaptors.http.flow.ServiceUnavailable":
    [503, "The Service is temporarily unavailable", "Transport", "Connectivity"],
  "messaging.adaptors.http.flow.NoActiveTargets":
    [503, "The Service is temporarily unavailable", "Transport", "Connectivity"],
  "messaging.adaptors.http.flow.ErrorResponseCode":
    [502, "The target answered with an error status", "Messaging", "Response codes"],
  "steps.oauth.v2.FailedToResolveAPIKey": [401, "Failed to resolve API Key variable {}", "Step", "Authentication"],
  "oauth.v2.InvalidApiKey": [401, "Invalid ApiKey", "Step", "Authentication"],
  "oauth.v2.ApiKeyNotApproved": [401, "Invalid ApiKey", "Step", "Authentication"],
  "oauth.v2.InvalidApiKeyForGivenResource": [401, "Invalid ApiKey for given resource", "Step", "Authentication"],
  "keymanagement.service.consumer_key_expired": [401, "Consumer key expired", "Step", "Authentication"],
  "keymanagement.service.invalid_client-app_not_approved": [401, "App is not approved", "Step", "Authentication"],
  "keymanagement.service.DeveloperStatusNotActive": [401, "Developer Status is not Active", "Step", "Authentication"],
  "gateway.Overload": [503, "The gateway is at one of its limits", "Messaging", "Classification failures"],
  "steps.assignmessage.UnresolvedVariable":
    [500, "AssignMessage[{}]: unable to resolve variable", "Step", "Policy"],
  "steps.assignmessage.SetVariableFailed":
    [500, "AssignMessage[{}]: value of variable cannot be set", "Step", "Policy"],
  "steps.assignmessage.VariableOfNonMsgType":
    [500, "AssignMessage[{}]: value of variable is not of type Message", "Step", "Policy"],
  "steps.raisefault.RaiseFault": [500, "Raising fault. Fault name : {}", "Step", "Policy"],
  "policies.ratelimit.SpikeArrestViolation":
    [429, "Spike arrest violation. Allowed rate : {}", "Step", "Policy"],
  "policies.ratelimit.FailedToResolveSpikeArrestRate":
    [500, "Failed to resolve Spike Arrest Rate reference {}", "Step", "Policy"],
  "policies.ratelimit.InvalidMessageWeight": [500, "Invalid message weight value {}", "Step", "Policy"],
  "accesscontrol.IPDeniedAccess": [403, "Access Denied for client ip : {}", "Step", "Policy"],
  "accesscontrol.InvalidRulePattern": [500, "Invalid IP rule pattern {}", "Step", "Policy"],
  "accesscontrol.InvalidIPAddressInVariable": [500, "Invalid IP address in variable {}", "Step", "Policy"],
};

/** Makes a fault; `detail` stands where the text has `{}`, `more` behind it. */
export function raised(code: string, detail: string, policy: string | null, more = ""): Raised {
  const [status, text] = rowOf(code);
  return new Raised(code, status, text.split("{}").join(detail) + more, policy);
}

export function categoryOf(code: string): readonly [category: string, subcategory: string] {
  const [, , category, subcategory] = rowOf(code);
  return [category, subcategory];
}

/** The answer to a fault that no rule has touched (apigee-core 3.8). */
export function answerTo(fault: Raised): OracleResponse {
  if (fault.response !== null) return fault.response;
  const headers = new Headers([["Content-Type", "application/json"]]);
  return { status: fault.status, reason: "", headers, content: faultJson(fault.text, fault.code), isTargets: false };
}

export function faultJson(text: string, code: string): string {
  return `{"fault":{"faultstring":${JSON.stringify(text)},"detail":{"errorcode":${JSON.stringify(code)}}}}`;
}

function rowOf(code: string): Row {
  const row = table[code];
  if (row === undefined) throw new Error(`the oracle knows no fault ${code}`);
  return row;
}
