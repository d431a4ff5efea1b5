import { describe, expect, test } from "vitest";
import type { Exchange, Value } from "#runtime/context.ts";
import { ResponseMessage } from "#runtime/message/message.ts";
import { copyHeaders, headerValue, removeHeaders, statusCode } from "#runtime/policies/assign-message.ts";
import { assignMessage } from "#compiler/policies/assign-message.ts";
import type { AssignMessageModel } from "#compiler/policies/assign-message.ts";
import type { ActionModel } from "#compiler/policies/parts/message-model.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import type { StepOptions } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";
import type { ExchangeOptions } from "../../support/policy-fixture.ts";
import { runEmitted } from "../../support/run-emitted.ts";

function model(...actions: readonly ActionModel[]): AssignMessageModel {
  return { kind: "AssignMessage", actions };
}

interface Run {
  readonly exchange?: ExchangeOptions;
  readonly step?: StepOptions;
  readonly variables?: Map<string, Value>;
  readonly status?: number;
}

/** Emits the actions and runs them. */
function ran(made: AssignMessageModel, { exchange = {}, step = {}, variables, status = 200 }: Run = {}): Exchange {
  const x = new PolicyFixture().exchange({ headers: ["Host", "h", "X-A", "1", "x-a", "2", "X-B", "3"], ...exchange });
  if (step.phase === "response" || step.phase === "fault") {
    x.response = new ResponseMessage(status, "OK", ["Content-Type", "text/plain", "X-T", "t"]);
  }
  runEmitted(emitted(assignMessage, made, step), x, variables);
  return x;
}

describe("headers of a request", () => {
  test("set, add and remove, in their order", () => {
    const x = ran(
      model(
        { remove: { headers: ["X-B"] } },
        { set: { headers: { "X-A": "{user}", "x-new": "n" } } },
        { add: { headers: { "x-new": "m" } } },
      ),
      { variables: new Map([["user", "ann"]]) },
    );
    expect(x.request.lines).toEqual(["Host", "h", "X-A", "ann", "x-new", "n", "x-new", "m"]);
  });

  test("remove all leaves what frames the message and the handshake", () => {
    const headers = [
      "Host",
      "h",
      "Upgrade",
      "websocket",
      "Sec-WebSocket-Key",
      "k",
      "X-A",
      "1",
      "Cookie",
      "c",
      "Connection",
      "Upgrade",
    ];
    const x = ran(model({ remove: { headers: true } }), { exchange: { headers } });
    expect(x.request.lines).toEqual([
      "Host",
      "h",
      "Upgrade",
      "websocket",
      "Sec-WebSocket-Key",
      "k",
      "Connection",
      "Upgrade",
    ]);
  });

  const broken = ["a\r\nX-Evil: 1", "a\nb", "a\u0000b", "a\u007fb"];
  test.each(broken)("a value with a control character is a fault: %j", async (user) => {
    const raised = await faultOf(() => ran(
      model({ set: { headers: { "x-user": "{user}" } } }),
      { variables: new Map([["user", user]]) },
    ));
    expect(raised).toMatchObject({ code: "steps.assignmessage.SetVariableFailed", status: 500, policy: "P-1" });
  });

  test("characters beyond a byte become UTF-8", () => {
    expect(headerValue("P", "Łó")).toBe(Buffer.from("Łó").toString("latin1"));
    expect(headerValue("P", "é")).toBe("é");
    expect(headerValue("P", "a\tb")).toBe("a\tb");
    expect(headerValue("P", null)).toBe("");
  });
});

describe("query and verb of a request", () => {
  test("a credential is taken out, the rest stays as it was", () => {
    const x = ran(
      model({ remove: { queryParams: ["apikey"] } }),
      { exchange: { query: "a=%20&apikey=k&b&api%6Bey=2" } },
    );
    expect(x.request.query).toBe("a=%20&b");
    expect(ran(model({ remove: { queryParams: true } }), { exchange: { query: "a=1" } }).request.query).toBeNull();
  });

  test("set and add encode their values", () => {
    const actions = model({ set: { queryParams: { a: "{v}" } } }, { add: { queryParams: { a: "2" } } });
    const x = ran(actions, { exchange: { query: "a=0&b=1" }, variables: new Map([["v", "x&y=1"]]) });
    expect(x.request.query).toBe("a=x%26y%3D1&b=1&a=2");
  });

  test("the verb changes, but not of an upgrade", async () => {
    expect(ran(model({ set: { verb: "post" } })).request.verb).toBe("POST");
    expect(ran(model({ set: { verb: "post" } }), { exchange: { upgrade: true } }).request.verb).toBe("GET");
    const bad = { variables: new Map([["v", "GET /x"]]) };
    expect(await faultOf(() => ran(model({ set: { verb: "{v}" } }), bad))).toMatchObject({
      code: "steps.assignmessage.SetVariableFailed",
    });
  });
});

