/** Which literals reach which readers, and what stops them. */
import { describe, expect, it } from "vitest";
import { assign, planLines, proxy, tell } from "./planned.ts";

const GET = `'request.verb = "GET"'`;
const policies = {
  SET: assign({ v: "value: a" }),
  OTHER: assign({ v: "value: b" }),
  ASK: assign({ v: "ref: request.header.v" }),
  COPY: assign({ w: "ref: v" }),
  JOIN: assign({ w: 'template: "{v}-{toUpperCase(v)}"' }),
  TRY: assign({ n: 'template: "{request.header.n}"', v: "value: b" }, "continueOnError: true\n"),
  TELL: tell("{v}"),
  TELLW: tell("{w}"),
  BOTH: assign({ v: "value: b", w: 'template: "{v}"' }),
  TWICE: assign({ u: "ref: v", v: "value: b", w: 'template: "{v}"' }),
  RF: "kind: RaiseFault\n",
};

async function lineOf(name: string, main: string): Promise<string | undefined> {
  const lines = await planLines(main, policies);
  return lines.find((line) => line.startsWith(`${name} `));
}

describe("a literal reaches a reader", () => {
  const cases: readonly [title: string, reader: string, main: string, told: string][] = [
    ["in the next step", "TELL", proxy("SET, TELL"), 'v is "a"'],
    ["past other steps", "TELL", proxy("SET, COPY, TELL"), 'v is "a"'],
    ["through a copy", "TELLW", proxy("SET, COPY, TELLW"), 'w is "a"'],
    ["through a template and its functions", "TELLW", proxy("SET, JOIN, TELLW"), 'w is "a-A"'],
    ["written twice: the last one", "TELL", proxy("OTHER, SET, TELL"), 'v is "a"'],
    ["the same under either condition", "TELL", proxy(`SET, { name: SET, condition: ${GET} }, TELL`), 'v is "a"'],
    ["in a conditional flow", "TELL", proxy("SET", ", flows: [{ name: f, condition: 'request.verb = \"GET\"', request: [TELL] }]"), 'v is "a"'],
    ["within its own step", "BOTH", proxy("SET, BOTH, TELLW"), 'v is "b"'],
    ["nothing, before any write", "TELL", proxy("TELL, ASK, { name: RF, condition: 'v = \"z\"' }"), "v is null"],
    ["nothing, when nobody writes", "TELL", proxy("", ", postFlow: { response: [TELL] }"), "v is null"],
  ];

  it.each(cases)("%s", async (_, reader, main, told) => {
    expect(await lineOf(reader, main)).toBe(`${reader} AssignMessage sync -- ${told}`);
  });
});

describe("a reader does not know", () => {
  const cases: readonly [title: string, reader: string, main: string][] = [
    ["what depends on the request", "TELL", proxy("ASK, TELL")],
    ["what a condition decides", "TELL", proxy(`SET, { name: OTHER, condition: ${GET} }, TELL`)],
    ["what a step that carries on may have left undone", "TELL", proxy("SET, TRY, TELL")],
    ["what one of several flows wrote", "TELL", proxy(
      "SET", ", flows: [{ name: f, condition: 'request.verb = \"GET\"', request: [OTHER] }], postFlow: { request: [TELL] }")],
    ["what another chain wrote", "TELL", proxy("SET", ", postFlow: { response: [TELL] }")],
    ["what its own step has changed in between", "TWICE", proxy("SET, TWICE, TELLW")],
  ];

  it.each(cases)("%s", async (_, reader, main) => {
    expect(await lineOf(reader, main)).toBe(`${reader} AssignMessage sync`);
  });
});

describe("conditions", () => {
  it("that a literal decides are folded", async () => {
    const main = proxy(`SET, { name: TELL, condition: 'v = "b"' }, { name: TELLW, condition: 'v = "a"' }`);
    expect(await lineOf("TELL", main)).toBe('TELL AssignMessage sync -- never runs: its condition is always false: v = "b"');
    expect(await lineOf("TELLW", main)).toBe('TELLW AssignMessage sync -- always: v = "a", w is null');
  });

  it("keep what stays open", async () => {
    const main = proxy(`SET, { name: TELLW, condition: 'v = "a" and request.verb = "GET"' }`);
    expect(await lineOf("TELLW", main)).toBe('TELLW AssignMessage sync when request.verb = "GET" -- w is null');
  });

  it("of routes and flows are folded as well", async () => {
    const lines = await planLines(
      proxy("SET", `, flows: [{ name: f, condition: 'v = "b"', request: [TELL] }]`
        + `, routeRules: [{ name: a, condition: 'v = "b"', targetEndpoint: default }, { name: b, targetEndpoint: default }]`),
      policies,
    );
    expect(lines).not.toContain("flow f");
    expect(lines.filter((line) => line.startsWith("route "))).toEqual(["route b -> default"]);
  });

  it("cut off what stands behind a fault that is now always raised", async () => {
    const main = proxy(`SET, { name: RF, condition: 'v = "a"' }, TELL`);
    expect(await lineOf("TELL", main)).toMatch(/never runs: behind RF, which always raises its fault$/);
  });
});

it("variables that are literals everywhere lose their place, and are named", async () => {
  expect(await planLines(proxy("SET, TELL"), policies)).toContain("variables that nobody reads: v");
  expect(await planLines(proxy("SET, TELL"), policies, ["propagate-constants"])).toContain("variables: v");
});

it("a variable that only the PostClientFlow reads keeps its place, and its value is not known there", async () => {
  const log = 'kind: MessageLogging\nfile: { message: "{v}" }\n';
  const lines = await planLines(proxy("SET", ", postClientFlow: { response: [LOG] }"), { ...policies, LOG: log });
  expect(lines).toContain("variables: v");
  expect(lines).toContain("LOG MessageLogging sync");
});
