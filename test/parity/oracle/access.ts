/** VerifyAPIKey over the lists of the bundle: no store, no cache, no index. */
import { createHash } from "node:crypto";
import type { ApiProductModel, AppModel, CredentialModel, DeveloperModel } from "#compiler/ir/access-model.ts";
import type { Named } from "#compiler/ir/model.ts";
import type { Program } from "#compiler/ir/program.ts";

/** What a key stands for. */
export interface Grant {
  readonly organization: string;
  readonly keyDigest: string;
  readonly credential: CredentialModel;
  readonly app: Named<AppModel>;
  readonly developer: DeveloperModel;
  readonly product: Named<ApiProductModel>;
  /** Resource of the operation that covers the call. */
  readonly operation: string | null;
}

/** The call that a product must cover. */
export interface Call {
  readonly proxy: string;
  readonly environment: string;
  readonly pathSuffix: string;
  readonly verb: string;
}

/** A grant, or the code of the fault (apigee-policies 3.42, apigee-core 9.4). */
export function verifyKey(program: Program, key: string, call: Call, wallMs: number): Grant | string {
  const keyDigest = `sha256:${createHash("sha256").update(key).digest("base64url")}`;
  for (const app of program.apps) {
    for (const credential of app.value.credentials ?? []) {
      if (!("digest" in credential.key) || credential.key.digest !== keyDigest) continue;
      return standing(program, app, credential, keyDigest, call, wallMs);
    }
  }
  return "oauth.v2.InvalidApiKey";
}

/** When a grant ends, wall clock; null: never. */
export function expiryOf(grant: Grant): number | null {
  return grant.credential.expiresAt === undefined ? null : Date.parse(grant.credential.expiresAt);
}

/** What a revocation can name. */
export function identitiesOf(grant: Grant): string[] {
  const { keyDigest, app, developer, product, organization } = grant;
  const developerId = `${organization}@@@${developer.email}`;
  return [`key:${keyDigest}`, `app:${app.name}`, `developer:${developerId}`, `product:${product.name}`].sort();
}

function standing(
  program: Program,
  app: Named<AppModel>,
  credential: CredentialModel,
  keyDigest: string,
  call: Call,
  wallMs: number,
): Grant | string {
  if (credential.status === "revoked") return "oauth.v2.ApiKeyNotApproved";
  if (credential.expiresAt !== undefined && Date.parse(credential.expiresAt) <= wallMs) {
    return "keymanagement.service.consumer_key_expired";
  }
  if (app.value.status === "revoked") return "keymanagement.service.invalid_client-app_not_approved";
  const developer = program.developers.find((other) => other.value.email === app.value.developer)?.value;
  const isActive = developer !== undefined && developer.status !== "inactive";
  if (!isActive) return "keymanagement.service.DeveloperStatusNotActive";
  const { organization } = program;
  for (const name of credential.products) {
    const product = program.products.find((other) => other.name === name);
    if (product === undefined) continue;
    const { environments = [], proxies = [], apiResources = [], operations = [] } = product.value;
    if (!allows(environments, call.environment)) continue;
    const found = { organization, keyDigest, credential, app, developer, product };
    if (operations.length > 0) {
      const operation = operations.find(({ proxy, resource, methods = [] }) =>
        proxy === call.proxy && allows(methods, call.verb) && covers(resource, call.pathSuffix));
      if (operation !== undefined) return { ...found, operation: operation.resource };
      continue;
    }
    if (!allows(proxies, call.proxy)) continue;
    if (apiResources.length > 0 && !apiResources.some((resource) => covers(resource, call.pathSuffix))) continue;
    return { ...found, operation: null };
  }
  return "oauth.v2.InvalidApiKeyForGivenResource";
}

function allows(list: readonly string[], name: string): boolean {
  return list.length === 0 || list.includes(name);
}

/** `/` is everything; `*` any run within a segment; `**` everything, at the end only. */
function covers(resource: string, path: string): boolean {
  if (resource === "/") return true;
  if (!resource.includes("**")) return run(resource, path, false);
  return resource.indexOf("**") === resource.length - 2 && run(resource.slice(0, -2), path, true);
}

function run(pattern: string, text: string, isOpen: boolean): boolean {
  if (pattern === "") return isOpen || text === "";
  if (pattern.startsWith("*")) {
    if (run(pattern.slice(1), text, isOpen)) return true;
    return text !== "" && !text.startsWith("/") && run(pattern, text.slice(1), isOpen);
  }
  return text !== "" && pattern.charAt(0) === text.charAt(0) && run(pattern.slice(1), text.slice(1), isOpen);
}
