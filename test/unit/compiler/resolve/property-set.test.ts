/** Property sets by environment: which set counts, which text a value is, what environments agree on. */
import { describe, expect, it } from "vitest";
import { resolveProperties } from "#compiler/3-resolve/property-set.ts";
import type { EnvironmentModel, PropertySetsModel } from "#compiler/ir/environment-model.ts";
import type { Named } from "#compiler/ir/model.ts";
import { propertyValues, sameValue } from "#compiler/property-value.ts";

function environment(name: string, propertySets?: PropertySetsModel): Named<EnvironmentModel> {
  const value = { kind: "Environment" as const, ...(propertySets === undefined ? {} : { propertySets }) };
  return { name, file: `environments/${name}.yaml`, value };
}

function proxy(propertySets: PropertySetsModel): Parameters<typeof resolveProperties>[0] {
  return { kind: "ApiProxy", proxyEndpoints: [], policies: [], propertySets };
}

describe("properties of a proxy", () => {
  it("are those of each environment, with the proxy's sets in place of whole ones", () => {
    const shared = { own: { key: "hidden", other: "hidden" }, limits: { rooms: 20 } };
    const environments = [environment("prod", shared), environment("bare")];
    const properties = resolveProperties(proxy({ own: { key: "kept" } }), environments);
    expect([...properties.keys()]).toEqual(["prod", "bare"]);
    expect(Object.fromEntries(properties.get("prod") ?? [])).toEqual({
      "propertyset.own.key": "kept",
      "propertyset.limits.rooms": "20",
    });
    expect(Object.fromEntries(properties.get("bare") ?? [])).toEqual({ "propertyset.own.key": "kept" });
  });

  it.each([
    ["text", "text"],
    ["", ""],
    [1.5, "1.5"],
    [-0, "0"],
    [true, "true"],
    [false, "false"],
  ])("%j is the text %j", (written, text) => {
    const properties = resolveProperties(proxy({ a: { "b.c": written } }), [environment("prod")]);
    expect(propertyValues(properties, "propertyset.a.b.c")).toEqual(new Map([["prod", text]]));
  });

  const nowhere = ["propertyset.a", "propertyset.a.c", "propertyset.constructor.name", "propertyset.a.toString"];
  it.each(nowhere)("%s is nowhere", (name) => {
    const properties = resolveProperties(proxy({ a: { b: 1 } }), [environment("prod"), environment("test")]);
    expect(sameValue(propertyValues(properties, name))).toBeNull();
  });
});

describe("the value of all environments", () => {
  it.each([
    [[], null],
    [["a"], "a"],
    [["a", "a"], "a"],
    [["a", "b"], undefined],
    [["a", null], undefined],
    [[null, "a"], undefined],
    [[null, null], null],
    [["", null], undefined],
  ])("of %j is %j", (values, same) => {
    expect(sameValue(new Map(values.map((value, at) => [String(at), value])))).toBe(same);
  });
});
