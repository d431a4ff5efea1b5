/** Opaque tokens over the admin API: listed, made, revoked, approved. No token is shown twice. */
import { digest, fingerprint, isDigest } from "../access/digest.ts";
import { grantIdentity, tokenIdentity } from "../access/identity.ts";
import type { TokenRecord } from "../access/model.ts";
import { mintToken, setTokenStatus } from "../access/tokens.ts";
import type { Limits } from "../limits.ts";
import {
  appOf,
  concerned,
  developerOf,
  isAnswer,
  isoOrNull,
  keyOf,
  listRecords,
  nobody,
  notFound,
  pageOf,
} from "./admin-call.ts";
import type { AdminCall, Endpoint } from "./admin-call.ts";
import { dryRunField, reach, verb } from "./admin-collection.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import {
  attributes,
  choice,
  flag,
  instant,
  integer,
  orNull,
  page,
  paging,
  record,
  recordWith,
  text,
  texts,
} from "./admin-schema.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

const STATUSES = ["approved", "revoked"] as const;
const KINDS = ["access", "refresh"] as const;
const TEN_YEARS_S = 10 * 365 * 86_400;
/** Lifetime of a token when the request names none. */
const TOKEN_TTL_S = 3_600;

async function listTokens(call: AdminCall): Promise<Answer> {
  const { fields, gateway } = call;
  const wanted = pageOf(call);
  const status = fields.choice("status", STATUSES);
  const kind = fields.choice("kind", KINDS);
  const subject = fields.text("subject");
  const [appName, developerName] = [fields.text("app"), fields.text("developer")];
  const problem = fields.problem();
  if (problem !== null) return problem;
  const app = appName === null ? null : await appOf(gateway, appName);
  if (app !== null && isAnswer(app)) return app;
  const developer = developerName === null ? null : await developerOf(gateway, developerName);
  if (developer !== null && isAnswer(developer)) return developer;
  const isAll = [status, kind, subject, app, developer].every((filter) => filter === null);
  const isWanted = (token: TokenRecord): boolean =>
    token.status === (status ?? token.status) &&
    token.kind === (kind ?? token.kind) &&
    token.subject === (subject ?? token.subject) &&
    token.appId === (app?.id ?? token.appId) &&
    token.developerId === (developer?.id ?? token.developerId);
  return listRecords(call, "token", wanted, isAll ? null : isWanted, shownToken);
}

async function getToken({ fields, gateway, id }: AdminCall): Promise<Answer> {
  const problem = fields.problem();
  if (problem !== null) return problem;
  const token = isDigest(id) ? await gateway.store.get("token", id) : null;
  return token === null ? notFound("token") : jsonAnswer(200, shownToken(token));
}

