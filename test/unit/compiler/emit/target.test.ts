/** How targets are reached: the scheme of a URL, or what target servers and the target endpoint say about TLS. */
import { describe, expect, it } from "vitest";
import { compile } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

async function targetOf(endpoint: string, server = ""): Promise<string> {
  const files = {
    "gateway.yaml": "kind: Gateway\nstore: { kind: memory }\n",
    "environments/prod.yaml": `kind: Environment
targetServers: [{ name: s, host: s.internal, port: 1${server} }]
references: { one: { caFile: /one.pem }, two: { caFile: /two.pem, certFile: /cert.pem, keyFile: /key.pem } }
`,
    "proxies/p/proxy.yaml": `kind: ApiProxy\nproxyEndpoints: [{ basePath: /p }]\ntargetEndpoints: [{ ${endpoint} }]\n`,
  };
  const { modules, diagnostics } = await compile(Object.entries(files).map(([path, text]) => new SourceFile(path, text)));
  const routes = modules?.find(({ path }) => path === "program/routes.ts")?.text;
  if (routes === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  const [, kind, rest] = /= (plainTarget|secureTarget|anyTarget|balancedTarget)\(([\s\S]*?)limits,?\s*\);/.exec(routes) ?? [];
  const pem = [...(rest ?? "").matchAll(/"(\/[a-z]+)\.pem"/g)].map((match) => match[1]);
  const transport = /plainTransport|secureTransport/.exec(rest ?? "")?.[0];
  return [transport ?? kind, ...pem].join(" ");
}

const pool = "loadBalancer: { servers: [s] }";

describe("a target", () => {
  const cases: readonly [title: string, endpoint: string, server: string, expected: string][] = [
    ["by an http URL", 'url: "http://t:1"', "", "plainTarget"],
    ["by an https URL", 'url: "https://t:1", sslInfo: { trustStore: "ref://one" }', "", "secureTarget /one"],
    ["by a URL of the environment", 'url: { env: U }, sslInfo: { trustStore: "ref://one" }', "", "anyTarget /one"],
    ["by a server that says nothing", pool, "", "plainTransport"],
    ["by a server with TLS", pool, ', sslInfo: { enabled: true, trustStore: "ref://one" }', "secureTransport /one"],
    // The second one is for a URL that a flow writes.
    ["with TLS by the endpoint", `${pool}, sslInfo: { enabled: true, trustStore: "ref://two" }`, "", "secureTransport /two /two"],
    [
      "with TLS by both: the server's settings count",
      `${pool}, sslInfo: { enabled: true, trustStore: "ref://two" }`,
      ', sslInfo: { enabled: true, trustStore: "ref://one" }',
      "secureTransport /one /two",
    ],
    ["by a server that says no to the endpoint's yes", `${pool}, sslInfo: { enabled: true }`, ", sslInfo: { enabled: false }", "secureTransport"],
    ["with a key store, and no client certificate asked for", 'url: "https://t:1", sslInfo: { keyStore: "ref://two" }', "", "secureTarget"],
    ["with a client certificate", 'url: "https://t:1", sslInfo: { clientAuthEnabled: true, keyStore: "ref://two" }', "", "secureTarget /cert /key"],
  ];

  it.each(cases)("%s", async (_, endpoint, server, expected) => {
    expect(await targetOf(endpoint, server)).toBe(expected);
  });
});
