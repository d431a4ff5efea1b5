/** Codes AGW31xx and AGW41xx: what single policies say about their own settings. */
import { error, warning } from "./entry.ts";

export const policyCatalogue = {
  AGW3101: error<{ readonly name: string }>({
    title: "header of the gateway's own",
    explanation:
      "Connection, Upgrade, Host, Content-Length, Transfer-Encoding and Sec-WebSocket-* belong to one connection or " +
      "to the handshake; the gateway writes them itself. The Host of the target is the variable target.header.host.",
    example: {
      bad: "actions: [{ set: { headers: { Host: chat.internal } } }]",
      good: "actions: [{ assignVariable: { name: target.header.host, value: chat.internal } }]",
    },
    message: (p) => `header "${p.name}" belongs to the gateway and cannot be changed`,
  }),
  AGW3103: warning<{ readonly what: string; readonly why: string }>({
    title: "setting without effect",
    explanation: "The setting is valid and changes nothing here.",
    example: {
      bad: "actions: [{ set: { queryParams: { page: \"1\" } } }]   # in a response flow",
      good: "actions: [{ set: { headers: { x-page: \"1\" } } }]",
    },
    message: (p) => `${p.what} has no effect: ${p.why}`,
  }),
  AGW3104: error<{ readonly what: string }>({
    title: "response of an upgrade cannot be replaced",
    explanation:
      "The response flows of an endpoint that admits upgrades also run on the target's 101, which has no body and " +
      "no other status. Give the step a condition that leaves the 101 out, or write `webSocket: deny`.",
    example: {
      bad: "postFlow: { response: [AM-Status] }",
      good: "postFlow: { response: [{ name: AM-Status, condition: 'response.status.code != 101' }] }",
    },
    message: (p) => `${p.what} cannot be set on the 101 of an upgrade, and this step runs on every response`,
  }),
  AGW3105: error<{ readonly what: string; readonly value: string; readonly expected: string }>({
    title: "setting not valid",
    explanation: "The value has the right type and cannot mean anything here.",
    example: {
      bad: "sourceAddresses: [{ mask: 64, value: 192.0.2.0 }]",
      good: "sourceAddresses: [{ mask: 24, value: 192.0.2.0 }]",
    },
    message: (p) => `${p.what} ${p.value} is not valid: ${p.expected}`,
  }),
  AGW4101: warning<{ readonly policy: string; readonly variable: string }>({
    title: "credential checked only under a condition",
    explanation:
      "A request for which the condition does not hold passes without its credential being looked at. When the " +
      "condition asks whether the credential is there, leaving it out is all it takes to get in. Let the step run " +
      "always, or make sure that another one refuses what this one skips.",
    example: {
      bad: "request: [{ name: VK-Key, condition: 'request.queryparam.apikey != null' }]",
      good: "request: [VK-Key]",
    },
    message: (p) => `"${p.policy}" checks ${p.variable} only under a condition: other requests pass unchecked`,
  }),
  AGW4102: error<{ readonly algorithm: string; readonly key: string }>({
    title: "algorithm does not fit the key",
    explanation:
      "HS algorithms sign with a secret that both sides share; all others with a pair of keys. A policy that " +
      "took both for one key could be given tokens signed with the public key as if it were a secret.",
    example: {
      bad: "algorithm: HS256\npublicKey: { jwks: { file: keys.json } }",
      good: "algorithm: RS256\npublicKey: { jwks: { file: keys.json } }",
    },
    message: (p) => `${p.algorithm} cannot be used with a ${p.key}`,
  }),
  AGW4103: warning<{ readonly what: string }>({
    title: "client address can be forged",
    explanation:
      "A proxy adds to X-Forwarded-For what it saw and keeps what the client had written; other headers it often hands on " +
      "as they are. Rules that look at such an address let in whoever writes the right one. Without validateBasedOn the " +
      "client's address is looked at as the trusted proxies saw it, which the client cannot choose.",
    example: {
      bad: "ipRules: { noRuleMatchAction: DENY, matchRules: [...] }\nvalidateBasedOn: X_FORWARDED_FOR_FIRST_IP",
      good: "ipRules: { noRuleMatchAction: DENY, matchRules: [...] }",
    },
    message: (p) => `a client can write ${p.what}`,
  }),
  AGW4104: warning<{ readonly policy: string }>({
    title: "credential check that cannot refuse",
    explanation:
      "continueOnError, of the policy, of the FlowCallout or of the flow hook that it runs in, lets the request go on " +
      "when the credential is wrong or absent. It is true for flow hooks that do not say otherwise. Where a later step " +
      "looks at the policy's failed variable and refuses, waive the warning.",
    example: {
      bad: "flowHooks: { preProxy: { sharedFlow: security } }   # which verifies a key",
      good: "flowHooks: { preProxy: { sharedFlow: security, continueOnError: false } }",
    },
    message: (p) => `a request that ${p.policy} refuses goes on: continueOnError`,
  }),
  AGW4105: warning<{ readonly name: string }>({
    title: "credential in a log line",
    explanation:
      "The variable holds a credential, or a text in which one stands. Logs are read and kept by many, so its place in " +
      "the line says (redacted).",
    example: {
      bad: "file: { message: \"called with {request.queryparam.apikey}\" }",
      good: "file: { message: \"called by {developer.app.name}\" }",
    },
    message: (p) => `"${p.name}" holds a credential: the log line will say (redacted)`,
  }),
  AGW4106: warning<{ readonly algorithm: string }>({
    title: "encrypted token that anybody can make",
    explanation:
      "A token that is encrypted with a public key says nothing about who encrypted it: the key is public. Claims in it " +
      "admit whoever writes them. Let a signed token stand within the encrypted one, and verify it with nested.",
    example: {
      bad: "algorithms: { key: RSA-OAEP-256, content: A256GCM }\nprivateKey: { value: { file: own.pem } }",
      good:
        "algorithms: { key: RSA-OAEP-256, content: A256GCM }\nprivateKey: { value: { file: own.pem } }\n" +
        "nested: { algorithm: RS256, publicKey: { jwks: { file: issuer.json } } }",
    },
    message: (p) => `${p.algorithm} proves no sender: anybody who has the public key can make such a token`,
  }),
  AGW4115: warning<{ readonly name: string }>({
    title: "credential in analytics",
    explanation:
      "The variable holds a credential, or a text in which one stands. Rows of analytics are kept and exported, so it " +
      "is not captured.",
    example: {
      bad: "captures: [{ dataCollector: dc_caller, collect: { ref: request.header.authorization } }]",
      good: "captures: [{ dataCollector: dc_caller, collect: { ref: developer.app.name } }]",
    },
    message: (p) => `"${p.name}" holds a credential: it is not captured`,
  }),
  AGW4116: warning<{ readonly name: string }>({
    title: "credential among log fields",
    explanation:
      "Some proxy takes a credential from there, or everybody does. Logs are read and kept by many, so the field is " +
      "left out of every line.",
    example: {
      bad: "observability: { logs: { requestHeaders: [authorization] } }",
      good: "observability: { logs: { requestHeaders: [x-request-id] } }",
    },
    message: (p) => `"${p.name}" holds a credential: lines of the log leave it out`,
  }),
} as const;
