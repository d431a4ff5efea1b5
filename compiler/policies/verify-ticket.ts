/** VerifyTicket at compile time. */
import { code } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { checksCredential } from "./parts/credential.ts";

export interface VerifyTicketModel extends PolicyModel {
  readonly kind: "VerifyTicket";
}

/** The one place from which a ticket cannot get any further. */
const CREDENTIAL = "websocket.credential";

export const verifyTicket = {
  kind: "VerifyTicket",
  basename: "verify-ticket",
  phases: ["request"],
  failedPrefix: "ticket",
  variablePrefixes: ["ticket"],
  timing: () => "maybe",
  changes: () => [],
  analyze: (step) => checksCredential(step, CREDENTIAL, [], "token"),
  emit: (e) => e.wait(code`${e.symbol("verifyTicket")}(${e.x}, ${e.name}, ${e.variable(CREDENTIAL)})`),
} satisfies PolicyDefinition<VerifyTicketModel>;
