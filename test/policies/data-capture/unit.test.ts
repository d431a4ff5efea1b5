/** DataCapture: what it reads, the code it becomes, what it keeps. */
import { describe, expect, it, test } from "vitest";
import { captureData, type DataCaptureConfig } from "#runtime/policies/data-capture.ts";
import { dataCapture, type DataCaptureModel } from "#compiler/policies/data-capture.ts";
import { emittedProgram } from "../../support/emitted-program.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const model = (...captures: DataCaptureModel["captures"]): DataCaptureModel => ({ kind: "DataCapture", captures });
type Capture = DataCaptureConfig["captures"][number];

describe("compiled", () => {
  test("is one call with the texts of its variables", () => {
    const lines = emitted(dataCapture, model(
      { dataCollector: "dc_text", collect: { ref: "user", default: "nobody" } },
      { dataCollector: "dc_count", collect: { header: { name: "x-count", patterns: [{ value: "N={$};", ignoreCase: true }] } } },
    ));
    expect(lines).toEqual([
      'const dataCapture = { policy: "P-1", ignoresUnresolved: false, throwsOnLimit: false, captures: [{ collector: "dc_text", ' +
        'type: "STRING", otherwise: "nobody", patterns: [] }, { collector: "dc_count", type: "INTEGER", otherwise: null, ' +
        'patterns: [{ prefix: "n=", suffix: ";", ignoreCase: true, isPath: false }] }] } as const',
      'captureData(x, dataCapture, [text("user"), text("request.header.x-count")]);',
    ]);
  });

  it.each([
    [{ ref: "a.b" }, "request", "a.b"],
    [{ header: { name: "X" } }, "request", "request.header.X"],
    [{ header: { name: "X" } }, "response", "response.header.X"],
    [{ header: { name: "X" }, source: "request" }, "response", "request.header.X"],
    [{ header: { name: "X" } }, "postClient", "response.header.X"],
    [{ ref: "websocket.duration" }, "session", "websocket.duration"],
    [{ queryParam: { name: "q" } }, "response", "request.queryparam.q"],
    [{ formParam: { name: "f" } }, "request", "request.formparam.f"],
    [{ uriPath: { patterns: [{ value: "/{$}" }] } }, "response", "proxy.pathsuffix"],
    [{ jsonPayload: { jsonPath: "$.a" } }, "request", "request.content"],
    [{ jsonPayload: { jsonPath: "$.a" } }, "response", "response.content"],
    [{ xmlPayload: { xpath: "/a" }, source: "request" }, "response", "request.content"],
  ] as const)("%j in a %s flow reads %s", (collect, phase, variable) => {
    expect(analyzed(dataCapture, model({ dataCollector: "dc_text", collect }), { phase })).toMatchObject({ reads: [variable], reports: [] });
  });

  test("unknown collectors, one twice, and credentials are reported", () => {
    const { reports } = analyzed(dataCapture, model(
      { dataCollector: "dc_none", collect: { ref: "a" } },
      { dataCollector: "dc_text", collect: { ref: "a" } },
      { dataCollector: "dc_text", collect: { ref: "private.key" } },
    ));
    expect(reports.map((report) => report.slice(0, 34))).toEqual([
      "AGW3105 captures.0.dataCollector {", "AGW3105 captures.2.dataCollector {", "AGW4115 captures.2.collect {\"name\"",
    ]);
    expect(emitted(dataCapture, model({ dataCollector: "dc_text", collect: { ref: "private.key" } }))).toEqual([]);
  });
});

describe("payloads", () => {
  it.each([
    [{ jsonPayload: { jsonPath: "$.a[" } }, "captures.0.collect.jsonPayload.jsonPath"],
    [{ jsonPayload: { jsonPath: "" } }, "captures.0.collect.jsonPayload.jsonPath"],
    [{ xmlPayload: { xpath: "/a[" } }, "captures.0.collect.xmlPayload.xpath"],
    [{ xmlPayload: { xpath: "/s:a" } }, "captures.0.collect.xmlPayload.xpath"],
  ])("are not looked into by what cannot be read: %j", (collect, at) => {
    const { reports } = analyzed(dataCapture, model({ dataCollector: "dc_text", collect }));
    expect(reports.map((report) => report.split(" ").slice(0, 2))).toEqual([["AGW3105", at]]);
  });

  it("are looked into by prefixes that are declared", () => {
    const collect = { xmlPayload: { xpath: "/s:a/@b", namespaces: { s: "urn:a" } } };
    expect(analyzed(dataCapture, model({ dataCollector: "dc_text", collect })).reports).toEqual([]);
  });

  it.each([
    ["json", '{"room":{"id":"r-7","seats":[4,5]}}', "r-7", 4],
    ["json that is none", "{", "none", null],
    ["json without the members", "{}", "none", null],
    ["xml", '<s:room xmlns:s="urn:a" id="r-8"><s:seat/><s:seat/></s:room>', "r-8", 2],
    ["xml of another namespace", '<room id="r-8"><seat/></room>', "none", 0],
    ["nothing", "", "none", null],
  ] as const)("of %s are captured where they can be", async (kind, body, room, seats) => {
    const json = [{ jsonPath: "$.room['id']" }, { jsonPath: "$.room.seats[0]" }] as const;
    const namespaces = { s: "urn:a" };
    const xml = [{ xpath: "/s:room/@id", namespaces }, { xpath: "count(/*/s:seat)", namespaces }] as const;
    const isXml = kind.startsWith("xml");
    const sources = isXml ? xml.map((xmlPayload) => ({ xmlPayload })) : json.map((jsonPayload) => ({ jsonPayload }));
    const captures = [
      { dataCollector: "dc_room", collect: { ...sources[0], default: "none" } },
      { dataCollector: "dc_seats", collect: { ...sources[1] } },
    ];
    const collectors = "dataCollectors: [{ name: dc_room, type: STRING }, { name: dc_seats, type: INTEGER }]";
    const program = await emittedProgram({
      "gateway.yaml": `kind: Gateway\nstore: { kind: memory }\nobservability: { ${collectors} }\n`,
      "proxies/p/proxy.yaml":
        "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [DC] }, routeRules: [{ name: none }] }]\n",
      "proxies/p/policies/DC.yaml": JSON.stringify({ kind: "DataCapture", ignoreUnresolvedVariables: true, captures }),
    });
    const { captured, fault } = await program.run("/p/x", undefined, { body });
    expect(fault).toBeNull();
    expect(captured).toEqual({ dc_room: room, ...(seats === null ? {} : { dc_seats: seats }) });
  });
});

