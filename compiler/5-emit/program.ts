/** The generated files that tie a gateway together: settings, routes with their targets, and the program itself. */
import { parseIpRange } from "#runtime/language/ip-address.ts";
import type { AddressRanges, ForwardedModel, ListenerModel, TlsModel } from "../ir/gateway-model.ts";
import type { FromEnv, SecretSource } from "../ir/model.ts";
import type { Plan, RoutePlan } from "../ir/plan.ts";
import { limitOverrides } from "../gateway-limits.ts";
import { durationMs } from "../measure.ts";
import { accessCode } from "./access.ts";
import { adminSubjectCodes, analyticsCode } from "./analytics.ts";
import type { SettingRequest } from "../policies/definition.ts";
import { code, identifier, join, literal, type Code, type Embeddable } from "./code.ts";
import { FileWriter } from "./file.ts";
import { healthCheckCode } from "./health-monitor.ts";
import { HASH_PLACEHOLDER } from "./names.ts";
import type { EmittedProxy } from "./proxy.ts";
import { logLinesCode } from "./log-lines.ts";
import { emitRouter } from "./router.ts";
import { SettingValues } from "./setting-values.ts";
import { lagCode, storeCode } from "./store.ts";
import { targetCode } from "./target.ts";

/** `settings.ts`: one place for each value read at start; empty until then. */
export function emitSettings(plan: Plan): FileWriter {
  const file = new FileWriter("settings.ts", "Values read when the gateway starts. Empty until then; never written to a log.");
  const entries = plan.settings.map(({ id }) => code`${identifier(id)}: "",`);
  file.constants.push({
    name: "settings",
    type: null,
    value: plan.settings.length === 0 ? literal({}) : join([code`{`, ...entries, code`}`], "\n"),
    doc: null,
    isExported: true,
  });
  return file;
}

/** Variables that show the certificate of a target. */
const CERTIFICATE = /^target\.(?:cn|country|email\.address|locality|organization|organization\.unit|state)$/;

function showsCertificate(reads: ReadonlySet<string>): boolean {
  return [...reads].some((name) => CERTIFICATE.test(name));
}

