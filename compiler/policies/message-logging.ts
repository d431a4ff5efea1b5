/** MessageLogging at compile time: its template, without the credentials that it names, and where it goes. */
import { parseTemplate, templateVariables, type Template } from "#runtime/language/template.ts";
import { code, literal, type Code } from "../5-emit/code.ts";
import type { FileSource, PolicyModel, PortSetting, TextSetting } from "../ir/model.ts";
import type { PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import { frozen } from "./parts/values.ts";

export interface MessageLoggingModel extends PolicyModel {
  readonly kind: "MessageLogging";
  readonly logLevel?: "DEBUG" | "INFO" | "WARN" | "ERROR" | "ALERT";
  /** One of the two. */
  readonly file?: { readonly message: string };
  readonly syslog?: SyslogModel;
}

interface SyslogModel {
  readonly message: string;
  readonly host?: TextSetting;
  readonly port?: PortSetting;
  readonly protocol?: "UDP" | "TCP";
  readonly formatMessage?: boolean;
  readonly payloadOnly?: boolean;
  readonly sslInfo?: {
    readonly enabled: boolean;
    readonly caFile?: FileSource;
    readonly certFile?: FileSource;
    readonly keyFile?: FileSource;
    readonly commonName?: string;
  };
}

/** What stands in the place of a credential. */
const REDACTED = "(redacted)";
const SYSLOG_PORT = 514;

type Analysis = PolicyAnalysis<MessageLoggingModel>;
type Emit = PolicyEmit<MessageLoggingModel>;

export const messageLogging = {
  kind: "MessageLogging",
  basename: "message-logging",
  phases: ["request", "response", "fault", "event", "postClient", "session"],
  failedPrefix: "messagelogging",
  variablePrefixes: [],
  timing: () => "sync",
  analyze(step) {
    const { file, syslog } = step.model;
    const at = [syslog === undefined ? "file" : "syslog", "message"];
    const template = step.template(syslog?.message ?? file?.message ?? "", at);
    for (const name of template === null ? [] : templateVariables(template)) {
      if (step.isSecret(name)) step.report("AGW4105", at, { name });
    }
    if (syslog !== undefined) addSettings(step, syslog);
  },
  emit(e) {
    const { file, syslog, logLevel = "INFO" } = e.model;
    const template = parseTemplate(syslog?.message ?? file?.message ?? "");
    const text = e.template(redacted(template, (name) => e.isSecret(name)), "empty");
    if (syslog !== undefined) return emitSyslog(e, syslog, text);
    const rules = e.constant("messageLogging", frozen(literal({ name: e.name, severity: logLevel })));
    e.line(code`${e.symbol("logMessage")}(${e.x}, ${rules}, ${text});`);
  },
} satisfies PolicyDefinition<MessageLoggingModel>;

function addSettings(step: Analysis, { host, port, sslInfo = { enabled: false } }: SyslogModel): void {
  if (typeof host === "object") step.setting({ source: host, kind: "text" }, ["syslog", "host"]);
  if (typeof port === "object") step.setting({ source: port, kind: "port" }, ["syslog", "port"]);
  for (const key of ["caFile", "certFile", "keyFile"] as const) {
    const source = sslInfo[key];
    if (typeof source === "object") step.setting({ source, kind: "file" }, ["syslog", "sslInfo", key]);
  }
}

function emitSyslog(e: Emit, syslog: SyslogModel, text: Code): void {
  const { protocol = "UDP", formatMessage = false, payloadOnly = false } = syslog;
  const form = payloadOnly ? "payload" : formatMessage ? "formatted" : "plain";
  const framing = protocol === "UDP" ? null : formatMessage ? "octets" : "line";
  const severity = e.model.logLevel ?? "INFO";
  const rules = e.constant("syslog", frozen(literal({ name: e.name, severity, form, framing })));
  e.line(code`${e.symbol("logSyslog")}(${e.x}, ${rules}, () => ${receiverCode(e, syslog)}, ${text});`);
}

/** A SyslogReceiver (runtime/policies/message-logging-syslog.ts); asked for once. */
function receiverCode(e: Emit, syslog: SyslogModel): Code {
  const { host = "localhost", port = SYSLOG_PORT, protocol = "UDP", sslInfo } = syslog;
  const hostCode = typeof host === "object" ? e.setting({ source: host, kind: "text" }) : literal(host);
  const portCode =
    typeof port === "object" ? code`Number(${e.setting({ source: port, kind: "port" })})` : literal(port);
  const address = code`{ host: ${hostCode}, port: ${portCode} }`;
  if (sslInfo?.enabled !== true) return code`${e.symbol(protocol === "UDP" ? "udpReceiver" : "tcpReceiver")}(${address})`;
  const file = (source: FileSource | undefined): Code =>
    typeof source === "object" ? e.setting({ source, kind: "file" }) : literal(source ?? null);
  const tls = literal({
    caFile: file(sslInfo?.caFile),
    certFile: file(sslInfo?.certFile),
    keyFile: file(sslInfo?.keyFile),
    commonName: sslInfo?.commonName ?? null,
  });
  return code`${e.symbol("tlsReceiver")}(${address}, ${tls})`;
}

/** The template without what it would show of credentials. */
function redacted(template: Template, isSecret: (name: string) => boolean): Template {
  const parts: Template["parts"][number][] = [];
  for (const part of template.parts) {
    const isClean = !templateVariables({ ...template, parts: [part] }).some(isSecret);
    const shown = isClean ? part : { kind: "literal" as const, text: REDACTED, start: part.start, end: part.end };
    const last = parts.at(-1);
    // No two literals of a template touch.
    if (last?.kind !== "literal" || shown.kind !== "literal") parts.push(shown);
    else parts[parts.length - 1] = { ...last, text: last.text + shown.text, end: shown.end };
  }
  return { ...template, parts };
}
