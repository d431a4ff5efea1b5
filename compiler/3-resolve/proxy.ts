/** One proxy: endpoints with their flows, route rules, targets. */
import { closeReasons, type CloseReasonId } from "#runtime/upgrade/close-reason.ts";
import type { CredentialSource } from "#runtime/upgrade/presented-credential.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { nearest } from "../diagnostics/nearest.ts";
import type { EnvironmentModel } from "../ir/environment-model.ts";
import type { BundleModel, Named } from "../ir/model.ts";
import type {
  CredentialSourceModel,
  EndpointFlowsModel,
  ProxyEndpointModel,
  ProxyModel,
  RouteRuleModel,
  TargetEndpointModel,
  WebSocketModel,
} from "../ir/proxy-model.ts";
import type {
  ProgramEndpoint,
  ProgramFaultRule,
  ProgramFlow,
  ProgramFlows,
  ProgramProxy,
  ProgramRouteRule,
  ProgramSampling,
  ProgramTarget,
  ProgramTargetTls,
  ProgramWebSocket,
} from "../ir/program.ts";
import { gatewayLimits } from "../gateway-limits.ts";
import { durationMs, sizeBytes } from "../measure.ts";
import { resolveLocal } from "./chaining.ts";
import { resolveHooks } from "./hook.ts";
import { known, meant, uniqueNames } from "./names.ts";
import { resolveHealthMonitor } from "./health-monitor.ts";
import { resolveLoadBalancer } from "./load-balancer.ts";
import { resolveMasks } from "./masks.ts";
import { resolveProperties } from "./property-set.ts";
import { reportRepeated } from "./repeated-conditions.ts";
import { StepResolver } from "./step.ts";
import {
  checkUrl, compressionAlgorithm, pathTemplate, retained, successCodes, targetTls, urlTemplate,
} from "./target.ts";

/** Share of exchanges that are recorded where nothing is written. */
const SAMPLE_DEFAULT = 0.01;
const KEEP_ALIVE_TIMEOUT_MS = 60_000;

/** What every part of one proxy is resolved with. */
interface Context {
  readonly model: BundleModel;
  /** Those where the proxy is deployed. */
  readonly environments: readonly Named<EnvironmentModel>[];
  readonly steps: StepResolver;
  readonly diagnostics: Diagnostics;
}

/** The targets of one proxy while its route rules are resolved. */
interface Targets {
  readonly named: readonly ProgramTarget[];
  /** Those of route rules with a URL of their own. */
  readonly inline: ProgramTarget[];
  /** Names of those that some rule leads to, or probably means. */
  readonly used: Set<string>;
}

/** Resolves one proxy; `environments` are those it is deployed in. */
export function resolveProxy(
  model: BundleModel,
  proxy: Named<ProxyModel>,
  environments: readonly Named<EnvironmentModel>[],
  diagnostics: Diagnostics,
): ProgramProxy {
  const steps = new StepResolver(model, proxy.value, diagnostics);
  const context: Context = { model, environments, steps, diagnostics };
  const { value } = proxy;
  uniqueNames("proxy endpoint", value.proxyEndpoints, model.positions, diagnostics);
  uniqueNames("target endpoint", value.targetEndpoints ?? [], model.positions, diagnostics);
  const named = (value.targetEndpoints ?? []).map((target) => resolveTarget(context, target));
  const targets: Targets = { named, inline: [], used: new Set() };
  const endpoints = value.proxyEndpoints.map((endpoint) => resolveEndpoint(context, endpoint, targets));
  for (const target of named) {
    if (!targets.used.has(target.name)) diagnostics.report("AGW2015", target.span, { name: target.name });
  }
  const hooks = resolveHooks(environments, steps);
  steps.reportUnattached();
  return {
    name: proxy.name,
    file: proxy.file,
    endpoints,
    targets: [...named, ...targets.inline],
    hooks,
    properties: resolveProperties(value, environments),
    policies: steps.policies,
    debug: (value.observability?.debug ?? model.gateway.observability?.debug ?? "on") === "on",
    masks: resolveMasks(model, value, environments, diagnostics),
    sampling: resolveSampling(model, value, steps),
  };
}

