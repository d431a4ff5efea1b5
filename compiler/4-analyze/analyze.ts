/**
 * Program -> plan: legality, conflicts of routes, constant conditions, what each chain reads and writes, what its
 * connections are held to. Decides everything that can be decided before a request comes.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { AddressRanges } from "../ir/gateway-model.ts";
import type { FromEnv, SecretSource } from "../ir/model.ts";
import type { Features, Plan } from "../ir/plan.ts";
import type { Optimisations } from "../optimisations.ts";
import type { Program } from "../ir/program.ts";
import { analyzeProxy } from "./proxy.ts";
import { checkLogs } from "./logs.ts";
import { planRoutes } from "./routes.ts";
import { Settings } from "./settings.ts";

/** Makes the plan. Whole even when problems were found; callers look at the diagnostics. */
export function analyze(program: Program, diagnostics: Diagnostics, optimisations: Optimisations): Plan {
  const settings = new Settings();
  const proxies = program.proxies.map((proxy) => analyzeProxy(program, proxy, settings, diagnostics, optimisations));
  collectSettings(program, settings);
  checkLogs(program, diagnostics);
  checkCollectors(program, diagnostics);
  return {
    program,
    hosts: planRoutes(program, diagnostics),
    proxies,
    settings: settings.all,
    features: features(program),
    optimisations,
  };
}

/** What DataCapture policies capture goes into rows of analytics. */
function checkCollectors({ gateway: { observability }, model }: Program, diagnostics: Diagnostics): void {
  if (observability?.dataCollectors === undefined) return;
  if (observability.analytics !== undefined && observability.analytics !== "off") return;
  const span = model.positions.of(observability, "dataCollectors");
  diagnostics.report("AGW3103", span, { what: "observability.dataCollectors", why: "observability.analytics is not on" });
}

function features({ gateway, proxies }: Program): Features {
  const hasTwins = proxies.some((proxy) => proxy.debug);
  const debug = gateway.admin !== undefined && hasTwins;
  const policyTimes = gateway.observability?.policyTimes !== undefined && hasTwins;
  return {
    tlsListener: gateway.admin?.tls !== undefined || (gateway.listeners ?? []).some((listener) => listener.tls !== undefined),
    store: gateway.store?.kind ?? "embedded",
    admin: gateway.admin !== undefined,
    page: gateway.admin !== undefined && gateway.admin.page !== "off",
    ops: gateway.ops !== undefined,
    tracing: debug || policyTimes || gateway.observability?.traces !== undefined,
    debug,
    policyTimes,
  };
}

/** A URL that is read at start may carry a password, so that it is treated as a secret. */
function urlSource(url: NonNullable<Program["gateway"]["store"]>["url"]): SecretSource | undefined {
  return typeof url === "string" ? undefined : url;
}

function collectStoreSettings({ gateway, model }: Program, settings: Settings): void {
  const { store } = gateway;
  if (store === undefined) return;
  const span = model.positions.of(store);
  for (const text of [store.file, store.username, store.tls?.serverName]) settings.add(text, "text", span);
  for (const secret of [store.password, store.sentinel?.password, urlSource(store.url)]) settings.add(secret, "secret", span);
  for (const file of [store.tls?.caFile, store.tls?.certFile, store.tls?.keyFile]) settings.add(file, "file", span);
  for (const node of [...(store.cluster ?? []), ...(store.sentinel?.nodes ?? [])]) {
    settings.add(node.host, "text", model.positions.of(node));
    settings.add(node.port, "port", model.positions.of(node));
  }
}

function collectTraceSettings({ gateway, model }: Program, settings: Settings): void {
  const traces = gateway.observability?.traces;
  if (traces === undefined) return;
  const span = model.positions.of(traces);
  settings.add(traces.endpoint, "text", span);
  for (const value of Object.values(traces.headers ?? {})) settings.add(value, "secret", span);
}

/** The variable that lists addresses, where they are not written out. */
function rangesSetting(ranges: AddressRanges | undefined): FromEnv | undefined {
  return ranges !== undefined && "env" in ranges ? ranges : undefined;
}

function collectSettings(program: Program, settings: Settings): void {
  const { positions } = program.model;
  const { gateway } = program;
  // The listener of a gateway that writes none (5-emit/program) takes its port from here.
  if (gateway.listeners === undefined) settings.add({ env: "PORT", default: 8080 }, "port", positions.of(gateway));
  for (const listener of gateway.listeners ?? []) {
    settings.add(listener.host, "text", positions.of(listener));
    settings.add(listener.port, "port", positions.of(listener));
    settings.add(rangesSetting(listener.forwarded?.trustedProxies), "text", positions.of(listener));
    const { proxyProtocol } = listener;
    const peers = typeof proxyProtocol === "object" ? proxyProtocol.trustedProxies : undefined;
    settings.add(rangesSetting(peers), "text", positions.of(listener));
  }
  for (const tls of [gateway.admin?.tls, ...(gateway.listeners ?? []).map((listener) => listener.tls)]) {
    if (tls === undefined) continue;
    for (const file of [tls.certFile, tls.keyFile, tls.clientCaFile]) settings.add(file, "file", positions.of(tls));
    for (const sni of tls.sni ?? []) {
      for (const file of [sni.certFile, sni.keyFile]) settings.add(file, "file", positions.of(sni));
    }
  }
  for (const side of [gateway.ops, gateway.admin]) {
    if (side === undefined) continue;
    settings.add(side.host, "text", positions.of(side));
    settings.add(side.port, "port", positions.of(side));
  }
  settings.add(gateway.admin?.secret, "secret", positions.of(gateway.admin ?? gateway));
  settings.add(gateway.admin?.socket, "text", positions.of(gateway.admin ?? gateway));
  collectStoreSettings(program, settings);
  const analytics = gateway.observability?.analytics;
  if (typeof analytics === "object") settings.add(analytics.file, "text", positions.of(analytics));
  collectTraceSettings(program, settings);
  for (const environment of program.environments) {
    for (const server of environment.targetServers) {
      settings.add(server.host, "text", server.span);
      settings.add(server.port, "port", server.span);
    }
  }
  const kept = new Set(program.environments.map((environment) => environment.name));
  for (const environment of program.model.environments) {
    if (!kept.has(environment.name)) continue;
    for (const reference of Object.values(environment.value.references ?? {})) {
      for (const file of [reference.caFile, reference.certFile, reference.keyFile]) {
        settings.add(file, "file", positions.of(reference));
      }
    }
  }
  for (const proxy of program.proxies) {
    for (const target of proxy.targets) {
      settings.add(target.url ?? undefined, "text", target.span);
      const headers = target.healthMonitor?.httpMonitor?.request.headers ?? {};
      for (const value of Object.values(headers)) settings.add(value, "secret", target.span);
    }
  }
  for (const { value } of program.apps) {
    for (const credential of value.credentials ?? []) {
      for (const source of [credential.key, credential.secret]) {
        if (source === undefined || "digest" in source) continue;
        settings.add(source, "secret", positions.of(credential));
      }
    }
  }
}
