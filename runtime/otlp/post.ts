/** One POST of JSON to a collector: bounded in time, its answer read as far as needed, never a rejected promise. */
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Clock } from "../clock.ts";
import { fieldValueKind, VALUE_PLAIN } from "../message/field-grammar.ts";

/** Where to. Its headers may hold credentials. */
export interface PostTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: HttpAgent;
}

/** What became of it. `rejected`: spans that the collector took note of and did not keep (OTLP's partial success). */
export type Posted =
  | { readonly outcome: "taken"; readonly rejected: number }
  | { readonly outcome: "refused"; readonly detail: string }
  | { readonly outcome: "retry"; readonly detail: string; readonly afterMs: number | null };

/** Statuses after which the same request may be sent again (OTLP specification, "Retryable Response Codes"). */
const RETRYABLE: readonly number[] = [429, 502, 503, 504];
/** An answer longer than this tells nothing of interest. */
const ANSWER_BYTES_MAX = 16 * 1024;

/**
 * The target of a URL; one connection is kept. Throws where the URL is none of http or https, or holds a password, and
 * where a header's value cannot be sent.
 */
export function postTarget(url: string, headers: Readonly<Record<string, string>>): PostTarget {
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) {
    throw new TypeError("the collector's URL must begin with http:// or https://");
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw new TypeError("the collector's URL must not hold credentials; its headers may");
  }
  for (const [name, value] of Object.entries(headers)) {
    if (fieldValueKind(value) !== VALUE_PLAIN) throw new TypeError(`the collector's header ${name} has no valid value`);
  }
  const options = { keepAlive: true, maxSockets: 1 };
  const agent = parsed.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  return { url: parsed, headers, agent };
}

/** Sends a body and resolves with what became of it. */
export function postJson(target: PostTarget, body: string, clock: Clock, timeoutMs: number): Promise<Posted> {
  const { url, headers, agent } = target;
  return new Promise((resolve) => {
    const request = url.protocol === "https:" ? requestHttps : requestHttp;
    const bytes = Buffer.from(body, "utf8");
    const own = { "Content-Type": "application/json", "Content-Length": bytes.length };
    const sent = request(url, { method: "POST", agent, headers: { "User-Agent": "apigw", ...headers, ...own } });
    const done = (posted: Posted): void => {
      clock.clearTimer(timer);
      resolve(posted);
    };
    const failed = (cause: Error): void => {
      done({ outcome: "retry", detail: reasonOf(cause), afterMs: null });
      sent.destroy();
    };
    const timer = clock.setTimer(() => failed(new Error("no answer in time")), timeoutMs);
    sent.on("error", failed);
    // Without a listener node ends the connection and tells nobody.
    sent.on("upgrade", (_, socket) => {
      socket.destroy();
      done({ outcome: "refused", detail: "status 101" });
    });
    sent.on("response", (answer) => readAnswer(answer, (text) => done(judged(answer, text)), failed));
    sent.end(bytes);
  });
}

function readAnswer(answer: IncomingMessage, done: (text: string) => void, failed: (cause: Error) => void): void {
  let text = "";
  let bytes = 0;
  answer.setEncoding("utf8");
  answer.on("data", (piece: string) => {
    bytes += piece.length;
    if (bytes <= ANSWER_BYTES_MAX) text += piece;
    else answer.destroy(new Error("the answer is too long"));
  });
  answer.on("error", failed);
  answer.on("end", () => done(text));
  answer.on("close", () => failed(new Error("the answer broke off")));
}

function judged({ statusCode = 0, headers }: IncomingMessage, text: string): Posted {
  if (statusCode >= 200 && statusCode < 300) return { outcome: "taken", rejected: rejectedIn(text) };
  const detail = `status ${statusCode}`;
  if (!RETRYABLE.includes(statusCode)) return { outcome: "refused", detail };
  const seconds = Number(headers["retry-after"] ?? "");
  return { outcome: "retry", detail, afterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null };
}

/** `partialSuccess.rejectedSpans`, an int64 that JSON may bring as text; 0 where an answer says nothing of the kind. */
function rejectedIn(text: string): number {
  try {
    const answer: unknown = JSON.parse(text);
    const partial = memberOf(answer, "partialSuccess");
    const rejected = Number(memberOf(partial, "rejectedSpans") ?? 0);
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    return 0;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value ? Reflect.get(value, name) : undefined;
}

/** A system error's code says enough; its message may name addresses. */
function reasonOf(cause: Error): string {
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}
