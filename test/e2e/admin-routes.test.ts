/** What the admin API tells of routes: each chain as the bundle's files say it, and nothing that a setting holds. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileFiles, startModules, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { answerCheck } from "../support/admin-document.ts";

const SECRET = "an-admin-secret-of-some-length";
const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
environmentGroups: [{ name: public, hostnames: [api.example.com, "*.example.org"], environments: [prod, test] }]
deployments: { prod: [chat], test: [plain] }
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
admin: { port: 0, secret: { env: ADMIN_SECRET }, page: off }`,
  "environments/prod.yaml": "kind: Environment\nflowHooks: { preProxy: { sharedFlow: guard } }",
  "environments/test.yaml": "kind: Environment",
  "shared-flows/guard/flow.yaml": "kind: SharedFlow\nsteps: [{ name: AM-In, condition: 'request.verb != \"TRACE\"' }]",
  "shared-flows/guard/policies/AM-In.yaml": 'kind: AssignMessage\nactions: [{ set: { headers: { X-In: "1" } } }]',
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /v1/chat
    preFlow: { request: [AM-One] }
    flows:
      - name: rooms
        condition: proxy.pathsuffix MatchesPath "/rooms/**"
        request: [{ name: AM-Two, condition: 'request.header.a = "b"' }, { name: AM-Never, condition: '"a" = "b"' }]
    postClientFlow: { response: [ML-Out] }
    faultRules: [{ name: any, condition: 'fault.name = "x"', steps: [AM-One] }]
    routeRules: [{ name: none, condition: 'request.header.n = "1"' }, { name: rest, targetEndpoint: backend }]
targetEndpoints: [{ name: backend, url: { env: TARGET_URL, default: "http://secret.internal:9/" }, preFlow: { request: [AM-Two] } }]`,
  "proxies/chat/policies/AM-One.yaml": '# a comment\nkind: AssignMessage\nactions: [{ set: { headers: { X-One: "1" } } }]',
  "proxies/chat/policies/AM-Two.yaml": 'kind: AssignMessage\nactions: [{ set: { headers: { X-Two: "{request.content}" } } }]',
  "proxies/chat/policies/AM-Never.yaml": 'kind: AssignMessage\nactions: [{ set: { headers: { X-No: "1" } } }]',
  "proxies/chat/policies/ML-Out.yaml": "kind: MessageLogging\nfile: { message: done }",
  "proxies/plain/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /, webSocket: deny }]
targetEndpoints: [{ url: "http://127.0.0.1:9" }]`,
};

let gateway: TestGateway;
let admin: string;
beforeAll(async () => {
  gateway = await startModules(await compileFiles(files), { env: { ADMIN_SECRET: SECRET } });
  admin = `http://${String((await gateway.line({ event: "listening", listener: "admin" }))["address"])}`;
});
afterAll(() => gateway[Symbol.asyncDispose]());

const check = answerCheck();

async function ask(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${admin}${path}`, { headers: { authorization: `Bearer ${SECRET}` } });
  const body = (await response.json()) as Record<string, unknown>;
  expect(check.problem("GET", path, response.status, body)).toBeNull();
  return { status: response.status, body };
}

describe("GET /v1/routes", () => {
  it("lists hosts, base paths and what becomes of frames", async () => {
    const { body } = await ask("/v1/routes");
    expect(body).toMatchObject({ total: 2, next: null });
    expect(body["routes"]).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: "prod~chat~default", basePath: "/v1/chat", hostnames: ["api.example.com", "*.example.org"] }),
        expect.objectContaining({ id: "test~plain~default", webSocket: { mode: "deny", level: "denied", why: expect.any(String) } }),
      ]),
    );
  });

  it("gives pages", async () => {
    const first = await ask("/v1/routes?limit=1");
    const second = await ask(`/v1/routes?limit=1&after=${String(first.body["next"])}`);
    expect([first.body["next"], second.body["next"]]).toEqual(["1", null]);
    expect(first.body["routes"]).not.toEqual(second.body["routes"]);
    expect((await ask("/v1/routes?limit=0")).status).toBe(400);
    expect((await ask("/v1/routes?nope=1")).status).toBe(400);
  });

  it("tells a chain in its order, with places and conditions", async () => {
    const { body } = await ask("/v1/routes/prod~chat~default");
    const stages = body["stages"] as { stage: string; flows: { name: string; steps: Record<string, unknown>[] }[] }[];
    expect(stages.map(({ stage, flows }) => [stage, flows.map(({ name }) => name)])).toEqual([
      ["request", [expect.any(String), "PreFlow", "rooms"]],
      ["targetRequest", ["PreFlow"]],
      ["postClient", ["PostClientFlow"]],
      ["fault", ["any"]],
    ]);
    const [hook, one, rooms] = stages[0]?.flows ?? [];
    expect(hook?.steps[0]).toMatchObject({ type: "FlowCallout", steps: [{ policy: "AM-In", at: "shared-flows/guard/flow.yaml:2" }] });
    expect(one?.steps[0]).toMatchObject({ policy: "AM-One", file: "proxies/chat/policies/AM-One.yaml", at: "proxies/chat/proxy.yaml:4", condition: null });
    expect(rooms?.steps).toMatchObject([{ condition: 'request.header.a = "b"', at: "proxies/chat/proxy.yaml:8" }, { policy: "AM-Never", never: expect.any(String) }]);
    expect(body["rules"]).toEqual([
      { name: "none", condition: 'request.header.n = "1"', target: null },
      { name: "rest", condition: null, target: "backend" },
    ]);
    expect(body["targets"]).toEqual([{ name: "backend", to: "$TARGET_URL" }]);
    expect(JSON.stringify(body)).not.toContain("secret.internal");
  });

  it("knows no other routes, and nothing without the secret", async () => {
    expect((await ask("/v1/routes/prod~plain~default")).status).toBe(404);
    expect((await fetch(`${admin}/v1/routes`)).status).toBe(401);
  });

  it("stands without the page where that is off", async () => {
    expect((await ask("/")).status).toBe(404);
  });
});
