/** Access data: apps name developers and products, products name proxies and environments. */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { BundleModel } from "../ir/model.ts";
import { known, meant } from "./names.ts";

/** Reports what access data names and nobody defines, and names that stand twice. */
export function checkAccess(model: BundleModel, environments: readonly string[], diagnostics: Diagnostics): void {
  checkProducts(model, environments, diagnostics);
  checkApps(model, diagnostics);
  const { positions } = model;
  const lists = [
    ["product", model.products],
    ["app", model.apps],
  ] as const;
  for (const [what, list] of lists) {
    const seen = new Map<string, object>();
    for (const { name, value } of list) {
      const earlier = seen.get(name);
      if (earlier !== undefined) {
        diagnostics.report("AGW2012", positions.of(value, "name"), { what, name }, {
          related: [{ span: positions.of(earlier, "name"), message: "the first one is here" }],
        });
      }
      seen.set(name, earlier ?? value);
    }
  }
  const emails = new Map<string, object>();
  for (const { value } of model.developers) {
    const earlier = emails.get(value.email);
    if (earlier !== undefined) {
      diagnostics.report("AGW2012", positions.of(value, "email"), { what: "developer", name: value.email }, {
        related: [{ span: positions.of(earlier, "email"), message: "the first one is here" }],
      });
    }
    emails.set(value.email, earlier ?? value);
  }
}

function checkProducts(model: BundleModel, environments: readonly string[], diagnostics: Diagnostics): void {
  const { positions } = model;
  const proxies = model.proxies.map((proxy) => proxy.name);
  const check = (what: string, names: readonly string[] | undefined, all: readonly string[]): void => {
    names?.forEach((name, at) => {
      if (all.includes(name)) return;
      diagnostics.report("AGW2018", positions.of(names, at), { what, name, known: known(all) }, meant(name, all));
    });
  };
  for (const { value } of model.products) {
    check("proxy", value.proxies, proxies);
    check("environment", value.environments, environments);
    for (const operation of value.operations ?? []) {
      if (proxies.includes(operation.proxy)) continue;
      const params = { what: "proxy", name: operation.proxy, known: known(proxies) };
      diagnostics.report("AGW2018", positions.of(operation, "proxy"), params, meant(operation.proxy, proxies));
    }
  }
}

function checkApps(model: BundleModel, diagnostics: Diagnostics): void {
  const { positions } = model;
  const products = model.products.map((product) => product.name);
  const emails = model.developers.map((developer) => developer.value.email);
  for (const { value } of model.apps) {
    if (!emails.includes(value.developer)) {
      diagnostics.report("AGW2009", positions.of(value, "developer"), { name: value.developer }, meant(value.developer, emails));
    }
    for (const credential of value.credentials ?? []) {
      credential.products.forEach((name, at) => {
        if (products.includes(name)) return;
        diagnostics.report("AGW2008", positions.of(credential.products, at), { name, known: known(products) }, meant(name, products));
      });
    }
  }
}