describe("captured", () => {
  const fixture = new PolicyFixture();
  const one = (over: Partial<Capture> = {}): Capture => ({ collector: "dc_a", type: "STRING", otherwise: null, patterns: [], ...over });
  const config = (captures: readonly Capture[], over: Partial<DataCaptureConfig> = {}): DataCaptureConfig => {
    return { policy: "DC-1", ignoresUnresolved: false, throwsOnLimit: false, captures, ...over };
  };
  const taken = (text: string | null, over: Partial<Capture>): unknown => {
    const x = fixture.exchange({});
    captureData(x, config([one(over)], { ignoresUnresolved: true }), [text]);
    return x.captured?.get("dc_a");
  };

  it.each([
    ["a text", {}, "a text"],
    ["", {}, ""],
    [null, {}, undefined],
    [null, { otherwise: "none" }, "none"],
    ["42", { type: "INTEGER" }, 42],
    ["-7", { type: "INTEGER" }, -7],
    ["1.25", { type: "FLOAT" }, 1.25],
    ["1e3", { type: "FLOAT" }, 1_000],
    ["true", { type: "BOOLEAN" }, "true"],
    ["2026-01-31T10:00:00+01:00", { type: "DATETIME" }, "2026-01-31T09:00:00.000Z"],
    ["0", { type: "DATETIME" }, "1970-01-01T00:00:00.000Z"],
  ] as const)("%j as %j is %j", (text, over, expected) => {
    expect(taken(text, over)).toBe(expected);
  });

  const pattern = (prefix: string, suffix: string, over: object = {}) => ({ prefix, suffix, ignoreCase: false, isPath: false, ...over });
  it.each([
    ["Room 7!", [pattern("Room ", "!")], "7"],
    ["ROOM 7!", [pattern("room ", "!", { ignoreCase: true })], "7"],
    ["ROOM 7!", [pattern("room ", "!")], undefined],
    ["ab", [pattern("ab", "b")], undefined],
    ["x=1", [pattern("y=", ""), pattern("x=", "")], "1"],
    ["/rooms/7", [pattern("/rooms/", "", { isPath: true })], "7"],
    ["/rooms/7/members", [pattern("/rooms/", "", { isPath: true })], undefined],
    ["/rooms/", [pattern("/rooms/", "", { isPath: true })], undefined],
  ] as const)("of %j by %j is %j", (text, patterns, expected) => {
    expect(taken(text, { patterns })).toBe(expected);
  });

  it.each([
    ["1.5", "INTEGER"], ["abc", "INTEGER"], ["99999999999999999", "INTEGER"], ["1e999", "FLOAT"], ["NaN", "FLOAT"], ["yes", "BOOLEAN"],
    ["yesterday", "DATETIME"], ["2026-13-45", "DATETIME"],
  ] as const)("%j as %s is a fault", async (text, type) => {
    const x = fixture.exchange({});
    const cause = await faultOf(() => captureData(x, config([one({ type })]), [text]));
    expect(cause).toMatchObject({ code: "steps.datacapture.DataCollectorTypeMismatch", status: 500, policy: "DC-1" });
    expect(x.captured).toBe(null);
  });

  test("what can be captured is, also where something else cannot", async () => {
    const x = fixture.exchange({});
    const captures = [one(), one({ collector: "dc_b", type: "INTEGER" }), one({ collector: "dc_c" })];
    expect(await faultOf(() => captureData(x, config(captures), [null, "x", "kept"]))).toMatchObject({ code: "steps.datacapture.UnresolvedVariable" });
    expect([...(x.captured ?? [])]).toEqual([["dc_c", "kept"]]);
  });

  test("long texts are cut between characters, or are a fault", async () => {
    const x = fixture.exchange({});
    captureData(x, config([one()]), [`a${"é".repeat(300)}`]);
    expect(x.captured?.get("dc_a")).toBe(`a${"é".repeat(199)}`);
    const strict = config([one()], { throwsOnLimit: true });
    expect(await faultOf(() => captureData(x, strict, ["x".repeat(401)]))).toMatchObject({ code: "steps.datacapture.VariableValueLimitExceeded" });
    captureData(x, strict, ["x".repeat(400)]);
    expect(x.captured?.get("dc_a")).toBe("x".repeat(400));
  });

  test("a hundred values are kept; the last policy to run wins", async () => {
    const x = fixture.exchange({});
    const many = Array.from({ length: 120 }, (_, at) => one({ collector: `dc_${at}` }));
    captureData(x, config(many), many.map(() => "first"));
    expect(x.captured?.size).toBe(100);
    captureData(x, config([one({ collector: "dc_0" })]), ["second"]);
    expect(x.captured?.get("dc_0")).toBe("second");
    const strict = config(many, { throwsOnLimit: true });
    expect(await faultOf(() => captureData(x, strict, many.map(() => "x")))).toMatchObject({ code: "steps.datacapture.VariableCountLimitExceeded" });
  });
});
