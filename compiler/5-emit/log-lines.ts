/**
 * The writers of the log's lines, compiled: the chosen fields of exchanges, upgrades and sessions, each as an
 * expression. Names are those of the schema; one that a kind of line does not have adds nothing to it.
 */
import type { LogsModel } from "../ir/observe-model.ts";
import type { Plan } from "../ir/plan.ts";
import { secretVariables } from "../secret-variable.ts";
import { code, identifier, join, literal, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";
import type { RuntimeSymbol } from "./symbols.ts";

type Kind = "exchange" | "upgraded" | "session";

/** How a field is written: by which helper, from which member of the line or record. */
type Writer = readonly [helper: RuntimeSymbol, member: string] | "status101" | RuntimeSymbol;
type Row = { readonly [kind in Kind]?: Writer };

const EVERY = ["exchange", "upgraded", "session"] as const;
const ASKED = ["exchange", "upgraded"] as const;

/** The same for some kinds of lines. */
function of(kinds: readonly Kind[], writer: Writer): Row {
  return Object.fromEntries(kinds.map((kind) => [kind, writer]));
}

const text = (member: string): Writer => ["textField", member];
/** Text that the gateway made or the compiler checked. */
const plain = (member: string): Writer => ["plainField", member];
const number = (member: string): Writer => ["numberField", member];

/** Every field that can be chosen, in the order in which lines have them. */
const fields: Readonly<Record<string, Row>> = {
  "apigw.id": of(ASKED, plain("id")),
  "apigw.session_id": { upgraded: plain("id"), session: plain("sessionId") },
  "http.request.method": of(ASKED, plain("method")),
  "http.route": of(ASKED, text("route")),
  "http.response.status_code": { exchange: number("status"), ...of(["upgraded", "session"], "status101") },
  "url.scheme": of(ASKED, plain("scheme")),
  "url.path": of(ASKED, text("path")),
  "server.address": of(ASKED, text("host")),
  "client.address": of(EVERY, plain("clientAddress")),
  "network.peer.address": of(ASKED, plain("peerAddress")),
  "network.protocol.version": of(ASKED, plain("version")),
  "user_agent.original": of(ASKED, text("userAgent")),
  "error.type": { exchange: plain("fault"), session: "closeErrorField" },
  "apigw.env": of(EVERY, plain("environment")),
  "apigw.proxy": of(EVERY, plain("proxy")),
  "apigw.endpoint": of(EVERY, plain("endpoint")),
  "apigw.target": of(EVERY, plain("target")),
  "apigw.app": of(EVERY, text("app")),
  "apigw.developer": of(EVERY, text("developer")),
  "apigw.product": { session: text("product") },
  "apigw.key_fingerprint": { session: plain("keyFingerprint") },
  "apigw.policy": { exchange: plain("policy") },
  "apigw.started": { session: ["timeField", "startedAtMs"] },
  "apigw.ended": { session: ["timeField", "endedAtMs"] },
  "apigw.handshake_ms": { upgraded: number("handshakeMs"), session: number("handshakeMs") },
  "apigw.duration_ms": { exchange: number("durationMs"), session: number("durationMs") },
  "apigw.bytes_in": { exchange: number("bytesIn"), session: number("bytesFromClient") },
  "apigw.bytes_out": { exchange: number("bytesOut"), session: number("bytesFromTarget") },
  "apigw.frames_in": { session: number("framesFromClient") },
  "apigw.frames_out": { session: number("framesFromTarget") },
  "apigw.ws.subprotocol": { upgraded: text("subprotocol") },
  "apigw.ws.closed_by": { session: plain("closedBy") },
  "apigw.ws.close_reason": { session: "closeReasonField" },
  "apigw.ws.close_code": { session: number("code") },
  "apigw.ws.close_text": { session: text("text") },
  "apigw.ws.forced": { session: ["field", "forced"] },
  "apigw.ws.timer": { session: plain("timer") },
  "apigw.ws.renewals": { session: "renewalsField" },
  "apigw.ws.events": { session: "eventsField" },
  trace_id: of(EVERY, "traceIdField"),
  span_id: of(EVERY, "spanIdField"),
};

/** An expression of type `LogLines | null` (runtime/observe/log-lines.ts). */
export function logLinesCode(plan: Plan, file: FileWriter): Code {
  const { accessLog, logs } = plan.program.gateway.observability ?? {};
  if (accessLog === "off") return literal(null);
  if (logs === undefined) return file.symbol("everyField");
  const shown = withoutCredentials(plan, logs);
  const chosen = logs.fields ?? Object.keys(fields);
  const entries = EVERY.map((kind) => code`${identifier(kind)}: ${writer(kind, chosen, shown, file)},`);
  return join([code`{`, ...entries, code`}`], "\n");
}

function writer(kind: Kind, chosen: readonly string[], logs: LogsModel, file: FileWriter): Code {
  const parts = Object.entries(fields).flatMap(([name, row]) => {
    const how = chosen.includes(name) ? row[kind] : undefined;
    return how === undefined ? [] : [fieldCode(name, how, file)];
  });
  if (kind !== "session") parts.push(...chosenParts(logs, file));
  if (parts.length === 0) return code`() => ""`;
  const lines = parts.map((part, at) => (at < parts.length - 1 ? code`${part} +` : part));
  return join([code`(line) => (`, ...lines, code`)`], "\n");
}

function fieldCode(name: string, how: Writer, file: FileWriter): Code {
  if (how === "status101") return literal(`,${JSON.stringify(name)}:101`);
  if (typeof how === "string") return code`${file.symbol(how)}(${name}, line)`;
  const [helper, member] = how;
  return code`${file.symbol(helper)}(${name}, line.${identifier(member)})`;
}

/** What is shown by name only. */
function chosenParts(logs: LogsModel, file: FileWriter): Code[] {
  const { queryParams = [], requestHeaders = [], responseHeaders = [] } = logs;
  const headers = (names: readonly string[], side: "request" | "response"): Code[] =>
    [...new Set(names.map((name) => name.toLowerCase()))].map((name) => {
      const lines = identifier(side === "request" ? "requestLines" : "responseLines");
      return code`${file.symbol("headerField")}(${`http.${side}.header.${name}`}, line.${lines}, ${name})`;
    });
  const parts: Code[] = [];
  if (queryParams.length > 0) {
    const names = file.constant("loggedParams", code`new Set(${[...queryParams]})`);
    parts.push(code`${file.symbol("queryField")}(line.query, ${names})`);
  }
  return [...parts, ...headers(requestHeaders, "request"), ...headers(responseHeaders, "response")];
}

/** What is chosen, without names under which some proxy takes a credential. */
function withoutCredentials({ program }: Plan, logs: LogsModel): LogsModel {
  const tests = [[], ...program.proxies.map(({ policies }) => policies)].map((policies) => secretVariables(policies));
  const isClean = (variable: string): boolean => !tests.some((isSecret) => isSecret(variable));
  const { queryParams = [], requestHeaders = [], responseHeaders = [] } = logs;
  return {
    queryParams: queryParams.filter((name) => isClean(`request.queryparam.${name}`)),
    requestHeaders: requestHeaders.filter((name) => isClean(`request.header.${name}`)),
    responseHeaders: responseHeaders.filter((name) => isClean(`response.header.${name}`)),
  };
}
