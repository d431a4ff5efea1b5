/**
 * Access data over the admin API: keys, tokens, apps, developers. It makes and changes records through access/; a
 * key, its secret or a token is in one answer, once, and in no log line.
 */
import {
  createKey,
  revokeTokensOfApp,
  revokeTokensOfDeveloper,
  setAppStatus,
  setDeveloperStatus,
  setKeyProductStatus,
  setKeyStatus,
} from "../access/change.ts";
import { digest, fingerprint, isDigest } from "../access/digest.ts";
import type { App, Developer, KeyRecord, TokenRecord } from "../access/model.ts";
import { mintToken, setTokenStatus } from "../access/tokens.ts";
import { appOf, developerOf, isAnswer, keyOf, notFound, type AdminCall, type Endpoint } from "./admin-call.ts";
import { isoOrNull } from "./admin-sessions.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

const TEN_YEARS_S = 10 * 365 * 86_400;
/** Lifetime of a token when the request names none. */
const TOKEN_TTL_S = 3_600;
const PAGE_ROWS = 100;

/** `POST /v1/keys { app, products, ttlSeconds?, scopes?, attributes? }` */
export async function postKey({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const appName = fields.neededText("app");
  const products = fields.texts("products");
  const ttlSeconds = fields.integer("ttlSeconds", 1, TEN_YEARS_S);
  const scopes = fields.texts("scopes");
  const attributes = fields.attributes("attributes");
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (products.length === 0) return badRequest("products is missing: a key without opens nothing");
  const app = await appOf(gateway, appName);
  if (isAnswer(app)) return app;
  for (const name of products) {
    if ((await gateway.store.get("product", name)) === null) return notFound(`product: ${name}`);
  }
  const expiresAtMs = ttlSeconds === null ? null : gateway.clock.wallMs() + ttlSeconds * 1_000;
  const created = await createKey(gateway, { appId: app.id, products, expiresAtMs, scopes, attributes });
  if (created === null) return notFound("app");
  audit("key.create", { app: app.id, key_fingerprint: created.record.clientId });
  return jsonAnswer(201, { key: created.key, secret: created.secret, ...shownKey(created.record) });
}

/** `POST /v1/keys:revoke` and `:approve` `{ key | digest | fingerprint, product? }`: the key, or its bond to one product. */
export function keyStatus(status: "approved" | "revoked"): Endpoint {
  return async ({ audit, fields, gateway }) => {
    const product = fields.text("product");
    const key = await keyOf(gateway, fields);
    if (isAnswer(key)) return key;
    if (product !== null && !key.products.some(({ name }) => name === product)) return notFound(`product of the key: ${product}`);
    const changed = await (product === null ? setKeyStatus(gateway, key.id, status) : setKeyProductStatus(gateway, key.id, product, status));
    if (changed === null) return notFound("key");
    audit(`key.${status}`, { app: changed.appId, key_fingerprint: fingerprint(changed.id), product });
    return jsonAnswer(200, shownKey(changed));
  };
}

/** `POST /v1/tokens { key | digest | fingerprint, ttlSeconds?, scopes?, subject?, attributes? }` */
export async function postToken({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const ttlSeconds = fields.integer("ttlSeconds", 1, TEN_YEARS_S) ?? TOKEN_TTL_S;
  const scopes = fields.texts("scopes");
  const subject = fields.text("subject");
  const attributes = fields.attributes("attributes");
  const key = await keyOf(gateway, fields);
  if (isAnswer(key)) return key;
  const wish = { scopes, expiresInMs: ttlSeconds * 1_000, grantType: "admin", subject, attributes };
  const issued = await mintToken(gateway, key, wish);
  if (typeof issued === "string") return errorAnswer(409, issued, "The key cannot have a token");
  audit("token.create", {
    app: issued.app.id,
    key_fingerprint: fingerprint(key.id),
    token_fingerprint: fingerprint(issued.record.id),
  });
  return jsonAnswer(201, { token: issued.token, tokenType: "Bearer", ...shownToken(issued.record) });
}

/** `POST /v1/tokens:revoke` and `:approve` `{ token | digest, cascade? }` */
export function tokenStatus(status: "approved" | "revoked"): Endpoint {
  return async ({ audit, fields, gateway }) => {
    const clear = fields.text("token");
    const given = fields.text("digest");
    const cascade = fields.flag("cascade");
    const problem = fields.problem();
    if (problem !== null) return problem;
    if ((clear === null) === (given === null)) return badRequest("exactly one of token and digest is needed");
    if (given !== null && !isDigest(given)) return badRequest("digest has the form sha256:...");
    const id = clear === null ? (given ?? "") : digest(clear);
    const token = await setTokenStatus(gateway, id, status, { cascade });
    if (token === null) return notFound("token");
    audit(`token.${status}`, { app: token.appId, token_fingerprint: fingerprint(id), cascade });
    return jsonAnswer(200, shownToken(token));
  };
}

/** `GET /v1/apps`, `/v1/developers`, `/v1/keys`: one page by id; `after` of the answer asks for the next. */
export function listRecords(kind: "app" | "developer" | "key"): Endpoint {
  return async ({ fields, gateway }) => {
    const limit = fields.integer("limit", 1, gateway.limits.adminPageMax) ?? PAGE_ROWS;
    const after = fields.text("after") ?? "";
    const problem = fields.problem();
    if (problem !== null) return problem;
    const page = await gateway.store.list(kind, { after, limit });
    const rows = page.map(({ record }) => ("secretDigest" in record ? shownKey(record) : record));
    return jsonAnswer(200, { [`${kind}s`]: rows, after: page.length < limit ? null : (page.at(-1)?.id ?? null) });
  };
}

/** `GET /v1/apps/{id or name}` */
export async function getApp({ fields, gateway, id }: AdminCall): Promise<Answer> {
  const app = await appOf(gateway, id);
  return fields.problem() ?? (isAnswer(app) ? app : jsonAnswer(200, app));
}

/** `GET /v1/developers/{id or email}` */
export async function getDeveloper({ fields, gateway, id }: AdminCall): Promise<Answer> {
  const developer = await developerOf(gateway, id);
  return fields.problem() ?? (isAnswer(developer) ? developer : jsonAnswer(200, developer));
}

/** `POST /v1/apps/{id or name}:revoke`, `:approve`, `:revokeTokens`; the body may be empty. */
export function appAction(action: "revoked" | "approved" | "tokens.revoked"): Endpoint {
  return async ({ audit, fields, gateway, id }) => {
    const problem = fields.problem();
    if (problem !== null) return problem;
    const app = await appOf(gateway, id);
    if (isAnswer(app)) return app;
    const changed: App | null =
      action === "tokens.revoked"
        ? await revokeTokensOfApp(gateway, app.id)
        : await setAppStatus(gateway, app.id, action);
    if (changed === null) return notFound("app");
    audit(`app.${action}`, { app: changed.id });
    return jsonAnswer(200, changed);
  };
}

/** `POST /v1/developers/{id or email}:deactivate`, `:activate`, `:revokeTokens`; the body may be empty. */
export function developerAction(action: "inactive" | "active" | "tokens.revoked"): Endpoint {
  return async ({ audit, fields, gateway, id }) => {
    const problem = fields.problem();
    if (problem !== null) return problem;
    const developer = await developerOf(gateway, id);
    if (isAnswer(developer)) return developer;
    const changed: Developer | null =
      action === "tokens.revoked"
        ? await revokeTokensOfDeveloper(gateway, developer.id)
        : await setDeveloperStatus(gateway, developer.id, action);
    if (changed === null) return notFound("developer");
    audit(`developer.${action}`, { developer: changed.id });
    return jsonAnswer(200, changed);
  };
}

/** `POST /v1/drain` */
export function postDrain({ audit, drain, fields, gateway }: AdminCall): Answer {
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (gateway.draining) return jsonAnswer(202, { draining: true });
  audit("drain", {});
  drain();
  return jsonAnswer(202, { draining: true });
}

function shownKey({ appId, attributes, expiresAtMs, id, products, scopes, status }: KeyRecord): object {
  return {
    digest: id,
    fingerprint: fingerprint(id),
    app: appId,
    status,
    expiresAt: isoOrNull(expiresAtMs),
    products,
    scopes,
    attributes,
  };
}

function shownToken(token: TokenRecord): object {
  const { appId, developerId, expiresAtMs, id, kind, products, scopes, status, subject } = token;
  const expiresAt = isoOrNull(expiresAtMs);
  return { digest: id, kind, app: appId, developer: developerId, status, subject, expiresAt, products, scopes };
}
