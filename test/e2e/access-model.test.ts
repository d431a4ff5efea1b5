/** The access model through a compiled gateway: who is admitted where, what policies learn of it, what ends sessions. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { once } from "node:events";
import { mintToken } from "#runtime/access/tokens.ts";
import { digest } from "#runtime/access/digest.ts";
import type { ApiProduct, App, Developer, KeyRecord, ProductOperation } from "#runtime/access/model.ts";
import { setAppStatus, updateRecord } from "#runtime/access/change.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { API_KEY, bundle, bundleEnv } from "./bundle.ts";
import { putProduct } from "../support/access-records.ts";

const NAMES = {
  "x-product": "apiproduct.name",
  "x-operation": "apiproduct.operation",
  "x-resource": "apiproduct.operation.resource",
  "x-methods": "apiproduct.operation.methods",
  "x-cost": "apiproduct.operation.attributes.cost",
  "x-tier": "apiproduct.tier",
  "x-limit": "apiproduct.developer.quota.limit",
  "x-interval": "apiproduct.developer.quota.interval",
  "x-unit": "apiproduct.developer.quota.timeunit",
  "x-own-limit": "verifyapikey.VK-Key.apiproduct.developer.quota.limit",
  "x-color": "app.color",
  "x-team": "developer.team",
  "x-callback": "verifyapikey.VK-Key.redirection_uris",
};
const headers = Object.entries(NAMES).map(([header, variable]) => `${header}: "{${variable}}"`);

const files = bundle("", {
  "proxies/model/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - { name: key, basePath: /model, preFlow: { request: [VK-Key, AM-Told] } }
  - { name: token, basePath: /model-token, preFlow: { request: [OA-Verify] } }
routeRules: []
targetEndpoints: [{ url: { env: TARGET_URL } }]`.replace("routeRules: []\n", ""),
  "proxies/model/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
  "proxies/model/policies/OA-Verify.yaml": "kind: OAuthV2\noperation: VerifyAccessToken",
  "proxies/model/policies/AM-Told.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions: [{ set: { headers: { ${headers.join(", ")} } } }]`,
  "proxies/kept/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /kept
    preFlow: { request: [VK-Key] }
    webSocket: { endOn: { accessRevoked: false, accessChanged: false } }
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/kept/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
  "access/more.yaml": `kind: ApiProduct
name: written
operations:
  - proxy: model
    resource: /written/*
    methods: [GET]
    quota: { limit: 7, interval: 2, timeUnit: week }
    attributes: { cost: "3" }
quota: { limit: 100, interval: 1, timeUnit: day }
attributes: { tier: gold }
---
kind: Developer
email: late@example.com
expiresAt: 2020-01-01T00:00:00Z
attributes: { team: red }
---
kind: App
name: late
developer: late@example.com
expiresAt: 2020-01-01T00:00:00Z
credentials: [{ key: { env: LATE_KEY }, products: [written] }]
---
kind: App
name: second
developer: ann@example.com
callbackUrl: https://app.example/back
attributes: { color: blue }
credentials: [{ key: { env: SECOND_KEY }, products: [written, all] }]`,
});
const SECOND_KEY = "the-key-of-the-second-app";
const LATE_KEY = "the-key-of-the-late-app";

let target: FakeTarget;
let gateway: TestGateway;
let nowMs = 0;

beforeAll(async () => {
  target = await fakeTarget({
    "*": (connection) => {
      if (connection.header("upgrade") !== null) connection.accept();
      else connection.socket.write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    },
  });
  const modules = await compileFiles(files);
  gateway = await startModules(modules, { env: { ...bundleEnv(target.url, await refusedPort()), SECOND_KEY, LATE_KEY } });
  nowMs = gateway.gateway.clock.wallMs();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

interface World {
  readonly developer?: Partial<Developer>;
  readonly app?: Partial<App>;
  readonly key?: Partial<KeyRecord>;
  readonly product?: Partial<ApiProduct>;
}
const PRODUCT: ApiProduct = {
  name: "all", displayName: "all", environments: [], proxies: [], resources: [], operations: [], scopes: [], quota: null, attributes: {},
};

/** Puts the records of the first app as a test wants them. */
async function arrange({ app, developer, key, product }: World): Promise<void> {
  const { store } = gateway.gateway;
  const own = (await store.get("app", "web"))!;
  const id = digest(API_KEY);
  await store.put("developer", own.developerId, {
    id: own.developerId, email: "ann@example.com", userName: "ann", firstName: "", lastName: "", status: "active", attributes: {}, ...developer,
  });
  await store.put("app", "web", { id: "web", name: "web", developerId: own.developerId, status: "approved", callbackUrl: null, attributes: {}, ...app });
  await store.put("key", id, {
    id, clientId: "c", appId: "web", status: "approved", expiresAtMs: null, products: [{ name: "all", status: "approved" }],
    secretDigest: digest("s"), scopes: [], attributes: {}, ...key,
  });
  // What was verified before is forgotten by this event.
  await putProduct(gateway.gateway, { ...PRODUCT, ...product });
  gateway.gateway.verified.clear();
}

