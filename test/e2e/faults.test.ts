/**
 * Every rule of apigee-core section 3.7 and 3.8, for plain requests and for handshakes: which endpoint's rules run, which of
 * them, what they see, and what leaves when none does.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type Answer, type UpgradeLines } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";

/** Five rules in file order, each under a header of its own; the first two also know what may go wrong inside a rule. */
const rules = (side: string): string => `
    faultRules:
      - { name: one, condition: 'request.header.x-1 != null', steps: [AM-${side}-1, { name: RF-Rule, condition: 'request.header.x-in = "raise"' }, { name: AM-Fail, condition: 'request.header.x-in = "fail"' }, AM-Late] }
      - { name: two, condition: 'request.header.x-2 != null', steps: [{ name: AM-${side}-2, condition: 'request.header.x-in != "skip"' }] }
      - { name: three, condition: 'request.header.x-3 != null', steps: [AM-${side}-3] }
      - { name: named, condition: 'fault.name = "ErrorResponseCode" and request.header.x-named != null', steps: [AM-${side}-Named] }
      - { name: four, condition: 'request.header.x-4 != null', steps: [AM-${side}-4, AM-Replace] }`;

const at = (name: string): string => `condition: 'request.header.x-at = "${name}"'`;

const proxy = (basePath: string, always: boolean): string => `kind: ApiProxy
proxyEndpoints:
  - basePath: ${basePath}
    preFlow:
      request:
        - { name: RF-Raise, ${at("request")} }
        - { name: VK-Key, ${at("key")} }
        - { name: AM-Fail, ${at("fail")} }
        - { name: AM-Carried, ${at("carried")} }
        - { name: RF-Off, ${at("off")} }
      response: [AM-Answered]
    postFlow: { response: [{ name: RF-Raise, ${at("proxy-response")} }] }
    routeRules:
      - { name: none, condition: 'request.header.x-to = "none"' }
      - { name: dead, condition: 'request.header.x-to = "dead"', targetEndpoint: dead }
      - { name: inline, condition: 'request.header.x-to = "inline"', url: { env: TARGET_URL } }
      - { name: target, condition: 'request.header.x-to != "nowhere"', targetEndpoint: target }${rules("Proxy")}
    defaultFaultRule: { name: rest, alwaysEnforce: ${always}, condition: 'request.header.x-default != null', steps: [AM-Proxy-Default] }
targetEndpoints:
  - name: target
    url: { env: TARGET_URL }
    preFlow: { request: [{ name: RF-Raise, ${at("target-request")} }], response: [{ name: AM-Fail, ${at("target-response")} }] }${rules("Target")}
    defaultFaultRule: { name: rest, alwaysEnforce: ${always}, condition: 'request.header.x-default != null', steps: [AM-Target-Default] }
  - name: dead
    url: { env: REFUSING_URL }${rules("Target")}`;

const ruled = (side: string, name: string): [string, string] => [`AM-${side}-${name}`, `kind: AssignMessage
actions: [{ set: { headers: { x-ruled: "${side} ${name}" } } }]`];

