/** The writers of log lines as they are compiled: fields in the order of lines, and nothing that holds a credential. */
import { describe, expect, it } from "vitest";
import { compileFiles } from "../../../support/gateway.ts";

const files = (observability: string) => ({
  "gateway.yaml": `kind: Gateway\nstore: { kind: memory }\nobservability: ${observability}\n`,
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /chat, preFlow: { request: [VK-Key] } }]
targetEndpoints: [{ url: "http://127.0.0.1:9" }]`,
  "proxies/chat/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
});

async function written(observability: string): Promise<string> {
  const modules = await compileFiles(files(observability));
  const program = modules.find(({ path }) => path === "program/program.ts")?.text ?? "";
  const from = program.indexOf("logLines:");
  return program.slice(from, program.indexOf("\n  proxies:", from));
}

describe("log lines", () => {
  it("are the runtime's own where nothing is chosen, and none where they are off", async () => {
    expect(await written("{}")).toBe("logLines: everyField,");
    expect(await written("{ accessLog: off, logs: { fields: [apigw.id] } }")).toBe("logLines: null,");
  });

  it("have the chosen fields, each where a line has it", async () => {
    const code = await written(`
  logs:
    fields: [http.response.status_code, apigw.id, error.type, apigw.ws.close_reason, apigw.started]
    queryParams: [room, apikey]
    requestHeaders: [X-Request-Id, x-request-id, Authorization]
    responseHeaders: [set-cookie, X-Served-By]`);
    expect(code).toBe(`logLines: {
    exchange: (line) => (
      plainField("apigw.id", line.id) +
      numberField("http.response.status_code", line.status) +
      plainField("error.type", line.fault) +
      queryField(line.query, LOGGED_PARAMS) +
      headerField("http.request.header.x-request-id", line.requestLines, "x-request-id") +
      headerField("http.response.header.x-served-by", line.responseLines, "x-served-by")
    ),
    upgraded: (line) => (
      plainField("apigw.id", line.id) +
      ",\\"http.response.status_code\\":101" +
      queryField(line.query, LOGGED_PARAMS) +
      headerField("http.request.header.x-request-id", line.requestLines, "x-request-id") +
      headerField("http.response.header.x-served-by", line.responseLines, "x-served-by")
    ),
    session: (line) => (
      ",\\"http.response.status_code\\":101" +
      closeErrorField("error.type", line) +
      timeField("apigw.started", line.startedAtMs) +
      closeReasonField("apigw.ws.close_reason", line)
    ),
  },`);
  });

  it("may have nothing to say of a kind", async () => {
    expect(await written("{ logs: { fields: [apigw.ws.timer] } }")).toContain('exchange: () => "",');
  });
});
