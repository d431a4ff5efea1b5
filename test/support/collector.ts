/**
 * A collector of spans on a real port that reads OTLP's JSON strictly. It stands in for OpenTelemetry's own, of which no
 * package can be had here: an unknown member, a number where the protocol has text or an id of the wrong length is an error.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "./until.ts";

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
}

export interface Collector extends AsyncDisposable {
  readonly url: string;
  /** All spans, in the order in which they came. */
  readonly spans: readonly CollectedSpan[];
  /** Attributes of the resource that sent the last batch. */
  readonly resource: Readonly<Record<string, unknown>>;
  readonly requests: number;
  /** Headers of the last request. */
  readonly headers: IncomingHttpHeaders;
  /** What was wrong with what came. */
  readonly problems: readonly string[];
  /** Answers otherwise from now on; null: as a healthy collector does. */
  answer: ((response: ServerResponse) => void) | null;
  /** Waits for spans for which a condition holds. */
  until(count: number, fits?: (span: CollectedSpan) => boolean): Promise<readonly CollectedSpan[]>;
}

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const problems: string[] = [];
  const state = { requests: 0, resource: {}, headers: {} as IncomingHttpHeaders };
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (piece: string) => void (text += piece));
    request.on("end", () => {
      state.requests++;
      state.headers = request.headers;
      if (collector.answer !== null) return collector.answer(response);
      try {
        state.resource = readBatch(text, spans);
      } catch (cause) {
        problems.push(String(cause));
      }
      response.setHeader("Content-Type", "application/json").end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const collector: Collector = {
    url: `http://127.0.0.1:${port}/v1/traces`,
    spans,
    problems,
    answer: null,
    get resource() {
      return state.resource;
    },
    get requests() {
      return state.requests;
    },
    get headers() {
      return state.headers;
    },
    async until(count, fits = () => true) {
      await until(() => spans.filter(fits).length >= count || problems.length > 0, () => `${spans.length} spans, ${problems.join()}`);
      if (problems.length > 0) throw new Error(problems.join("\n"));
      return spans.filter(fits);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return collector;
}

/** Adds the spans of one request; what its resource says of itself. */
function readBatch(text: string, spans: CollectedSpan[]): Readonly<Record<string, unknown>> {
  const [resourceSpans] = only(members(JSON.parse(text), ["resourceSpans"])["resourceSpans"]);
  const { resource, scopeSpans } = members(resourceSpans, ["resource", "scopeSpans"]);
  const [scopeSpan] = only(scopeSpans);
  const { scope, spans: list } = members(scopeSpan, ["scope", "spans"]);
  members(scope, ["name"]);
  for (const span of array(list)) spans.push(readSpan(span));
  return readAttributes(members(resource, ["attributes"])["attributes"]);
}

const SPAN = [
  "traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "links", "status",
];

function readSpan(value: unknown): CollectedSpan {
  const span = members(value, SPAN);
  const parent = span["parentSpanId"];
  const status = span["status"] === undefined ? {} : members(span["status"], ["code"]);
  if (status["code"] !== undefined && status["code"] !== 2) throw new Error(`status ${String(status["code"])}`);
  return {
    traceId: id(span["traceId"], 32),
    spanId: id(span["spanId"], 16),
    ...(parent === undefined ? {} : { parentSpanId: id(parent, 16) }),
    name: textOf(span["name"]),
    kind: kindOf(span["kind"]),
    startNs: int64(span["startTimeUnixNano"]),
    endNs: int64(span["endTimeUnixNano"]),
    attributes: readAttributes(span["attributes"]),
    links: array(span["links"] ?? []).map((link) => {
      const { traceId, spanId } = members(link, ["traceId", "spanId"]);
      return { traceId: id(traceId, 32), spanId: id(spanId, 16) };
    }),
    isError: status["code"] === 2,
  };
}

function readAttributes(value: unknown): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (const attribute of array(value)) {
    const { key, value: boxed } = members(attribute, ["key", "value"]);
    const name = textOf(key);
    if (Object.hasOwn(attributes, name)) throw new Error(`attribute ${name} twice`);
    const [[kind, inner] = []] = Object.entries(members(boxed, ["stringValue", "intValue", "doubleValue", "boolValue"]));
    attributes[name] = kind === "intValue" ? Number(int64(inner)) : inner;
    const expected = { stringValue: "string", intValue: "string", doubleValue: "number", boolValue: "boolean" }[String(kind)];
    if (typeof inner !== expected) throw new Error(`${name}: ${String(kind)} is a ${typeof inner}`);
  }
  return attributes;
}

function members(value: unknown, allowed: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`no object: ${JSON.stringify(value)}`);
  for (const name of Object.keys(value)) if (!allowed.includes(name)) throw new Error(`unknown member ${name}`);
  return { ...value };
}

function array(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`no array: ${JSON.stringify(value)}`);
  return value;
}

function only(value: unknown): readonly unknown[] {
  const list = array(value);
  if (list.length !== 1) throw new Error(`${list.length} elements`);
  return list;
}

function id(value: unknown, length: number): string {
  const text = textOf(value);
  if (text.length !== length || !/^[0-9a-f]+$/.test(text) || /^0+$/.test(text)) throw new Error(`id ${text}`);
  return text;
}

function int64(value: unknown): bigint {
  const text = textOf(value);
  if (!/^-?[0-9]{1,19}$/.test(text)) throw new Error(`int64 ${text}`);
  return BigInt(text);
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new Error(`no text: ${JSON.stringify(value)}`);
  return value;
}

function kindOf(value: unknown): number {
  if (value !== 1 && value !== 2 && value !== 3) throw new Error(`kind ${String(value)}`);
  return value;
}
