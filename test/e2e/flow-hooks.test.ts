/** Flow hooks and the parameters of FlowCallout on real sockets, for plain requests and handshakes alike (apigee-core section 3.5). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type Answer, type UpgradeLines } from "../support/raw-client.ts";

const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
environmentGroups:
  - { name: hooked, hostnames: [hooked.test], environments: [hooked] }
  - { name: strict, hostnames: [strict.test], environments: [strict] }
  - { name: bare, hostnames: [bare.test], environments: [bare] }`,
  "environments/hooked.yaml": `kind: Environment
flowHooks:
  preProxy: { sharedFlow: note }
  preTarget: { sharedFlow: note }
  postTarget: { sharedFlow: note }
  postProxy: { sharedFlow: note }`,
  "environments/strict.yaml": `kind: Environment
flowHooks:
  preTarget: { sharedFlow: note, continueOnError: false }
  postProxy: { sharedFlow: note, continueOnError: false }`,
  "environments/bare.yaml": "kind: Environment",
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /chat
    preFlow: { request: [FC-Note], response: [FC-Note] }
    postFlow: { response: [AM-Trail] }
    routeRules:
      - { name: none, condition: 'proxy.pathsuffix = "/null"' }
      - { name: inline, condition: 'proxy.pathsuffix = "/inline"', url: { env: TARGET_URL } }
      - { name: default, targetEndpoint: default }
    defaultFaultRule: { steps: [AM-Proxy] }
targetEndpoints:
  - url: { env: TARGET_URL }
    postFlow: { request: [FC-Note], response: [FC-Note] }
    defaultFaultRule: { steps: [AM-Target] }`,
  "proxies/chat/policies/FC-Note.yaml": `kind: FlowCallout
sharedFlowBundle: note
parameters: [{ name: what, value: "own {what:call}" }, { name: fails, ref: request.header.x-none }]`,
  "proxies/chat/policies/AM-Trail.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-trail: "{trail}", x-what: "{what:none}", x-failed: "{flowcallout.PreTargetFlowHook.failed}" } } }]`,
  "proxies/chat/policies/AM-Proxy.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-rule: "proxy after {trail}" } } }]`,
  "proxies/chat/policies/AM-Target.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-rule: "target after {trail}" } } }]`,
  "shared-flows/note/flow.yaml": `kind: SharedFlow
steps:
  - AM-Note
  - { name: RF-No, condition: 'request.header.x-fail = current.flow.name and what = null' }`,
  "shared-flows/note/policies/AM-Note.yaml": `kind: AssignMessage
actions: [{ assignVariable: { name: trail, template: "{trail} {current.flow.name}({what:})" } }, { assignVariable: { name: own, template: "{fails}" } }]
ignoreUnresolvedVariables: true`,
  "shared-flows/note/policies/RF-No.yaml": `kind: RaiseFault
actions: [{ set: { statusCode: 418 } }]`,
};

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "*": (connection) => {
      if (connection.header("upgrade") !== null) return connection.accept();
      connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    },
  });
  gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: target.url } });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

async function ask(form: "plain" | "upgrade", path: string, lines: UpgradeLines): Promise<Answer> {
  using client = await rawClient(gateway.port);
  return await client.send(form === "plain" ? plainRequest(path, lines) : upgradeRequest(path, lines)).answer();
}

const success = { plain: 200, upgrade: 101 };

describe.each(["plain", "upgrade"] as const)("%s: flow hooks", (form) => {
  it("run around the flows of both endpoints", async () => {
    const { status, headers } = await ask(form, "/chat/a", { Host: "hooked.test" });
    expect(status).toBe(success[form]);
    expect(headers.get("x-trail")).toBe(
      "PreProxyFlowHook() PreFlow(own call) PostFlow(own call) PreTargetFlowHook() PostTargetFlowHook() PostFlow(own call) PreFlow(own call)",
    );
  });

  it("are those of the environment", async () => {
    expect((await ask(form, "/chat/a", { Host: "strict.test" })).headers.get("x-trail")).toMatch(/^PreFlow.*PreTargetFlowHook\(\) PostFlow/);
    expect((await ask(form, "/chat/a", { Host: "bare.test" })).headers.get("x-trail")).not.toContain("Hook");
  });

  it("of targets do not run for a null route, and do for an inline URL", async () => {
    const none = await ask(form, "/chat/null", { Host: "hooked.test" });
    expect(none.status).toBe(200);
    expect(none.headers.get("x-trail")).toBe("PreProxyFlowHook() PreFlow(own call) PreFlow(own call)");
    const inline = await ask(form, "/chat/inline", { Host: "hooked.test" });
    expect(inline.status).toBe(success[form]);
    expect(inline.headers.get("x-trail")).toContain("PreTargetFlowHook() PostTargetFlowHook() PreFlow");
  });

  it("carry on from their faults unless they say otherwise", async () => {
    const { status, headers } = await ask(form, "/chat/a", { Host: "hooked.test", "X-Fail": "PreTargetFlowHook" });
    expect([status, headers.get("x-failed")]).toEqual([success[form], "true"]);
  });

  it.each([
    ["PreTargetFlowHook", /^target after .*PostFlow\(own call\) PreTargetFlowHook\(\)$/],
    ["PostProxyFlowHook", /^proxy after .* PostProxyFlowHook\(\)$/],
  ])("that refuse are faults of the endpoint they stand at: %s", async (hook, rule) => {
    const { status, headers } = await ask(form, "/chat/a", { Host: "strict.test", "X-Fail": hook });
    expect(status).toBe(418);
    expect(headers.get("x-rule")).toMatch(rule);
  });
});

it("parameters are gone behind their call, and hide nothing there", async () => {
  const { headers } = await ask("plain", "/chat/a", { Host: "bare.test" });
  expect(headers.get("x-what")).toBe("none");
  expect(headers.get("x-failed")).toBe("false");
});