/** What a proxy leaves out is as the gateway has it. */
function resolveSampling({ gateway }: BundleModel, proxy: ProxyModel, steps: StepResolver): ProgramSampling | null {
  const all = gateway.observability?.traces;
  if (all === undefined) return null;
  const own = proxy.observability?.traces ?? {};
  const condition = own.condition === undefined ? all : own;
  return { share: own.sample ?? all.sample ?? SAMPLE_DEFAULT, condition: steps.condition(condition, "condition") };
}

function resolveEndpoint(context: Context, endpoint: ProxyEndpointModel, targets: Targets): ProgramEndpoint {
  const { model, steps } = context;
  const name = endpoint.name ?? "default";
  const apiTimeout = endpoint.properties?.["api.timeout"];
  const basePath = endpoint.basePath.length > 1 ? endpoint.basePath.replace(/\/$/, "") : endpoint.basePath;
  return {
    ...resolveFlows(context, endpoint, "proxy"),
    name,
    basePath,
    segments: basePath === "/" ? [] : basePath.slice(1).split("/"),
    span: model.positions.of(endpoint, "basePath"),
    postClientFlow: steps.list(endpoint.postClientFlow?.response),
    sessionEnd: steps.list(endpoint.sessionFlow?.end),
    routeRules: resolveRoutes(context, endpoint, targets),
    requestBytesMax: parseLimit(endpoint.properties?.["request.payload.parse.limit"]),
    compression: compressionAlgorithm(endpoint.properties?.["compression.algorithm"]),
    apiTimeoutMs: apiTimeout === undefined ? null : Number(apiTimeout),
    webSocket: resolveWebSocket(endpoint.webSocket),
  };
}

function resolveRoutes(context: Context, endpoint: ProxyEndpointModel, targets: Targets): ProgramRouteRule[] {
  const { model, steps, diagnostics } = context;
  const { named, used } = targets;
  const written = endpoint.routeRules;
  if (written === undefined) {
    const [only] = named;
    if (named.length > 1) {
      const span = model.positions.of(endpoint);
      diagnostics.report("AGW3019", span, { name: endpoint.name ?? "default" });
    }
    if (only !== undefined) used.add(only.name);
    return [{ name: "default", condition: null, target: only ?? null, span: null }];
  }
  uniqueNames("route rule", written, model.positions, diagnostics);
  const catchAll = written.findIndex((rule) => rule.condition === undefined);
  const rules = written.map((rule, at): ProgramRouteRule => {
    const span = model.positions.of(rule, "name");
    if (catchAll >= 0 && at > catchAll) {
      const before = written[catchAll] ?? rule;
      diagnostics.report("AGW3003", span, { name: rule.name }, {
        related: [{ span: model.positions.of(before, "name"), message: "this one is always taken" }],
      });
    }
    const target = routeTarget(context, endpoint, rule, targets);
    // A target that a misspelt name probably means is not reported as unused as well.
    const name = target?.name ?? nearest(rule.targetEndpoint ?? "", named.map((other) => other.name));
    if (name !== null) used.add(name);
    return { name: rule.name, condition: steps.condition(rule, "condition"), target, span };
  });
  reportRepeated("route rule", rules, diagnostics);
  return rules;
}

