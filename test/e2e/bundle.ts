/**
 * The bundle that the suites of this folder share: one proxy for each thing a gateway does to a connection. TARGET_URL is
 * the scripted target, REFUSING_URL a port where nobody listens.
 */
import type { BundleFiles } from "../support/gateway.ts";

export const API_KEY = "the-key-of-the-app";
export const API_SECRET = "the-secret-of-the-app";

/** Milliseconds of io.timeout.millis where a test waits for it. */
export const SHORT_IO_TIMEOUT_MS = 250;

const gateway = (more: string): string => `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }
${more}`;

const access = `kind: ApiProduct
name: all
---
kind: Developer
email: ann@example.com
userName: ann
---
kind: App
name: web
developer: ann@example.com
credentials: [{ key: { env: API_KEY }, secret: { env: API_SECRET }, products: [all] }]
`;

const target = `targetEndpoints: [{ url: { env: TARGET_URL } }]`;

/** The files; `more` goes to the end of gateway.yaml, `extra` adds or replaces files. */
export function bundle(more = "", extra: BundleFiles = {}): BundleFiles {
  return {
    "gateway.yaml": gateway(more),
    "access/all.yaml": access,
    // Everything passes.
    "proxies/open/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /open }]
${target}`,
    // The same with a target that must hurry.
    "proxies/hasty/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /hasty }]
targetEndpoints: [{ url: { env: TARGET_URL }, properties: { io.timeout.millis: ${SHORT_IO_TIMEOUT_MS} } }]`,
    "proxies/nobody/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /nobody }]
targetEndpoints: [{ url: { env: REFUSING_URL } }]`,
    // A target that is a whole WebSocket server.
    "proxies/real/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /real }]
targetEndpoints: [{ url: { env: REAL_URL, default: "http://127.0.0.1:9" } }]`,
    "proxies/key/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /key, preFlow: { request: [VK-Key, AM-App] } }]
${target}`,
    "proxies/key/policies/VK-Key.yaml": `kind: VerifyAPIKey
apiKey: { ref: request.queryparam.apikey }`,
    "proxies/key/policies/AM-App.yaml": `kind: AssignMessage
actions:
  - remove: { queryParams: [apikey] }
  - set: { headers: { X-App: "{developer.app.name}" } }`,
    "proxies/token/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /token, preFlow: { request: [OA-Verify] } }]
${target}`,
    "proxies/token/policies/OA-Verify.yaml": `kind: OAuthV2
operation: VerifyAccessToken`,
    "proxies/oauth/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /oauth
    webSocket: deny
    flows:
      - { name: issue, condition: 'proxy.pathsuffix = "/token"', request: [OA-Issue] }
      - { name: revoke, condition: 'proxy.pathsuffix = "/revoke"', request: [OA-Revoke] }
    routeRules: [{ name: none }]`,
    "proxies/oauth/policies/OA-Issue.yaml": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [client_credentials]
grantType: request.formparam.grant_type
expiresIn: { ref: request.formparam.lifetime_ms, value: 3600000 }
rfcCompliantRequestResponse: true
generateResponse: { enabled: true }`,
    "proxies/oauth/policies/OA-Revoke.yaml": `kind: OAuthV2
operation: InvalidateToken
tokens: [{ type: accesstoken, ref: request.formparam.token }]`,
    "proxies/denied/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /denied, webSocket: deny }]
${target}`,
    "proxies/only/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /only, webSocket: { mode: only } }]
${target}`,
    "proxies/origin/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /origin, webSocket: { allowedOrigins: ["https://good.example"] } }]
${target}`,
    // Faults on both sides, with rules of both endpoints.
    "proxies/rules/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /rules
    preFlow: { request: [{ name: RF-Request, condition: 'request.header.x-fault = "request"' }, { name: RF-Empty, condition: 'request.header.x-fault = "empty"' }] }
    postFlow: { response: [{ name: RF-Response, condition: 'request.header.x-fault = "response"' }, AM-Answered] }
    faultRules: [{ name: raised, condition: 'fault.name = "RaiseFault" and request.header.x-fault = "request"', steps: [AM-Fault] }]
    defaultFaultRule: { name: rest, alwaysEnforce: true, steps: [AM-Always] }
targetEndpoints:
  - url: { env: TARGET_URL }
    faultRules: [{ name: replaced, condition: 'request.header.x-fault = "replace"', steps: [AM-Replace] }]
    defaultFaultRule: { name: any, steps: [AM-Marked] }`,
    "proxies/rules/policies/RF-Request.yaml": `kind: RaiseFault
actions: [{ set: { statusCode: 418, headers: { x-raised: "request" }, payload: raised in the request } }]`,
    "proxies/rules/policies/RF-Empty.yaml": `kind: RaiseFault
actions: [{ set: { statusCode: 204, payload: a body that 204 cannot have } }]`,
    "proxies/rules/policies/RF-Response.yaml": `kind: RaiseFault
actions: [{ set: { statusCode: 451, payload: raised in the response } }]`,
    "proxies/rules/policies/AM-Answered.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-answered: "{request.header.x-mark}" } } }]
ignoreUnresolvedVariables: true`,
    "proxies/rules/policies/AM-Fault.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-fault-rule: "{fault.name}" } } }]`,
    "proxies/rules/policies/AM-Always.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-always: "yes" } } }]`,
    "proxies/rules/policies/AM-Replace.yaml": `kind: AssignMessage
actions: [{ set: { statusCode: 502, payload: replaced } }]`,
    "proxies/rules/policies/AM-Marked.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-marked: "target" } } }]`,
    ...extra,
  };
}

/** Settings for the bundle. */
export function bundleEnv(targetUrl: string, refusingPort: number): Readonly<Record<string, string>> {
  return { API_KEY, API_SECRET, TARGET_URL: targetUrl, REFUSING_URL: `http://127.0.0.1:${refusingPort}` };
}