describe("responses", () => {
  const step = { phase: "response" } as const;
  const actions = model({
    set: {
      statusCode: 418,
      reasonPhrase: "{why}",
      headers: { "x-r": "1" },
      payload: { contentType: "text/html", value: "<{why}>" },
    },
  });

  test("status, reason, headers and payload", () => {
    const { response } = ran(actions, { step, variables: new Map([["why", "tea"]]) });
    expect(response).toMatchObject({ status: 418, reason: "tea", content: "<tea>" });
    expect(response?.lines).toEqual(["Content-Type", "text/html", "X-T", "t", "x-r", "1"]);
  });

  test("the 101 of an upgrade keeps its status and has no body; headers may change", async () => {
    for (const set of [{ statusCode: 200 }, { payload: "x" }]) {
      const raised = await faultOf(() => ran(model({ set }), { step, status: 101 }));
      expect(raised.code).toBe("steps.assignmessage.SetVariableFailed");
    }
    expect(await faultOf(() => ran(model({ remove: { payload: true } }), { step, status: 101 }))).toMatchObject({
      status: 500,
    });
    expect(ran(model({ set: { headers: { "x-r": "1" } } }), { step, status: 101 }).response?.header("x-r")).toBe("1");
  });

  test("in a fault rule the status may be anything final", async () => {
    const run = {
      step: { phase: "fault" } as const,
      status: 500,
      variables: new Map<string,
      Value>([["s", 403], ["t", 101], ["u", "4e2"]]),
    };
    expect(ran(model({ set: { statusCode: "{s}" } }), run).response?.status).toBe(403);
    for (const status of ["{t}", "{u}", "{none:1}"]) {
      const made = { ...model({ set: { statusCode: status } }), ignoreUnresolvedVariables: true };
      expect(await faultOf(() => ran(made, run))).toMatchObject({ code: "steps.assignmessage.SetVariableFailed" });
    }
    expect(statusCode("P", "599")).toBe(599);
  });

  test("copy takes headers of the request, all but framing, in place of the response's", () => {
    const exchange = { headers: ["Host", "h", "X-T", "of request", "X-A", "1", "x-a", "2", "Sec-WebSocket-Key", "k"] };
    const all = ran(model({ copy: { source: "request" } }), { step, exchange });
    expect(all.response?.lines).toEqual(["Content-Type", "text/plain", "X-T", "of request", "X-A", "1", "x-a", "2"]);
    const some = ran(model({ copy: { source: "request", headers: ["x-A"] } }), { step, exchange });
    expect(some.response?.lines).toEqual(["Content-Type", "text/plain", "X-T", "t", "X-A", "1", "x-a", "2"]);
  });
});

test("copying a message onto itself, or removing nothing, changes nothing", () => {
  const message = new ResponseMessage(200, "", ["A", "1", "a", "2"]);
  copyHeaders(message, message, null);
  expect(message.lines).toEqual(["A", "1", "a", "2"]);
  removeHeaders(message);
  expect(message.lines).toEqual([]);
  removeHeaders(message);
  expect(message.lines).toEqual([]);
});

