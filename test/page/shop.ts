/** A gateway as somebody may run it, for pictures of the page: several proxies, apps and developers, and a database for analytics. */
import type { BundleFiles } from "../support/gateway.ts";

export const apps = ["web", "ios", "android", "trading-desk", "kiosk"] as const;

/** Keys of the apps as the environment has them. */
export const appEnv: Readonly<Record<string, string>> = Object.fromEntries(
  apps.flatMap((app) => [[`KEY_${apps.indexOf(app)}`, keyOf(app)], [`SECRET_${apps.indexOf(app)}`, `the-secret-of-${app}`]]),
);

export function keyOf(app: string): string {
  return `the-key-of-${app}`;
}

const access = apps.map((app, at) => `kind: App
name: ${app}
developer: ${at % 2 === 0 ? "ann" : "bob"}@example.com
credentials: [{ key: { env: KEY_${at} }, secret: { env: SECRET_${at} }, products: [realtime] }]`);

/** The project; listeners take any free port. */
export function shop(analyticsFile: string): BundleFiles {
  return {
    "gateway.yaml": `kind: Gateway
environmentGroups: [{ name: public, hostnames: ["127.0.0.1", api.example.com], environments: [prod] }]
deployments: { prod: [chat, prices, orders, legacy] }
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }
admin: { port: 0, secret: { env: ADMIN_SECRET } }
observability: { analytics: { file: ${JSON.stringify(analyticsFile)} }, policyTimes: 10 }`,
    "environments/prod.yaml": `kind: Environment
targetServers: [{ name: chat-1, host: 127.0.0.1, port: { env: TARGET_PORT } }, { name: chat-2, host: 127.0.0.1, port: { env: TARGET_PORT } }]`,
    "access/all.yaml": [
      "kind: ApiProduct\nname: realtime\nproxies: [chat, prices, orders]",
      "kind: Developer\nemail: ann@example.com\nuserName: ann",
      "kind: Developer\nemail: bob@example.com\nuserName: bob",
      ...access,
    ].join("\n---\n"),
    "shared-flows/guard/flow.yaml": `kind: SharedFlow
steps:
  - VK-Key
  - { name: SA-Burst, condition: 'request.header.x-batch != "yes"' }
  - AM-DropKey`,
    "shared-flows/guard/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
    "shared-flows/guard/policies/SA-Burst.yaml": "kind: SpikeArrest\nrate: 5000ps\nidentifier: { ref: client_id }",
    "shared-flows/guard/policies/AM-DropKey.yaml": "kind: AssignMessage\nactions: [{ remove: { queryParams: [apikey] } }, { set: { headers: { X-App: \"{developer.app.name}\" } } }]",
    "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /v1/chat
    preFlow: { request: [FC-Guard] }
    flows:
      - { name: rooms, condition: 'proxy.pathsuffix MatchesPath "/rooms/**"', request: [{ name: AM-Room, condition: 'request.header.x-room != "lobby"' }] }
      - { name: direct, condition: 'proxy.pathsuffix MatchesPath "/direct/*"', request: [RF-Closed] }
    postFlow: { response: [AM-Served] }
    webSocket: { idleTimeout: 5m, maxDuration: 12h }
    faultRules: [{ name: bad key, condition: 'fault.name = "InvalidApiKey"', steps: [AM-Hint] }]
    routeRules:
      - { name: cluster, targetEndpoint: backend }
targetEndpoints:
  - { name: backend, loadBalancer: { servers: [chat-1, chat-2] }, path: /ws, preFlow: { request: [AM-Trace] } }`,
    "proxies/chat/policies/FC-Guard.yaml": "kind: FlowCallout\nsharedFlowBundle: guard",
    "proxies/chat/policies/AM-Room.yaml": 'kind: AssignMessage\nactions: [{ assignVariable: { name: room, template: "{proxy.pathsuffix}" } }, { set: { headers: { X-Room: "{room}" } } }]',
    "proxies/chat/policies/RF-Closed.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 403, payload: direct messages are closed today } }]",
    "proxies/chat/policies/AM-Served.yaml": 'kind: AssignMessage\nactions: [{ set: { headers: { X-Served-By: "{target.name}" } } }]\nignoreUnresolvedVariables: true',
    "proxies/chat/policies/AM-Hint.yaml": "kind: AssignMessage\nactions: [{ set: { headers: { X-Hint: ask ann@example.com for a key } } }]",
    "proxies/chat/policies/AM-Trace.yaml": 'kind: AssignMessage\nactions: [{ set: { headers: { X-Request: "{messageid}" } } }]',
    "proxies/prices/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /v2/prices, preFlow: { request: [VK-Key] }, webSocket: { mode: only } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/prices/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.header.x-api-key }",
    "proxies/orders/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /v1/orders, preFlow: { request: [VK-Key, { name: AM-Note, condition: 'request.content != ""' }] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/orders/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
    "proxies/orders/policies/AM-Note.yaml": 'kind: AssignMessage\nactions: [{ set: { headers: { X-Has-Body: "yes" } } }]',
    "proxies/legacy/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: "/legacy/*/stream" }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  };
}
