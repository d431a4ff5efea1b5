/** The code that makes targets: which factory, with which servers, TLS and algorithm. It imports only what is used. */
import type { ReferenceModel } from "../ir/environment-model.ts";
import type { Plan } from "../ir/plan.ts";
import type {
  ProgramLoadBalancer, ProgramLocal, ProgramTarget, ProgramTargetServer, ProgramTargetTls,
  ProgramUrlTemplate,
} from "../ir/program.ts";
import { code, literal, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";
import type { SettingValues } from "./setting-values.ts";

/** Where a target is made. */
export interface TargetScope {
  readonly plan: Plan;
  readonly file: FileWriter;
  readonly values: SettingValues;
  readonly environment: string;
  /** An expression for a proxy endpoint's program in this environment. */
  programOf(proxy: string, endpoint: string): Code;
  /** Something reads `target.cn` or its kin, and a resumed session shows no certificate. */
  readonly readsCertificate: boolean;
}

/** An expression that makes a target in an environment; `limits` is in scope. */
export function targetCode(target: ProgramTarget, scope: TargetScope): Code {
  const { url, template, local, loadBalancer } = target;
  if (template !== null) return templateCode(target, template, scope);
  if (local !== null) return localCode(target, local, scope);
  if (loadBalancer !== null) return balancedCode(target, loadBalancer, scope);
  const { file, values } = scope;
  const address = values.text(url ?? undefined, "text");
  const spec = literal({ name: target.name, url: address, ...endpointMembers(target, file) });
  if (typeof url === "string" && !/^https:/i.test(url)) return code`${file.symbol("plainTarget")}(${spec}, limits)`;
  const tls = tlsCode(target.tls.get(scope.environment) ?? null, values, resumes(target, scope));
  const make = file.symbol(typeof url === "string" ? "secureTarget" : "anyTarget");
  return code`${make}(${spec}, ${tls}, limits)`;
}

/** No server is known before a variable names it; only transports of schemes that it may name are linked. */
function templateCode(target: ProgramTarget, { scheme }: ProgramUrlTemplate, scope: TargetScope): Code {
  const { file, values, environment } = scope;
  const spec = literal({ name: target.name, ...endpointMembers(target, file) });
  if (scheme === "http") return code`${file.symbol("plainTemplateTarget")}(${spec}, limits)`;
  const tls = tlsCode(target.tls.get(environment) ?? null, values, resumes(target, scope));
  const make = file.symbol(scheme === "https" ? "secureTemplateTarget" : "anyTemplateTarget");
  return code`${make}(${spec}, ${tls}, limits)`;
}

function localCode(target: ProgramTarget, local: ProgramLocal, { file, programOf }: TargetScope): Code {
  const spec = literal({ name: target.name, ...endpointMembers(target, file) });
  if ("path" in local) return code`${file.symbol("localPathTarget")}(${spec}, ${local.path}, limits)`;
  return code`${file.symbol("localTarget")}(${spec}, ${programOf(local.proxy, local.endpoint)}, limits)`;
}

function resumes({ resumesTls }: ProgramTarget, { readsCertificate }: TargetScope): boolean {
  return resumesTls && !readsCertificate;
}

/** Members of EndpointSpec (runtime/target/plain.ts) but for the name. */
function endpointMembers(target: ProgramTarget, file: FileWriter) {
  const { connectTimeoutMs, ioTimeoutMs, keepAliveTimeoutMs } = target;
  const { successCodes, responseBytesMax, compression, needsAllowHeader } = target;
  const own = {
    ...(responseBytesMax === null ? {} : { responseBytesMax }),
    ...(compression === null ? {} : { compression: code`${file.symbol("compression")}(${compression})` }),
  };
  const { requestHeaders, responseHeaders, queryParams } = target.retained;
  const retained = {
    ...(requestHeaders === null ? {} : { retainedHeaders: requestHeaders }),
    ...(responseHeaders === null ? {} : { retainedResponseHeaders: responseHeaders }),
    ...(queryParams === null ? {} : { retainedQueryParams: queryParams }),
  };
  const allow = needsAllowHeader ? { needsAllowHeader } : {};
  return { connectTimeoutMs, ioTimeoutMs, keepAliveTimeoutMs, successCodes, ...own, ...retained, ...allow };
}

const algorithms = { RoundRobin: "roundRobin", Weighted: "weighted", LeastConnections: "leastConnections" } as const;

function balancedCode(target: ProgramTarget, balancer: ProgramLoadBalancer, scope: TargetScope): Code {
  const { plan, file, values, environment } = scope;
  const known = plan.program.environments.find((other) => other.name === environment)?.targetServers ?? [];
  const endpointTls = target.tls.get(environment) ?? null;
  // What a target server says about TLS goes before what the target endpoint says (apigee-core section 2.8).
  const isSecure = (server: ProgramTargetServer): boolean => server.secure ?? target.secure;
  const used: ProgramTargetServer[] = [];
  const servers = balancer.servers.flatMap(({ name, weight, isFallback }) => {
    const server = known.find((other) => other.name === name);
    if (server === undefined || !server.enabled) return [];
    used.push(server);
    const tls = isSecure(server) ? tlsCode(server.tls ?? endpointTls, values, resumes(target, scope)) : null;
    return [{ name, host: values.text(server.host, "text"), port: values.port(server.port), tls, weight, isFallback }];
  });
  const spec = literal({
    name: target.name,
    servers,
    path: target.path,
    tls: target.secure ? tlsCode(endpointTls, values, resumes(target, scope)) : null,
    algorithm: code`${file.symbol(algorithms[balancer.algorithm])}()`,
    maxFailures: balancer.maxFailures,
    unhealthyStatuses: balancer.unhealthyStatuses,
    retryEnabled: balancer.retryEnabled,
    isMonitored: target.healthMonitor !== null,
    ...endpointMembers(target, file),
  });
  const transport = file.symbol(target.secure || used.some(isSecure) ? "secureTransport" : "plainTransport");
  return code`${file.symbol("balancedTarget")}(${spec}, ${transport}, limits)`;
}

/** A TargetTlsSpec (runtime/target/secure.ts). */
function tlsCode(tls: ProgramTargetTls | null, values: SettingValues, isResuming: boolean): Code {
  const trust: ReferenceModel = tls?.trust ?? {};
  const identity: ReferenceModel = tls?.identity ?? {};
  return literal({
    caFile: values.text(trust.caFile, "file"),
    certFile: values.text(identity.certFile, "file"),
    keyFile: values.text(identity.keyFile, "file"),
    commonName: tls?.commonName ?? null,
    ...(isResuming ? {} : { resumes: false }),
    ...(tls === null || tls.minVersion === null ? {} : { minVersion: tls.minVersion, maxVersion: tls.maxVersion }),
    ...(tls === null || tls.ciphers.length === 0 ? {} : { ciphers: tls.ciphers.join(":") }),
  });
}