describe("variables", () => {
  const cases: [string, ActionModel["assignVariable"], Value][] = [
    ["a value", { name: "v", value: "x" }, "x"],
    ["an empty value", { name: "v", value: "" }, ""],
    ["braces in a value are text", { name: "v", value: "{user}" }, "{user}"],
    ["a ref keeps its type", { name: "v", ref: "n" }, 5],
    ["a ref before its fallback", { name: "v", ref: "user", value: "x" }, "ann"],
    ["the fallback of a ref", { name: "v", ref: "none", value: "x" }, "x"],
    ["a template", { name: "v", template: "<{user}>" }, "<ann>"],
    ["a template before its fallback", { name: "v", template: "<{user}>", value: "x" }, "<ann>"],
    ["the fallback of a template", { name: "v", template: "<{user}{none}>", value: "x" }, "x"],
  ];
  test.each(cases)("%s", (_, assignVariable, expected) => {
    if (assignVariable === undefined) throw new Error("no action");
    const variables = new Map<string, Value>([["user", "ann"], ["n", 5]]);
    ran(model({ assignVariable }), { variables });
    expect(variables.get("v")).toBe(expected);
  });

  test.each([
    ["a ref", { assignVariable: { name: "v", ref: "none" } }],
    ["a template", { assignVariable: { name: "v", template: "{none}" } }],
    ["a header", { set: { headers: { "x-user": "{none}" } } }],
  ])("%s that does not resolve is a fault, or empty when that is ignored", async (_, action) => {
    const raised = await faultOf(() => ran(model(action)));
    expect(raised).toMatchObject({ code: "steps.assignmessage.UnresolvedVariable", status: 500 });
    expect(raised.text).toBe("AssignMessage[P-1]: unable to resolve variable none");
    const variables = new Map<string, Value>();
    const x = ran({ ...model(action), ignoreUnresolvedVariables: true }, { variables });
    expect(variables.get("v") ?? x.request.header("x-user")).toBe("");
  });

  test("one that is a header is checked as a header", async () => {
    const assign = (value: string) => () =>
      ran(
        model({ assignVariable: { name: "request.header.x-user", ref: "u" } }),
        { variables: new Map([["u", value]]) },
      );
    expect(await faultOf(assign("a\r\nb"))).toMatchObject({ code: "steps.assignmessage.SetVariableFailed" });
    expect(assign("a")).not.toThrow();
  });
});

