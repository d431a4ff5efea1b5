/**
 * Validated documents -> the bundle model. The one place where plain values are given the types that their schemas
 * have proved; it checks nothing and fills no defaults.
 */
import type { ApiProductModel, AppModel, DeveloperModel } from "../ir/access-model.ts";
import type { EnvironmentModel } from "../ir/environment-model.ts";
import type { GatewayModel } from "../ir/gateway-model.ts";
import type { BundleModel, Named, PolicyModel } from "../ir/model.ts";
import type { ProxyModel, SharedFlowModel } from "../ir/proxy-model.ts";
import type { ParsedDocument, ParsedProject, Place } from "../ir/syntax.ts";

/** Builds the model of a project whose documents all fit their schemas; null without a gateway document. */
export function buildModel({ documents, propertyFiles, positions }: ParsedProject): BundleModel | null {
  const gateway = documents.find((document) => document.place.kind === "gateway");
  if (gateway === undefined) return null;
  const policies = new PoliciesByOwner(documents);
  const withPolicies = <T>(document: ParsedDocument, place: "proxyPolicy" | "sharedFlowPolicy"): Named<T> => {
    const own = placeName(document.place);
    const value = { ...document.value, policies: policies.of(place, own), ...propertySets(document, own) };
    positions.alias(value, document.value);
    return named(document, value);
  };
  const propertySets = ({ place, value }: ParsedDocument, proxy: string): object => {
    const files = place.kind === "proxy" ? propertyFiles.filter((file) => file.proxy === proxy) : [];
    if (files.length === 0) return {};
    const written = typed<ProxyModel>(value).propertySets ?? {};
    return { propertySets: { ...written, ...Object.fromEntries(files.map(({ name, values }) => [name, values])) } };
  };
  const ofKind = (kind: string): ParsedDocument[] =>
    documents.filter(({ place, value }) => place.kind === "access" && value["kind"] === kind);
  return {
    gateway: typed<GatewayModel>(gateway.value),
    environments: at(documents, "environment").map((document) => named<EnvironmentModel>(document, document.value)),
    proxies: at(documents, "proxy").map((document) => withPolicies<ProxyModel>(document, "proxyPolicy")),
    sharedFlows: at(documents, "sharedFlow").map((document) =>
      withPolicies<SharedFlowModel>(document, "sharedFlowPolicy"),
    ),
    products: ofKind("ApiProduct").map((document) => named<ApiProductModel>(document, document.value)),
    developers: ofKind("Developer").map((document) => named<DeveloperModel>(document, document.value)),
    apps: ofKind("App").map((document) => named<AppModel>(document, document.value)),
    positions,
  };
}

class PoliciesByOwner {
  readonly #byOwner = new Map<string, Named<PolicyModel>[]>();

  constructor(documents: readonly ParsedDocument[]) {
    for (const document of documents) {
      if (!("owner" in document.place)) continue;
      const key = `${document.place.kind}/${document.place.owner}`;
      const list = this.#byOwner.get(key) ?? [];
      list.push(named<PolicyModel>(document, document.value));
      this.#byOwner.set(key, list);
    }
  }

  of(place: "proxyPolicy" | "sharedFlowPolicy", owner: string): readonly Named<PolicyModel>[] {
    return this.#byOwner.get(`${place}/${owner}`) ?? [];
  }
}

function at(documents: readonly ParsedDocument[], kind: Place["kind"]): ParsedDocument[] {
  return documents.filter((document) => document.place.kind === kind);
}

function named<T>(document: ParsedDocument, value: object): Named<T> {
  const { place, file } = document;
  const own = place.kind === "access" ? (document.value["name"] ?? document.value["email"]) : undefined;
  return { name: typeof own === "string" ? own : placeName(place), file: file.path, value: typed<T>(value) };
}

function placeName(place: Place): string {
  return "name" in place ? place.name : "";
}

/** The door: the schema of the document has proved the type. */
function typed<T>(value: object): T {
  return value as T;
}