async function asked(path: string, lines: Readonly<Record<string, string>> = {}): Promise<{ status: number; code: string }> {
  using client = await rawClient(gateway.port);
  const { body, status } = await client.send(plainRequest(path, lines)).answer();
  return { status, code: /"errorcode":"([^"]+)"/.exec(body)?.[1] ?? "" };
}

/** What the gateway says of a suffix: `ok` or the error's code. */
async function keyed(suffix: string, verb = "GET"): Promise<string> {
  using client = await rawClient(gateway.port);
  const request = plainRequest(`/model${suffix}?apikey=${API_KEY}`).replace(/^GET/, verb);
  const { body } = await client.send(request).answer();
  return /"errorcode":"([^"]+)"/.exec(body)?.[1] ?? "ok";
}

describe("a key", () => {
  const past = (): number => nowMs - 1_000;
  const ahead = (): number => nowMs + 3_600_000;
  const wrong = { developer: { status: "inactive" }, app: { status: "revoked" } } as const;

  it.each<[string, () => World, string]>([
    ["in good standing", () => ({}), "ok"],
    ["with expiries ahead", () => ({ developer: { expiresAtMs: ahead() }, app: { expiresAtMs: ahead() }, key: { expiresAtMs: ahead() } }), "ok"],
    ["revoked, of a revoked app", () => ({ ...wrong, key: { status: "revoked" } }), "oauth.v2.ApiKeyNotApproved"],
    ["pending", () => ({ key: { status: "pending" } }), "oauth.v2.ApiKeyNotApproved"],
    ["expired, of a revoked app", () => ({ ...wrong, key: { expiresAtMs: past() } }), "keymanagement.service.consumer_key_expired"],
    ["of a revoked app and an inactive developer", () => wrong, "keymanagement.service.invalid_client-app_not_approved"],
    ["of an app that expired", () => ({ app: { expiresAtMs: past() } }), "keymanagement.service.invalid_client-app_not_approved"],
    ["of an inactive developer", () => ({ developer: { status: "inactive" } }), "keymanagement.service.DeveloperStatusNotActive"],
    ["of a developer who expired", () => ({ developer: { expiresAtMs: past() } }), "keymanagement.service.DeveloperStatusNotActive"],
    ["whose product is pending", () => ({ key: { products: [{ name: "all", status: "pending" }] } }), "oauth.v2.InvalidApiKeyForGivenResource"],
    ["whose product expired", () => ({ key: { products: [{ name: "all", status: "approved", expiresAtMs: past() }] } }), "oauth.v2.InvalidApiKeyForGivenResource"],
    ["whose product is gone", () => ({ key: { products: [{ name: "gone", status: "approved" }] } }), "oauth.v2.InvalidApiKeyForGivenResource"],
    ["whose first product is no help", () => ({ key: { products: [{ name: "gone", status: "approved" }, { name: "all", status: "approved" }] } }), "ok"],
    ["in another environment", () => ({ product: { environments: ["test"] } }), "oauth.v2.InvalidApiKeyForGivenResource"],
    ["in its environment", () => ({ product: { environments: ["test", "default"] } }), "ok"],
    ["on another proxy", () => ({ product: { proxies: ["orders"] } }), "oauth.v2.InvalidApiKeyForGivenResource"],
    ["whose product has scopes", () => ({ product: { scopes: ["read"] } }), "ok"],
  ])("%s: %#", async (_name, world, expected) => {
    await arrange(world());
    expect(await keyed("/x")).toBe(expected);
  });

  it("of an app that was written with an expiry is refused", async () => {
    expect(await asked(`/model/written/1?apikey=${LATE_KEY}`)).toMatchObject({ status: 401, code: "keymanagement.service.invalid_client-app_not_approved" });
  });
});

/** Reference apigee-core 9.2, row by row. */
const resources = ["/", "/v1/*", "/v1/**", "/v1/weatherapikey/*/2/**"];
const table: readonly (readonly [string, readonly boolean[]])[] = [
  ["/v1/weatherapikey", [true, true, true, false]],
  ["/v1/weatherapikey/", [true, false, true, false]],
  ["/v1/weatherapikey/1", [true, false, true, false]],
  ["/v1/weatherapikey/1/", [true, false, true, false]],
  ["/v1/weatherapikey/1/2", [true, false, true, false]],
  ["/v1/weatherapikey/1/2/", [true, false, true, true]],
  ["/v1/weatherapikey/1/2/3/", [true, false, true, true]],
  ["/v1/weatherapikey/1/a/2/3/", [true, false, true, false]],
];

