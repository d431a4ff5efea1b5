/** Target endpoints and target servers: addresses, TLS, timeouts; Apigee's endpoint properties that matter to them. */
import type { CompressionAlgorithm } from "#runtime/body/compression.ts";
import { parseTemplate } from "#runtime/language/template.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { EnvironmentModel, ReferenceModel, SslInfoModel } from "../ir/environment-model.ts";
import type { BundleModel, Named, TextSetting } from "../ir/model.ts";
import type { LocalTargetModel, RouteRuleModel, TargetEndpointModel } from "../ir/proxy-model.ts";
import type {
  ProgramRetained, ProgramStep, ProgramTargetServer, ProgramTargetTls, ProgramUrlTemplate,
} from "../ir/program.ts";
import { known, meant, uniqueNames } from "./names.ts";
import type { StepResolver } from "./step.ts";

const LONE_BRACE = "has a brace that belongs to no variable";

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
    secure: server.sslInfo?.enabled ?? null,
    tls: server.sslInfo === undefined ? null : targetTls(model, server.sslInfo, environment, diagnostics),
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
  const versions = [...(sslInfo.protocols ?? [])].sort();
  return {
    trust: reference(model, sslInfo, "trustStore", environment, diagnostics),
    identity: sslInfo.clientAuthEnabled === true ? reference(model, sslInfo, "keyStore", environment, diagnostics) : null,
    commonName: sslInfo.commonName ?? null,
    minVersion: versions[0] ?? null,
    maxVersion: versions.at(-1) ?? null,
    ciphers: sslInfo.ciphers ?? [],
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
  const names = Object.keys(references);
  const params = { name, environment: environment.name, known: known(names) };
  diagnostics.report("AGW2007", model.positions.of(sslInfo, key), params, meant(name, names));
  return null;
}

/** The URL of a target as a template; null when nothing in it is to be replaced. */
export function urlTemplate(
  owner: TargetEndpointModel | RouteRuleModel,
  name: string,
  steps: StepResolver,
): ProgramUrlTemplate | null {
  const { url } = owner;
  if (typeof url !== "string" || !isTemplate(url)) return null;
  const scheme = /^http:/i.test(url) ? "http" : /^https:/i.test(url) ? "https" : null;
  return { text: url, scheme, step: steps.address({ owner, key: "url", template: url }, name) };
}

/** The same for a path, beside a load balancer or of a called proxy; a brace that belongs to nothing is reported. */
export function pathTemplate(
  { positions }: BundleModel,
  owner: TargetEndpointModel | LocalTargetModel,
  name: string,
  steps: StepResolver,
  diagnostics: Diagnostics,
): ProgramStep | null {
  const { path = "" } = owner;
  if (isTemplate(path)) return steps.address({ owner, key: "path", template: path }, name);
  if (/[{}]/.test(path)) diagnostics.report("AGW3015", positions.of(owner, "path"), { url: path, problem: LONE_BRACE });
  return null;
}

function isTemplate(text: string): boolean {
  const { parts, problems } = parseTemplate(text);
  return problems.length > 0 || parts.some(({ kind }) => kind !== "literal");
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
  if (/[{}]/.test(text)) return LONE_BRACE;
  if (!URL.canParse(text)) return "is not an absolute URL";
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return "is neither http nor https";
  if (url.username !== "" || url.password !== "") return "carries a user or password";
  if (url.hash !== "") return "has a fragment";
  return null;
}

/** The parts of `success.codes`: `1xx,2xx,404`. The schema has checked their form. */
export function successCodes(written: string | number | boolean | undefined): readonly string[] {
  return written === undefined ? [] : String(written).split(",").map((code) => code.trim());
}

/** `compression.algorithm`, whose value the schema has checked. */
export function compressionAlgorithm(written: string | number | boolean | undefined): CompressionAlgorithm | null {
  return written === "gzip" || written === "deflate" || written === "none" ? written : null;
}

/** What `request.retain.headers` and its kin leave of messages. */
export function retained(properties: TargetEndpointModel["properties"]): ProgramRetained {
  const list = (name: string): readonly string[] | null => {
    const written = properties?.[name];
    if (typeof written === "string") return [...new Set(written.split(",").map((part) => part.trim()))];
    return properties?.[`${name}.enabled`] === false ? [] : null;
  };
  const headers = (name: string): readonly string[] | null => {
    const names = list(name)?.map((header) => header.toLowerCase());
    return names === undefined ? null : [...new Set(names)];
  };
  return {
    requestHeaders: headers("request.retain.headers"),
    responseHeaders: headers("response.retain.headers"),
    queryParams: list("retain.queryparams"),
  };
}
