/** Random policies of the kinds that there are, as the objects that stand in YAML. */
import fc from "fast-check";
import { CUSTOM, variable, word } from "./conditions.ts";

/** A policy's model as written. */
export type PolicyText = Readonly<Record<string, unknown>>;

/** Where the policies of a pool are attached. */
export type Side = "request" | "response" | "fault" | "event";

/** Names of headers that policies write; `x-w` ones no condition reads. */
const written = fc.constantFrom("x-a", "X-B", "x-w1", "X-W2", "x-r");

const quoted = word.map((text) => `'${text}'`);
const argument = fc.oneof(quoted, variable, variable.map((name) => `${name}:d`));

/** Calls, some with literal arguments only. */
const call = fc.oneof(
  fc.tuple(fc.constantFrom("toUpperCase", "toLowerCase", "encodeBase64"), argument).map(([name, text]) => `{${name}(${text})}`),
  fc.tuple(argument, fc.constantFrom("1", "0,1", "-1")).map(([text, bounds]) => `{substring(${text},${bounds})}`),
  fc.array(argument, { minLength: 1, maxLength: 3 }).map((texts) => `{firstnonnull(${texts.join(",")})}`),
);

const templatePart = fc.oneof(
  { weight: 3, arbitrary: word },
  { weight: 4, arbitrary: variable.map((name) => `{${name}}`) },
  { weight: 2, arbitrary: fc.tuple(variable, fc.constantFrom("", "d", "a:b", "0"))
    .map(([name, text]) => `{${name}:${text}}`) },
  { weight: 1, arbitrary: call },
  { weight: 1, arbitrary: fc.constantFrom('{"k":1}', "{}", "}", "{1a}", "é", "€", "x,y") },
);

/** A message template; never with blanks at its ends. */
const template = fc.oneof(
  { weight: 3, arbitrary: templatePart },
  { weight: 2, arbitrary: fc.array(templatePart, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("-")) },
  { weight: 1, arbitrary: templatePart.map((part) => `"${part.replaceAll('"', "")}"`) },
);

const header = fc.tuple(written, template).map(([name, value]) => ({ [name]: value }));
const queryParam = fc.tuple(fc.constantFrom("q", "p", "new param"), template)
  .map(([name, value]) => ({ [name]: value }));

const source = fc.oneof(
  word.map((value) => ({ value })),
  variable.map((ref) => ({ ref })),
  fc.tuple(variable, word).map(([ref, value]) => ({ ref, value })),
  template.map((text) => ({ template: text })),
  fc.tuple(template, word).map(([text, value]) => ({ template: text, value })),
);

const writable: Readonly<Record<Exclude<Side, "event">, readonly string[]>> = {
  request: [
    ...CUSTOM, ...CUSTOM, "request.header.x-a", "message.header.x-w1", "request.header.x-a.2", "request.queryparam.q",
    "message.queryparam.p", "request.path", "request.verb", "target.copy.pathsuffix", "target.copy.queryparams",
    "response.header.x-r", "response.status.code", "request.content", "request.formparam.q", "m1.header.x-a",
  ],
  response: [
    ...CUSTOM, ...CUSTOM, "response.header.x-r", "message.header.x-r.2", "response.status.code",
      "response.reason.phrase",
    "response.content", "request.header.x-a", "request.queryparam.q", "target.url", "m2.content", "m2.status.code",
  ],
  fault: [
    ...CUSTOM, ...CUSTOM, "response.header.x-r", "error.header.x-r", "message.header.x-r", "response.status.code",
      "error.content",
    "response.reason.phrase", "request.header.x-b",
  ],
};

