import { describe, expect, it } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { Fields } from "#runtime/side/admin-body.ts";
import type { AdminCall, AdminGateway } from "#runtime/side/admin-call.ts";
import { openapiDocument } from "#runtime/side/admin-openapi.ts";
import { routerOf, type AdminRoute } from "#runtime/side/admin-route.ts";
import { answerCheck, subjectsOf } from "../../../support/admin-document.ts";

const subjects = subjectsOf();
const routes = subjects.flatMap((subject) => subject.routes);
const document = JSON.parse(JSON.stringify(openapiDocument(subjects))) as {
  openapi: string;
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown>; parameters?: { name: string; in: string; description: string }[] }>>;
  components: { schemas: Record<string, unknown> };
};

/** Names of the fields that an endpoint reads of a request without any. */
async function askedBy(route: AdminRoute): Promise<readonly string[]> {
  const fields = new Fields(new Map());
  const gateway = new Proxy({}, {
    get: (_target, name) => {
      if (name === "limits") return defaultLimits;
      if (name === "analytics") return { settings: { collectors: [] } };
      if (name === "clock") return { randomId: () => "id", wallMs: () => 0 };
      throw new Error(`${String(name)} before the fields were read`);
    },
  }) as AdminGateway;
  const call: AdminCall = { gateway, fields, id: "", child: "", audit: () => undefined, drain: () => undefined };
  await Promise.resolve().then(() => route.endpoint(call)).catch(() => undefined);
  return [...fields.asked].sort();
}

describe("the description of the admin API", () => {
  it("is OpenAPI 3.1 with one operation for each that is answered", () => {
    expect(document.openapi).toBe("3.1.0");
    const described = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
    expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length);
  });

  it("leads to the endpoint of each operation", () => {
    const find = routerOf(subjects);
    for (const route of routes) {
      const found = find(route.method, route.path.replace(/\{[A-Za-z]+\}/, "x%2Fy").replace(/\{[A-Za-z]+\}/, "z"));
      const named = [...route.path.matchAll(/\{/g)].length;
      expect(found).toMatchObject({ endpoint: route.endpoint, id: named > 0 ? "x/y" : "", child: named > 1 ? "z" : "" });
    }
  });

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))("tells the fields that %s reads", async (_name, route) => {
    expect(await askedBy(route)).toEqual(Object.keys(route.query ?? route.body ?? {}).sort());
    expect((route.method === "GET" || route.method === "DELETE") ? route.body : route.query).toBe(undefined);
  });

  it("says something about every operation, parameter and field", () => {
    const mute: string[] = [];
    const visit = (node: unknown, at: string): void => {
      if (typeof node !== "object" || node === null) return;
      for (const [key, child] of Object.entries(node)) {
        if (key === "properties") {
          for (const [name, schema] of Object.entries(child as Record<string, Record<string, unknown>>)) {
            if (!("description" in schema) && !("$ref" in schema)) mute.push(`${at}.${name}`);
          }
        }
        visit(child, `${at}.${key}`);
      }
    };
    visit(document, "");
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { operationId, parameters = [] } of Object.values(methods)) {
        for (const { description, name } of parameters) if (!description) mute.push(`${path} ${operationId} ${name}`);
      }
    }
    expect(mute).toEqual([]);
    expect(routes.filter(({ summary }) => !summary.endsWith("."))).toEqual([]);
  });

  it("names no schema that is not there, and none that nobody names", () => {
    const named = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/([A-Za-z]+)/g)].map(([, name]) => name);
    expect([...new Set(named)].sort()).toEqual(Object.keys(document.components.schemas).sort());
  });

  it("is checked against: a field too many or too few is found", () => {
    const { problem } = answerCheck();
    expect(problem("POST", "/v1/drain", 202, { draining: true })).toBe(null);
    expect(problem("POST", "/v1/drain", 202, { draining: true, more: 1 })).toMatch(/additional/);
    expect(problem("POST", "/v1/drain", 202, {})).toMatch(/required/);
    expect(problem("POST", "/v1/drain", 200, { draining: true })).toMatch(/not described/);
  });
});
