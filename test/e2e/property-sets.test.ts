/** Property sets of one bundle in two environments, on real sockets (apigee-core section 9.6). */
import { describe, expect, it } from "vitest";
import { fakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";

const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
environmentGroups:
  - { name: prod, hostnames: [prod.test], environments: [prod] }
  - { name: constructor, hostnames: [odd.test], environments: [constructor] }`,
  "environments/prod.yaml": `kind: Environment
propertySets:
  region: { name: europe, shown: true }
  texts: { greeting: hidden }`,
  // A name that every object has.
  "environments/constructor.yaml": `kind: Environment
propertySets:
  region: { name: "a \\"lab\\"" }`,
  "proxies/p/proxy.yaml": `kind: ApiProxy
propertySets: { texts: { greeting: hello } }
proxyEndpoints:
  - basePath: /p
    preFlow: { response: [AM-Names, { name: AM-Shown, condition: 'propertyset.region.shown = "true"' }] }
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/p/resources/properties/legacy.properties": "# Java's form\nwelcome.line = to \\\n    \\u00abchat\\u00bb\n",
  "proxies/p/policies/AM-Names.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-names: "{propertyset.texts.greeting} from {propertyset.region.name}", x-line: "{propertyset.legacy.welcome.line}" } } }]`,
  "proxies/p/policies/AM-Shown.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-shown: "{propertyset.region.shown}" } } }]`,
};

describe("property sets", () => {
  it("are those of the environment that a request is routed in", async () => {
    await using target = await fakeTarget({
      "*": ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
    });
    await using gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: target.url } });
    const prod = await ask(gateway.port, "prod.test");
    expect(prod.get("x-names")).toBe("hello from europe");
    expect(prod.get("x-shown")).toBe("true");
    expect(prod.get("x-line")).toBe("to \u00abchat\u00bb");
    const odd = await ask(gateway.port, "odd.test");
    expect(odd.get("x-names")).toBe('hello from a "lab"');
    expect(odd.has("x-shown")).toBe(false);
    expect(gateway.lines({ event: "defect" })).toEqual([]);
  });
});

async function ask(port: number, host: string): Promise<ReadonlyMap<string, string>> {
  using client = await rawClient(port);
  return (await client.send(plainRequest("/p", { Host: host })).answer()).headers;
}
