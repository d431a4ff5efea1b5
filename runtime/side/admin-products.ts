/** API products over the admin API. Every change has the sessions that depend on the product checked again. */
import { removeRecord, updateRecord } from "../access/change.ts";
import { productIdentity } from "../access/identity.ts";
import type { ApiProduct, ProductOperation, ProductQuota } from "../access/model.ts";
import { resourceProblem } from "../language/resource-path.ts";
import type { Limits } from "../limits.ts";
import { concerned, listRecords, notFound, pageOf, type AdminCall } from "./admin-call.ts";
import type { Fields } from "./admin-body.ts";
import { collectionRoutes, dryRunField, reach, verb } from "./admin-collection.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import {
  attributes,
  choice,
  integer,
  list,
  orNull,
  page,
  record,
  recordWith,
  ref,
  text,
  texts,
  type RecordSchema,
} from "./admin-schema.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

const TIME_UNITS = ["minute", "hour", "day", "week", "month"] as const;
const INTERVAL_MAX = 1_000_000;
/** Apigee: what names of products are made of. */
const NAME = /^[A-Za-z0-9._\-$ %]{1,255}$/;
const RESOURCE = /^\/[^\s?#]*$/;

async function listProducts(call: AdminCall): Promise<Answer> {
  const { fields } = call;
  const wanted = pageOf(call);
  const proxy = fields.text("proxy");
  const environment = fields.text("environment");
  const isAll = proxy === null && environment === null;
  const isWanted = (product: ApiProduct): boolean =>
    (proxy === null || isFor(product, proxy)) &&
    (environment === null || product.environments.length === 0 || product.environments.includes(environment));
  return fields.problem() ?? listRecords(call, "product", wanted, isAll ? null : isWanted, shownProduct);
}

function isFor({ operations, proxies }: ApiProduct, proxy: string): boolean {
  if (operations.length > 0) return operations.some((operation) => operation.proxy === proxy);
  return proxies.length === 0 || proxies.includes(proxy);
}

async function getProduct({ fields, gateway, id }: AdminCall): Promise<Answer> {
  const product = await gateway.store.get("product", id);
  return fields.problem() ?? (product === null ? notFound("product") : jsonAnswer(200, shownProduct(product)));
}

async function postProduct({ audit, fields, gateway }: AdminCall): Promise<Answer> {
  const name = fields.neededText("name");
  const changes = changesIn(fields);
  const problem = fields.problem() ?? problemOf(changes);
  if (problem !== null) return problem;
  if (!NAME.test(name)) return badRequest("name has letters, digits and . _ - $ % or spaces, at most 255");
  const empty = {
    environments: [],
    proxies: [],
    resources: [],
    operations: [],
    scopes: [],
    quota: null,
    attributes: {},
  };
  const product: ApiProduct = { name, displayName: name, ...empty, ...changes };
  const both = bothForms(product);
  if (both !== null) return both;
  if (!(await gateway.store.put("product", name, product, { ifAbsent: true }))) {
    return errorAnswer(409, "exists", "A product has that name");
  }
  audit("product.create", { product: name });
  return jsonAnswer(201, shownProduct(product));
}

async function patchProduct({ audit, fields, gateway, id }: AdminCall): Promise<Answer> {
  const changes = changesIn(fields);
  const dryRun = fields.flag("dryRun");
  const problem = fields.problem() ?? problemOf(changes);
  if (problem !== null) return problem;
  const present = await gateway.store.get("product", id);
  if (present === null) return notFound("product");
  const both = bothForms({ ...present, ...changes });
  if (both !== null) return both;
  const concern = await concerned(gateway, [productIdentity(id)], { dryRun });
  if (dryRun) return jsonAnswer(200, { ...shownProduct(present), ...concern, dryRun });
  const changed = await updateRecord(gateway, "product", id, (product) => ({ ...product, ...changes }));
  if (changed === null) return notFound("product");
  audit("product.update", { product: id, sessions: concern.sessions });
  return jsonAnswer(200, { ...shownProduct(changed), ...concern, dryRun });
}

async function deleteProduct({ audit, fields, gateway, id }: AdminCall): Promise<Answer> {
  const dryRun = fields.flag("dryRun");
  const problem = fields.problem();
  if (problem !== null) return problem;
  if ((await gateway.store.get("product", id)) === null) return notFound("product");
  const concern = await concerned(gateway, [productIdentity(id)], { dryRun });
  if (!dryRun) {
    await removeRecord(gateway, "product", id);
    audit("product.delete", { product: id, sessions: concern.sessions });
  }
  return jsonAnswer(200, { ...concern, dryRun });
}

/** The fields that a body gives; those that it does not give stay as they are. */
function changesIn(fields: Fields): Partial<ApiProduct> {
  const displayName = fields.text("displayName");
  const lists = {
    environments: fields.texts("environments"),
    proxies: fields.texts("proxies"),
    resources: fields.texts("resources"),
    scopes: fields.texts("scopes"),
    operations: fields.objects("operations").map(operationIn),
    attributes: fields.attributes("attributes"),
    quota: fields.nestedOrNull("quota", quotaIn),
  };
  const given = Object.entries(lists).filter(([name]) => fields.has(name));
  return { ...(displayName === null ? {} : { displayName }), ...Object.fromEntries(given) };
}

function operationIn(fields: Fields): ProductOperation {
  const quota = fields.nestedOrNull("quota", quotaIn);
  return {
    proxy: fields.neededText("proxy"),
    resource: fields.neededText("resource"),
    methods: fields.texts("methods"),
    ...(quota === null ? {} : { quota }),
    ...(fields.has("attributes") ? { attributes: fields.attributes("attributes") } : {}),
  };
}

function quotaIn(fields: Fields): ProductQuota {
  return {
    limit: fields.neededInteger("limit", 0, Number.MAX_SAFE_INTEGER),
    interval: fields.neededInteger("interval", 1, INTERVAL_MAX),
    timeUnit: fields.neededChoice("timeUnit", TIME_UNITS),
  };
}

function problemOf({ operations = [], resources = [] }: Partial<ApiProduct>): Answer | null {
  const paths = [...resources, ...operations.map(({ resource }) => resource)];
  const wrong = paths.find((path) => !RESOURCE.test(path) || resourceProblem(path) !== undefined);
  if (wrong !== undefined)
    return badRequest("a resource is a path such as /rooms/*, with ** only at its end, or / for all");
  const methods = operations.flatMap((operation) => operation.methods);
  return methods.every((method) => /^[A-Z]+$/.test(method)) ? null : badRequest("methods are in upper case");
}

/** Apigee: operations stand in the place of proxies and resources. */
function bothForms({ operations, proxies, resources }: ApiProduct): Answer | null {
  const isBoth = operations.length > 0 && (proxies.length > 0 || resources.length > 0);
  return isBoth ? badRequest("either operations, or proxies and resources, not both") : null;
}

function shownProduct(product: ApiProduct): object {
  const operations = product.operations.map(({ attributes = {}, quota = null, ...operation }) => ({
    ...operation,
    quota,
    attributes,
  }));
  return { ...product, operations };
}

/** Products, as the document describes them. */
export function productsSubject(limits: Limits): AdminSubject {
  const given = {
    displayName: text("Name for people."),
    environments: texts("Environments in which it can be used; none: all."),
    proxies: texts("Proxies that it covers; none: all."),
    resources: texts("Paths that it covers, as in operations; none: all."),
    operations: list("In place of proxies and resources.", ref("Operation")),
    scopes: texts("OAuth scopes that its tokens may carry."),
    quota: orNull(quotaSchema()),
    attributes: attributes("Custom attributes; policies read them as `apiproduct.<name>`."),
  };
  const name = text("Never changes.");
  const routes = collectionRoutes(
    {
      many: "products",
      one: "product",
      schema: "Product",
      filters: {
        proxy: text("Only those that cover this proxy."),
        environment: text("Only those of this environment."),
      },
      made: { name, ...given },
      needed: ["name"],
      changed: { ...given, ...dryRunField() },
      changedSchema: "ProductChange",
      onCreate: "Makes a product.",
      onChange: "Changes the fields that are given; sessions that it no longer covers end.",
      onRemove: "Removes a product; sessions that nothing else covers end.",
      list: listProducts,
      post: postProduct,
      get: getProduct,
      patch: patchProduct,
      remove: deleteProduct,
    },
    limits,
  );
  return {
    name: "products",
    description: "What keys open.",
    parameters: { product: "Name of the product." },
    schemas: productSchemas({ name, ...given }),
    routes,
  };
}

function productSchemas(fields: Properties): Properties {
  const product = record("What may be called with a key.", fields);
  const operation = {
    proxy: text("Name of the proxy."),
    resource: text(
      "Path behind the base path: `*` within one segment, `**` at the end for all below, `/` for everything.",
    ),
    methods: texts("Methods in upper case; none: all. A WebSocket upgrade is a GET."),
    quota: orNull(quotaSchema()),
    attributes: attributes("Custom attributes; policies read them as `apiproduct.operation.attributes.<name>`."),
  };
  return {
    Product: product,
    Operation: record("A path and methods of a proxy.", operation, ["methods", "quota", "attributes"]),
    ProductPage: page("products", "Product"),
    ProductChange: recordWith(product, "The product after the change, or before it in a dry run.", reach()),
    ProductRemoval: record("What the removal concerns.", reach()),
  };
}

function quotaSchema(): RecordSchema {
  return record("Calls that an app may make; nothing enforces it but a policy that reads it.", {
    limit: integer("Number of calls.", 0, Number.MAX_SAFE_INTEGER),
    interval: integer("Number of time units.", 1, INTERVAL_MAX),
    timeUnit: choice("Unit.", TIME_UNITS),
  });
}
