/** Null routes: the gateway answers itself, for plain requests and for handshakes (apigee-core section 2.2). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type Answer, type UpgradeLines } from "../support/raw-client.ts";

const files = {
  "gateway.yaml": "kind: Gateway\nlisteners: [{ name: public, host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }",
  "proxies/self/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /self
    preFlow: { request: [AM-Request] }
    postFlow: { response: [{ name: AM-Response, condition: 'request.header.x-answer != null' }, AM-Mark] }
    routeRules:
      - { name: none, condition: 'proxy.pathsuffix = "/none"' }
      - { name: late, condition: 'chosen = "late"' }`,
  "proxies/self/policies/AM-Request.yaml": `kind: AssignMessage
actions:
  - assignVariable: { name: response.status.code, value: "418" }
  - assignVariable: { name: chosen, ref: request.header.x-choose }
ignoreUnresolvedVariables: true`,
  "proxies/self/policies/AM-Response.yaml": `kind: AssignMessage
actions: [{ set: { statusCode: 404, payload: "nothing at {request.path}" } }]`,
  "proxies/self/policies/AM-Mark.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-route: "{route.name}", x-target: "{target.name:none}" } } }]`,
};

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGatewayFromBundle(files);
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
});

describe.each([["plain", plainRequest], ["upgrade", upgradeRequest]] as const)("%s", (_, request) => {
  async function ask(path: string, lines: UpgradeLines = {}): Promise<Answer> {
    using client = await rawClient(gateway.port);
    return await client.send(request(path, lines)).answer();
  }

  it("is 200 without a body and without the client's headers, whatever the request flow wrote", async () => {
    const { status, headers, body } = await ask("/self/none", { "X-Client": "yes" });
    expect([status, body, headers.get("content-length")]).toEqual([200, "", "0"]);
    expect(headers.get("x-client")).toBeUndefined();
    expect([headers.get("x-route"), headers.get("x-target")]).toEqual(["none", "none"]);
  });

  it("answers what the response flow writes", async () => {
    const { status, body } = await ask("/self/none", { "X-Answer": "yes" });
    expect([status, body]).toEqual([404, "nothing at /self/none"]);
  });

  it("is chosen with the variables of the request flow, and no rule that holds is a fault", async () => {
    expect((await ask("/self/other", { "X-Choose": "late" })).headers.get("x-route")).toBe("late");
    const { status, body } = await ask("/self/other");
    expect([status, body]).toEqual([500, expect.stringContaining("messaging.runtime.RouteFailed")]);
  });
});