const policies: Record<string, string> = {
  ...Object.fromEntries(["Proxy", "Target"].flatMap((side) => ["1", "2", "3", "4", "Named"].map((name) => ruled(side, name)))),
  "AM-Proxy-Default": `kind: AssignMessage
actions: [{ set: { headers: { x-default: "Proxy {fault.name}" } } }]`,
  "AM-Target-Default": `kind: AssignMessage
actions: [{ set: { headers: { x-default: "Target {fault.name}" } } }]`,
  "AM-Late": `kind: AssignMessage
actions: [{ set: { headers: { x-late: "{fault.name}|{fault.category}|{fault.subcategory}|{error.status.code}|{fault.reason}|{raisefault.RF-Raise.failed}|{oauthV2.VK-Key.failed}|{is.error}" } } }]`,
  "AM-Replace": `kind: AssignMessage
actions: [{ set: { statusCode: 503, payload: "was {error.content:nothing}" } }]`,
  "AM-Answered": `kind: AssignMessage
actions: [{ set: { headers: { x-answered: "{assignmessage.AM-Carried.failed}" } } }]`,
  "AM-Fail": `kind: AssignMessage
actions: [{ set: { headers: { x-never: "{never.written}" } } }]`,
  "AM-Carried": `kind: AssignMessage
continueOnError: true
actions: [{ set: { headers: { x-never: "{never.written}" } } }]`,
  "RF-Raise": `kind: RaiseFault
actions: [{ set: { statusCode: 418, headers: { x-raised: first }, payload: raised } }]`,
  "RF-Rule": `kind: RaiseFault
actions: [{ set: { statusCode: 409, headers: { x-raised: "in a rule" }, payload: by the rule } }]`,
  "RF-Off": "kind: RaiseFault\nenabled: false",
  "VK-Key": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
};

const files: BundleFiles = {
  "gateway.yaml": "kind: Gateway\nlisteners: [{ name: public, host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }",
  ...Object.fromEntries(["lazy", "always"].flatMap((name) => [
    [`proxies/${name}/proxy.yaml`, proxy(`/${name}`, name === "always")],
    ...Object.entries(policies).map(([policy, text]) => [`proxies/${name}/policies/${policy}.yaml`, text]),
  ])),
};

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "*": (connection) => {
      const status = connection.header("x-status");
      if (status !== null) {
        connection.socket.end(`HTTP/1.1 ${status} Of The Target\r\nX-Own: yes\r\nContent-Length: 11\r\nConnection: close\r\n\r\nof a target`);
      } else if (connection.header("upgrade") !== null) connection.accept();
      else connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    },
  });
  const env = { TARGET_URL: target.url, REFUSING_URL: `http://127.0.0.1:${await refusedPort()}` };
  gateway = await startGatewayFromBundle(files, { env });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

type Form = "plain" | "upgrade";

async function ask(form: Form, path: string, lines: UpgradeLines): Promise<Answer> {
  using client = await rawClient(gateway.port);
  return await client.send(form === "plain" ? plainRequest(path, lines) : upgradeRequest(path, lines)).answer();
}

interface Expected {
  readonly status: number;
  /** Which rule ran: the last one's mark. */
  readonly ruled?: string;
  /** The default rule's mark. */
  readonly byDefault?: string;
  readonly body?: string | RegExp;
  /** The body where the target's cannot be read: for upgrades. */
  readonly unread?: string;
}

const json = (code: string): RegExp => new RegExp(`^\\{"fault":\\{"faultstring":".*","detail":\\{"errorcode":"${code.replaceAll(".", "\\.")}"\\}\\}\\}$`);
const raised = { status: 418, body: "raised" };
const own = { status: 500, body: "of a target" };

