/** Access data as first contents of the store. Keys and secrets are digests, or settings read at start: never text. */
import type { CredentialModel, DigestOrSecret } from "../ir/access-model.ts";
import type { Plan } from "../ir/plan.ts";
import { code, identifier, join, literal, type Code, type Embeddable } from "./code.ts";
import type { SettingValues } from "./setting-values.ts";

/** An expression of type `Seed` (runtime/access/seed.ts). */
export function accessCode(plan: Plan, values: SettingValues): Code {
  const { products, developers, apps } = plan.program;
  const developerId = (email: string): string => `${plan.program.organization}@@@${email}`;
  const productRows = products.map(({ name, value }) =>
    row({
      name,
      displayName: value.displayName ?? name,
      environments: value.environments ?? [],
      proxies: value.proxies ?? [],
      resources: value.apiResources ?? [],
      operations: (value.operations ?? []).map(({ attributes, methods = [], proxy, quota, resource }) => ({
        proxy,
        resource,
        methods,
        ...(quota === undefined ? {} : { quota: { ...quota } }),
        ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
      })),
      scopes: value.scopes ?? [],
      quota: value.quota === undefined ? null : { ...value.quota },
      attributes: { ...value.attributes },
    }),
  );
  const developerRows = developers.map(({ value }) =>
    row({
      id: developerId(value.email),
      email: value.email,
      userName: value.userName ?? value.email,
      firstName: value.firstName ?? "",
      lastName: value.lastName ?? "",
      status: value.status ?? "active",
      ...expiry(value.expiresAt),
      attributes: { ...value.attributes },
    }),
  );
  const appRows = apps.map(({ name, value }) =>
    row({
      id: name,
      name,
      developerId: developerId(value.developer),
      status: value.status ?? "approved",
      ...expiry(value.expiresAt),
      callbackUrl: value.callbackUrl ?? null,
      attributes: { ...value.attributes },
    }),
  );
  // Apigee: the keys of such a product wait until somebody approves them.
  const manual = new Set(products.filter(({ value }) => value.approvalType === "manual").map(({ name }) => name));
  const keyRows = apps.flatMap(({ name, value }) => (value.credentials ?? []).map((credential) => keyRow(name, credential, manual, values)));
  const parts = { products: list(productRows), developers: list(developerRows), apps: list(appRows), keys: list(keyRows) };
  const lines = Object.entries(parts).map(([name, rows]) => code`${identifier(name)}: ${rows},`);
  return join([code`({`, ...lines, code`})`], "\n");
}

/** Most never expire, and then nothing is said. */
function expiry(expiresAt: string | undefined): { readonly expiresAtMs?: number } {
  return expiresAt === undefined ? {} : { expiresAtMs: Date.parse(expiresAt) };
}

function list(rows: readonly Code[]): Code {
  return rows.length === 0 ? literal([]) : join([code`[`, ...rows, code`]`], "\n");
}

function keyRow(appId: string, credential: CredentialModel, manual: ReadonlySet<string>, values: SettingValues): Code {
  return row({
    key: secretCode(credential.key, values),
    secret: credential.secret === undefined ? null : secretCode(credential.secret, values),
    appId,
    status: credential.status ?? "approved",
    expiresAtMs: credential.expiresAt === undefined ? null : Date.parse(credential.expiresAt),
    products: credential.products.map((name) => ({ name, status: manual.has(name) ? "pending" : "approved" })),
    scopes: credential.scopes ?? [],
    attributes: {},
  });
}

function secretCode(source: DigestOrSecret, values: SettingValues): Embeddable {
  return "digest" in source ? { digest: source.digest } : { secret: values.text(source, "secret") };
}

function row(value: Embeddable): Code {
  return code`${value},`;
}