describe("a product's paths", () => {
  it.each(resources.map((resource, at) => [resource, at] as const))("of %s are those of the reference, as resources and in operations", async (resource, at) => {
    const expected = table.map(([path, outcomes]) => [path, outcomes[at] === true ? "ok" : "oauth.v2.InvalidApiKeyForGivenResource"]);
    for (const product of [{ resources: [resource] }, { operations: [{ proxy: "model", resource, methods: [] }] }]) {
      await arrange({ product });
      const found: string[][] = [];
      for (const [path] of table) found.push([path, await keyed(path)]);
      expect(found).toEqual(expected);
    }
  });

  it.each<[string, readonly ProductOperation[], string, string, string]>([
    ["method and path", [{ proxy: "model", resource: "/a", methods: ["GET"] }], "GET", "/a", "ok"],
    ["another method", [{ proxy: "model", resource: "/a", methods: ["POST", "PUT"] }], "GET", "/a", "oauth.v2.InvalidApiKeyForGivenResource"],
    ["no methods", [{ proxy: "model", resource: "/a", methods: [] }], "DELETE", "/a", "ok"],
    ["another proxy", [{ proxy: "orders", resource: "/", methods: [] }], "GET", "/a", "oauth.v2.InvalidApiKeyForGivenResource"],
    ["any of several", [{ proxy: "orders", resource: "/", methods: [] }, { proxy: "model", resource: "/b/**", methods: [] }], "GET", "/b/c/d", "ok"],
  ])("by operation: %s", async (_name, operations, verb, path, expected) => {
    await arrange({ product: { operations } });
    expect(await keyed(path, verb)).toBe(expected);
  });
});

describe("a token", () => {
  it.each<[string, World, string]>([
    ["in good standing", {}, ""],
    ["without a scope of the product", { product: { scopes: ["write"] } }, "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound"],
    ["of a revoked app", { app: { status: "revoked" } }, "keymanagement.service.invalid_client-app_not_approved"],
    ["on another path", { product: { resources: ["/elsewhere"] } }, "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound"],
    ["whose key is revoked", { key: { status: "revoked" } }, "oauth.v2.ApiKeyNotApproved"],
  ])("%s", async (_name, world, expected) => {
    await arrange({ product: { scopes: ["read"] } });
    const key = (await gateway.gateway.store.get("key", digest(API_KEY)))!;
    const issued = await mintToken(gateway.gateway, key, { scopes: [], expiresInMs: 60_000, grantType: "admin" });
    if (typeof issued === "string") throw new Error(issued);
    await arrange(world);
    expect((await asked("/model-token/x", { Authorization: `Bearer ${issued.token}` })).code).toBe(expected);
  });
});

describe("policies learn", () => {
  it("operation, quota and custom attributes; the operation's quota goes before the product's", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/model/written/1?apikey=${SECOND_KEY}`));
    const { head } = await target.request("/written/1");
    const told = Object.fromEntries(Object.keys(NAMES).map((name) => [name, new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim()]));
    expect(told).toEqual({
      "x-product": "written", "x-operation": "/written/*", "x-resource": "/written/*", "x-methods": "[GET]", "x-cost": "3", "x-tier": "gold",
      "x-limit": "7", "x-interval": "2", "x-unit": "week", "x-own-limit": "7", "x-color": "blue", "x-team": "",
      "x-callback": "https://app.example/back",
    });
  });
});

async function connected(path: string): Promise<{ client: WsClient; closed: Promise<unknown> }> {
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}${path}?apikey=${API_KEY}`);
  await once(client, "open");
  return { client, closed: once(client, "close").then(([code]) => code as unknown) };
}

describe("live sessions", () => {
  it("end when their app is revoked, unless the endpoint says endOn: { accessRevoked: false }; new ones are refused everywhere", async () => {
    await arrange({});
    const [ends, stays] = [await connected("/model"), await connected("/kept")];
    await setAppStatus(gateway.gateway, "web", "revoked");
    expect(await ends.closed).toBe(3003);
    expect(stays.client.readyState).toBe(WsClient.OPEN);
    expect((await asked(`/kept?apikey=${API_KEY}`)).status).toBe(401);
    stays.client.terminate();
  });

  it("end when their product covers them no more, unless endOn says otherwise", async () => {
    await arrange({});
    const [ends, stays] = [await connected("/model"), await connected("/kept")];
    await putProduct(gateway.gateway, { ...PRODUCT, environments: ["elsewhere"] });
    expect(await ends.closed).toBe(3003);
    expect(stays.client.readyState).toBe(WsClient.OPEN);
    stays.client.terminate();
  });

  it("take over a new expiry of their key, and end then", async () => {
    await arrange({});
    const { closed } = await connected("/model");
    const [before] = [...gateway.gateway.sessions.all()].filter(({ route }) => route.proxy === "model");
    expect(before?.credentials[0]?.expiresAtMs).toBe(null);
    const soonMs = gateway.gateway.clock.wallMs() + 200;
    await updateRecord(gateway.gateway, "key", digest(API_KEY), (key) => ({ ...key, expiresAtMs: soonMs }));
    expect(before?.credentials[0]?.expiresAtMs).toBe(soonMs);
    expect(await closed).toBe(3000);
  });
});

it("has no defect after all this", () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
});
