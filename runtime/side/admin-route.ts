/**
 * One operation of the admin API: how it is asked for, who answers, and what /v1/openapi.json says of it. Each
 * subject of the API lists its operations in a file of its own; one that is not described cannot be listed. It runs
 * nothing.
 */
import type { Endpoint } from "./admin-call.ts";
import { badRequest, errorAnswer, type Answer } from "./answer.ts";

/** A JSON Schema (2020-12) of the document. */
export type Schema = Readonly<Record<string, unknown>>;

/** Described fields by name. */
export type Properties = Readonly<Record<string, Schema>>;

export interface AdminRoute {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** In OpenAPI's form, `/v1/apps/{app}:revoke`; a part in braces is one segment, or what stands before a colon. */
  readonly path: string;
  /** `operationId`: what generated clients call it. */
  readonly id: string;
  /** One line. */
  readonly summary: string;
  /** What one line cannot say. */
  readonly description?: string;
  /** Of GET and DELETE. */
  readonly query?: Properties;
  /** Of POST and PATCH. */
  readonly body?: Properties;
  /** Names of fields of query or body that must be there. */
  readonly needed?: readonly string[];
  /** By status: a schema, or the name of one of the subject's; errors go without saying. */
  readonly answers: Readonly<Record<number, Schema | string>>;
  /** Types of successful answers; absent: JSON. */
  readonly media?: readonly string[];
  readonly endpoint: Endpoint;
}

/** What belongs together: one file, one tag of the document. */
export interface AdminSubject {
  readonly name: string;
  readonly description: string;
  readonly routes: readonly AdminRoute[];
  /** What stands in the braces of paths. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly schemas: Properties;
}

/** Finds endpoints. */
export type Router = (method: string, path: string) => FoundRoute | Answer;

/** An endpoint and the decoded parts of the path that stand in braces; "" where there is none. */
export interface FoundRoute {
  readonly endpoint: Endpoint;
  readonly id: string;
  readonly child: string;
}

/** The router of all operations; 405 names the methods that a path does have. */
export function routerOf(subjects: readonly AdminSubject[]): Router {
  const routes = subjects.flatMap((subject) =>
    subject.routes.map((route) => ({ ...route, pattern: patternOf(route.path) })),
  );
  return (method, path) => {
    const allowed: string[] = [];
    for (const { endpoint, method: wanted, pattern } of routes) {
      const match = pattern.exec(path);
      if (match === null) continue;
      if (wanted === method) {
        const [id, child] = [decoded(match[1] ?? ""), decoded(match[2] ?? "")];
        if (id === null || child === null) return badRequest("The path is not encoded correctly");
        return { endpoint, id, child };
      }
      allowed.push(wanted);
    }
    if (allowed.length === 0) return errorAnswer(404, "not_found", "No such endpoint");
    return errorAnswer(405, "method_not_allowed", `${method} is not allowed here`, { Allow: allowed.join(", ") });
  };
}

/** What a path in OpenAPI's form matches. */
export function patternOf(path: string): RegExp {
  const source = path.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{[A-Za-z]+\}/g, "([^/:]+)");
  return new RegExp(`^${source}$`);
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