/** `routes.ts`: every deployed program, its targets, and the router. */
export function emitRoutes(plan: Plan, proxies: ReadonlyMap<string, EmittedProxy>): FileWriter {
  const file = new FileWriter("routes.ts", "Routes: hosts and base paths to compiled proxies, and the targets these reach.");
  const values = new SettingValues(plan, file);
  const targetType = file.type("target/target.ts", "Target");
  for (const name of ["routes", "route", "makeTargets", "watchTargets"]) file.names.claim(name);
  const programNames = new Map<string, Code>();
  // A target may be a proxy of which no name is known yet.
  const fills: (() => Code)[] = [];
  const nameOf = (proxy: string, endpoint: string, environment: string): Code =>
    programNames.get(`${proxy}\n${endpoint}\n${environment}`) ?? literal(null);
  const watches: Code[] = [];
  const entries: Code[] = [];
  for (const { proxy, environment } of plan.program.deployments) {
    const emitted = proxies.get(proxy);
    const found = plan.proxies.find((other) => other.proxy.name === proxy);
    if (emitted === undefined || found === undefined) continue;
    const targets = file.names.camel(`${proxy} ${environment} targets`);
    file.constants.push({ name: targets, type: `Record<string, ${targetType}>`, value: literal({}), doc: null, isExported: false });
    for (const target of found.proxy.targets) {
      const { healthMonitor } = target;
      if (healthMonitor !== null) {
        const place = literal({ environment, proxy });
        const check = healthCheckCode(healthMonitor, file, values);
        const intervalMs = healthMonitor.intervalInSec * 1_000;
        const what = code`${identifier(targets)}[${target.name}], ${intervalMs}, ${check}`;
        watches.push(code`${file.symbol("watchServers")}(services, ${place}, ${what}),`);
      }
      const programOf = (callee: string, endpoint: string): Code => nameOf(callee, endpoint, environment);
      const scope = { plan, file, values, environment, programOf, readsCertificate: showsCertificate(found.reads) };
      fills.push(() => code`${identifier(targets)}[${target.name}] = ${targetCode(target, scope)};`);
    }
    for (const [endpoint, factory] of emitted.factories) {
      const name = file.names.camel(`${proxy} ${endpoint === "default" ? "" : endpoint} in ${environment}`);
      const make = file.importUnique(`./${emitted.file.path}`, factory);
      file.constants.push({
        name,
        type: null,
        value: code`${make}(${environment}, ${identifier(targets)})`,
        doc: null,
        isExported: false,
      });
      programNames.set(`${proxy}\n${endpoint}\n${environment}`, identifier(name));
    }
  }
  const programOf = ({ proxy, endpoint, environment }: RoutePlan): Code => nameOf(proxy, endpoint, environment);
  for (const host of plan.hosts) {
    for (const route of host.routes) {
      entries.push(code`{ hostnames: ${host.hostnames}, program: ${programOf(route)} },`);
    }
  }
  const entryType = file.type("program.ts", "RouteEntry");
  file.constants.push({
    name: "routes",
    type: `readonly ${entryType}[]`,
    value: entries.length === 0 ? literal([]) : join([code`[`, ...entries, code`]`], "\n"),
    doc: "Every deployed route.",
    isExported: true,
  });
  file.functions.push({
    name: "makeTargets",
    doc: "Makes the targets; called once, when the settings have been read.",
    isExported: true,
    parameters: fills.length === 0 ? [] : [{ name: "limits", type: file.type("limits.ts", "Limits") }],
    returns: "void",
    statements: fills.map((fill) => fill()),
  });
  if (watches.length > 0) file.functions.push(watchFunction(watches, file));
  emitRouter(plan, file, programOf);
  return file;
}

function watchFunction(watches: readonly Code[], file: FileWriter): FileWriter["functions"][number] {
  const monitor = file.type("target/health-monitor.ts", "HealthMonitor");
  return {
    name: "watchTargets",
    doc: "Begins to check target servers; called once, when the gateway serves.",
    isExported: true,
    parameters: [{ name: "services", type: file.type("target/health-monitor.ts", "MonitorServices") }],
    returns: `readonly ${monitor}[]`,
    statements: [join([code`return [`, ...watches, code`];`], "\n")],
  };
}

