/** The schemas are complete, their examples are valid, and what is generated from them is current. */
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { policyKinds } from "#compiler/2-validate/kinds.ts";
import * as validators from "#compiler/2-validate/validators.generated.js";
import { defaultLimits } from "#runtime/limits.ts";
import { closeReasons } from "#runtime/upgrade/close-reason.ts";
import { validatorsText } from "../../../../scripts/build-validators.ts";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../..");
const files = readdirSync(path.join(root, "schema"), { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".json"))
  .sort();

type Node = Readonly<Record<string, unknown>>;

function load(file: string): Node {
  const parsed: unknown = JSON.parse(readFileSync(path.join(root, "schema", file), "utf8"));
  return asNode(parsed);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asNode(value: unknown): Node {
  return isNode(value) ? value : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Every object of a schema with its path. */
function* nodes(value: unknown, at: string): Generator<[string, Node]> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* nodes(item, `${at}/${String(index)}`);
    return;
  }
  if (!isNode(value)) return;
  yield [at, value];
  for (const [key, inner] of Object.entries(value)) if (key !== "examples") yield* nodes(inner, `${at}/${key}`);
}

function resolve(node: Node, file: string): [Node, string] {
  const ref = node["$ref"];
  if (typeof ref !== "string") return [node, file];
  const [target = "", pointer = ""] = ref.split("#");
  const home = target === "" ? file : path.posix.join(path.posix.dirname(file), target);
  let found: unknown = load(home);
  for (const key of pointer.split("/").slice(1)) found = asNode(found)[key];
  return resolve(asNode(found), home);
}

describe.each(files)("schema %s", (file) => {
  const schema = load(file);

  it("is JSON Schema 2020-12 with an id of its path, a title and a description", () => {
    expect(schema["$schema"]).toBe("https://json-schema.org/draft/2020-12/schema");
    expect(schema["$id"]).toBe(`https://apigw.example/schema/${file}`);
    expect(schema["title"]).toBeTypeOf("string");
    expect(schema["description"]).toBeTypeOf("string");
  });

  it("describes every property", () => {
    const bare: string[] = [];
    for (const [at, node] of nodes(schema, "")) {
      if (/\/(if|not|then|anyOf|oneOf|allOf)(\/|$)/.test(at) && !/\/anyOf\/\d+\/properties/.test(at)) continue;
      if (at.endsWith("/properties")) continue;
      for (const [name, property] of Object.entries(asNode(node["properties"]))) {
        const [target] = resolve(asNode(property), file);
        const text = asNode(property)["description"] ?? target["description"];
        if (typeof text !== "string" || text.length < 8) bare.push(`${at}/${name}`);
      }
    }
    expect(bare).toEqual([]);
  });

  it("is closed: every map with properties says what else it takes", () => {
    const open: string[] = [];
    for (const [at, node] of nodes(schema, "")) {
      if (
        node["type"] === "object" &&
        "properties" in node &&
        !("additionalProperties" in node) &&
        !/\/(if|then|not)(\/|$)/.test(at)
      )
        open.push(at);
    }
    expect(open).toEqual([]);
  });

  it("requires only what it defines", () => {
    for (const [at, node] of nodes(schema, "")) {
      if (!("properties" in node) || /\/(if|then|not)(\/|$)/.test(at)) continue;
      for (const name of asList(node["required"])) expect(Object.keys(asNode(node["properties"])), at).toContain(name);
    }
  });

  it("has one branch a type in each union, so that an error can tell which was meant", () => {
    for (const [at, node] of nodes(schema, "")) {
      if (!("anyOf" in node) || "x-rule" in node || /\/not$/.test(at) || /\/if$/.test(at)) continue;
      const types = asList(node["anyOf"]).flatMap((branch) => resolve(asNode(branch), file)[0]["type"]);
      expect(
        types.every((type) => typeof type === "string"),
        at,
      ).toBe(true);
      expect(new Set(types).size, at).toBe(types.length);
      expect(node["x-expected"], at).toBeTypeOf("string");
    }
  });

  it("has valid examples", () => {
    if (file === "shared.schema.json") return;
    const examples = asList(schema["examples"]);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const validator = validatorOf(file);
      expect(validator(example), JSON.stringify(validator.errors)).toBe(true);
    }
  });

  it("has patterns that no text can make slow", () => {
    for (const [at, node] of nodes(schema, "")) {
      if (typeof node["pattern"] !== "string") continue;
      const pattern = new RegExp(node["pattern"], "u");
      for (const text of [
        "a".repeat(4_000),
        "/a".repeat(2_000),
        "1,".repeat(2_000),
        " ".repeat(4_000),
        "a.".repeat(2_000),
        "{a".repeat(2_000),
      ]) {
        const before = performance.now();
        pattern.test(`${text}\n`);
        expect(performance.now() - before, at).toBeLessThan(1_000);
      }
    }
  });
});

function validatorOf(file: string): validators.Validator {
  if (file.startsWith("policies/") || file === "policy.schema.json") return validators.policy;
  switch (file) {
    case "gateway.schema.json":
      return validators.gateway;
    case "proxy.schema.json":
      return validators.proxy;
    case "shared-flow.schema.json":
      return validators.sharedFlow;
    case "environment.schema.json":
      return validators.environment;
    default:
      return validators.access;
  }
}

describe("what must agree with the schemas", () => {
  it("the generated validators are current: node scripts/build-validators.ts", async () => {
    const committed = readFileSync(path.join(root, "compiler/2-validate/validators.generated.js"), "utf8");
    expect((await validatorsText()) === committed).toBe(true);
  });

  it("the generated validators import nothing", () => {
    const committed = readFileSync(path.join(root, "compiler/2-validate/validators.generated.js"), "utf8");
    expect(/(?:^|[;}])import[ {*"]/m.test(committed)).toBe(false);
  });

  it("the kinds of policies are those that have a schema", () => {
    const kinds = files.filter((file) => file.startsWith("policies/")).map((file) => load(file)["title"]);
    expect(kinds.sort()).toEqual([...policyKinds].sort());
    const union = asList(load("policy.schema.json")["oneOf"]).map((branch) => asNode(branch)["$ref"]);
    expect(union.sort()).toEqual(files.filter((file) => file.startsWith("policies/")));
  });

  it("limits are those of the runtime, without the unit in the name", () => {
    const inSchema = Object.keys(
      asNode(asNode(asNode(load("gateway.schema.json")["properties"])["limits"])["properties"]),
    );
    const inRuntime = Object.keys(defaultLimits).map((name) => name.replace(/Ms$/, "").replace(/BytesMax$/, ""));
    expect(inRuntime).toEqual(expect.arrayContaining(inSchema));
  });

  it("close reasons are those for which the gateway writes the frame", () => {
    const inSchema = Object.keys(asNode(asNode(asNode(load("proxy.schema.json")["$defs"])["close"])["properties"]));
    const inRuntime = Object.entries(closeReasons)
      .filter(([, reason]) => reason.code !== 0)
      .map(([id]) => id);
    expect(inSchema.sort()).toEqual(inRuntime.sort());
  });
});
