/** Keys over the admin API. A key and its secret are in the answer that makes them, and in no other and no log line. */
import { createKey, removeRecord, setKeyProductStatus, setKeyStatus, updateRecord } from "../access/change.ts";
import { fingerprint } from "../access/digest.ts";
import { keyIdentity, productIdentity } from "../access/identity.ts";
import type { KeyProduct, KeyRecord } from "../access/model.ts";
import type { Limits } from "../limits.ts";
import {
  appOf,
  concerned,
  isAnswer,
  isoOrNull,
  keyByFingerprint,
  keyOf,
  listRecords,
  nobody,
  notFound,
  pageOf,
} from "./admin-call.ts";
import type { AdminCall, AdminGateway, Endpoint } from "./admin-call.ts";
import { collectionRoutes, dryRunField, reach, verb } from "./admin-collection.ts";
import type { Fields } from "./admin-body.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import {
  attributes,
  choice,
  flag,
  instant,
  integer,
  list,
  orNull,
  page,
  record,
  recordWith,
  ref,
  text,
  texts,
} from "./admin-schema.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

const STATUSES = ["approved", "revoked", "pending"] as const;
const TEN_YEARS_S = 10 * 365 * 86_400;
/** A given key or secret that is shorter can be guessed. */
const GIVEN_CHARS_MIN = 16;

async function listKeys(call: AdminCall): Promise<Answer> {
  const { fields, gateway } = call;
  const wanted = pageOf(call);
  const status = fields.choice("status", STATUSES);
  const product = fields.text("product");
  const owner = fields.text("app");
  const problem = fields.problem();
  if (problem !== null) return problem;
  const app = owner === null ? null : await appOf(gateway, owner);
  if (app !== null && isAnswer(app)) return app;
  const isAll = status === null && product === null && app === null;
  const isWanted = (key: KeyRecord): boolean =>
    key.status === (status ?? key.status) &&
    key.appId === (app?.id ?? key.appId) &&
    (product === null || key.products.some(({ name }) => name === product));
  return listRecords(call, "key", wanted, isAll ? null : isWanted, shownKey);
}

async function getKey({ fields, gateway, id }: AdminCall): Promise<Answer> {
  const problem = fields.problem();
  if (problem !== null) return problem;
  const key = await keyByFingerprint(gateway, id);
  return isAnswer(key) ? key : jsonAnswer(200, shownKey(key));
}