function routeTarget(
  { model, steps, diagnostics }: Context,
  endpoint: ProxyEndpointModel,
  rule: RouteRuleModel,
  { named, inline }: Targets,
): ProgramTarget | null {
  if (rule.targetEndpoint !== undefined) {
    const target = named.find((other) => other.name === rule.targetEndpoint);
    if (target !== undefined) return target;
    const names = named.map((other) => other.name);
    const name = rule.targetEndpoint;
    const span = model.positions.of(rule, "targetEndpoint");
    diagnostics.report("AGW2003", span, { name, known: known(names) }, meant(name, names));
    return null;
  }
  if (rule.url === undefined) return null;
  // No name of the user's holds a slash.
  const name = `url of ${endpoint.name ?? "default"}/${rule.name}`;
  const template = urlTemplate(rule, `${endpoint.name ?? "default"}/${rule.name}`, steps);
  if (template === null) checkUrl(model, rule, rule.url, diagnostics);
  const limits = gatewayLimits(model.gateway);
  const target: ProgramTarget = {
    name,
    inline: true,
    url: template === null ? rule.url : null,
    template,
    pathStep: null,
    local: null,
    loadBalancer: null,
    healthMonitor: null,
    path: "",
    secure: false,
    tls: new Map(),
    connectTimeoutMs: limits.connectTimeoutMs,
    ioTimeoutMs: limits.ioTimeoutMs,
    keepAliveTimeoutMs: KEEP_ALIVE_TIMEOUT_MS,
    successCodes: [],
    responseBytesMax: null,
    compression: null,
    retained: { requestHeaders: null, responseHeaders: null, queryParams: null },
    resumesTls: true,
    needsAllowHeader: false,
    span: model.positions.of(rule, "url"),
    preFlow: emptyFlow("PreFlow"),
    flows: [],
    postFlow: emptyFlow("PostFlow"),
    faultRules: [],
    defaultFaultRule: null,
    eventFlow: [],
  };
  inline.push(target);
  return target;
}

function resolveTarget(context: Context, target: TargetEndpointModel): ProgramTarget {
  const { model, environments, steps, diagnostics } = context;
  const name = target.name ?? "default";
  const template = urlTemplate(target, name, steps);
  const pathStep = pathTemplate(model, target.localTargetConnection ?? target, name, steps, diagnostics);
  if (target.url !== undefined && template === null) checkUrl(model, target, target.url, diagnostics);
  const { loadBalancer, localTargetConnection: called } = target;
  const { properties } = target;
  const limits = gatewayLimits(model.gateway);
  const tls = new Map<string, ProgramTargetTls>();
  if (target.sslInfo !== undefined) {
    for (const environment of environments) {
      tls.set(environment.name, targetTls(model, target.sslInfo, environment, diagnostics));
    }
  }
  return {
    ...resolveFlows(context, target, "target"),
    name,
    inline: false,
    url: template === null ? (target.url ?? null) : null,
    template,
    local: called === undefined ? null : resolveLocal(model, called, environments, diagnostics),
    loadBalancer: loadBalancer === undefined ? null : resolveLoadBalancer(model, loadBalancer, environments, diagnostics),
    healthMonitor: resolveHealthMonitor(model, target, diagnostics),
    pathStep,
    path: pathStep === null ? (target.path ?? "") : "",
    secure: target.sslInfo?.enabled ?? false,
    tls,
    connectTimeoutMs: Number(properties?.["connect.timeout.millis"] ?? limits.connectTimeoutMs),
    ioTimeoutMs: Number(properties?.["io.timeout.millis"] ?? limits.ioTimeoutMs),
    keepAliveTimeoutMs: Number(properties?.["keepalive.timeout.millis"] ?? KEEP_ALIVE_TIMEOUT_MS),
    successCodes: successCodes(properties?.["success.codes"]),
    responseBytesMax: parseLimit(properties?.["response.payload.parse.limit"]),
    compression: compressionAlgorithm(properties?.["compression.algorithm"]),
    retained: retained(properties),
    resumesTls: properties?.["allow.tls.session.resumption"] !== false,
    needsAllowHeader: properties?.["ignore.allow.header.for.405"] === false,
    span: model.positions.of(target),
  };
}