const assigned = (side: Exclude<Side, "event">) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...writable[side]), source) },
    {
      weight: side === "request" ? 1 : 0,
      arbitrary: fc.tuple(
        fc.constant("target.url"),
        fc.constantFrom("http://t9:99/z", "http://t9", "http://t9/z/?k=1", "https://t9/", "nonsense",
          "http://t9/z?{v1}")
          .map((text) => ({ template: text })),
      ),
    },
    {
      weight: side === "request" ? 1 : 0,
      arbitrary: fc.constantFrom("h.example", "bad host")
        .map((value): [string, object] => ["target.header.host", { value }]),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constantFrom(...(side === "request" ? ["target.copy.pathsuffix",
          "target.copy.queryparams"] : ["response.status.code"])),
        fc.constantFrom("false", "False", "201", "404", "99", "101", "").map((value) => ({ value })),
      ),
    },
  ).map(([name, rest]) => ({ assignVariable: { name, ...rest } }));

const statusCode = fc.oneof(fc.constantFrom(200, 201, 204, 304, 403, 418, 503), fc.constantFrom("{v1}",
  "{request.queryparam.q}", "{v2:299}"));

const payload = fc.oneof(
  template,
  fc.tuple(fc.constantFrom("text/plain", "application/{v1:json}"), template)
    .map(([contentType, value]) => ({ contentType, value })),
);

/** Parts of `set` that only an answer has. */
const answerPart = fc.oneof(
  statusCode.map((status) => ({ statusCode: status })),
  template.map((text) => ({ reasonPhrase: text })),
  payload.map((text) => ({ payload: text })),
);

const verb = fc.constantFrom("PUT", "get", "PUT", "{v1}", "{v2:Patch}");

const requestAction = fc.oneof(
  { weight: 1, arbitrary: verb.map((text) => ({ set: { verb: text } })) },
  { weight: 4, arbitrary: assigned("request") },
  { weight: 2, arbitrary: header.map((headers) => ({ set: { headers } })) },
  { weight: 1, arbitrary: header.map((headers) => ({ add: { headers } })) },
  { weight: 1, arbitrary: queryParam.map((queryParams) => ({ set: { queryParams } })) },
  { weight: 1, arbitrary: queryParam.map((queryParams) => ({ add: { queryParams } })) },
  { weight: 1, arbitrary: payload.map((text) => ({ set: { payload: text } })) },
  { weight: 1, arbitrary: queryParam.map((formParams) => ({ set: { formParams } })) },
  { weight: 1, arbitrary: queryParam.map((formParams) => ({ add: { formParams } })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<object>(
      { remove: { payload: true } }, { remove: { formParams: ["q"] } }, { remove: { formParams: true } },
      { copy: { source: "m1" } }, { copy: { source: "m1", payload: true, queryParams: ["q"] } },
      { copy: { source: "m2", headers: ["x-r"], payload: true } },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { remove: { headers: ["X-A"] } }, { remove: { headers: true } }, { remove: { queryParams: ["q"] } },
      { remove: { queryParams: true } }, { remove: { queryParams: ["apikey"] } },
    ),
  },
);

const answerAction = (side: "response" | "fault") =>
  fc.oneof(
    { weight: 3, arbitrary: assigned(side) },
    { weight: 2, arbitrary: header.map((headers) => ({ set: { headers } })) },
    { weight: 1, arbitrary: header.map((headers) => ({ add: { headers } })) },
    { weight: 2, arbitrary: answerPart.map((set) => ({ set })) },
    { weight: 1, arbitrary: fc.tuple(header, answerPart).map(([headers, part]) => ({ set: { headers, ...part } })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        { remove: { headers: ["x-r"] } }, { remove: { headers: true } }, { remove: { payload: true } },
        { copy: { source: "request", headers: ["x-a", "x-b"] } }, { copy: { source: "request" } },
        { copy: { source: "m2" } }, { copy: { source: "m1", payload: true } }, { copy: { source: "m2", statusCode: true } },
      ),
    },
  );

/** A key that is there once in `every` times. */
export function rarely<T>(every: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 1, arbitrary }, { weight: every - 1, arbitrary: fc.constant(undefined) });
}

const shared = { continueOnError: rarely(4, fc.constant(true)), enabled: rarely(12, fc.constant(false)) };

const without = (model: Record<string, unknown>): PolicyText =>
  Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined));

