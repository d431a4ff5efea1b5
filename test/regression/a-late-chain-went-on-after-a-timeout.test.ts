/**
 * api.timeout ran out while a policy waited for the store. The answer was sent; then the store answered too, the policy
 * raised its fault, and the fault rules ran again for an exchange that was over: counted, and over the first fault.
 */
import { expect, it } from "vitest";
import { fakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";
import { HeldStore } from "../e2e/held-store.ts";
import { bundle } from "./bundle.ts";

const KEY = "a-key-of-the-app";
const files = bundle("", {
  "access/all.yaml": `kind: ApiProduct
name: all
---
kind: Developer
email: ann@example.com
userName: ann
---
kind: App
name: web
developer: ann@example.com
credentials: [{ key: { env: API_KEY }, products: [all] }]
`,
  "proxies/timed/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /timed
    properties: { api.timeout: 150 }
    preFlow: { request: [VK-Key] }
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/timed/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
});

it.each([["request", plainRequest], ["upgrade", upgradeRequest]] as const)("a %s", async (_kind, ask) => {
  await using target = await fakeTarget({ "*": ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") });
  let store: HeldStore | null = null;
  await using gateway = await startGatewayFromBundle(files, {
    env: { TARGET_URL: target.url, API_KEY: KEY },
    wrapStore: (inner) => (store = new HeldStore(inner)),
  });
  const held = (): HeldStore => {
    if (store === null) throw new Error("no store");
    return store;
  };
  const faults = (): number => gateway.metric("apigw_policy_faults_total", 'policy="VK-Key"');
  held().hold("key");
  using client = await rawClient(gateway.port);
  expect(await client.send(ask("/timed?apikey=unknown")).answer()).toMatchObject({ status: 504 });
  await gateway.line({ event: "http", "error.type": "flow.APITimedOut" });
  expect(held().waiting).toBe(1);
  held().release();
  // The control: in time, the same key is refused and counted; one that is good reaches the target.
  expect(await client.send(ask("/timed?apikey=unknown")).answer()).toMatchObject({ status: 401 });
  await gateway.line({ event: "http", "error.type": "oauth.v2.InvalidApiKey" });
  expect(faults()).toBe(1);
  expect(target.accepted).toBe(0);
  expect(await client.send(plainRequest(`/timed?apikey=${KEY}`)).answer()).toMatchObject({ status: 200 });
  expect(target.accepted).toBe(1);
  expect(gateway.lines({ event: "defect" })).toEqual([]);
});