function resolveFlows(context: Context, endpoint: EndpointFlowsModel, side: "proxy" | "target"): ProgramFlows {
  const { model: { positions }, steps, diagnostics } = context;
  const written = endpoint.flows ?? [];
  uniqueNames("flow", written, positions, diagnostics);
  uniqueNames("fault rule", endpoint.faultRules ?? [], positions, diagnostics);
  const catchAll = written.findIndex((flow) => flow.condition === undefined);
  const flows = written.map((flow, at): ProgramFlow => {
    if (catchAll >= 0 && at > catchAll) {
      const before = written[catchAll] ?? flow;
      diagnostics.report("AGW3004", positions.of(flow, "name"), { name: flow.name }, {
        related: [{ span: positions.of(before, "name"), message: "this flow always matches" }],
      });
    }
    return {
      name: flow.name,
      description: flow.description ?? null,
      condition: steps.condition(flow, "condition"),
      request: steps.list(flow.request),
      response: steps.list(flow.response),
      span: positions.of(flow, "name"),
    };
  });
  const rules = (endpoint.faultRules ?? []).map((rule): ProgramFaultRule => ({
    name: rule.name,
    condition: steps.condition(rule, "condition"),
    steps: steps.list(rule.steps),
    span: positions.of(rule, "name"),
  }));
  const faultRules = side === "proxy" ? rules.toReversed() : rules;
  reportRepeated("flow", flows, diagnostics);
  reportRepeated("fault rule", faultRules, diagnostics);
  const otherwise = endpoint.defaultFaultRule;
  return {
    preFlow: plainFlow("PreFlow", endpoint.preFlow, steps),
    flows,
    postFlow: plainFlow("PostFlow", endpoint.postFlow, steps),
    faultRules,
    defaultFaultRule:
      otherwise === undefined
        ? null
        : {
            name: otherwise.name ?? "default-fault",
            condition: steps.condition(otherwise, "condition"),
            steps: steps.list(otherwise.steps),
            span: positions.of(otherwise),
            alwaysEnforce: otherwise.alwaysEnforce ?? false,
          },
    eventFlow: steps.list(endpoint.eventFlow?.response),
  };
}

/** `10M`, or a size as everywhere else; null when nothing is written. */
function parseLimit(written: string | number | boolean | undefined): number | null {
  return written === undefined ? null : sizeBytes(String(written).replace(/^(\d+)M$/, "$1MiB"));
}

function plainFlow(name: string, flow: EndpointFlowsModel["preFlow"], steps: StepResolver): ProgramFlow {
  const request = steps.list(flow?.request);
  const response = steps.list(flow?.response);
  return { name, description: null, condition: null, request, response, span: null };
}

function emptyFlow(name: string): ProgramFlow {
  return { name, description: null, condition: null, request: [], response: [], span: null };
}

function resolveWebSocket(written: ProxyEndpointModel["webSocket"]): ProgramWebSocket {
  const model: WebSocketModel = written === undefined || written === "deny" ? {} : written;
  const duration = (text: string | undefined): number | null => (text === undefined ? null : durationMs(text));
  const closes: Partial<Record<CloseReasonId, { code: number; text: string }>> = {};
  for (const [reason, close] of Object.entries(model.close ?? {})) {
    if (!isCloseReason(reason)) continue;
    const standard = closeReasons[reason];
    closes[reason] = { code: close.code ?? standard.code, text: close.reason ?? standard.text };
  }
  return {
    mode: written === "deny" ? "deny" : (model.mode ?? "allow"),
    idleTimeoutMs: duration(model.idleTimeout),
    maxDurationMs: model.maxDuration === "none" ? null : duration(model.maxDuration),
    allowedOrigins: model.allowedOrigins?.map((origin) => origin.toLowerCase()) ?? null,
    renewalGraceMs: duration(model.renewalGrace),
    sessionIdHeader: model.sessionIdHeader ?? null,
    tellsRefusal: model.onRefused?.browsers === "close",
    credential: (model.credential ?? []).map(credentialSource),
    halfCloseTimeoutMs: duration(model.halfCloseTimeout),
    writeStallTimeoutMs: duration(model.writeStallTimeout),
    closeGraceMs: duration(model.closeGrace),
    closeTimeoutMs: duration(model.closeTimeout),
    closes,
    survives: Object.keys(model.endOn ?? {}).filter(isCloseReason).filter((reason) => model.endOn?.[reason] === false),
  };
}

function credentialSource(source: CredentialSourceModel): CredentialSource {
  if (typeof source === "string") return { from: source };
  return "cookie" in source ? { from: "cookie", name: source.cookie } : { from: "queryParam", name: source.queryParam };
}

function isCloseReason(name: string): name is CloseReasonId {
  return Object.hasOwn(closeReasons, name);
}
