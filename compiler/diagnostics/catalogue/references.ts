/** Codes of the family 2xxx, references: names that point nowhere, two things with one name. */
import { error, warning } from "./entry.ts";

export const referenceCatalogue = {
  AGW2001: error<{ readonly name: string; readonly known: string }>({
    title: "unknown environment",
    explanation:
      "Environment groups and deployments name environments; each has a file in environments/ (a project without any has one environment called default).",
    example: {
      bad: "environmentGroups: [{ name: public, hostnames: [a.example], environments: [prd] }]",
      good: "environmentGroups: [{ name: public, hostnames: [a.example], environments: [prod] }]",
    },
    message: (p) => `there is no environment "${p.name}" (known: ${p.known})`,
  }),
  AGW2002: error<{ readonly name: string; readonly known: string }>({
    title: "unknown proxy",
    explanation:
      "A deployment names a proxy that has no folder in proxies/.",
    example: {
      bad: "deployments: { prod: [caht] }",
      good: "deployments: { prod: [chat] }",
    },
    message: (p) => `there is no proxy "${p.name}" (known: ${p.known})`,
  }),
  AGW2003: error<{ readonly name: string; readonly known: string }>({
    title: "unknown target endpoint",
    explanation:
      "A route rule names a target endpoint of its own proxy.",
    example: {
      bad: "routeRules: [{ name: default, targetEndpoint: backnd }]",
      good: "routeRules: [{ name: default, targetEndpoint: backend }]",
    },
    message: (p) => `this proxy has no target endpoint "${p.name}" (known: ${p.known})`,
  }),
  AGW2004: error<{ readonly name: string }>({
    title: "unknown policy",
    explanation:
      "A step names a policy; each policy of a proxy is a file in its policies/ folder, each of a shared flow in that flow's.",
    example: {
      bad: "preFlow: { request: [VK-Kye] }",
      good: "preFlow: { request: [VK-Key] }",
    },
    message: (p) => `step refers to policy "${p.name}", which does not exist`,
  }),
  AGW2005: error<{ readonly name: string; readonly known: string }>({
    title: "unknown shared flow",
    explanation:
      "A FlowCallout names a folder in shared-flows/.",
    example: {
      bad: "sharedFlowBundle: securty",
      good: "sharedFlowBundle: security",
    },
    message: (p) => `there is no shared flow "${p.name}" (known: ${p.known})`,
  }),
  AGW2006: error<{ readonly name: string; readonly environment: string; readonly known: string }>({
    title: "unknown target server",
    explanation:
      "A load balancer names target servers; every environment where the proxy is deployed must define them.",
    example: {
      bad: "loadBalancer: { servers: [chat-9] }",
      good: "loadBalancer: { servers: [chat-1] }",
    },
    message: (p) => `environment "${p.environment}" has no target server "${p.name}" (known: ${p.known})`,
  }),
  AGW2007: error<{ readonly name: string; readonly environment: string; readonly known: string }>({
    title: "unknown reference",
    explanation:
      "`ref://name` points at an entry of `references` in the environment.",
    example: {
      bad: "sslInfo: { trustStore: ref://corpp }",
      good: "sslInfo: { trustStore: ref://corp }",
    },
    message: (p) => `environment "${p.environment}" has no reference "${p.name}" (known: ${p.known})`,
  }),
  AGW2008: error<{ readonly name: string; readonly known: string }>({
    title: "unknown product",
    explanation:
      "A credential lists the products it may use, by name.",
    example: {
      bad: "credentials: [{ key: { env: KEY }, products: [chta] }]",
      good: "credentials: [{ key: { env: KEY }, products: [chat] }]",
    },
    message: (p) => `there is no product "${p.name}" (known: ${p.known})`,
  }),
  AGW2009: error<{ readonly name: string }>({
    title: "unknown developer",
    explanation:
      "An app belongs to a developer, named by e-mail address.",
    example: {
      bad: "kind: App\ndeveloper: ann@exmaple.com",
      good: "kind: App\ndeveloper: ann@example.com",
    },
    message: (p) => `there is no developer "${p.name}"`,
  }),
  AGW2010: error<{ readonly name: string; readonly group: string }>({
    title: "hostname in two groups",
    explanation:
      "A hostname belongs to exactly one environment group (Apigee's rule), so that a request has one meaning.",
    example: {
      bad: "environmentGroups: [{ name: a, hostnames: [x.example], environments: [e] }, { name: b, hostnames: [x.example], environments: [e] }]",
      good: "environmentGroups: [{ name: a, hostnames: [x.example], environments: [e] }]",
    },
    message: (p) => `hostname "${p.name}" already belongs to environment group "${p.group}"`,
  }),
  AGW2011: error<{ readonly path: string; readonly other: string; readonly group: string }>({
    title: "conflicting base paths",
    explanation:
      "Two proxy endpoints that the same hostnames reach have the same base path. Apigee would leave the loser without traffic; here it is an error.",
    example: {
      bad: "basePath: /v1/chat   # in two proxies of one environment group",
      good: "basePath: /v2/chat",
    },
    message: (p) => `base path ${p.path} is already taken by ${p.other} in environment group "${p.group}"`,
  }),
  AGW2012: error<{ readonly what: string; readonly name: string }>({
    title: "duplicate name",
    explanation:
      "Names of endpoints, targets, route rules, fault rules, flows, environments, groups, target servers, products, developers and apps are unique in their place.",
    example: {
      bad: "targetEndpoints: [{ name: a, url: \"http://x\" }, { name: a, url: \"http://y\" }]",
      good: "targetEndpoints: [{ name: a, url: \"http://x\" }, { name: b, url: \"http://y\" }]",
    },
    message: (p) => `another ${p.what} is already called "${p.name}"`,
  }),
  AGW2013: error<{ readonly path: string }>({
    title: "cycle of shared flows",
    explanation:
      "A shared flow calls itself, directly or through others.",
    example: {
      bad: "sharedFlowBundle: a   # inside shared flow a",
      good: "sharedFlowBundle: b",
    },
    message: (p) => `shared flows call each other in a circle: ${p.path}`,
  }),
  AGW2014: warning<{ readonly name: string }>({
    title: "policy never attached",
    explanation:
      "No step names this policy, so it does nothing and is not shipped.",
    example: {
      bad: "policies/Old.yaml   # no step says Old",
      good: "preFlow: { request: [Old] }",
    },
    message: (p) => `no step uses policy "${p.name}"`,
  }),
  AGW2015: warning<{ readonly name: string }>({
    title: "target endpoint never used",
    explanation:
      "No route rule leads to this target endpoint.",
    example: {
      bad: "targetEndpoints: [{ name: a, url: \"http://x\" }, { name: b, url: \"http://y\" }]",
      good: "routeRules: [{ name: r, targetEndpoint: b }]",
    },
    message: (p) => `no route rule leads to target endpoint "${p.name}"`,
  }),
  AGW2016: warning<{ readonly name: string }>({
    title: "environment without hostnames",
    explanation:
      "The environment is in no environment group, so no request can reach it.",
    example: {
      bad: "environmentGroups: [{ name: public, hostnames: [a.example], environments: [prod] }]   # test is missing",
      good: "environmentGroups: [{ name: public, hostnames: [a.example], environments: [prod, test] }]",
    },
    message: (p) => `environment "${p.name}" is in no environment group: nothing can reach it`,
  }),
  AGW2017: warning<{ readonly name: string }>({
    title: "proxy deployed nowhere",
    explanation:
      "`deployments` is written and does not list this proxy.",
    example: {
      bad: "deployments: { prod: [orders] }   # chat is missing",
      good: "deployments: { prod: [orders, chat] }",
    },
    message: (p) => `proxy "${p.name}" is deployed in no environment`,
  }),
  AGW2018: error<{ readonly what: string; readonly name: string; readonly known: string }>({
    title: "product names something unknown",
    explanation:
      "A product may list proxies and environments of this project only, or none to allow all.",
    example: {
      bad: "proxies: [caht]",
      good: "proxies: [chat]",
    },
    message: (p) => `there is no ${p.what} "${p.name}" (known: ${p.known})`,
  }),
  AGW2019: error<{ readonly name: string; readonly limit: string }>({
    title: "shared flows too large",
    explanation:
      "Shared flows are put in place where they are called, so one that calls others again and again multiplies its " +
      "steps. Calls go 16 deep at most, and a proxy has 10000 steps at most, those of shared flows counted at each call.",
    example: {
      bad: "steps: [FC-Next, FC-Next, FC-Next]   # and the next flow does the same, and so on",
      good: "steps: [FC-Next]",
    },
    message: (p) => `the call of shared flow "${p.name}" goes beyond ${p.limit}`,
  }),
  AGW2020: warning<{ readonly name: string }>({
    title: "shared flow never called",
    explanation:
      "No FlowCallout that a proxy uses names this shared flow, so it does nothing and is not shipped.",
    example: {
      bad: "kind: SharedFlow   # and no sharedFlowBundle names it",
      good: "kind: FlowCallout\nsharedFlowBundle: security",
    },
    message: (p) => `nothing calls shared flow "${p.name}"`,
  }),
  AGW2021: error<{ readonly name: string; readonly proxy: string; readonly known: string }>({
    title: "unknown proxy endpoint",
    explanation:
      "A localTargetConnection names an endpoint of the proxy that it calls, unless that has a single one.",
    example: {
      bad: "localTargetConnection: { apiProxy: orders, proxyEndpoint: defualt }",
      good: "localTargetConnection: { apiProxy: orders, proxyEndpoint: default }",
    },
    message: (p) => `proxy "${p.proxy}" has no proxy endpoint "${p.name}" (known: ${p.known})`,
  }),
  AGW2022: error<{ readonly name: string; readonly environment: string }>({
    title: "called proxy not deployed",
    explanation:
      "A localTargetConnection calls a proxy of the environment that the caller runs in, so both are deployed there.",
    example: {
      bad: "deployments: { prod: [shop] }   # shop calls orders",
      good: "deployments: { prod: [shop, orders] }",
    },
    message: (p) => `proxy "${p.name}" is not deployed in environment "${p.environment}", where this proxy is`,
  }),
  AGW2023: error<{ readonly path: string }>({
    title: "cycle of proxies",
    explanation: "A proxy endpoint calls itself through localTargetConnection, directly or through other proxies.",
    example: {
      bad: "localTargetConnection: { apiProxy: shop }   # in proxy shop",
      good: "localTargetConnection: { apiProxy: orders }",
    },
    message: (p) => `proxies call each other in a circle: ${p.path}`,
  }),
} as const;
