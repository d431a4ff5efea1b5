/** GenerateTicket at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { milliseconds } from "./parts/jwt-rules.ts";
import { frozen } from "./parts/values.ts";

export interface GenerateTicketModel extends PolicyModel {
  readonly kind: "GenerateTicket";
  readonly expiresIn?: string;
  readonly generateResponse?: { readonly enabled?: boolean };
}

const LIFETIME = "30s";
/** Long enough for any page to connect; what lives longer is a token. */
const LIFETIME_MAX_MS = 300_000;

export const generateTicket = {
  kind: "GenerateTicket",
  basename: "generate-ticket",
  phases: ["request"],
  failedPrefix: "ticket",
  variablePrefixes: ["ticket"],
  keepsCredentials: true,
  timing: () => "maybe",
  analyze(step) {
    const { expiresIn = LIFETIME } = step.model;
    if (milliseconds(expiresIn) <= LIFETIME_MAX_MS) return;
    const expected = "a ticket lives 5m at most";
    step.report("AGW3105", ["expiresIn"], { what: "expiresIn", value: expiresIn, expected });
  },
  emit(e) {
    const { expiresIn = LIFETIME, generateResponse } = e.model;
    const config = literal({
      name: e.name,
      lifetimeMs: milliseconds(expiresIn),
      respond: generateResponse?.enabled ?? true,
      keep: e.isRead(`ticket.${e.name}.`),
    });
    e.wait(code`${e.symbol("generateTicket")}(${e.x}, ${e.constant("generateTicket", frozen(config))})`);
  },
} satisfies PolicyDefinition<GenerateTicketModel>;
