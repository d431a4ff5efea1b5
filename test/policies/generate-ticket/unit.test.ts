/** The compile-time halves of GenerateTicket and VerifyTicket; what they do is in test/policies/verify-ticket. */
import { describe, expect, test } from "vitest";
import { generateTicket, type GenerateTicketModel } from "#compiler/policies/generate-ticket.ts";
import { verifyTicket } from "#compiler/policies/verify-ticket.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";

const model: GenerateTicketModel = { kind: "GenerateTicket" };

describe("GenerateTicket", () => {
  test("lives 30 seconds unless told otherwise, and keeps what somebody reads", () => {
    expect(emitted(generateTicket, model)).toEqual([
      'const generateTicket = { name: "P-1", lifetimeMs: 30000, respond: true, keep: false } as const',
      "wait generateTicket(x, generateTicket)",
    ]);
    const quiet: GenerateTicketModel = { ...model, expiresIn: "5m", generateResponse: { enabled: false } };
    expect(emitted(generateTicket, quiet, { read: ["ticket.P-1."] })[0]).toContain("lifetimeMs: 300000, respond: false, keep: true");
    expect(analyzed(generateTicket, quiet).reports).toEqual([]);
  });

  test("is no token: more than five minutes are refused", () => {
    const { reports } = analyzed(generateTicket, { ...model, expiresIn: "301s" });
    expect(reports).toEqual(['AGW3105 expiresIn {"what":"expiresIn","value":"301s","expected":"a ticket lives 5m at most"}']);
  });
});

describe("VerifyTicket", () => {
  test("reads the credential that was taken out of the request, and nothing else", () => {
    const found = analyzed(verifyTicket, { kind: "VerifyTicket" });
    expect(found.reads).toEqual(["websocket.credential"]);
    expect(found.obligations).toEqual([
      { kind: "credential", what: "token", policy: "P-1", variable: "websocket.credential", ambient: false },
    ]);
    expect(emitted(verifyTicket, { kind: "VerifyTicket" })).toEqual(['wait verifyTicket(x, "P-1", get("websocket.credential"))']);
  });

  test("under a condition on the credential itself can be avoided", () => {
    const options = { conditional: true, conditionReads: ["websocket.credential"] };
    expect(analyzed(verifyTicket, { kind: "VerifyTicket" }, options).reports[0]).toContain("AGW4101");
    const other = { conditional: true, conditionReads: ["websocket.credential.source"] };
    expect(analyzed(verifyTicket, { kind: "VerifyTicket" }, other).reports).toEqual([]);
  });
});
