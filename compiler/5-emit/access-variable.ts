/** What a verified key or token brought, as expressions: the variables of app, developer, product and token. */
import { code, identifier, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";

const X = identifier("x");

/** Members of the records that variables name; what is not here is a custom attribute (apigee-core section 6.6). */
const ACCESS_MEMBERS: Readonly<Record<string, string>> = {
  client_id: "key.clientId",
  grant_type: "token?.grantType",
  issued_at: "token?.issuedAtMs",
  status: "token?.status",
  "accesstoken.app_enduser": "token?.subject",
  "app.name": "app.name",
  "app.id": "app.id",
  "app.status": "app.status",
  "app.callbackUrl": "app.callbackUrl",
  "developer.app.name": "app.name",
  "developer.app.id": "app.id",
  "developer.id": "developer.id",
  "developer.email": "developer.email",
  "developer.userName": "developer.userName",
  "developer.firstName": "developer.firstName",
  "developer.lastName": "developer.lastName",
  "developer.status": "developer.status",
  "apiproduct.name": "product.name",
  "apiproduct.operation": "operation?.resource",
  "apiproduct.operation.resource": "operation?.resource",
  redirection_uris: "app.callbackUrl",
};

/** The quota that holds for the call: the operation's, else the product's. */
const QUOTA_MEMBERS: Readonly<Record<string, string>> = {
  "apiproduct.developer.quota.limit": "limit",
  "apiproduct.developer.quota.interval": "interval",
  "apiproduct.developer.quota.timeunit": "timeUnit",
};

/** An expression of type `Value`; `policy` null: of whatever admitted the exchange. */
export function readAccess(policy: string | null, path: readonly string[], file: FileWriter): Code {
  const grantType = policy === null ? "" : file.type("access/model.ts", "AccessGrant");
  const grant =
    policy === null ? code`${X}.access` : code`${file.symbol("resultOf")}<${identifier(grantType)}>(${X}, ${policy})`;
  const name = path.join(".");
  if (Object.hasOwn(ACCESS_MEMBERS, name)) return member(grant, ACCESS_MEMBERS[name] ?? "");
  const quota = QUOTA_MEMBERS[name];
  if (quota !== undefined) return code`(${file.symbol("quotaOf")}(${grant})?.${identifier(quota)} ?? null)`;
  if (name === "apiproduct.operation.methods") return code`${file.symbol("operationMethods")}(${grant})`;
  if (name.startsWith("apiproduct.operation.attributes.")) {
    return code`${file.symbol("operationAttribute")}(${grant}, ${path.slice(3).join(".")})`;
  }
  if (name === "scope") return code`(${grant}?.token?.scopes.join(" ") ?? null)`;
  if (name === "token_type") return code`(${grant}?.token ? "BearerToken" : null)`;
  if (name === "organization_name") return code`${X}.gateway.organization`;
  if (name === "expires_in") return code`${file.symbol("expiresIn")}(${X}, ${grant})`;
  // A token in clear is never kept.
  if (name === "access_token" || name === "client_secret") return code`null`;
  const owners: Readonly<Record<string, string>> = { app: "app", developer: "developer", apiproduct: "product", accesstoken: "token" };
  const owner = owners[path[0] ?? ""];
  if (owner === undefined || path.length < 2) return code`null`;
  return code`${file.symbol("attribute")}(${grant}?.${identifier(owner)}, ${path.slice(1).join(".")})`;
}

/** `(grant?.a.b ?? null)` for a member path of the table above. */
function member(grant: Code, path: string): Code {
  let expression = grant;
  let isOptional = true;
  for (const part of path.split(".")) {
    const name = identifier(part.replace(/\?$/, ""));
    expression = isOptional ? code`${expression}?.${name}` : code`${expression}.${name}`;
    isOptional = part.endsWith("?");
  }
  return code`(${expression} ?? null)`;
}