/** What happens, what the client says, and what comes of it where the default rule is not enforced. */
const lazy: readonly (readonly [string, UpgradeLines, Expected])[] = [
  ["without a rule RaiseFault's answer leaves", { "X-At": "request" }, raised],
  ["without a rule a policy's fault is JSON", { "X-At": "key" }, { status: 401, body: json("steps.oauth.v2.FailedToResolveAPIKey") }],
  ["no route rule that holds is a fault of the proxy endpoint", { "X-To": "nowhere", "X-3": "y" }, { status: 500, ruled: "Proxy 3", body: json("messaging.runtime.RouteFailed") }],
  ["rules of a proxy endpoint are tried from the bottom", { "X-At": "request", "X-2": "y", "X-3": "y" }, { ...raised, ruled: "Proxy 3" }],
  ["rules of a target endpoint are tried from the top", { "X-At": "target-request", "X-2": "y", "X-3": "y" }, { ...raised, ruled: "Target 2" }],
  ["a rule's own condition sees the fault", { "X-Status": "500", "X-Named": "y" }, { ...own, ruled: "Target Named" }],
  ["the default rule runs when no rule holds", { "X-At": "request", "X-Default": "y" }, { ...raised, byDefault: "Proxy RaiseFault" }],
  ["the default rule may not hold either", { "X-At": "request" }, raised],
  ["the default rule does not run behind a rule", { "X-At": "request", "X-3": "y", "X-Default": "y" }, { ...raised, ruled: "Proxy 3" }],
  ["nor behind a rule all of whose steps were skipped", { "X-At": "request", "X-2": "y", "X-In": "skip", "X-Default": "y" }, raised],
  ["a rule replaces status and payload and keeps the headers", { "X-At": "request", "X-4": "y" }, { status: 503, ruled: "Proxy 4", body: "was raised" }],
  ["RaiseFault in a rule ends it and is the answer", { "X-At": "key", "X-1": "y", "X-In": "raise" }, { status: 409, body: "by the rule" }],
  ["a failing step in a rule ends it and is the answer", { "X-At": "key", "X-1": "y", "X-In": "fail" }, { status: 500, body: json("steps.assignmessage.UnresolvedVariable") }],
  ["a fault of the target request flow belongs to the target endpoint", { "X-At": "target-request", "X-1": "y" }, { ...raised, ruled: "Target 1" }],
  ["a fault of the target response flow too", { "X-At": "target-response", "X-3": "y" }, { status: 500, ruled: "Target 3", body: json("steps.assignmessage.UnresolvedVariable") }],
  ["a fault of the proxy response flow belongs to the proxy endpoint", { "X-At": "proxy-response", "X-3": "y" }, { ...raised, ruled: "Proxy 3" }],
  ["so does one of a null route's response", { "X-To": "none", "X-At": "proxy-response", "X-3": "y" }, { ...raised, ruled: "Proxy 3" }],
  ["a target's error status belongs to the target endpoint", { "X-Status": "500", "X-3": "y" }, { ...own, ruled: "Target 3" }],
  ["a target's error passes as it is when no rule holds", { "X-Status": "500" }, own],
  ["a rule replaces a target's error", { "X-Status": "500", "X-4": "y" }, { status: 503, ruled: "Target 4", body: "was of a target", unread: "was nothing" }],
  ["a target that cannot be reached is a fault of its endpoint", { "X-To": "dead", "X-2": "y", "X-3": "y" }, { status: 503, ruled: "Target 2", body: json("messaging.adaptors.http.flow.ServiceUnavailable") }],
  ["an inline URL has no rules", { "X-To": "inline", "X-Status": "500", "X-3": "y" }, own],
];

/** The same where it is enforced. */
const always: readonly (readonly [string, UpgradeLines, Expected])[] = [
  ["behind a rule", { "X-At": "request", "X-3": "y", "X-Default": "y" }, { ...raised, ruled: "Proxy 3", byDefault: "Proxy RaiseFault" }],
  ["without a rule", { "X-At": "request", "X-Default": "y" }, { ...raised, byDefault: "Proxy RaiseFault" }],
  ["behind a rule whose steps were skipped", { "X-At": "request", "X-2": "y", "X-In": "skip", "X-Default": "y" }, { ...raised, byDefault: "Proxy RaiseFault" }],
  ["behind a rule that failed", { "X-At": "request", "X-1": "y", "X-In": "fail", "X-Default": "y" }, { status: 500, byDefault: "Proxy UnresolvedVariable", body: json("steps.assignmessage.UnresolvedVariable") }],
  ["not behind a RaiseFault of the rule", { "X-At": "key", "X-1": "y", "X-In": "raise", "X-Default": "y" }, { status: 409, body: "by the rule" }],
  ["not when its condition does not hold", { "X-At": "request", "X-3": "y" }, { ...raised, ruled: "Proxy 3" }],
  ["at the target endpoint too", { "X-Status": "500", "X-3": "y", "X-Default": "y" }, { ...own, ruled: "Target 3", byDefault: "Target ErrorResponseCode" }],
];

