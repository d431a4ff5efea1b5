/** Holds answers of the admin API to its own description: what is answered must fit the schema of its operation. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { defaultLimits } from "#runtime/limits.ts";
import { adminSubjects } from "#runtime/side/admin.ts";
import { debugSubject } from "#runtime/side/admin-debug.ts";
import { openapiDocument } from "#runtime/side/admin-openapi.ts";
import { routesSubject } from "#runtime/side/admin-routes.ts";
import { policyTimesSubject } from "#runtime/side/admin-policy-times.ts";
import { statsSubject } from "#runtime/side/admin-stats.ts";
import { patternOf, type AdminSubject } from "#runtime/side/admin-route.ts";

type Json = Readonly<Record<string, unknown>>;

export interface AnswerCheck {
  /** What is wrong with an answer, null when nothing is. */
  problem(method: string, path: string, status: number, body: unknown): string | null;
  /** Operations that no successful answer was seen of. */
  readonly unseen: ReadonlySet<string>;
}

const nothing = (): never => {
  throw new Error("the description asks for nothing");
};
/** Debug sessions, described only. */
const debug = debugSubject({ create: nothing, get: nothing, limits: defaultLimits, list: nothing, remove: nothing });

const fleet = { start: nothing, ask: nothing, close: nothing };

/** What only some artifacts answer. */
const optional = [debug, statsSubject(), policyTimesSubject(), routesSubject(nothing)];

/** All that any artifact may answer. */
export function subjectsOf(more: readonly AdminSubject[] = optional): readonly AdminSubject[] {
  return adminSubjects(defaultLimits, fleet, more);
}

/** Strict: a schema that says nothing about a field is an error, and so is a field that no schema names. */
export function answerCheck(subjects: readonly AdminSubject[] = subjectsOf()): AnswerCheck {
  const document = openapiDocument(subjects);
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true, formats: { "date-time": isInstant } });
  ajv.addKeyword("components");
  ajv.addSchema({ components: document["components"] }, "openapi");
  const routes = subjects.flatMap((subject) => subject.routes);
  const unseen = new Set(routes.map(({ id }) => id));
  return {
    unseen,
    problem(method, path, status, body) {
      const [bare = ""] = path.split("?");
      const route = routes.find((candidate) => candidate.method === method && patternOf(candidate.path).test(bare));
      const answer = route?.answers[status];
      if (status < 400 && answer === undefined) return `${method} ${bare} ${status} is not described`;
      if (status < 400) unseen.delete(route?.id ?? "");
      const schema = status >= 400 ? "Error" : (answer ?? "Error");
      const validate = ajv.compile(typeof schema === "string" ? { $ref: `openapi#/components/schemas/${schema}` } : absolute(schema));
      return validate(body) ? null : `${method} ${bare} ${status}: ${ajv.errorsText(validate.errors)}`;
    },
  };
}

function absolute(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#', '"$ref":"openapi#')) as Json;
}

function isInstant(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text);
}