async function postKey({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const appName = fields.neededText("app");
  const bonds = fields.objects("products", "name").map(bondIn);
  const ttlSeconds = fields.integer("ttlSeconds", 1, TEN_YEARS_S);
  const given = { key: fields.text("key"), secret: fields.text("secret") };
  const expiresAtMs =
    fields.instant("expiresAt") ?? (ttlSeconds === null ? null : gateway.clock.wallMs() + ttlSeconds * 1_000);
  const wanted = {
    products: bonds.map((bond) => bondOf(null, bond)),
    expiresAtMs,
    scopes: fields.texts("scopes"),
    attributes: fields.attributes("attributes"),
    ...given,
  };
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (bonds.length === 0) return badRequest("products is missing: a key without opens nothing");
  if (ttlSeconds !== null && fields.has("expiresAt")) return badRequest("either ttlSeconds or expiresAt, not both");
  if (Object.values(given).some((text) => text !== null && text.length < GIVEN_CHARS_MIN)) {
    return badRequest(`key and secret have at least ${GIVEN_CHARS_MIN} characters`);
  }
  const app = await appOf(gateway, appName);
  if (isAnswer(app)) return app;
  const unknown = await unknownProduct(gateway, bonds);
  if (unknown !== null) return unknown;
  const created = await createKey(gateway, { appId: app.id, ...wanted });
  if (created === null) return notFound("app");
  if (created === "taken") return errorAnswer(409, "exists", "There is such a key");
  audit("key.create", { app: app.id, key_fingerprint: created.record.clientId });
  return jsonAnswer(201, { key: created.key, secret: created.secret, ...shownKey(created.record) });
}

async function patchKey({ audit, fields, gateway, id }: AdminCall): Promise<Answer> {
  const bonds = fields.objects("products", "name").map(bondIn);
  const expiresAtMs = fields.instant("expiresAt");
  const scopes = fields.texts("scopes");
  const given = fields.attributes("attributes");
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (fields.has("products") && bonds.length === 0) {
    return badRequest("products is empty: a key without opens nothing");
  }
  const key = await keyByFingerprint(gateway, id);
  if (isAnswer(key)) return key;
  const unknown = await unknownProduct(gateway, bonds);
  if (unknown !== null) return unknown;
  const { sessions } = await concerned(gateway, [keyIdentity(key.id)]);
  const changed = await updateRecord(gateway, "key", key.id, (present) => ({
    ...present,
    products: fields.has("products") ? bonds.map((bond) => bondOf(present, bond)) : present.products,
    expiresAtMs: fields.has("expiresAt") ? expiresAtMs : present.expiresAtMs,
    scopes: fields.has("scopes") ? scopes : present.scopes,
    attributes: fields.has("attributes") ? given : present.attributes,
  }));
  if (changed === null) return notFound("key");
  audit("key.update", { app: changed.appId, key_fingerprint: changed.clientId, sessions });
  return jsonAnswer(200, shownKey(changed));
}

async function deleteKey({ audit, fields, gateway, id }: AdminCall): Promise<Answer> {
  const dryRun = fields.flag("dryRun");
  const problem = fields.problem();
  if (problem !== null) return problem;
  const key = await keyByFingerprint(gateway, id);
  if (isAnswer(key)) return key;
  const concern = await concerned(gateway, [keyIdentity(key.id)], { dryRun });
  if (dryRun) return jsonAnswer(200, { ...concern, dryRun });
  await removeRecord(gateway, "key", key.id);
  audit("key.delete", { app: key.appId, key_fingerprint: key.clientId, sessions: concern.sessions });
  return jsonAnswer(200, { ...concern, dryRun });
}

/** The key, or its bond to one product. */
function keyStatus(status: "approved" | "revoked"): Endpoint {
  return async ({ audit, fields, gateway }) => {
    const product = fields.text("product");
    const dryRun = status === "revoked" && fields.flag("dryRun");
    const key = await keyOf(gateway, fields);
    if (isAnswer(key)) return key;
    if (product !== null && !key.products.some(({ name }) => name === product))
      return notFound(`product of the key: ${product}`);
    const identities = product === null ? [keyIdentity(key.id)] : [keyIdentity(key.id), productIdentity(product)];
    const concern = status === "approved" ? nobody : await concerned(gateway, identities, { dryRun });
    if (dryRun) return jsonAnswer(200, { ...shownKey(key), ...concern, dryRun });
    const changed = await (product === null
      ? setKeyStatus(gateway, key.id, status)
      : setKeyProductStatus(gateway, key.id, product, status));
    if (changed === null) return notFound("key");
    const { sessions } = concern;
    audit(`key.${status}`, { app: changed.appId, key_fingerprint: fingerprint(changed.id), product, sessions });
    return jsonAnswer(200, { ...shownKey(changed), ...concern, dryRun });
  };
}

/** What a body says of a product of a key; null: nothing. */
interface Bond {
  readonly name: string;
  readonly status: (typeof STATUSES)[number] | null;
  readonly expiresAtMs: number | null | undefined;
}

function bondIn(fields: Fields): Bond {
  const name = fields.neededText("name");
  const status = fields.choice("status", STATUSES);
  const expiresAtMs = fields.instant("expiresAt");
  return { name, status, expiresAtMs: fields.has("expiresAt") ? expiresAtMs : undefined };
}

/** A bond that the key has keeps what is not said; a new one is approved, for ever. */
function bondOf(key: KeyRecord | null, { expiresAtMs, name, status }: Bond): KeyProduct {
  const present = key?.products.find((bond) => bond.name === name);
  const until = (expiresAtMs === undefined ? present?.expiresAtMs : expiresAtMs) ?? null;
  return { name, status: status ?? present?.status ?? "approved", ...(until === null ? {} : { expiresAtMs: until }) };
}

async function unknownProduct(gateway: AdminGateway, bonds: readonly Bond[]): Promise<Answer | null> {
  for (const { name } of bonds)
    if ((await gateway.store.get("product", name)) === null) return notFound(`product: ${name}`);
  return null;
}

function shownKey({ appId, attributes, expiresAtMs, id, products, scopes, secretDigest, status }: KeyRecord): object {
  return {
    digest: id,
    fingerprint: fingerprint(id),
    app: appId,
    status,
    expiresAt: isoOrNull(expiresAtMs),
    products: products.map((bond) => ({
      ...bond,
      expiresAtMs: undefined,
      expiresAt: isoOrNull(bond.expiresAtMs ?? null),
    })),
    scopes,
    attributes,
    hasSecret: secretDigest !== null,
  };
}

/** Keys, as the document describes them. */
export function keysSubject(limits: Limits): AdminSubject {
  const bond = bondFields();
  const given = {
    products: list("Products it may use, in the order in which they are looked through: names or objects.", {
      oneOf: [{ type: "string" }, record("A product.", bond, ["status", "expiresAt"])],
    }),
    expiresAt: orNull(instant("From then on it is refused, and its sessions end; null: never.")),
    scopes: texts("OAuth scopes that its tokens may carry; none: those of its products."),
    attributes: attributes("Custom attributes."),
  };
  const app = text("Id or name of the app.");
  const status = choice("Whether it is accepted.", STATUSES);
  const named = {
    key: text("The key in clear."),
    digest: text("Its digest."),
    fingerprint: text("Its fingerprint, at least 8 characters of it."),
    product: text("Only its bond to this product."),
  };
  const collection = collectionRoutes(
    {
      many: "keys",
      one: "key",
      schema: "Key",
      filters: { app, status, product: text("Only with this product.") },
      made: {
        ...given,
        app,
        ttlSeconds: integer("Lifetime, instead of expiresAt.", 1, TEN_YEARS_S),
        key: text("A key that exists elsewhere; default: a random one.", { minLength: GIVEN_CHARS_MIN }),
        secret: text("A secret that exists elsewhere; default: a random one.", { minLength: GIVEN_CHARS_MIN }),
      },
      needed: ["app", "products"],
      madeSchema: "NewKey",
      changed: given,
      onCreate: "Makes a key and its secret for an app.",
      onChange: "Changes the fields that are given; products that stay keep their status.",
      onRemove: "Removes a key, and ends its sessions.",
      list: listKeys,
      post: postKey,
      get: getKey,
      patch: patchKey,
      remove: deleteKey,
    },
    limits,
  );
  const off = "Refuses a key, and ends its sessions; with product only what that product covers.";
  const on = "Lifts a revocation, or approves a product that was pending.";
  const both = { ...named, ...dryRunField() };
  return {
    name: "keys",
    description:
      "Credentials of apps: API keys, which are OAuth client ids too. One of key, digest and fingerprint names one.",
    parameters: { key: "Digest or fingerprint of the key." },
    schemas: keySchemas({ ...given, status }),
    routes: [
      ...collection,
      verb("/v1/keys:revoke", "revokeKey", off, "KeyChange", both, keyStatus("revoked")),
      verb("/v1/keys:approve", "approveKey", on, "KeyChange", named, keyStatus("approved")),
    ],
  };
}

function bondFields(): Properties {
  return {
    name: text("Name of the product."),
    status: choice("Only approved ones count. Default approved.", STATUSES),
    expiresAt: orNull(instant("From then on it does not count; null: as long as the key.")),
  };
}

function keySchemas(fields: Properties): Properties {
  const key = record("A key of an app. The key itself is known to its owner only.", {
    digest: text("`sha256:` and the SHA-256 of the key in base64url."),
    fingerprint: text("The first characters of the digest: the key's public name, also in logs."),
    app: text("Id of the app."),
    ...fields,
    products: list("Products it may use, in the order in which they are looked through.", ref("KeyProduct")),
    hasSecret: flag("Whether it can ask for tokens."),
  });
  const made = {
    key: text("The key. It is not shown again."),
    secret: text("Its secret. It is not shown again."),
  };
  return {
    Key: key,
    KeyProduct: record("A product of a key.", bondFields()),
    KeyPage: page("keys", "Key"),
    NewKey: recordWith(key, "A key with what only its owner may know.", made),
    KeyChange: recordWith(key, "The key after the change, or before it in a dry run.", reach()),
    KeyRemoval: record("What goes with the key.", reach()),
  };
}