/** `program.ts`: everything that main.ts needs to start the gateway. */
export function emitProgram(plan: Plan, proxies: ReadonlyMap<string, EmittedProxy>, version: string): FileWriter {
  const file = new FileWriter("program.ts", "The compiled gateway: what it serves and what it needs to start.");
  const values = new SettingValues(plan, file);
  const type = file.type("program.ts", "GatewayProgram");
  file.import("./settings.ts", "settings", "value");
  for (const name of ["routes", "route", "makeTargets"]) file.import("./routes.ts", name, "value");
  const { gateway } = plan.program;
  const isWatching = plan.program.proxies.some(({ targets }) => targets.some(({ healthMonitor }) => healthMonitor !== null));
  const clientIp = clientIpCode(plan, file);
  const analytics = analyticsCode(plan, values, file);
  const spans = spansCode(plan, values, file);
  const parts: [string, Code][] = [
    ["organization", literal(plan.program.organization)],
    ["compiler", literal(version)],
    ["hash", identifier(HASH_PLACEHOLDER)],
    ["settings", settingSpecs(plan)],
    ["values", identifier("settings")],
    ["limits", literal(limitOverrides(gateway))],
    ["drain", drainCode(gateway.drain)],
    ["logLines", logLinesCode(plan, file)],
    ["proxies", proxiesCode(plan, proxies)],
    ["routes", identifier("routes")],
    ["route", identifier("route")],
    ...(clientIp === null ? [] : [["clientIp", clientIp] satisfies [string, Code]]),
    ["makeTargets", identifier("makeTargets")],
    ["watchTargets", isWatching ? file.import("./routes.ts", "watchTargets", "value") : literal(null)],
    ["listeners", code`() => ${listenersCode(plan, values, file)}`],
    ["openListener", file.symbol("openListener")],
    ["openTlsListener", plan.features.tlsListener ? file.symbol("openTlsListener") : literal(null)],
    ["openStore", storeCode(plan, file, values)],
    ["lag", lagCode(plan, file)],
    ...(analytics === null ? [] : [["analytics", analytics] satisfies [string, Code]]),
    ["access", code`() => ${accessCode(plan, values)}`],
    ...(renewsSessions(plan) ? [["carryOutRenewal", file.symbol("carryOutRenewal")] satisfies [string, Code]] : []),
    ...(plan.features.tracing ? [["startTracing", file.symbol("startTracing")] satisfies [string, Code]] : []),
    ...(spans === null ? [] : [["openSpans", spans] satisfies [string, Code]]),
    ...(hasReplicas(plan) ? [["openReplicas", file.symbol("openReplicas")] satisfies [string, Code]] : []),
    ...(isFleet(plan) ? [["openFleet", file.symbol("openFleet")] satisfies [string, Code]] : []),
    ...(plan.features.policyTimes ? [["policyTimes", policyTimesCode(plan, file)] satisfies [string, Code]] : []),
    ...(plan.features.debug ? debugParts(file) : []),
    ...debugMasks(plan, file),
    ["ops", plan.features.ops ? sideCode(gateway.ops, values, file.symbol("openOps")) : literal(null)],
    ["admin", plan.features.admin ? adminCode(plan, values, file) : literal(null)],
  ];
  file.constants.push({
    name: "program",
    type,
    value: join([code`{`, ...parts.map(([name, value]) => (value.text === name ? code`${value},` : code`${identifier(name)}: ${value},`)), code`}`], "\n"),
    doc: null,
    isExported: true,
  });
  return file;
}

function debugParts(file: FileWriter): [string, Code][] {
  return [
    ["openDebug", file.symbol("openDebug")],
    ["stepExcerpts", file.import("./step-excerpts.ts", "stepExcerpts", "value")],
  ];
}

/** What recordings hide besides credentials; nothing where no bundle says anything, or nobody can ask for them. */
function debugMasks({ features, program }: Plan, file: FileWriter): [string, Code][] {
  const masks = program.proxies.flatMap((proxy) => proxy.masks.map((rules) => ({ proxy: proxy.name, rules })));
  if (!features.debug || masks.length === 0) return [];
  const rows = masks.map(({ proxy, rules: { environment, variables, headers, parameters, bodies, json, xml } }) => {
    return code`${literal({ environment, proxy, variables, headers, parameters, bodies, json, xml })},`;
  });
  const hasXml = masks.some(({ rules }) => Object.values(rules.xml).some((paths) => paths.length > 0));
  const reader = hasXml ? [code`${file.symbol("hideInXml")},`] : [];
  return [["debugMasks", join([code`{`, code`masks: [`, ...rows, code`],`, ...reader, code`}`], "\n")]];
}

function policyTimesCode({ program }: Plan, file: FileWriter): Code {
  return literal({ every: program.gateway.observability?.policyTimes ?? 1, watch: file.symbol("watchPolicyTimes") });
}

function settingSpecs(plan: Plan): Code {
  const rows = plan.settings.map(({ id, request, kind, span }) => {
    const place = span.file.place(span.start);
    return code`${literal({ id, ...specSource(request.source), kind, where: `${span.file.path}:${place.line}` })},`;
  });
  return rows.length === 0 ? literal([]) : join([code`[`, ...rows, code`]`], "\n");
}

