/** Asks a token's issuer: for its keys, or about a token. An answer counts when it is a 200; no connection is kept. */
import type { Clock } from "../clock.ts";
import { sendOwnRequest, type OwnRequestBounds } from "../own-request.ts";
import type { KeySetUrl } from "./key-set-url.ts";

/** What is sent; a body makes it a POST. */
interface SentText {
  readonly accept: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const KEY_SET: SentText = { accept: "application/jwk-set+json, application/json" };

/** The text of an answer 200, or in a few words what was wrong. */
export async function fetchText(
  target: KeySetUrl,
  clock: Clock,
  bounds: OwnRequestBounds,
  { accept, headers, ...sent }: SentText = KEY_SET,
): Promise<{ readonly text: string } | { readonly problem: string }> {
  try {
    const request = { ...target, ...sent, agent: false as const, headers: { Accept: accept, ...headers } };
    const { status, text } = await sendOwnRequest(request, clock, bounds);
    if (status !== 200) return { problem: `status ${status}` };
    return text === null ? { problem: "more bytes than allowed" } : { text };
  } catch (cause) {
    return { problem: cause instanceof Error ? cause.message : "unknown" };
  }
}
