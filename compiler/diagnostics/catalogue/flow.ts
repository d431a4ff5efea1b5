/** Codes of the family 3xxx, flow semantics: what parses and resolves, and still cannot work. */
import { error, warning } from "./entry.ts";

export const flowCatalogue = {
  AGW3001: error<{ readonly problem: string }>({
    title: "condition does not parse",
    explanation:
      "Conditions are written in Apigee's condition language; the message says what was found and what could stand there.",
    example: {
      bad: "condition: 'request.verb Equalz \"GET\"'",
      good: "condition: 'request.verb Equals \"GET\"'",
    },
    message: (p) => `${p.problem}`,
  }),
  AGW3002: warning<{ readonly value: string }>({
    title: "condition is always the same",
    explanation:
      "The condition has the same value for every request, so it can be dropped together with what it guards or excludes.",
    example: {
      bad: "condition: '\"a\" = \"a\"'",
      good: "condition: 'request.verb = \"GET\"'",
    },
    message: (p) => `this condition is always ${p.value}`,
  }),
  AGW3003: error<{ readonly name: string }>({
    title: "unreachable route rule",
    explanation:
      "A route rule without a condition is always taken; rules behind it never are.",
    example: {
      bad: "routeRules: [{ name: all, targetEndpoint: a }, { name: b, condition: 'request.verb = \"GET\"', targetEndpoint: b }]",
      good: "routeRules: [{ name: b, condition: 'request.verb = \"GET\"', targetEndpoint: b }, { name: all, targetEndpoint: a }]",
    },
    message: (p) => `route rule "${p.name}" is never reached`,
  }),
  AGW3004: error<{ readonly name: string }>({
    title: "unreachable flow",
    explanation:
      "Only the first flow whose condition holds runs; one without a condition is the last that can.",
    example: {
      bad: "flows: [{ name: all }, { name: b, condition: 'request.verb = \"GET\"' }]",
      good: "flows: [{ name: b, condition: 'request.verb = \"GET\"' }, { name: all }]",
    },
    message: (p) => `flow "${p.name}" is never reached`,
  }),
  AGW3005: error<{ readonly problem: string }>({
    title: "message template does not parse",
    explanation:
      "Message templates are text with {variable}, {variable:default} or {function(arguments)}. Arguments are variables, numbers " +
      "and text in single quotes (two of them stand for one); there are no spaces between them and no calls inside calls.",
    example: {
      bad: "x-id: \"{createUuid( )}\"",
      good: "x-id: \"{createUuid()}\"",
    },
    message: (p) => `${p.problem}`,
  }),
  AGW3006: error<{ readonly kind: string; readonly phase: string }>({
    title: "policy cannot run here",
    explanation:
      "The policy has no meaning in this part of a flow.",
    example: {
      bad: "postFlow: { response: [VK-Key] }",
      good: "preFlow: { request: [VK-Key] }",
    },
    message: (p) => `${p.kind} cannot run in ${p.phase}`,
  }),
  AGW3007: error<{ readonly name: string }>({
    title: "read-only variable",
    explanation:
      "The variable belongs to the gateway; flows can read it only.",
    example: {
      bad: "assignVariable: { name: proxy.basepath, value: /x }",
      good: "assignVariable: { name: my.basepath, value: /x }",
    },
    message: (p) => `variable "${p.name}" cannot be written`,
  }),
  AGW3008: warning<{ readonly name: string; readonly fault: string }>({
    title: "unreachable step",
    explanation:
      "A RaiseFault without a condition ends the flow; steps behind it never run.",
    example: {
      bad: "preFlow: { request: [RF-No, AM-Later] }",
      good: "preFlow: { request: [AM-Later, RF-No] }",
    },
    message: (p) => `step "${p.name}" never runs: "${p.fault}" always raises its fault before it`,
  }),
  AGW3009: error<{ readonly problem: string }>({
    title: "regular expression not supported",
    explanation:
      "~~, replaceAll and replaceFirst take Java's syntax. What JavaScript cannot say the same way is refused, because it would mean something else here.",
    example: {
      bad: "condition: 'request.path ~~ \"\\\\Ga\"'",
      good: "condition: 'request.path ~~ \"a\"'",
    },
    message: (p) => `${p.problem}`,
  }),
  AGW3010: error<{ readonly complexity: string }>({
    title: "catastrophic regular expression",
    explanation:
      "Some input makes this expression take time that grows exponentially or as a power of its length: a client could stop the gateway with one header.",
    example: {
      bad: "condition: 'request.header.x ~~ \"(a+)+b\"'",
      good: "condition: 'request.header.x ~~ \"a+b\"'",
    },
    message: (p) => `this regular expression can take ${p.complexity} time`,
  }),
  AGW3012: warning<{ readonly name: string }>({
    title: "WebSocket endpoint without a target",
    explanation:
      "A null route answers 200 itself; there is no target that could accept an upgrade.",
    example: {
      bad: "webSocket: { mode: only }\nrouteRules: [{ name: none }]",
      good: "routeRules: [{ name: default, targetEndpoint: backend }]",
    },
    message: (p) => `route rule "${p.name}" has no target, so upgrades that take it are answered 200`,
  }),
  AGW3015: error<{ readonly url: string; readonly problem: string }>({
    title: "target URL is not valid",
    explanation:
      "Targets are http:// or https:// URLs without user, password or fragment. A WebSocket target is written http or https too (Apigee's form).",
    example: {
      bad: "url: ws://chat:3000",
      good: "url: http://chat:3000",
    },
    message: (p) => `"${p.url}" ${p.problem}`,
  }),
  AGW3016: warning<{ readonly name: string }>({
    title: "variable never written",
    explanation:
      "The variable is read, and neither the gateway nor any policy of this proxy writes it, so it is always unresolved.",
    example: {
      bad: "condition: 'usr = \"ann\"'",
      good: "condition: 'user = \"ann\"'",
    },
    message: (p) => `nothing writes variable "${p.name}"`,
  }),
  AGW3017: warning<{ readonly name: string; readonly where: string }>({
    title: "no such property",
    explanation:
      "No property set of the proxy or of the environment holds the value, so the variable is unresolved there.",
    example: {
      bad: "condition: 'propertyset.limits.romos > 10'   # with propertySets: { limits: { rooms: 20 } }",
      good: "condition: 'propertyset.limits.rooms > 10'",
    },
    message: (p) => `no property set has "${p.name}"${p.where}`,
  }),
  AGW3019: error<{ readonly name: string }>({
    title: "target needs a route rule",
    explanation:
      "A proxy with several target endpoints says by route rules which of them a request takes.",
    example: {
      bad: "targetEndpoints: [{ name: a, url: \"http://x\" }, { name: b, url: \"http://y\" }]   # and no routeRules",
      good: "routeRules: [{ name: default, targetEndpoint: a }]",
    },
    message: (p) => `proxy endpoint "${p.name}" has no route rules, and the proxy has several target endpoints`,
  }),
  AGW3020: warning<{ readonly problem: string }>({
    title: "path pattern looks wrong",
    explanation:
      "The pattern is valid and probably does not mean what it says.",
    example: {
      bad: "condition: 'proxy.pathsuffix MatchesPath \"rooms/**\"'",
      good: "condition: 'proxy.pathsuffix MatchesPath \"/rooms/**\"'",
    },
    message: (p) => `${p.problem}`,
  }),
  AGW3021: warning<{ readonly name: string }>({
    title: "target URL written too early or too late",
    explanation:
      "target.url and target.evaluated.url replace the URL of a target endpoint in its request flows, where it is " +
      "known which endpoint that is. Written anywhere else they have no effect.",
    example: {
      bad: "proxyEndpoints: [{ basePath: /a, preFlow: { request: [AM-Url] } }]",
      good: "targetEndpoints: [{ url: \"http://a\", preFlow: { request: [AM-Url] } }]",
    },
    message: (p) => `writing "${p.name}" has no effect here: only request flows of a target endpoint replace its URL`,
  }),
  AGW3022: warning<{ readonly what: string; readonly name: string }>({
    title: "condition that stands twice",
    explanation:
      "Of flows, of route rules and of fault rules the first whose condition holds is the one. Another one with the " +
      "same condition is never reached. Fault rules of a proxy endpoint are tried from the last to the first.",
    example: {
      bad: "flows: [{ name: a, condition: 'request.verb = \"GET\"' }, { name: b, condition: 'request.verb = \"GET\"' }]",
      good: "flows: [{ name: a, condition: 'request.verb = \"GET\"' }, { name: b, condition: 'request.verb = \"PUT\"' }]",
    },
    message: ({ name, what }) => `${what} "${name}" is never reached: another one has the same condition`,
  }),
  AGW3023: warning<{ readonly why: string }>({
    title: "body of an event stream",
    explanation:
      "An EventFlow runs for each event while the answer streams by: its body is not in memory, and variables of it " +
      "have no value. `response.event.current.content` and `.data` are what an event says.",
    example: {
      bad: "eventFlow: { response: [{ name: AM-Mark, condition: 'response.content ~ \"*a*\"' }] }",
      good: "eventFlow: { response: [{ name: AM-Mark, condition: 'response.event.current.content ~ \"*a*\"' }] }",
    },
    message: ({ why }) => `${why} has no value in an EventFlow; read response.event.current.content`,
  }),
  AGW3045: error<{ readonly name: string }>({
    title: "sampling condition reads too much",
    explanation:
      "Whether an exchange is recorded for a collector is decided when its request comes in, before any flow. The " +
      "condition can read the request, except its body, and what is known of the client and the proxy.",
    example: {
      bad: "observability: { traces: { condition: 'response.status.code >= 500' } }",
      good: "observability: { traces: { condition: 'request.header.x-debug = \"1\"' } }",
    },
    message: (p) => `"${p.name}" has no value yet when a request comes in`,
  }),
  AGW3049: error<{ readonly problem: string }>({
    title: "path of a mask that cannot be read",
    explanation:
      "Masks name places in bodies by JSON paths (members, indexes, wildcards, descents, slices and unions) and by XPath " +
      "1.0, whose prefixes stand under `namespaces`. A mask that is not understood would hide nothing.",
    example: {
      bad: "observability: { masks: { requestJsonPaths: [card.number] } }",
      good: "observability: { masks: { requestJsonPaths: [$.card.number] } }",
    },
    message: ({ problem }) => problem,
  }),
} as const;
