/** From files to the model: names, places, and the forms of single values. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProject } from "#compiler/1-parse/parse-project.ts";
import { validate } from "#compiler/2-validate/validate.ts";
import { Diagnostics } from "#compiler/diagnostics/diagnostic.ts";
import type { BundleModel } from "#compiler/ir/model.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

function run(files: Readonly<Record<string, string>>): { model: BundleModel | null; found: string[] } {
  const diagnostics = new Diagnostics();
  const sources = Object.entries(files).map(([path, text]) => new SourceFile(path, text));
  const model = validate(parseProject(sources, diagnostics), diagnostics);
  return { model, found: diagnostics.all.map(({ code, message }) => `${code} ${message}`) };
}

const proxy =
  'kind: ApiProxy\nproxyEndpoints: [{ basePath: /v1/chat, preFlow: { request: [VK-Key] } }]\ntargetEndpoints: [{ url: "http://a.internal" }]\n';
const key = "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }\n";

describe("validate", () => {
  it("gives each document the name of its path, or its own", () => {
    const { model, found } = run({
      "gateway.yaml": "kind: Gateway\n",
      "environments/prod.yaml": "kind: Environment\n",
      "proxies/chat/proxy.yaml": proxy,
      "proxies/chat/policies/VK-Key.yaml": key,
      "proxies/chat/policies/RF No.yaml": "kind: RaiseFault\n",
      "shared-flows/log/flow.yaml": "kind: SharedFlow\nsteps: [VK-Key]\n",
      "shared-flows/log/policies/VK-Key.yaml": key,
      "access/chat.yaml": "kind: ApiProduct\n",
      "access/rest.yaml":
        "kind: Developer\nemail: ada@example.com\n---\nkind: App\nname: web\ndeveloper: ada@example.com\n",
    });
    expect(found).toEqual([]);
    if (model === null) throw new Error("no model");
    expect(model.proxies.map(({ name, value }) => [name, value.policies.map((policy) => policy.name)])).toEqual([
      ["chat", ["RF No", "VK-Key"]],
    ]);
    expect(model.sharedFlows.map(({ name, value }) => [name, value.policies.map((policy) => policy.name)])).toEqual([
      ["log", ["VK-Key"]],
    ]);
    const { environments, products, developers, apps } = model;
    expect([environments, products, developers, apps].map((list) => list.map(({ name }) => name))).toEqual([
      ["prod"],
      ["chat"],
      ["ada@example.com"],
      ["web"],
    ]);
  });

  it("knows the places of everything in the model, copies included", () => {
    const { model } = run({
      "gateway.yaml": "kind: Gateway\n",
      "proxies/chat/proxy.yaml": proxy,
      "proxies/chat/policies/VK-Key.yaml": key,
    });
    const [chat] = model?.proxies ?? [];
    const [endpoint] = chat?.value.proxyEndpoints ?? [];
    if (model == null || chat === undefined || endpoint === undefined) throw new Error("no model");
    const span = model.positions.of(endpoint, "basePath");
    expect(span.file.text.slice(span.start, span.end)).toBe("/v1/chat");
    expect(model.positions.of(chat.value).file.path).toBe("proxies/chat/proxy.yaml");
    expect(model.positions.ofKey(chat.value, "proxyEndpoints").start).toBe(15);
  });

  it("gives no model when anything is wrong", () => {
    expect(run({ "gateway.yaml": "kind: Gateway\nfoo: 1\n" }).model).toBeNull();
    expect(run({}).model).toBeNull();
    expect(run({ "gateway.yaml": "kind: Gateway\n" }).model).not.toBeNull();
  });

  it("says one thing about each mistake", () => {
    const { found } = run({
      "gateway.yaml": "kind: Gateway\n",
      "proxies/chat/proxy.yaml": proxy,
      "proxies/chat/policies/A.yaml":
        "kind: AssignMessage\nactions: [5, { sett: {} }, { set: { statusCode: [] } }, { set: { statusCode: 99 } }]\n",
      "proxies/chat/policies/B.yaml":
        "kind: OAuthV2\noperation: GenerateAccessToken\nsupportedGrantTypes: [client_credentials]\nexpiresIn: soon\n",
    });
    expect(found).toEqual([
      'AGW1022 an item of "actions" expects an action: { set: ... }, { add: ... }, { remove: ... }, { copy: ... } or { assignVariable: ... }, and this is the number 5',
      'AGW1020 unknown key "sett" in an item of "actions"',
      'AGW1022 "statusCode" expects a status from 100 to 599, or a template such as "{status}", and this is a list',
      'AGW1024 "statusCode" must be from 100 to 599',
      'AGW1025 "expiresIn" expects a duration such as 1h, a number of milliseconds, or -1, not "soon"',
    ]);
  });

  it("never shows a literal secret in a message", () => {
    const { found } = run({
      "gateway.yaml": "kind: Gateway\nadmin: { port: 1, secret: swordfish }\n",
      "access/app.yaml":
        "kind: App\ndeveloper: ada@example.com\ncredentials: [{ key: { digest: swordfish }, products: [p] }]\n",
    });
    expect(found.map((text) => text.slice(0, 7))).toEqual(["AGW4001", "AGW4001"]);
    expect(found.join()).not.toContain("swordfish");
  });
});

describe("whatever a document holds", () => {
  const scalar = fc.oneof(
    fc.constantFrom<unknown>(null, true, 5, -1, 1.5, "", "x", "{x}", "5m", "/v1", "http://a", "deny", [], {}),
    fc.string({ maxLength: 5 }),
  );
  const keys = [
    "name",
    "ref",
    "value",
    "env",
    "file",
    "set",
    "headers",
    "basePath",
    "webSocket",
    "close",
    "idle",
    "url",
  ];
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 4, withCrossShrink: true }, scalar, tie("map"), fc.array(tie("tree"), { maxLength: 3 })),
    map: fc.dictionary(fc.constantFrom(...keys, "x~/y"), tie("tree"), { maxKeys: 3 }),
  }));
  const places: readonly (readonly [path: string, kind: string, key: string])[] = [
    ["gateway.yaml", "Gateway", "admin"],
    ["gateway.yaml", "Gateway", "environmentGroups"],
    ["proxies/p/proxy.yaml", "ApiProxy", "proxyEndpoints"],
    ["proxies/p/proxy.yaml", "ApiProxy", "targetEndpoints"],
    ["environments/e.yaml", "Environment", "targetServers"],
    ["environments/e.yaml", "Environment", "references"],
    ["access/a.yaml", "App", "credentials"],
    ["proxies/p/policies/P.yaml", "AssignMessage", "actions"],
    ["proxies/p/policies/P.yaml", "OAuthV2", "expiresIn"],
    ["proxies/p/policies/P.yaml", "VerifyJWT", "secretKey"],
  ];

  it("there is a model or an error, and never an exception", () => {
    fc.assert(
      fc.property(fc.constantFrom(...places), tree, ([path, kind, key], value) => {
        const { model, found } = run({
          "gateway.yaml": "kind: Gateway",
          [path]: JSON.stringify({ kind, [key]: value }),
        });
        expect(model === null).toBe(found.length > 0);
      }),
      { numRuns: 1_500 },
    );
  });
});

/** Value of one place of a project -> whether it is accepted there. */
const forms: readonly {
  place: string;
  template: (value: string) => Readonly<Record<string, string>>;
  good: string[];
  bad: string[];
}[] = [
  {
    place: "base path",
    template: (value) => ({
      "proxies/p/proxy.yaml": `kind: ApiProxy\nproxyEndpoints: [{ basePath: ${JSON.stringify(value)} }]\n`,
    }),
    good: ["/", "/v1", "/v1/chat", "/team/*/members", "/a/*/*", "/%7Ejoe", "/a.b/c..d", "/v1:x/@me"],
    bad: [
      "",
      "v1",
      "/v1/",
      "//",
      "/v1//a",
      "/*",
      "/*/a",
      "/a/**",
      "/a/b*",
      "/a?b",
      "/a#b",
      "/a%2fb",
      "/a%5Cb",
      "/a%00",
      "/a%2e",
      "/a/../b",
      "/.",
      "/a b",
      "/ä",
      "/a%",
      "/{x}",
      "/a\\b",
      "/a\n",
    ],
  },
  {
    place: "host name",
    template: (value) => ({
      "gateway.yaml": `kind: Gateway\nenvironmentGroups: [{ name: g, hostnames: [${JSON.stringify(value)}], environments: [e] }]\n`,
    }),
    good: ["*", "localhost", "api.example.com", "*.example.com", "xn--mnchen-3ya.de", "192.0.2.1"],
    bad: [
      "",
      "*.*",
      "a.*",
      "API.example.com",
      "a.example.com:80",
      "http://a",
      "a_b.example.com",
      "-a.example.com",
      "a..b",
      "a.",
      "*a.example.com",
    ],
  },
  {
    place: "duration",
    template: (value) => ({
      "proxies/p/proxy.yaml": `kind: ApiProxy\nproxyEndpoints: [{ basePath: /, webSocket: { closeGrace: ${JSON.stringify(value)} } }]\n`,
    }),
    good: ["250ms", "30s", "5m", "12h", "1d"],
    bad: ["", "5", "5 m", "5min", "-5s", "1.5h", "1h30m", "05s", "0s", "99999999s", "S", "5S"],
  },
  {
    place: "size",
    template: (value) => ({ "gateway.yaml": `kind: Gateway\nlimits: { requestHead: ${JSON.stringify(value)} }\n` }),
    good: ["64KiB", "1MiB", "10MB", "512B", "8KB"],
    bad: ["64", "64K", "64 KiB", "0KiB", "1.5MiB", "KiB", "1mb", "8kB"],
  },
  {
    place: "URL",
    template: (value) => ({
      "proxies/p/proxy.yaml": `kind: ApiProxy\nproxyEndpoints: [{ basePath: / }]\ntargetEndpoints: [{ url: ${JSON.stringify(value)} }]\n`,
    }),
    good: ["http://a", "https://a.example.com:8443/v1/ws?x=1", "http://[::1]:3000", "http://{h}", "{u}", "{p:https}://a:{port}/b"],
    bad: [
      "",
      "ws://a",
      "a.example.com",
      "http://u:p@a",
      "http://a/#x",
      "chat.{h}",
      "ws://{h}",
      "http://u:p@{h}",
      "http://a b",
      "http:///x",
      "file:///etc/passwd",
    ],
  },
  {
    place: "environment variable",
    template: (value) => ({
      "gateway.yaml": `kind: Gateway\nadmin: { port: 1, secret: { env: ${JSON.stringify(value)} } }\n`,
    }),
    good: ["SECRET", "_a1"],
    bad: ["", "1A", "A-B", "A B", "A=B"],
  },
];

describe.each(forms)("form: $place", ({ template, good, bad }) => {
  const accepted = (value: string): string[] => run({ "gateway.yaml": "kind: Gateway\n", ...template(value) }).found;
  it.each(good)("accepts %j", (value) => {
    expect(accepted(value)).toEqual([]);
  });
  it.each(bad)("refuses %j with one problem", (value) => {
    expect(accepted(value).map((text) => text.slice(0, 7))).toEqual([expect.stringMatching(/AGW102[45]/)]);
  });
});
