/** What concerns the whole process over the admin API: draining. */
import type { AdminCall } from "./admin-call.ts";
import type { AdminSubject } from "./admin-route.ts";
import { flag, record } from "./admin-schema.ts";
import { jsonAnswer, type Answer } from "./answer.ts";

function postDrain({ audit, drain, fields, gateway }: AdminCall): Answer {
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (gateway.draining) return jsonAnswer(202, { draining: true });
  audit("drain", {});
  drain();
  return jsonAnswer(202, { draining: true });
}

/** The process, as the document describes it. */
export function processSubject(): AdminSubject {
  return {
    name: "process",
    description: "The process that answers.",
    parameters: {},
    schemas: { Drain: record("It has begun, or had begun before.", { draining: flag("Always true.") }) },
    routes: [
      {
        method: "POST",
        path: "/v1/drain",
        id: "drain",
        summary: "Begins to stop, as the first signal does.",
        answers: { 202: "Drain" },
        endpoint: postDrain,
      },
    ],
  };
}
