/**
 * RaiseFault: ends the flow with the answer that the policy wrote.
 */
import { fault, faultBody } from "../fault.ts";
import type { Fault } from "../fault.ts";
import { ResponseMessage } from "../message/message.ts";

export interface RaiseFaultConfig {
  readonly name: string;
  /** The short text for `fault.reason`. */
  readonly isShort: boolean;
}

const CODE = "steps.raisefault.RaiseFault";
const SHORT_TEXT = "Raising fault";

/** The answer before the policy's actions: 500 without a body. */
export function faultResponse(): ResponseMessage {
  return new ResponseMessage(500, "", []);
}

/** Raises the fault. An answer without a payload gets the default body, as on Apigee. */
export function raiseFault(config: RaiseFaultConfig, response: ResponseMessage): never {
  const made = fault(CODE, config.name, config.name);
  const text = config.isShort ? SHORT_TEXT : made.text;
  if (response.status === 204 || response.status === 304) {
    // Empty, and said to be: an answer without content of its own would be given the target's body.
    response.content ??= "";
  } else if (response.content === null) {
    response.content = faultBody(text, CODE);
    response.setHeader("Content-Type", "application/json");
  }
  throw { ...made, status: response.status, text, response } satisfies Fault;
}