/** Mostly true: a fault at every second step would hide what comes later. */
const lenient = fc.constantFrom(true, true, true, true, true, true, true, true, false, undefined);

/** An AssignMessage for one side. */
export function assignMessage(side: Exclude<Side, "event">): fc.Arbitrary<PolicyText> {
  const action: fc.Arbitrary<object> = side === "request" ? requestAction : answerAction(side);
  return fc.record({
    kind: fc.constant("AssignMessage"),
    ...shared,
    ignoreUnresolvedVariables: lenient,
    actions: fc.array(action, { minLength: 1, maxLength: 4 }),
  }).map(without);
}

const eventPart = fc.constantFrom("content", "data", "count").map((part) => `response.event.current.${part}`);

const eventText = fc.oneof(
  { weight: 2, arbitrary: template },
  { weight: 3, arbitrary: fc.tuple(template, eventPart).map(([text, part]) => `${text}{${part}}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("data: {response.event.current.data:none}\nid: {response.event.current.count}", "", "\n",
      "{response.event.current.data:a}\r\nb", ": only a comment", "{response.event.current.content}\n\ndata: next"),
  },
);

/** An AssignMessage for EventFlows: it changes the event, and variables. */
export const assignEvent: fc.Arbitrary<PolicyText> = fc.record({
  kind: fc.constant("AssignMessage"),
  ...shared,
  ignoreUnresolvedVariables: lenient,
  actions: fc.array(
    fc.oneof(
      fc.tuple(fc.constantFrom("content", "data", "data"), eventText)
        .map(([part, text]): object => ({ name: `response.event.current.${part}`, template: text })),
      fc.tuple(fc.constantFrom(...CUSTOM), eventPart).map(([name, ref]) => ({ name, ref })),
      fc.tuple(fc.constantFrom(...CUSTOM), eventText).map(([name, text]) => ({ name, template: text })),
    ).map((assignVariable) => ({ assignVariable })),
    { minLength: 1, maxLength: 3 },
  ),
}).map(without);

const namedTarget = fc.constantFrom(
  { name: "m1", type: "request" }, { name: "m1", type: "request", createNew: true }, { name: "m1", createNew: false },
);

/** An AssignMessage to a message of its own, for request flows. */
export const assignNamed: fc.Arbitrary<PolicyText> = fc.record({
  kind: fc.constant("AssignMessage"),
  ...shared,
  assignTo: namedTarget,
  ignoreUnresolvedVariables: lenient,
  actions: fc.array(
    fc.oneof(requestAction, fc.constantFrom<object>(
      { copy: { source: "request" } }, { copy: { source: "request", headers: ["x-a"], verb: true, path: true } },
      { set: { path: "/{v1:p}" } },
    )),
    { minLength: 1, maxLength: 3 },
  ),
}).map(without);

/** The same for response flows. */
export const assignNamedAnswer: fc.Arbitrary<PolicyText> = fc.record({
  kind: fc.constant("AssignMessage"),
  ...shared,
  assignTo: fc.constantFrom({ name: "m2", type: "response" }, { name: "m2", type: "response", createNew: true }),
  ignoreUnresolvedVariables: lenient,
  actions: fc.array(
    fc.oneof(answerAction("response"), fc.constantFrom<object>({ copy: { source: "response" } })),
    { minLength: 1, maxLength: 3 },
  ),
}).map(without);

/** An AssignMessage that may stand anywhere: it only assigns custom variables. */
export const assignAnywhere: fc.Arbitrary<PolicyText> = fc.record({
  kind: fc.constant("AssignMessage"),
  ...shared,
  ignoreUnresolvedVariables: lenient,
  actions: fc.array(
    fc.tuple(fc.constantFrom(...CUSTOM), source).map(([name, rest]) => ({ assignVariable: { name, ...rest } })),
    { minLength: 1, maxLength: 3 },
  ),
}).map(without);

export const raiseFault: fc.Arbitrary<PolicyText> = fc.record({
  kind: fc.constant("RaiseFault"),
  ...shared,
  shortFaultReason: fc.option(fc.boolean(), { nil: undefined }),
  ignoreUnresolvedVariables: fc.option(fc.boolean(), { nil: undefined }),
  actions: fc.option(
    fc.array(
      fc.oneof(
        answerPart.map((set): object => ({ set })),
        header.map((headers) => ({ set: { headers } })),
        header.map((headers) => ({ add: { headers } })),
        fc.tuple(fc.constantFrom(...CUSTOM), source).map(([name, rest]) => ({ assignVariable: { name, ...rest } })),
        fc.constant({ copy: { source: "request", headers: ["x-a"] } }),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    { nil: undefined },
  ),
}).map(without);

export const spikeArrest: fc.Arbitrary<PolicyText> = fc.record({
  kind: fc.constant("SpikeArrest"),
  ...shared,
  rate: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom<string | object>("5ps", "30pm", "1ps", "1000ps", "900000pm") },
    { weight: 1, arbitrary: fc.constantFrom<string | object>({ ref: "v1" }, { ref: "request.header.x-rate",
      value: "2ps" }, { ref: "request.header.x-rate" }) },
  ),
  identifier: fc.option(fc.constantFrom({ ref: "request.header.x-a" }, { ref: "client.ip" }, { ref: "app.name" }),
    { nil: undefined }),
  messageWeight: rarely(4, fc.constantFrom({ ref: "request.queryparam.q" },
    { ref: "request.queryparam.q.values.count" })),
  useEffectiveCount: fc.option(fc.boolean(), { nil: undefined }),
}).map(without);

const sourceAddress = fc.constantFrom<object>(
  { value: "192.0.2.0", mask: 24 }, { value: "192.0.2.7", mask: 32 }, { value: "10.0.0.0", mask: 8 },
    { value: "0.0.0.0", mask: 0 },
  { value: "2001:db8::", mask: 32 }, { value: "::ffff:192.0.2.0", mask: 120 }, { value: "{v1}", mask: 24 },
  { value: "192.0.2.7", mask: "{request.queryparam.q}" }, { value: "198.51.{request.queryparam.p:100}.0", mask: 24 },
);

export const accessControl: fc.Arbitrary<PolicyText> = fc.record({
  kind: fc.constant("AccessControl"),
  ...shared,
  ipRules: fc.option(
    fc.record({
      noRuleMatchAction: fc.constantFrom("ALLOW", "ALLOW", "ALLOW", "DENY"),
      matchRules: fc.array(
        fc.record({
          action: fc.constantFrom("ALLOW", "ALLOW", "DENY"),
          sourceAddresses: fc.array(sourceAddress, { minLength: 1, maxLength: 3 }),
        }),
        { maxLength: 3 },
      ),
    }),
    { freq: 8, nil: undefined },
  ),
  clientIPVariable: rarely(5, fc.constantFrom("client.ip", "v2", "request.header.x-ip")),
}).map(without);

export const verifyApiKey: fc.Arbitrary<PolicyText> = fc.record({
  kind: fc.constant("VerifyAPIKey"),
  ...shared,
  apiKey: fc.constantFrom(
    ...Array.from({ length: 8 }, () => ({ ref: "request.queryparam.apikey" })), { ref: "request.header.x-key" },
      { ref: "v1" },
  ),
}).map(without);

/** A call of one of these shared flows. */
export function flowCallout(flows: readonly string[]): fc.Arbitrary<PolicyText> {
  return fc.record({
    kind: fc.constant("FlowCallout"),
    ...shared,
    sharedFlowBundle: fc.constantFrom(...flows),
    parameters: fc.option(
      fc.array(
        fc.tuple(
          fc.constantFrom(...CUSTOM),
          fc.oneof(template.map((value): object => ({ value })), variable.map((ref) => ({ ref }))),
        ).map(([name, rest]) => ({ name, ...rest })),
        { maxLength: 2 },
      ),
      { nil: undefined },
    ),
  }).map(without);
}
