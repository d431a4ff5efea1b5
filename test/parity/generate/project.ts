/** Random projects: environment groups, proxies with flows on both sides, shared flows, access data. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { common, condition, maybeCondition, ofEvents } from "./conditions.ts";
import {
  accessControl, assignEvent, assignNamed, assignNamedAnswer, assignAnywhere, assignMessage, flowCallout, raiseFault, rarely, spikeArrest, verifyApiKey,
    type PolicyText, type Side,
} from "./policies.ts";

/** A file's path and the document in it. */
export type Documents = Readonly<Record<string, unknown>>;

/** Keys that requests present, with what becomes of them. */
export const KEYS = ["good", "also-good", "revoked", "expiring", "of-revoked-app", "of-inactive-developer",
  "narrow"] as const;

const digest = (key: string): object => ({ digest: `sha256:${createHash("sha256").update(key).digest("base64url")}` });

/** The same in every project: requests choose among these keys. */
const ACCESS = [
  { kind: "ApiProduct", name: "all", attributes: { tier: "gold" }, quota: { limit: 10, interval: 1,
    timeUnit: "minute" } },
  { kind: "ApiProduct", name: "rooms", apiResources: ["/rooms", "/rooms/*"], environments: ["e1"],
    attributes: { tier: "b" } },
  {
    kind: "ApiProduct", name: "ops",
    operations: [{ proxy: "p0", resource: "/rooms/**", methods: ["GET"] }, { proxy: "p0", resource: "/a" }],
  },
  { kind: "Developer", email: "ann@example.com", userName: "ann", attributes: { color: "red" } },
  { kind: "Developer", email: "bob@example.com", status: "inactive" },
  {
    kind: "App", name: "web", developer: "ann@example.com", attributes: { color: "a" },
    credentials: [
      { key: digest("good"), products: ["all"] },
      { key: digest("revoked"), products: ["all"], status: "revoked" },
      // Ten seconds behind the start of the test's clock.
      { key: digest("expiring"), products: ["rooms", "all"], expiresAt: "2030-01-01T12:00:10Z" },
      { key: digest("narrow"), products: ["rooms", "ops"] },
    ],
  },
  { kind: "App", name: "b", developer: "ann@example.com", credentials: [{ key: digest("also-good"), products: ["ops",
    "all"] }] },
  { kind: "App", name: "old", developer: "ann@example.com", status: "revoked",
    credentials: [{ key: digest("of-revoked-app"), products: ["all"] }] },
  { kind: "App", name: "bobs", developer: "bob@example.com", credentials: [{ key: digest("of-inactive-developer"),
    products: ["all"] }] },
];

/** Names of policies by the side where they may stand; every proxy has all of them, steps choose. */
const NAMES: Readonly<Record<Side, readonly string[]>> = {
  request: ["AM-1", "AM-2", "AM-3", "NM-1", "NM-1", "ANY-1", "RF-1", "ANY-2", "SA-1", "AC-1", "VK-1", "VK-1", "VK-2", "FC-1", "FC-2"],
  response: ["AR-1", "AR-2", "NR-1", "ANY-1", "ANY-2", "RF-1", "RF-2", "FC-2"],
  fault: ["AF-1", "AF-2", "ANY-1", "ANY-2", "RF-2", "FC-2"],
  event: ["EV-1", "EV-1", "EV-2", "ANY-1", "RF-2", "RF-2"],
};

const proxyPolicies = fc.record({
  "AM-1": assignMessage("request"),
  "AM-2": assignMessage("request"),
  "AM-3": assignMessage("request"),
  "NM-1": assignNamed,
  "AR-1": assignMessage("response"),
  "AR-2": assignMessage("response"),
  "NR-1": assignNamedAnswer,
  "AF-1": assignMessage("fault"),
  "AF-2": assignMessage("fault"),
  "EV-1": assignEvent,
  "EV-2": assignEvent,
  "ANY-1": assignAnywhere,
  "ANY-2": assignAnywhere,
  "RF-1": raiseFault,
  "RF-2": raiseFault,
  "SA-1": spikeArrest,
  "AC-1": accessControl,
  "VK-1": verifyApiKey,
  "VK-2": verifyApiKey,
  // The first kind of shared flow stands in requests only, the second anywhere.
  "FC-1": flowCallout(["guard", "outer"]),
  "FC-2": flowCallout(["note"]),
});

