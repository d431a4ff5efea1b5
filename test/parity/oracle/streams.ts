/**
 * Event streams under the oracle: which flows see the events of an answer, and what is left of a stream that has gone
 * through them (apigee-core section 3.4, docs/differences.md "EventFlow").
 */
import type { ProgramFlows } from "#compiler/ir/program.ts";
import { raised } from "./faults.ts";
import { runEventFlow } from "./flows.ts";
import { Raised, type Transaction } from "./transaction.ts";

/** An EventFlow on the way of a stream, and whose it is. */
export interface Entered {
  readonly t: Transaction;
  readonly flows: ProgramFlows;
}

/** The EventFlows that see the answer of an exchange whose flows are done, in order. Raises what refuses an encoded one. */
export function eventFlowsOf(t: Transaction, answerStatus: number): readonly Entered[] {
  const { response, target, place, request } = t;
  const found = [target, place.endpoint].flatMap((flows) => (flows === null || flows.eventFlow.length === 0 ? [] : [{ t, flows }]));
  if (found.length === 0 || response === null || !response.isTargets || request.verb === "HEAD") return [];
  const [type = ""] = response.headers.values("content-type");
  if (answerStatus === 204 || answerStatus === 304 || !/^\s*text\/event-stream\s*(;|$)/i.test(type)) return [];
  const coding = response.headers.joined("content-encoding")?.trim().toLowerCase() ?? "";
  if (coding === "" || coding === "identity") return found;
  const refused = raised("protocol.http.UnsupportedEncoding", "", null);
  throw new Raised(refused.code, 502, refused.text, null);
}

/** What is left of a stream, and what ended it early. */
export function streamThrough(body: string, entered: readonly Entered[]): { text: string; failure: Raised | null } {
  const mark = body.startsWith("\ufeff") ? "\ufeff" : "";
  let text = mark;
  let count = 0;
  let event: string[] = [];
  const leave = (): void => {
    text += changed(event, ++count, entered);
    event = [];
  };
  try {
    for (const line of body.slice(mark.length).match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? []) {
      const isEmpty = /^[\r\n]/.test(line);
      // Comments and empty lines between events are nobody's.
      if (event.length === 0 && (isEmpty || line.startsWith(":"))) {
        text += line;
        continue;
      }
      event.push(line);
      if (isEmpty) leave();
    }
    if (event.length > 0) leave();
  } catch (thrown) {
    if (!(thrown instanceof Raised)) throw thrown;
    return { text, failure: thrown };
  }
  return { text, failure: null };
}

/** An event after all flows: as it came unless one has changed it, nothing where its content is empty. */
function changed(lines: readonly string[], count: number, entered: readonly Entered[]): string {
  const whole = lines.join("");
  const content = whole.replace(/[\r\n]+$/, "");
  const event = { content, count };
  for (const { t, flows } of entered) {
    t.event = event;
    try {
      runEventFlow(t, flows);
    } finally {
      t.event = null;
    }
  }
  if (event.content === content) return whole;
  return event.content === "" ? "" : event.content + whole.slice(content.length);
}
