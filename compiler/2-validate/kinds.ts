/** The kinds of documents: which may stand where, and which policies Apigee has that are not here. */
import type { DocumentPlace } from "../ir/syntax.ts";

/** Policies that can be used, in Apigee's spelling. */
export const policyKinds = [
  "AccessControl",
  "AssignMessage",
  "BasicAuthentication",
  "DataCapture",
  "DecodeJWS",
  "DecodeJWT",
  "DeleteOAuthV2Info",
  "FlowCallout",
  "GenerateJWS",
  "GenerateJWT",
  "GenerateTicket",
  "GetOAuthV2Info",
  "HMAC",
  "IntrospectToken",
  "MessageLogging",
  "OAuthV2",
  "RaiseFault",
  "RevokeBySecurityEvent",
  "RevokeJWT",
  "RevokeOAuthV2",
  "SetOAuthV2Info",
  "RenewSession",
  "SpikeArrest",
  "VerifyAPIKey",
  "VerifyJWS",
  "VerifyJWT",
  "VerifyTicket",
] as const;

/** Policies that Apigee has and apigw has not, or not yet. */
export const absentPolicyKinds: readonly string[] = [
  "AccessEntity",
  "AssertCondition",
  "ConcurrentRatelimit",
  "ConnectorCallout",
  "CORS",
  "DeleteOAuthV1Info",
  "ExternalCallout",
  "ExtractVariables",
  "GenerateSAMLAssertion",
  "GetOAuthV1Info",
  "GraphQL",
  "HTTPModifier",
  "IntegrationCallout",
  "InvalidateCache",
  "JavaCallout",
  "Javascript",
  "JSONThreatProtection",
  "JSONToXML",
  "KeyValueMapOperations",
  "Ldap",
  "LLMTokenQuota",
  "LookupCache",
  "MessageValidation",
  "MonetizationLimitsCheck",
  "OASValidation",
  "OAuthV1",
  "ParseDialogflowRequest",
  "ParsePayload",
  "PopulateCache",
  "PromptTokenLimit",
  "PublishMessage",
  "PythonScript",
  "Quota",
  "ReadPropertySet",
  "RegularExpressionProtection",
  "ResetQuota",
  "ResponseCache",
  "SanitizeModelResponse",
  "SanitizeUserPrompt",
  "Script",
  "SemanticCacheLookup",
  "SemanticCachePopulate",
  "ServiceCallout",
  "SetDialogflowResponse",
  "SetIntegrationRequest",
  "StatisticsCollector",
  "TraceCapture",
  "ValidateSAMLAssertion",
  "VerifyIAM",
  "XMLThreatProtection",
  "XMLToJSON",
  "XSL",
];

/** Kinds that are no policies. */
export const documentKinds = [
  "Gateway",
  "ApiProxy",
  "SharedFlow",
  "Environment",
  "ApiProduct",
  "Developer",
  "App",
  "Test",
] as const;

/** Kinds that a place takes, and the words for them. */
export function kindsAt(place: DocumentPlace["kind"]): {
  readonly kinds: readonly string[];
  readonly words: string;
  readonly what: string;
} {
  switch (place) {
    case "gateway":
      return { kinds: ["Gateway"], words: '"Gateway"', what: "kind" };
    case "proxy":
      return { kinds: ["ApiProxy"], words: '"ApiProxy"', what: "kind" };
    case "sharedFlow":
      return { kinds: ["SharedFlow"], words: '"SharedFlow"', what: "kind" };
    case "environment":
      return { kinds: ["Environment"], words: '"Environment"', what: "kind" };
    case "access":
      return { kinds: ["ApiProduct", "Developer", "App"], words: '"ApiProduct", "Developer" or "App"', what: "kind" };
    case "proxyPolicy":
    case "sharedFlowPolicy":
      return { kinds: policyKinds, words: 'the name of a policy, such as "VerifyAPIKey"', what: "policy kind" };
  }
}