/** Steps of one side. Unconditional faults would hide what stands behind them, so they are rare. */
function steps(side: Side, names: readonly string[] = NAMES[side], leastSteps = 0): fc.Arbitrary<object[]> {
  const other = side === "event" ? ofEvents : condition;
  const step = fc.tuple(fc.constantFrom(...names), maybeCondition, other).map(([name, own, second]): Step => {
    const isHard = /^(AR|EV)/.test(name) || (/^S?(RF|VK)/.test(name) && second.length % 8 !== 0);
    const chosen = own ?? (isHard ? second : undefined);
    if (chosen === undefined) return { name };
    // Two conditions for what ends the flow, so that it does so seldom.
    return { name, condition: /^S?RF/.test(name) && own !== undefined && side !== "event" ? `(${own}) and (${second})` : chosen };
  });
  const list = fc.array(step, { minLength: leastSteps, maxLength: 3, size: "max" });
  // Now and then all messages of a list are changed under one condition, which they may change.
  return fc.tuple(list, fc.option(common, { freq: 2, nil: undefined })).map(([all, one]) =>
    all.map((own) => (one !== undefined && own.name.startsWith("AM") ? { ...own, condition: one } : own)));
}

interface Step {
  readonly name: string;
  readonly condition?: string;
}

const flowParts = fc.record({ request: steps("request"), response: steps("response") }, { requiredKeys: [] });
const fullFlow = fc.record({ request: steps("request", NAMES.request, 1), response: steps("response", NAMES.response,
  1) });

const flows = fc
  .array(fc.record({ condition, request: steps("request"), response: steps("response") },
    { requiredKeys: ["condition"] }), { maxLength: 3 })
  .chain((list) => fc.boolean().map((isElse) => list.map(({ condition: text, ...parts }, at) => ({
    name: `flow-${at}`,
    ...(isElse && at === list.length - 1 ? {} : { condition: text }),
    ...parts,
  }))));

const faultRules = fc
  .array(fc.record({ condition: maybeCondition, steps: steps("fault") }), { maxLength: 3 })
  .map((list) => list.map(({ condition: text, steps: items }, at) => ({
    name: `rule-${at}`,
    ...(text === undefined ? {} : { condition: text }),
    steps: items,
  })));

const defaultFaultRule = fc.option(
  fc.record({ condition: maybeCondition, alwaysEnforce: fc.boolean(), steps: steps("fault") })
    .map(({ condition: text, ...rest }) => (text === undefined ? rest : { condition: text, ...rest })),
  { nil: undefined },
);

const eventFlow = fc.option(
  steps("event", NAMES.event, 1).map((response) => ({ contentType: "text/event-stream", response })),
  { freq: 3, nil: undefined },
);

const endpointFlows = fc.record(
  { preFlow: fullFlow, flows, postFlow: flowParts, faultRules, defaultFaultRule, eventFlow },
  { requiredKeys: ["preFlow", "eventFlow"] },
);

