/** Target endpoints and target servers: addresses, TLS, timeouts; Apigee's endpoint properties that matter to them. */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type {
  BundleModel,
  EnvironmentModel,
  Named,
  ReferenceModel,
  SslInfoModel,
  TargetEndpointModel,
  TextSetting,
} from "../ir/model.ts";
import type { ProgramTargetServer, ProgramTargetTls } from "../ir/program.ts";
import { known, uniqueNames } from "./names.ts";

/** The target servers of an environment, with their TLS. */
export function targetServers(
  model: BundleModel,
  environment: Named<EnvironmentModel>,
  diagnostics: Diagnostics,
): ProgramTargetServer[] {
  const servers = environment.value.targetServers ?? [];
  uniqueNames("target server", servers, model.positions, diagnostics);
  return servers.map((server) => ({
    name: server.name,
    host: server.host,
    port: server.port,
    enabled: server.isEnabled ?? true,
    tls: server.sslInfo?.enabled === true ? targetTls(model, server.sslInfo, environment, diagnostics) : null,
    span: model.positions.of(server),
  }));
}

/** TLS settings towards a target; references are looked up in the environment. */
export function targetTls(
  model: BundleModel,
  sslInfo: SslInfoModel,
  environment: Named<EnvironmentModel>,
  diagnostics: Diagnostics,
): ProgramTargetTls {
  return {
    trust: reference(model, sslInfo, "trustStore", environment, diagnostics),
    identity: reference(model, sslInfo, "keyStore", environment, diagnostics),
    commonName: sslInfo.commonName ?? null,
    insecure: sslInfo.ignoreValidationErrors ?? false,
  };
}

function reference(
  model: BundleModel,
  sslInfo: SslInfoModel,
  key: "trustStore" | "keyStore",
  environment: Named<EnvironmentModel>,
  diagnostics: Diagnostics,
): ReferenceModel | null {
  const written = sslInfo[key];
  if (written === undefined) return null;
  const name = written.replace(/^ref:\/\//, "");
  const references = environment.value.references ?? {};
  if (Object.hasOwn(references, name)) return references[name] ?? null;
  const params = { name, environment: environment.name, known: known(Object.keys(references)) };
  diagnostics.report("AGW2007", model.positions.of(sslInfo, key), params);
  return null;
}

/** Reports what is wrong with a target's literal URL. */
export function checkUrl(model: BundleModel, owner: object, url: TextSetting, diagnostics: Diagnostics): void {
  const text = typeof url === "string" ? url : url.default;
  if (typeof text !== "string") return;
  const problem = urlProblem(text);
  if (problem === null) return;
  const help = /^wss?:/i.test(text) ? `write ${text.replace(/^ws/i, "http")}` : null;
  diagnostics.report("AGW3015", model.positions.of(owner, "url"), { url: text, problem }, { help });
}

function urlProblem(text: string): string | null {
  if (!URL.canParse(text)) return "is not an absolute URL";
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return "is neither http nor https";
  if (url.username !== "" || url.password !== "") return "carries a user or password";
  if (url.hash !== "") return "has a fragment";
  return null;
}

/** Apigee's endpoint properties that have an effect here, with their form. */
const NUMBERS = ["connect.timeout.millis", "io.timeout.millis", "keepalive.timeout.millis", "api.timeout"] as const;
/** Properties of Apigee that are taken without effect, because what they choose is always so or not built yet. */
const ACCEPTED = new Set([
  "request.streaming.enabled",
  "response.streaming.enabled",
  "request.payload.parse.limit",
  "response.payload.parse.limit",
  "compression.algorithm",
  "supports.http11",
  "supports.http10",
  "allow.http10",
  "X-Forwarded-For",
  "use.proxy",
  "use.proxy.tunneling",
  "allow.tls.session.resumption",
  "ignore.allow.header.for.405",
]);

/** A numeric property in its range; null when absent. Reports unknown names and wrong forms once. */
export function readProperties(
  model: BundleModel,
  endpoint: TargetEndpointModel | { readonly properties?: Readonly<Record<string, string | number | boolean>> },
  diagnostics: Diagnostics,
): { numbers: ReadonlyMap<string, number>; successCodes: readonly string[] } {
  const numbers = new Map<string, number>();
  let successCodes: readonly string[] = [];
  for (const [name, value] of Object.entries(endpoint.properties ?? {})) {
    const span = model.positions.of(endpoint.properties ?? endpoint, name);
    if (NUMBERS.some((known) => known === name)) {
      const number = Number(value);
      if (Number.isInteger(number) && number >= 0 && number <= 86_400_000) numbers.set(name, number);
      else diagnostics.report("AGW3018", span, { name, expected: "a number of milliseconds" });
    } else if (name === "success.codes") {
      successCodes = String(value).split(",").map((code) => code.trim());
      if (!successCodes.every((code) => /^[1-5](xx|\d\d)$/i.test(code))) {
        diagnostics.report("AGW3018", span, { name, expected: "statuses such as 1xx,2xx,404" });
      }
    } else if (!ACCEPTED.has(name)) {
      diagnostics.report("AGW3017", span, { name }, { help: `known: ${[...NUMBERS, "success.codes"].join(", ")}` });
    }
  }
  return { numbers, successCodes };
}