async function check(form: Form, path: string, lines: UpgradeLines, expected: Expected): Promise<void> {
  const { status, headers, body } = await ask(form, path, lines);
  const found = { status, ruled: headers.get("x-ruled"), byDefault: headers.get("x-default"), answered: headers.get("x-answered") };
  // Response flows never run for a fault, except for what ran before it.
  const answered = lines["X-At"] === "proxy-response" ? undefined : found.answered;
  expect({ ...found, answered }).toEqual({ status: expected.status, ruled: expected.ruled, byDefault: expected.byDefault, answered: undefined });
  if (form === "upgrade" && expected.unread !== undefined) expect(body).toBe(expected.unread);
  else if (typeof expected.body === "string") expect(body).toBe(expected.body);
  else expect(body).toMatch(expected.body ?? /^/);
  if (expected.body === "raised") expect(headers.get("x-raised")).toBe("first");
  if (expected.body === "by the rule") expect(headers.get("x-raised")).toBe("in a rule");
  if (expected.body === "of a target") expect(headers.get("x-own")).toBe("yes");
  if (expected.body instanceof RegExp) expect(headers.get("content-type")).toBe("application/json");
}

describe.each(["plain", "upgrade"] as const)("%s: faults", (form) => {
  it.each(lazy)("%s", async (_, lines, expected) => check(form, "/lazy", lines, expected));

  it.each(always)("the enforced default rule runs: %s", async (_, lines, expected) => check(form, "/always", lines, expected));

  it("tell their rules what happened", async () => {
    const seen = async (lines: UpgradeLines): Promise<string | undefined> => (await ask(form, "/lazy", { ...lines, "X-1": "y" })).headers.get("x-late");
    expect(await seen({ "X-At": "request" })).toBe("RaiseFault|Step|Policy|418|Raising fault. Fault name : RF-Raise|true|false|true");
    expect(await seen({ "X-At": "key" })).toBe(
      "FailedToResolveAPIKey|Step|Authentication|401|Failed to resolve API Key variable request.queryparam.apikey|false|true|true",
    );
    expect(await seen({ "X-Status": "502" })).toBe(
      "ErrorResponseCode|Messaging|Response codes|502|The target answered with an error status|false|false|true",
    );
    expect(await seen({ "X-To": "dead" })).toBe(
      "ServiceUnavailable|Transport|Connectivity|503|The Service is temporarily unavailable|false|false|true",
    );
    expect(await seen({ "X-To": "nowhere" })).toBe(
      "RouteFailed|Messaging|Routing failures|500|Unable to route the message to a TargetEndpoint|false|false|true",
    );
  });

  it("that are carried on from run no rule and leave a variable", async () => {
    const { status, headers } = await ask(form, "/lazy", { "X-At": "carried", "X-3": "y", "X-Default": "y" });
    expect([status, headers.get("x-answered")]).toEqual([form === "plain" ? 200 : 101, "true"]);
    expect([headers.get("x-ruled"), headers.get("x-default")]).toEqual([undefined, undefined]);
  });

  it("of a policy that is not enabled never happen", async () => {
    expect((await ask(form, "/lazy", { "X-At": "off" })).status).toBe(form === "plain" ? 200 : 101);
  });
});

it("a target's own error streams through while nobody handles it", async () => {
  target.on("/slow", ({ socket }) => void socket.write("HTTP/1.1 500 Slow\r\nContent-Length: 10\r\n\r\nfirst"));
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/lazy/slow"));
  expect(String(await client.through("first"))).toMatch(/^HTTP\/1\.1 500 /);
  (await target.request("/slow")).socket.end(" half");
  expect(String(await client.through(" half"))).toBe(" half");
});