describe("what is reported", () => {
  const found = (made: AssignMessageModel, options: StepOptions = {}): string[] =>
    analyzed(assignMessage, made, options).reports.map((report) => report.split(" {")[0] ?? "");

  const cases: [string, AssignMessageModel, StepOptions, string[]][] = [
    ["nothing", model({ set: { headers: { "x-user": "u" } } }), {}, []],
    ...["Connection", "upgrade", "Host", "Content-Length", "Transfer-Encoding", "Sec-WebSocket-Protocol"].map(
      (name): [string, AssignMessageModel, StepOptions, string[]] => [
        `${name}, set, added and removed`,
        model(
          { set: { headers: { [name]: "x" } } },
          { add: { headers: { [name]: "x" } } },
          { remove: { headers: [name] } },
        ),
        {},
        [
          `AGW3101 actions.0.set.headers.${name}`,
          `AGW3101 actions.1.add.headers.${name}`,
          "AGW3101 actions.2.remove.headers.0",
        ],
      ],
    ),
    [
      "a header by its variable",
      model({ assignVariable: { name: "message.header.host", value: "x" } }),
      {},
      ["AGW3101 actions.0.assignVariable.name"],
    ],
    [
      "a Host taken away from an answer, which has none, and an Upgrade, which it may have",
      model({ remove: { headers: ["Host", "upgrade"] } }),
      { phase: "response" },
      ["AGW3101 actions.0.remove.headers.1"],
    ],
    ["a value of two lines", model({ set: { headers: { a: "b\nc" } } }), {}, ["AGW3105 actions.0.set.headers.a"]],
    [
      "query of a response",
      model({ set: { queryParams: { a: "1" } } }),
      { phase: "response" },
      ["AGW3103 actions.0.set.queryParams"],
    ],
    ["verb of a response", model({ set: { verb: "GET" } }), { phase: "fault" }, ["AGW3103 actions.0.set.verb"]],
    ["a verb that is none", model({ set: { verb: "GET X" } }), {}, ["AGW3105 actions.0.set.verb"]],
    [
      "path and version",
      model({ set: { path: "/x", version: "1.1" } }),
      {},
      ["AGW3103 actions.0.set.path", "AGW3103 actions.0.set.version"],
    ],
    [
      "status and reason of a request",
      model({ set: { statusCode: 200, reasonPhrase: "x" } }),
      {},
      ["AGW3103 actions.0.set.statusCode", "AGW3103 actions.0.set.reasonPhrase"],
    ],
    ["payload of a request", model({ set: { payload: "x" } }, { remove: { payload: true } }), {}, []],
    [
      "a status that is not final",
      model({ set: { statusCode: 101 } }),
      { phase: "fault" },
      ["AGW3105 actions.0.set.statusCode"],
    ],
    [
      "status of every response, also of upgrades",
      model({ set: { statusCode: 200 } }),
      { phase: "response" },
      ["AGW3104 actions.0.set.statusCode"],
    ],
    ["the same under a condition", model({ set: { statusCode: 200 } }), { phase: "response", conditional: true }, []],
    ["the same without upgrades", model({ set: { statusCode: 200 } }), { phase: "response", upgradable: false }, []],
    [
      "payload of every response, also of upgrades",
      model({ set: { payload: "x" } }),
      { phase: "response" },
      ["AGW3104 actions.0.set.payload"],
    ],
    ["a message copied onto itself", model({ copy: {} }), {}, ["AGW3103 actions.0.copy"]],
    ["a response that is not there yet", model({ copy: { source: "response" } }), {}, ["AGW3103 actions.0.copy"]],
    ["a message that nobody makes", model({ copy: { source: "callout" } }), {}, ["AGW3103 actions.0.copy"]],
    ["a message that somebody makes", model({ copy: { source: "m" } }), { messages: [{ name: "m", type: "request" }] }, []],
    [
      "a payload copied onto every response, also of upgrades",
      model({ copy: { source: "request", payload: true, verb: true, path: false } }),
      { phase: "response" },
      ["AGW3104 actions.0.copy"],
    ],
    ["a new message", { ...model({ set: { headers: { a: "b" } } }), assignTo: { name: "m", createNew: true } }, {}, []],
    [
      "a message of two types",
      { ...model({ set: { headers: { a: "b" } } }), assignTo: { name: "m", type: "response" } },
      { messages: [{ name: "m", type: "request" }] },
      ["AGW3105 assignTo"],
    ],
    [
      "a new response for every response, also of upgrades",
      { ...model({ set: { headers: { a: "b" } } }), assignTo: { createNew: true, type: "response" } },
      { phase: "response" },
      ["AGW3104 assignTo.createNew"],
    ],
    [
      "the response of a request flow",
      { ...model({ set: { headers: { a: "b" } } }), assignTo: { name: "response", createNew: true, type: "response" } },
      {},
      ["AGW3103 assignTo.name"],
    ],
    [
      "the request of a response flow",
      { ...model({ set: { headers: { a: "b" } } }), assignTo: { name: "request" } },
      { phase: "response" },
      [],
    ],
    ["a form of a response", model({ set: { formParams: { a: "b" } } }), { phase: "fault" }, ["AGW3103 actions.0.set.formParams"]],
    [
      "delimiters that cannot be any",
      model({ set: { payload: { value: "x", variablePrefix: "a" } } }),
      {},
      ["AGW3105 actions.0.set.payload"],
    ],
    [
      "the flow's own message",
      { ...model({ set: { headers: { a: "b" } } }), assignTo: { name: "request", createNew: false } },
      {},
      [],
    ],
  ];
  test.each(cases)("%s", (_, made, options, expected) => {
    expect(found(made, options)).toEqual(expected);
  });

  test("what is read, written and owned", () => {
    const made = model(
      { set: { headers: { "X-User": "{user}" }, queryParams: { q: "{q}" } } },
      { assignVariable: { name: "request.header.X-Role", ref: "role", value: "none" } },
      { assignVariable: { name: "v", template: "{a}{b:c}" } },
    );
    expect(analyzed(assignMessage, made)).toMatchObject({
      reads: ["user", "q", "role", "a", "b"],
      writes: ["request.header.X-Role", "v"],
      owned: ["x-user", "x-role"],
    });
    expect(analyzed(assignMessage, made, { phase: "response" }).owned).toEqual(["x-role"]);
  });
});

test("hostile names and texts stay texts", () => {
  const evil = 'x"); process.exit(1); ("';
  const made: AssignMessageModel = model(
    { set: { headers: { "x'`${1}": evil }, queryParams: { [evil]: `\${process.exit(1)}${evil}` } } },
    { remove: { queryParams: [evil], headers: ["x`"] } },
    { assignVariable: { name: evil, value: evil } },
  );
  const variables = new Map<string, Value>();
  const x = ran(made, { variables });
  expect(x.request.headerLine("x'`${1}")).toBe(evil);
  expect(variables.get(evil)).toBe(evil);
});
