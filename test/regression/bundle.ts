/** The bundle that the tests of this folder share: a proxy for each thing that went wrong once. */
import type { BundleFiles } from "../support/gateway.ts";

const target = "targetEndpoints: [{ url: { env: TARGET_URL } }]";

const gateway = (more: string): string => `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 2s, spread: 0s }
${more}`;

/** One AssignMessage in the response flow. */
const answered = (name: string, actions: string): BundleFiles => ({
  [`proxies/${name}/proxy.yaml`]: `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, postFlow: { response: [{ name: AM, condition: "response.status.code != 101" }] } }]
${target}`,
  [`proxies/${name}/policies/AM.yaml`]: `kind: AssignMessage
actions: ${actions}`,
});

/** The files; `more` goes to the end of gateway.yaml, `extra` adds or replaces files. */
export function bundle(more = "", extra: BundleFiles = {}): BundleFiles {
  return {
    "gateway.yaml": gateway(more),
    // Everything passes.
    "proxies/open/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /open }]
${target}`,
    ...answered("as-200", '[{ assignVariable: { name: response.status.code, value: "200" } }]'),
    ...answered("as-204", '[{ assignVariable: { name: response.status.code, value: "204" } }]'),
    ...answered("payload", "[{ set: { payload: replaced } }]"),
    "proxies/as-head/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /as-head, preFlow: { request: [AM] } }]
${target}`,
    "proxies/as-head/policies/AM.yaml": `kind: AssignMessage
actions: [{ set: { verb: HEAD } }]`,
    ...extra,
  };
}