/** The members of a SettingSpec (runtime/process/settings.ts) that say where the value comes from. */
function specSource(source: SettingRequest["source"]): { readonly [key: string]: Embeddable } {
  if (typeof source === "string") return { file: source };
  if ("file" in source) return { file: typeof source.file === "string" ? source.file : envSource(source.file) };
  return envSource(source);
}

function envSource({ env, default: otherwise }: FromEnv): { readonly [key: string]: Embeddable } {
  return otherwise === undefined ? { env } : { env, default: otherwise };
}

/** What is counted for each proxy: its targets, and the policies that could fail. */
function proxiesCode(plan: Plan, emitted: ReadonlyMap<string, EmittedProxy>): Code {
  const rows = plan.program.deployments.flatMap(({ proxy, environment }) => {
    const found = plan.proxies.find((other) => other.proxy.name === proxy);
    if (found === undefined) return [];
    const targets = found.proxy.targets.map((target) => target.name);
    const policies = emitted.get(proxy)?.policies ?? [];
    return [code`${literal({ environment, proxy, targets, policies })},`];
  });
  return rows.length === 0 ? literal([]) : join([code`[`, ...rows, code`]`], "\n");
}

function listenersCode(plan: Plan, values: SettingValues, file: FileWriter): Code {
  const listeners = plan.program.gateway.listeners ?? [{ port: { env: "PORT", default: 8080 } }];
  const rows = listeners.map((listener, at) => {
    return literal({
      name: listener.name ?? `listener-${at + 1}`,
      host: listener.host === undefined ? literal("0.0.0.0") : values.text(listener.host, "text"),
      port: values.port(listener.port),
      reusePort: listener.reusePort ?? true,
      tls: tlsCode(listener.tls, values),
      ...(listener.forwarded === undefined ? {} : { forwarding: forwardingCode(listener.forwarded, values, file) }),
      ...(listener.proxyProtocol === undefined ? {} : { preface: prefaceCode(listener.proxyProtocol, values, file) }),
    });
  });
  return literal(rows);
}

/** An expression of type `Forwarding` (runtime/client/client.ts). */
function forwardingCode({ header, trustedProxies }: ForwardedModel, values: SettingValues, file: FileWriter): Code {
  const ranges = addressRanges(trustedProxies, values, file);
  const settings = literal({ header: header ?? "x-forwarded-for", trustedProxies: ranges });
  return code`${file.symbol("trustedProxies")}(${settings})`;
}

/** An expression of type `ListenerPreface` (runtime/listen/listen.ts). */
function prefaceCode(
  model: NonNullable<ListenerModel["proxyProtocol"]>,
  values: SettingValues,
  file: FileWriter,
): Code {
  const { version, trustedProxies } = typeof model === "object" ? model : { version: model };
  const ranges = trustedProxies === undefined ? null : addressRanges(trustedProxies, values, file);
  return code`${file.symbol("proxyProtocol")}(${literal({ version, trustedProxies: ranges })})`;
}

/** An expression of type `IpRange[]`: numbers where they are written out, else what a variable lists. */
function addressRanges(ranges: AddressRanges, values: SettingValues, file: FileWriter): Embeddable {
  if ("env" in ranges) return code`${file.symbol("ipRanges")}(${values.text(ranges, "text")})`;
  return ranges.flatMap((text) => parseIpRange(text) ?? []).map(({ family, words, bits }) => ({ family, words, bits }));
}

/** An expression of type `GatewayProgram["openSpans"]`; null where no collector is named. */
function spansCode(plan: Plan, values: SettingValues, file: FileWriter): Code | null {
  const traces = plan.program.gateway.observability?.traces;
  if (traces === undefined) return null;
  const headers = Object.entries(traces.headers ?? {}).map(([name, value]) => [name, values.text(value, "secret")] as const);
  const settings = literal({
    endpoint: values.text(traces.endpoint, "text"),
    headers: Object.fromEntries(headers),
    serviceName: traces.serviceName ?? "apigw",
    followsParent: traces.followParent ?? false,
  });
  return code`(host) => ${file.symbol("openSpans")}(${settings}, host)`;
}

