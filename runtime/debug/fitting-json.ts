/** A transaction within its bound: what is too much goes, the largest and least telling parts first. */
import type { ShownMessages, ShownRequest, ShownResponse } from "./shown-message.ts";
import type { Transaction } from "./transaction.ts";

/** Steps of a transaction that is too large even without its messages and variables. */
const STEPS_CUT = 50;

/**
 * All of a transaction as JSON, or what fits: bodies and the YAML of steps go first, then values of variables, headers,
 * at last steps.
 */
export function fittingJson(transaction: Transaction, bytesMax: number): string {
  let cutDown = transaction;
  for (const smaller of [(whole: Transaction): Transaction => whole, withoutBodies, withoutVariables, withoutHeaders]) {
    cutDown = smaller(cutDown);
    const json = JSON.stringify(cutDown === transaction ? cutDown : { ...cutDown, isCut: true });
    if (Buffer.byteLength(json) <= bytesMax) return json;
  }
  const { steps } = cutDown;
  const first = steps.slice(0, STEPS_CUT);
  const stepsDropped = transaction.stepsDropped + steps.length - first.length;
  return JSON.stringify({ ...cutDown, isCut: true, steps: first, stepsDropped });
}

function withoutBodies(transaction: Transaction): Transaction {
  const messages = mapped(transaction.messages, (message) => ({ ...message, body: null }));
  return { ...transaction, sources: {}, messages };
}

function withoutHeaders(transaction: Transaction): Transaction {
  return { ...transaction, messages: mapped(transaction.messages, (message) => ({ ...message, headers: [] })) };
}

function withoutVariables(transaction: Transaction): Transaction {
  return { ...transaction, steps: transaction.steps.map((step) => ({ ...step, reads: [], writes: [] })) };
}

function mapped(
  { request, targetRequest, targetResponse, response }: ShownMessages,
  map: <M extends ShownRequest | ShownResponse>(message: M) => M,
): ShownMessages {
  return {
    request: map(request),
    targetRequest: targetRequest === null ? null : map(targetRequest),
    targetResponse: targetResponse === null ? null : map(targetResponse),
    response: response === null ? null : map(response),
  };
}
