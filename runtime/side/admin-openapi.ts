/**
 * The description of the admin API as OpenAPI 3.1, made of the same table that answers requests. It knows no operation
 * of its own but the one that serves it.
 */
import type { AdminRoute, AdminSubject, Properties, Schema } from "./admin-route.ts";
import { record, ref, text } from "./admin-schema.ts";
import { jsonAnswer, type Answer } from "./answer.ts";

/** What all answers but those of success look like. */
const ERROR = "Error";

/** The operation that serves the document of all `subjects` and of itself. */
export function openapiSubject(subjects: readonly AdminSubject[]): AdminSubject {
  const own: AdminSubject = {
    name: "description",
    description: "The API itself.",
    parameters: {},
    schemas: {},
    routes: [
      {
        method: "GET",
        path: "/v1/openapi.json",
        id: "getOpenapi",
        summary: "This document.",
        answers: { 200: { type: "object", description: "An OpenAPI 3.1 document." } },
        endpoint: ({ fields }): Answer => fields.problem() ?? jsonAnswer(200, openapiDocument([...subjects, own])),
      },
    ],
  };
  return own;
}

/** Version of the API: its first part changes when something is taken away. */
const API_VERSION = "1.0.0";

/** The document. */
export function openapiDocument(subjects: readonly AdminSubject[]): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const subject of subjects) {
    for (const route of subject.routes) {
      (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(subject, route);
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "apigw admin API",
      version: API_VERSION,
      description: "Sessions and access data of a gateway. Every change leaves an audit line in the gateway's log.",
    },
    servers: [{ url: "/" }],
    security: [{ secret: [] }, { certificate: [] }],
    tags: subjects.map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        secret: { type: "http", scheme: "bearer", description: "The secret of `admin` in gateway.yaml." },
        certificate: { type: "mutualTLS", description: "A client certificate, where the listener asks for one." },
      },
      schemas: schemasOf(subjects),
    },
  };
}

function schemasOf(subjects: readonly AdminSubject[]): Properties {
  const schemas: Record<string, Schema> = { [ERROR]: errorSchema() };
  for (const subject of subjects) Object.assign(schemas, subject.schemas);
  return schemas;
}

function operationOf(subject: AdminSubject, route: AdminRoute): Schema {
  const { body, description, id, needed = [], path, query = {}, summary } = route;
  const inPath = [...path.matchAll(/\{([A-Za-z]+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    description: subject.parameters[name] ?? "",
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(query).map(([name, { description: meaning, ...schema }]) => {
    return { name, in: "query", required: needed.includes(name), description: meaning, schema };
  });
  const parameters = [...inPath, ...inQuery];
  return {
    operationId: id,
    tags: [subject.name],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: bodyOf(body, needed) }),
    responses: { ...responsesOf(route), default: response("What is wrong.", ref(ERROR)) },
  };
}

function bodyOf(properties: Properties, needed: readonly string[]): Schema {
  const optional = Object.keys(properties).filter((name) => !needed.includes(name));
  const schema = record("The body.", properties, optional);
  return { required: needed.length > 0, content: { "application/json": { schema } } };
}

function responsesOf({ answers, media }: AdminRoute): Record<string, Schema> {
  const responses: Record<string, Schema> = {};
  for (const [status, answer] of Object.entries(answers)) {
    const schema = typeof answer === "string" ? ref(answer) : answer;
    responses[status] = response(meaningOf(Number(status)), schema, media);
  }
  return responses;
}

function response(description: string, schema: Schema, media: readonly string[] = ["application/json"]): Schema {
  return { description, content: Object.fromEntries(media.map((type) => [type, { schema }])) };
}

function meaningOf(status: number): string {
  if (status === 201) return "Made.";
  return status === 202 ? "Under way." : "Done.";
}

function errorSchema(): Schema {
  const error = record("Codes are for programs, messages for people.", {
    code: text("What is wrong."),
    message: text("What is wrong, for people."),
  });
  return record("Why a request was refused.", { error });
}