const routeRules = fc
  .array(
    fc.tuple(
      rarely(2, condition),
      fc.constantFrom<object>({ targetEndpoint: "t0" }, { targetEndpoint: "t0" }, { targetEndpoint: "t1" },
        { url: "http://inline:81/i?z=1" }, { url: "http://{v9:inline}:81/{route.name}?z={request.verb}" },
        { targetEndpoint: "t2" }, { targetEndpoint: "t2" }, { targetEndpoint: "t2" }, {}),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .chain((list) => fc.constantFrom(list, ...Array.from({ length: 4 }, () => [...list, [undefined,
    { targetEndpoint: "t0" }] as const])))
  .map((list) => {
    const ended = list.findIndex(([text]) => text === undefined);
    return (ended < 0 ? list : list.slice(0, ended + 1)).map(([text, to], at) => ({
      name: `route-${at}`,
      ...(text === undefined ? {} : { condition: text }),
      ...to,
    }));
  });

const webSocket = fc.oneof(
  { weight: 16, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant("deny") },
  { weight: 1, arbitrary: fc.constant({ mode: "only" }) },
);

/** Base paths that touch each other. */
const BASE_PATHS = ["/", "/v1", "/v1/*", "/v1/*/rooms", "/v1/a", "/v1/a/rooms", "/team/*/members", "/team/b/*",
  "/v2", "/v1/a/*"];

const successCodes = rarely(4, fc.constantFrom("2xx,404", "2XX, 3xx,1xx", "200"));

const retained = fc.record({
  "request.retain.headers": fc.constantFrom("Accept, X-A", "x-b,cookie"),
  "request.retain.headers.enabled": fc.boolean(),
  "response.retain.headers": fc.constantFrom("X-A", "x-other, X-B"),
  "response.retain.headers.enabled": fc.boolean(),
  "retain.queryparams": fc.constantFrom("a", "b, q"),
  "retain.queryparams.enabled": fc.boolean(),
}, { requiredKeys: [] });

const targets = fc
  .tuple(
    endpointFlows, endpointFlows, successCodes,
    fc.constantFrom("http://t0:8080/base", "http://t0", "http://t0/b/?k=v&k=w", "http://t0/b?k=v",
      "http://{v9:t0}/{route.name}", "{client.scheme}://t0/b?k={request.verb}"),
    fc.constantFrom([["s1", "s2"], "/lb"], [["s2"], "/lb/"], [["s1", "s2", "s3"], undefined], [["s1"], undefined],
      [["s3"], undefined], [["s1"], "/{route.name}/{client.scheme}"], [["s2"], "{v9}"]),
    rarely(3, retained),
  )
  .map(([first, second, codes, url, [servers, path], kept]) => [
    { name: "t0", url, ...first, ...(codes === undefined ? {} : { properties: { "success.codes": codes } }) },
    { name: "t1", loadBalancer: { servers }, ...(path === undefined ? {} : { path }), ...second,
      ...(kept === undefined ? {} : { properties: kept }) },
  ]);

/** A target endpoint that is another proxy: the last one of a project, which calls none itself. */
const calling = fc.tuple(endpointFlows, rarely(4, retained), fc.boolean()).map(([flowsOfCall, kept, isBySecond]) => ({
  target: { name: "t2", ...flowsOfCall, ...(kept === undefined ? {} : { properties: kept }) },
  isBySecond,
}));

const proxy = fc.record({
  policies: proxyPolicies,
  endpoints: fc.array(fc.tuple(endpointFlows, routeRules, webSocket), { minLength: 1, maxLength: 2 }),
  targets,
  calling,
});

const sharedFlows = fc.record({
  // Calls the other two.
  outer: fc.record({
    steps: steps("request", ["GUARD", "NOTE", "SAM-1"]),
    policies: fc.record({ GUARD: flowCallout(["guard"]), NOTE: flowCallout(["note"]), "SAM-1": assignAnywhere }),
  }),
  // Stands in requests.
  guard: fc.record({
    steps: steps("request", ["SAM-1", "SRF-1", "SSA-1", "SVK-1", "NOTE"]),
    policies: fc.record({
      "SAM-1": assignMessage("request"), "SRF-1": raiseFault, "SSA-1": spikeArrest, "SVK-1": verifyApiKey,
        NOTE: flowCallout(["note"]),
    }),
  }),
  // Stands anywhere.
  note: fc.record({
    steps: steps("fault", ["SANY-1", "SRF-2"]),
    policies: fc.record({ "SANY-1": assignAnywhere, "SRF-2": raiseFault }),
  }),
});

/** Hooks of one environment: what stands in requests, and what stands anywhere. */
const flowHooks = fc.record(
  Object.fromEntries((["preProxy", "preTarget", "postTarget", "postProxy"] as const).map((point) => [
    point,
    fc.record({
      sharedFlow: point.startsWith("pre") ? fc.constantFrom("guard", "note") : fc.constant("note"),
      continueOnError: fc.boolean(),
    }, { requiredKeys: ["sharedFlow"] }),
  ])),
  { requiredKeys: [] },
);

/** Documents of one project. */
export const project: fc.Arbitrary<Documents> = fc
  .tuple(
    fc.array(proxy, { minLength: 1, maxLength: 2 }),
    fc.shuffledSubarray(BASE_PATHS, { minLength: 4, maxLength: 4 }),
    sharedFlows,
    fc.constantFrom<"plain" | "grouped">("plain", "grouped"),
    fc.tuple(rarely(3, flowHooks), rarely(3, flowHooks)),
    fc.constantFrom<EventFlows>("none", "none", "beside others", "alone"),
  )
  .map(([proxies, basePaths, shared, kind, hooks, events]) => {
    const own = (model: object): object => without({ ...model, ...leftOut[events] });
    const documents: Record<string, unknown> = { "access/all.yaml": ACCESS };
    const free = [...basePaths];
    // Nobody calls in a circle, nor from an environment where the called proxy is not.
    const last = proxies.length - 1;
    const isCalling = kind === "plain" || proxies[0]?.calling.isBySecond === true;
    proxies.forEach(({ policies, endpoints, targets: both, calling: call }, at) => {
      const mayCall = at < last && isCalling;
      const isSecond = call.isBySecond && (proxies[last]?.endpoints.length ?? 0) > 1;
      const called = { apiProxy: `p${last}`, proxyEndpoint: isSecond ? "second" : "default" };
      const more = mayCall ? [{ ...call.target, localTargetConnection: called }] : [];
      const folder = `proxies/p${at}`;
      const main = {
        kind: "ApiProxy",
        proxyEndpoints: endpoints.map(([flowsOfOne, rules, socket], index) => ({
          name: index === 0 ? "default" : "second",
          basePath: free.shift(),
          ...own(flowsOfOne),
          ...(socket === undefined ? {} : { webSocket: socket }),
          routeRules: mayCall ? rules : rules.map(withoutCall),
        })),
        targetEndpoints: [...both, ...more].map(own),
      };
      documents[`${folder}/proxy.yaml`] = main;
      addPolicies(documents, folder, policies, main);
    });
    documents["gateway.yaml"] = gatewayOf(kind, proxies.length, isCalling);
    // A shared flow calls only those behind it.
    for (const [name, { steps: list, policies }] of Object.entries(shared)) {
      if (!new RegExp(`"sharedFlow(?:Bundle)?":"${name}"`).test(JSON.stringify([documents, hooks]))) continue;
      const main = { kind: "SharedFlow", steps: list };
      documents[`shared-flows/${name}/flow.yaml`] = main;
      addPolicies(documents, `shared-flows/${name}`, policies, main);
    }
    const targetServers = [
      { name: "s1", host: "h1", port: 9001 }, { name: "s2", host: "h2", port: 80 }, { name: "s3", host: "h3",
        port: 9003, isEnabled: false },
    ];
    for (const [at, name] of (kind === "plain" ? ["e1"] : ["e1", "e2"]).entries()) {
      const own = hooks[at] === undefined ? {} : { flowHooks: hooks[at] };
      documents[`environments/${name}.yaml`] = { kind: "Environment", targetServers, ...own };
    }
    return events === "none" ? documents : streaming(documents);
  });

/** Which EventFlows a project has: beside other flows few events reach them. */
type EventFlows = "none" | "beside others" | "alone";

const leftOut: Readonly<Record<EventFlows, object>> = {
  none: { eventFlow: undefined },
  "beside others": {},
  alone: { preFlow: undefined, flows: undefined, postFlow: undefined, faultRules: undefined, defaultFaultRule: undefined },
};

/** Steps of EventFlows see events that stream by: nothing looks into an answer's body. */
function streaming(documents: Documents): Documents {
  const text = JSON.stringify(documents)
    .replaceAll(/\b(?:response|message|error)\.content(?:\.as\.base64)?/g, "response.header.x-r")
    .replaceAll('{"copy":{"source":"response"}}', '{"copy":{"source":"response","headers":true,"statusCode":true}}');
  return JSON.parse(text);
}

/** Whether a project has an EventFlow. */
export function hasEventFlow(documents: Documents): boolean {
  return JSON.stringify(documents).includes('"eventFlow"');
}

function withoutCall(rule: object): object {
  return "targetEndpoint" in rule && rule.targetEndpoint === "t2" ? { ...rule, targetEndpoint: "t0" } : rule;
}

/** Those that some step names. */
function addPolicies(
  documents: Record<string, unknown>,
  folder: string,
  policies: Readonly<Record<string, PolicyText>>,
  main: object,
): void {
  const text = JSON.stringify(main);
  for (const [name, model] of Object.entries(policies)) {
    if (text.includes(`"${name}"`)) documents[`${folder}/policies/${name}.yaml`] = model;
  }
}

function without(model: object): object {
  return Object.fromEntries(Object.entries(model).filter(([, value]) => value !== undefined));
}

/** `isCalling`: the first proxy calls the last one, in every environment where it is. */
function gatewayOf(kind: "plain" | "grouped", proxies: number, isCalling: boolean): object {
  const base = { kind: "Gateway", organization: "acme", store: { kind: "memory" }, listeners: [{ port: 8080 }] };
  if (kind === "plain") return base;
  const all = Array.from({ length: proxies }, (_, at) => `p${at}`);
  return {
    ...base,
    environmentGroups: [
      { name: "exact", hostnames: ["api.example.com"], environments: ["e1"] },
      { name: "wild", hostnames: ["*.example.com"], environments: ["e2"] },
    ],
    deployments: { e1: all, e2: isCalling ? all : ["p0"] },
  };
}

/** The base paths of a project. */
export function basePathsOf(documents: Documents): string[] {
  return [...JSON.stringify(documents).matchAll(/"basePath":"([^"]+)"/g)].map(([, path = ""]) => path);
}

/** Files of a project: JSON is YAML. */
export function filesOf(documents: Documents): Record<string, string> {
  return Object.fromEntries(Object.entries(documents).map(([path, document]) => [
    path,
    Array.isArray(document)
      ? document.map((part) => JSON.stringify(part)).join("\n---\n")
      : `${JSON.stringify(document)}\n`,
  ]));
}
