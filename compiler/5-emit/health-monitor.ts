/** The code that begins to check the servers of load balancers. */
import type { HealthMonitorModel } from "../ir/proxy-model.ts";
import { code, literal, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";
import type { SettingValues } from "./setting-values.ts";

const SECOND_MS = 1_000;
/** Apigee has no default; its form for `none` is 0. */
const TIMEOUT_DEFAULT_S = 30;

/** A HealthCheck (runtime/target/health-monitor.ts); `services` is in scope. */
export function healthCheckCode({ tcpMonitor, httpMonitor }: HealthMonitorModel, file: FileWriter, values: SettingValues): Code {
  if (httpMonitor !== undefined) return httpCheckCode(httpMonitor, file, values);
  const connectTimeoutMs = (tcpMonitor?.connectTimeoutInSec ?? TIMEOUT_DEFAULT_S) * SECOND_MS;
  return code`${file.symbol("tcpCheck")}(${literal({ connectTimeoutMs, port: tcpMonitor?.port ?? null })})`;
}

function httpCheckCode(
  { request, successResponse }: NonNullable<HealthMonitorModel["httpMonitor"]>,
  file: FileWriter,
  values: SettingValues,
): Code {
  const { connectTimeoutInSec = TIMEOUT_DEFAULT_S, socketReadTimeoutInSec = TIMEOUT_DEFAULT_S } = request;
  const headers = Object.entries(request.headers ?? {}).flatMap(([name, value]) => [name, values.text(value, "secret")]);
  const spec = literal({
    connectTimeoutMs: connectTimeoutInSec * SECOND_MS,
    readTimeoutMs: socketReadTimeoutInSec * SECOND_MS,
    port: request.port ?? null,
    verb: request.verb ?? "GET",
    path: request.path,
    payload: request.payload ?? null,
    headers,
    reach: reachCode(request, file),
    hasId: request.includeHealthCheckIdHeader ?? false,
    statuses: successResponse?.responseCodes ?? [],
    answerHeaders: Object.entries(successResponse?.headers ?? {}).flat(),
  });
  return code`${file.symbol("httpCheck")}(${spec})`;
}

type Request = NonNullable<HealthMonitorModel["httpMonitor"]>["request"];

function reachCode({ isSSL, useTargetServerSSLInfo }: Request, file: FileWriter): Code {
  if (isSSL !== true) return literal("plain");
  return useTargetServerSSLInfo === true ? literal("own") : code`${file.symbol("trustedTransport")}(services.limits)`;
}