/** Environments that pick the client's address from a header; null where none does. */
function clientIpCode(plan: Plan, file: FileWriter): Code | null {
  const entries = plan.program.environments.flatMap(({ name, clientIpResolution }) => {
    if (clientIpResolution === null) return [];
    const { header, index } = clientIpResolution;
    return [code`[${name}, ${file.symbol("clientIpFrom")}(${header.toLowerCase()}, ${index})]`];
  });
  return entries.length === 0 ? null : code`new Map([${join(entries, ", ")}])`;
}

/** An expression of type `TlsSettings | null` (runtime/listen/certificates.ts). */
function tlsCode(tls: TlsModel | undefined, values: SettingValues): Code {
  if (tls === undefined) return literal(null);
  return literal({
    certFile: values.text(tls.certFile, "file"),
    keyFile: values.text(tls.keyFile, "file"),
    minVersion: tls.minVersion ?? "TLSv1.2",
    clientAuth: tls.clientAuth ?? "none",
    clientCaFile: values.text(tls.clientCaFile, "file"),
    sni: (tls.sni ?? []).map((sni) => ({
      hostnames: sni.hostnames.map((hostname) => hostname.toLowerCase()),
      certFile: values.text(sni.certFile, "file"),
      keyFile: values.text(sni.keyFile, "file"),
    })),
  });
}

function sideCode(side: Plan["program"]["gateway"]["ops"], values: SettingValues, open: Code): Code {
  const host = side?.host === undefined ? literal("127.0.0.1") : values.text(side.host, "text");
  const port = side === undefined ? literal(9090) : values.port(side.port);
  return code`{ open: ${open}, at: () => (${literal({ host, port, reusePort: false })}) }`;
}

/** Processes that share the store ask each other: over the admin API, and whether they have a session to renew. */
function hasReplicas(plan: Plan): boolean {
  return isFleet(plan) || (renewsSessions(plan) && plan.features.store !== "memory");
}

/** Replicas are asked over the admin API, and through a store that they share. */
function isFleet({ features }: Plan): boolean {
  return features.admin && features.store === "redis";
}

function adminCode(plan: Plan, values: SettingValues, file: FileWriter): Code {
  const { admin } = plan.program.gateway;
  const host = admin?.host === undefined ? literal("127.0.0.1") : values.text(admin.host, "text");
  const at =
    admin?.socket !== undefined
      ? literal({ socketPath: values.text(admin.socket, "text") })
      : literal({ host, port: values.port(admin?.port ?? 9091), reusePort: false });
  const secret = values.text(admin?.secret, "secret");
  const reports = file.import("./route-reports.ts", "routeReports", "value");
  const subjects = [code`${file.symbol("routesSubject")}(${reports})`, ...adminSubjectCodes(plan, file)];
  const parts = [
    code`{`,
    code`open: ${file.symbol("openAdmin")},`,
    code`at: () => (${at}),`,
    code`secret: () => ${secret},`,
    code`tls: () => (${tlsCode(admin?.tls, values)}),`,
    code`subjects: [${join(subjects, ", ")}],`,
    ...(plan.features.page ? [code`page: ${file.symbol("adminPage")},`] : []),
    code`}`,
  ];
  return join(parts, "\n");
}

function drainCode(drain: Plan["program"]["gateway"]["drain"]): Code {
  return literal({
    preDrainDelayMs: durationOr(drain?.preDrainDelay, 5_000),
    windowMs: durationOr(drain?.window, 1_800_000),
    spreadMs: durationOr(drain?.spread, 60_000),
    refuse: drain?.refuse === 503,
    hasSuccessor: drain?.successor ?? null,
  });
}

function durationOr(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : (durationMs(text) ?? otherwise);
}

function renewsSessions({ proxies }: Plan): boolean {
  return proxies.some(({ policies }) => policies.some(({ definition }) => definition.renewsSessions));
}
