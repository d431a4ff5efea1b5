/** Variables that hold a literal for sure: what an action of a policy may take for granted. */
import { expect, it } from "vitest";
import { literalsBefore } from "#compiler/policies/parts/literal-variables.ts";

it("are those that an earlier action of the policy gave a value and nothing else", () => {
  const actions = [
    { assignVariable: { name: "a", value: "1" } },
    { set: { headers: { x: "{a}" } } },
    { assignVariable: { name: "request.header.x", value: "2" } },
    { assignVariable: { name: "b", ref: "c", value: "3" } },
    { assignVariable: { name: "a", template: "{b}" } },
    { assignVariable: { name: "my.own", value: "4" } },
    { assignVariable: { name: "a", value: "5" } },
    { remove: { payload: true } },
  ];
  const before = literalsBefore(actions).map((known) => Object.fromEntries(known));
  expect(before).toEqual([
    {}, { a: "1" }, { a: "1" }, { a: "1" }, { a: "1" }, {}, { "my.own": "4" }, { "my.own": "4", a: "5" },
  ]);
});
