/** MessageLogging: what it reads, the code it becomes, and what never shows. */
import { describe, expect, it, test } from "vitest";
import type { PolicyModel } from "#compiler/ir/model.ts";
import type { ProgramPolicy } from "#compiler/ir/program.ts";
import { messageLogging, type MessageLoggingModel } from "#compiler/policies/message-logging.ts";
import { policyByKind } from "#compiler/policies/index.ts";
import { secretVariables } from "#compiler/secret-variable.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";

const model = (message: string, logLevel?: MessageLoggingModel["logLevel"]): MessageLoggingModel => ({
  kind: "MessageLogging",
  file: { message },
  ...(logLevel === undefined ? {} : { logLevel }),
});

test("is one call with its template", () => {
  expect(emitted(messageLogging, model("{request.verb} was {response.status.code:none}", "WARN"))).toEqual([
    'const messageLogging = { name: "P-1", severity: "WARN" } as const',
    'logMessage(x, messageLogging, template("{request.verb} was {response.status.code}"));',
  ]);
});

test("leaves credentials out, and says so when compiling", () => {
  const lines = emitted(messageLogging, model("a {private.key} b {md5Hex(private.key)} c {user}"));
  expect(lines.at(-1)).toBe('logMessage(x, messageLogging, template("a (redacted) b (redacted) c {user}"));');
  expect(analyzed(messageLogging, model("a {private.key} {user}")).reports).toEqual(['AGW4105 file.message {"name":"private.key"}']);
  expect(analyzed(messageLogging, model("{user}"))).toMatchObject({ reads: ["user"], reports: [], obligations: [] });
});

describe("variables that hold credentials", () => {
  const policy = (kind: string, more: object): ProgramPolicy => {
    const written: PolicyModel = { kind, ...more };
    const definition = policyByKind(kind);
    if (definition === null) throw new Error(kind);
    return { id: kind, name: kind, file: "", line: 1, model: written, definition, continueOnError: false, enabled: true };
  };
  const none = secretVariables([]);
  const query = secretVariables([policy("VerifyAPIKey", { apiKey: { ref: "request.queryparam.apikey" } })]);
  const header = secretVariables([policy("VerifyAPIKey", { apiKey: { ref: "request.header.X-Api-Key" } })]);
  const form = secretVariables([policy("OAuthV2", { operation: "InvalidateToken", tokens: [{ type: "accesstoken", ref: "request.formparam.token" }] })]);
  const made = secretVariables([
    policy("BasicAuthentication", { password: { ref: "basic.password" }, assignTo: { value: "basic.header" } }),
    policy("GenerateJWT", { outputVariable: "backend.token" }),
    policy("HMAC", { verificationValue: { ref: "request.queryparam.sig", encoding: "hex" } }),
    policy("OAuthV2", { outputVariable: "other" }),
  ]);
  const issuing = secretVariables([policy("OAuthV2", { operation: "GenerateAccessToken", code: "request.queryparam.c" })]);
  const verifying = secretVariables([policy("OAuthV2", { operation: "VerifyAccessToken" })]);
  const info = secretVariables([policy("GetOAuthV2Info", { authorizationCode: { ref: "request.queryparam.c" } })]);
  const jwt = secretVariables([policy("VerifyJWT", { source: "session.jwt" })]);

  it.each([
    ["private.secret", none, true],
    ["request.header.authorization", none, true],
    ["message.header.Authorization.values", none, true],
    ["response.header.set-cookie", none, true],
    ["oauthv2accesstoken.OA-Issue.access_token", none, true],
    ["client_secret", none, true],
    ["jwt.GJ-Backend.generated_jwt", none, true],
    ["jws.GS-Backend.generated_jws", none, true],
    ["oauthv2authcode.OA-Code.code", none, true],
    ["oauthv2authcode.OA-Code.scope", none, false],
    ["oauthv2refreshtoken.GI-Token.refresh_token", none, true],
    ["request.formparam.password", issuing, true],
    ["request.formparam.code_verifier", issuing, true],
    ["request.formstring", issuing, true],
    ["request.content", issuing, true],
    ["response.content", issuing, true],
    ["response.content.as.base64", issuing, true],
    ["response.header.Location", issuing, true],
    ["request.queryparam.c", issuing, true],
    ["request.uri", issuing, true],
    ["request.content", verifying, false],
    ["response.content", verifying, false],
    ["response.header.location", verifying, false],
    ["request.queryparam.c", info, true],
    ["basic.password", made, true],
    ["basic.header", made, true],
    ["backend.token", made, true],
    ["request.queryparam.sig", made, true],
    ["request.querystring", made, true],
    ["other", made, false],
    ["request.queryparam.apikey", none, false],
    ["request.querystring", none, false],
    ["request.header.x-cookie", none, false],
    ["request.queryparam.apikey", query, true],
    ["message.queryparam.apikey.1", query, true],
    ["request.queryparam.apikey2", query, false],
    ["request.uri", query, true],
    ["message.querystring", query, true],
    ["proxy.url", query, true],
    ["request.path", query, false],
    ["request.header.x-api-key", header, true],
    ["request.header.X-API-KEY.values", header, true],
    ["request.uri", header, false],
    ["request.formparam.token", form, true],
    ["message.content", form, true],
    ["session.jwt", jwt, true],
  ])("%s", (name, isSecret, expected) => {
    expect(isSecret(name)).toBe(expected);
  });
});