async function postToken({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const ttlSeconds = fields.integer("ttlSeconds", 1, TEN_YEARS_S) ?? TOKEN_TTL_S;
  const scopes = fields.texts("scopes");
  const subject = fields.text("subject");
  const given = fields.attributes("attributes");
  const key = await keyOf(gateway, fields);
  if (isAnswer(key)) return key;
  const wish = { scopes, expiresInMs: ttlSeconds * 1_000, grantType: "admin", subject, attributes: given };
  const issued = await mintToken(gateway, key, wish);
  if (typeof issued === "string") return errorAnswer(409, issued, "The key cannot have a token");
  audit("token.create", {
    app: issued.app.id,
    key_fingerprint: fingerprint(key.id),
    token_fingerprint: fingerprint(issued.record.id),
  });
  return jsonAnswer(201, { token: issued.token, tokenType: "Bearer", ...shownToken(issued.record) });
}

function tokenStatus(status: "approved" | "revoked"): Endpoint {
  return async ({ audit, fields, gateway }) => {
    const clear = fields.text("token");
    const given = fields.text("digest");
    const cascade = fields.flag("cascade");
    const dryRun = status === "revoked" && fields.flag("dryRun");
    const problem = fields.problem();
    if (problem !== null) return problem;
    if ((clear === null) === (given === null)) return badRequest("exactly one of token and digest is needed");
    if (given !== null && !isDigest(given)) return badRequest("digest has the form sha256:...");
    const id = clear === null ? (given ?? "") : digest(clear);
    const present = await gateway.store.get("token", id);
    if (present === null) return notFound("token");
    const named = cascade && present.grantId !== undefined ? grantIdentity(present.grantId) : null;
    // A session of the token is one of its grant, too.
    const identity = named ?? tokenIdentity(id);
    const concern = status === "approved" ? nobody : await concerned(gateway, [identity], { dryRun });
    if (dryRun) return jsonAnswer(200, { ...shownToken(present), ...concern, dryRun });
    const token = await setTokenStatus(gateway, id, status, { cascade });
    if (token === null) return notFound("token");
    const { sessions } = concern;
    audit(`token.${status}`, { app: token.appId, token_fingerprint: fingerprint(id), cascade, sessions });
    return jsonAnswer(200, { ...shownToken(token), ...concern, dryRun });
  };
}

function shownToken(token: TokenRecord): object {
  const { appId, attributes, clientKeyDigest, developerId, expiresAtMs, grantType, id, issuedAtMs, kind, products } =
    token;
  const { hidden = [], scopes, status, subject } = token;
  return {
    digest: id,
    kind,
    app: appId,
    developer: developerId,
    keyFingerprint: fingerprint(clientKeyDigest),
    status,
    subject,
    grantType,
    issuedAt: isoOrNull(issuedAtMs),
    expiresAt: isoOrNull(expiresAtMs),
    products,
    scopes,
    attributes: Object.fromEntries(Object.entries(attributes).filter(([name]) => !hidden.includes(name))),
  };
}

/** Tokens, as the document describes them. */
export function tokensSubject({ adminPageMax }: Limits): AdminSubject {
  const status = choice("Whether it is accepted.", STATUSES);
  const kind = choice("What it is for.", KINDS);
  const subject = text("The end user.");
  const named = {
    token: text("The token in clear."),
    digest: text("Its digest."),
    cascade: flag("Also all tokens that came of the same grant."),
  };
  const wish = {
    key: text("The key in clear."),
    digest: text("Its digest."),
    fingerprint: text("Its fingerprint, at least 8 characters of it."),
    ttlSeconds: integer("Lifetime. Default 3600.", 1, TEN_YEARS_S),
    scopes: texts("Default: all that the key may have."),
    subject,
    attributes: attributes("Custom attributes."),
  };
  const owners = { app: text("Id or name of the app."), developer: text("Id or e-mail address of the developer.") };
  const query = { ...paging(adminPageMax), ...owners, subject, status, kind };
  const off = "Refuses a token, and ends its sessions.";
  const both = { ...named, ...dryRunField() };
  const one = "/v1/tokens/{token}";
  return {
    name: "tokens",
    description: "Opaque tokens of the gateway's own. Exactly one of token and digest names one.",
    parameters: { token: "Digest of the token." },
    schemas: tokenSchemas({ kind, status, subject: orNull(subject) }),
    routes: [
      {
        method: "GET",
        path: "/v1/tokens",
        id: "listTokens",
        summary: "Lists tokens that match all that is given.",
        query,
        answers: { 200: "TokenPage" },
        endpoint: listTokens,
      },
      {
        method: "POST",
        path: "/v1/tokens",
        id: "createToken",
        summary: "Makes a token for a key.",
        body: wish,
        answers: { 201: "NewToken" },
        endpoint: postToken,
      },
      {
        method: "GET",
        path: one,
        id: "getToken",
        summary: "Gets a token.",
        answers: { 200: "Token" },
        endpoint: getToken,
      },
      verb("/v1/tokens:revoke", "revokeToken", off, "TokenChange", both, tokenStatus("revoked")),
      verb("/v1/tokens:approve", "approveToken", "Lifts a revocation.", "TokenChange", named, tokenStatus("approved")),
    ],
  };
}

function tokenSchemas(fields: Properties): Properties {
  const token = record("An opaque token of the gateway's own.", {
    digest: text("`sha256:` and the SHA-256 of the token in base64url."),
    app: text("Id of the app."),
    developer: text("Id of the developer."),
    keyFingerprint: text("Fingerprint of the key that asked for it."),
    ...fields,
    grantType: text("How it was asked for; `admin`: over this API."),
    issuedAt: instant("When it was issued."),
    expiresAt: orNull(instant("From then on it is refused, and its sessions end; null: never.")),
    products: texts("Names of the products it was issued for."),
    scopes: texts("OAuth scopes."),
    attributes: attributes("Custom attributes."),
  });
  const made = {
    token: text("The token. It is not shown again."),
    tokenType: choice("How it is presented.", ["Bearer"]),
  };
  return {
    Token: token,
    TokenPage: page("tokens", "Token"),
    NewToken: recordWith(token, "A token with what only its owner may know.", made),
    TokenChange: recordWith(token, "The token after the change, or before it in a dry run.", reach()),
  };
}
