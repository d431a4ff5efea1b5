/** Product resource paths: the documented table, and what a mistake must not open. */
import { describe, expect, it } from "vitest";
import { matchesResource, resourceProblem } from "#runtime/language/resource-path.ts";

const RESOURCES = ["/", "/v1/*", "/v1/**", "/v1/weatherapikey/*/2/**"] as const;

describe("the documented table", () => {
  it.each<readonly [string, boolean, boolean, boolean, boolean]>([
    ["/v1/weatherapikey", true, true, true, false],
    ["/v1/weatherapikey/", true, false, true, false],
    ["/v1/weatherapikey/1", true, false, true, false],
    ["/v1/weatherapikey/1/", true, false, true, false],
    ["/v1/weatherapikey/1/2", true, false, true, false],
    ["/v1/weatherapikey/1/2/", true, false, true, true],
    ["/v1/weatherapikey/1/2/3/", true, false, true, true],
    ["/v1/weatherapikey/1/a/2/3/", true, false, true, false],
  ])("%s", (path, ...expected) => {
    expect(RESOURCES.map((resource) => matchesResource(resource, path))).toEqual(expected);
  });
});

describe("matching", () => {
  it.each<readonly [string, string, boolean]>([
    ["/", "", true],
    ["/", "/any/thing", true],
    ["/*", "/", true],
    ["/*", "", false],
    ["/*", "/a", true],
    ["/*", "/a/b", false],
    ["/**", "/a/b/c", true],
    ["/**", "/", true],
    ["/**", "", false],
    ["**", "", true],
    ["/a", "/a", true],
    ["/a", "/a/", false],
    ["/a", "/A", false],
    ["/a", "/ab", false],
    ["/a.c", "/abc", false],
    ["/{id}", "/x", false],
    ["/{id}", "/{id}", true],
    ["/a*/b", "/axx/b", true],
    ["/a*/b", "/a/x/b", false],
    ["/a*b*c", "/abbc", true],
    ["/a*b*c", "/acb", false],
    ["/a*/**", "/ab/", true],
    ["/a*/**", "/ab", false],
    ["*", "a", true],
    ["*", "", true],
    ["*", "/", false],
    ["", "", true],
    ["", "/", false],
  ])("%j against %j", (resource, path, expected) => {
    expect(matchesResource(resource, path)).toBe(expected);
  });
});

it.each(["/a/**/b", "**/a", "/a**b", "/***", "/**/**"])("%s covers nothing and is reported", (resource) => {
  expect(resourceProblem(resource)).toMatchObject({ kind: "double-star-not-last" });
  expect(matchesResource(resource, "/a/x/b")).toBe(false);
});

it("reports nothing about a ** at the end", () => {
  expect(resourceProblem("/a/**")).toBeUndefined();
});

it("stays quick on 50 KB with many stars", () => {
  const resource = `/${"*a".repeat(30)}*b`;
  const path = `/${"a".repeat(50_000)}`;
  expect(matchesResource(resource, path)).toBe(false);
  expect(matchesResource(resource, `${path}b`)).toBe(true);
});
