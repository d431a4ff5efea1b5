/** One POST of JSON to a collector: where to, and what its answer means. Never a rejected promise. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Clock } from "../clock.ts";
import { fieldValueKind, VALUE_PLAIN } from "../message/field-grammar.ts";
import { sendOwnRequest, type OwnAnswer } from "../own-request.ts";

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
/** An answer longer than this is no collector's. */
const ANSWER_BYTES_MAX = 16 * 1024;
const ANSWER_HEAD_BYTES_MAX = 16 * 1024;

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
export async function postJson(target: PostTarget, body: string, clock: Clock, timeoutMs: number): Promise<Posted> {
  const headers = { "User-Agent": "apigw", ...target.headers, "Content-Type": "application/json" };
  const bounds = { bytesMax: ANSWER_BYTES_MAX, headBytesMax: ANSWER_HEAD_BYTES_MAX, timeoutMs };
  try {
    return judged(await sendOwnRequest({ ...target, headers, body }, clock, bounds));
  } catch (cause) {
    return { outcome: "retry", detail: reasonOf(cause), afterMs: null };
  }
}

function judged({ status, headers, text }: OwnAnswer): Posted {
  if (text === null) return { outcome: "retry", detail: "the answer is too long", afterMs: null };
  if (status >= 200 && status < 300) return { outcome: "taken", rejected: rejectedIn(text) };
  const detail = `status ${status}`;
  if (!RETRYABLE.includes(status)) return { outcome: "refused", detail };
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
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown";
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}
