import { describe, expect, test } from "vitest";
import { rateVariable, spikeArrest as runtimeStep } from "#runtime/policies/spike-arrest.ts";
import type { SpikeArrestCall, SpikeArrestConfig } from "#runtime/policies/spike-arrest.ts";
import { isFault } from "#runtime/fault.ts";
import { spikeArrest } from "#compiler/policies/spike-arrest.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";
import type { ExchangeOptions } from "../../support/policy-fixture.ts";

const CONFIG: SpikeArrestConfig = { name: "SA", id: "SA", rateVariable: "my.rate", effectiveCount: false, keep: false };
const CALL: SpikeArrestCall = { rate: "5ps", identifier: null, weight: 1 };

/** True when the call passes. */
function passes(
  fixture: PolicyFixture,
  call: Partial<SpikeArrestCall> = {},
  config: Partial<SpikeArrestConfig> = {},
  exchange: ExchangeOptions = {},
): boolean {
  try {
    runtimeStep(fixture.exchange(exchange), { ...CONFIG, ...config }, { ...CALL, ...call });
    return true;
  } catch (thrown) {
    if (isFault(thrown) && thrown.code === "policies.ratelimit.SpikeArrestViolation") return false;
    throw thrown;
  }
}

describe("smoothing", () => {
  test.each([
    ["5ps", 200],
    ["30pm", 2_000],
    ["1000ps", 1],
    ["1pm", 60_000],
  ])("%s is one call every %i ms", (rate, everyMs) => {
    const fixture = new PolicyFixture();
    expect(passes(fixture, { rate })).toBe(true);
    expect(passes(fixture, { rate })).toBe(false);
    fixture.clock.advance(everyMs - 0.5);
    expect(passes(fixture, { rate })).toBe(false);
    fixture.clock.advance(0.5);
    expect(passes(fixture, { rate })).toBe(true);
  });

  test("rest is not saved up for a burst", () => {
    const fixture = new PolicyFixture();
    passes(fixture);
    fixture.clock.advance(10_000);
    expect([passes(fixture), passes(fixture)]).toEqual([true, false]);
  });

  test("a refused call does not push the next one back", () => {
    const fixture = new PolicyFixture();
    passes(fixture);
    for (let count = 0; count < 4; count++) {
      fixture.clock.advance(49);
      expect(passes(fixture)).toBe(false);
    }
    fixture.clock.advance(4);
    expect(passes(fixture)).toBe(true);
  });

  test("a call of weight 3 takes three slots", () => {
    const fixture = new PolicyFixture();
    passes(fixture, { weight: "3" });
    fixture.clock.advance(599);
    expect(passes(fixture)).toBe(false);
    fixture.clock.advance(1);
    expect(passes(fixture)).toBe(true);
  });

  test("a step of the wall clock changes nothing", () => {
    const fixture = new PolicyFixture();
    passes(fixture);
    fixture.clock.stepWall(3_600_000);
    expect(passes(fixture)).toBe(false);
  });
});

describe("effective count", () => {
  const config = { effectiveCount: true };
  test("lets a burst through, and no more than the rate in any window", () => {
    const fixture = new PolicyFixture();
    expect(Array.from({ length: 6 }, () => passes(fixture, {}, config))).toEqual([true, true, true, true, true, false]);
    fixture.clock.advance(1_000);
    expect(passes(fixture, {}, config)).toBe(false);
    fixture.clock.advance(250);
    expect(passes(fixture, {}, config)).toBe(true);
    expect(passes(fixture, {}, config)).toBe(false);
    fixture.clock.advance(2_000);
    expect(passes(fixture, { weight: 5 }, config)).toBe(true);
    expect(passes(fixture, {}, config)).toBe(false);
  });
});

describe("counters", () => {
  test("are one for each identifier, policy, proxy and environment", () => {
    const fixture = new PolicyFixture();
    expect(passes(fixture, { identifier: "a" })).toBe(true);
    expect(passes(fixture, { identifier: "b" })).toBe(true);
    expect(passes(fixture, { identifier: "a" })).toBe(false);
    expect(passes(fixture, { identifier: "a" }, { id: "flow/SA" })).toBe(true);
    expect(passes(fixture, { identifier: "a" }, {}, { proxy: "other" })).toBe(true);
    expect(passes(fixture, { identifier: "a" }, {}, { environment: "test" })).toBe(true);
  });

  test("are bounded: the identifier that passed longest ago goes", () => {
    const fixture = new PolicyFixture({ limits: { spikeArrestIdentifiersMax: 2 } });
    const rate = "1pm";
    expect(["a", "b", "c"].map((identifier) => passes(fixture, { rate, identifier }))).toEqual([true, true, true]);
    expect(passes(fixture, { rate, identifier: "b" })).toBe(false);
    expect(passes(fixture, { rate, identifier: "c" })).toBe(false);
    expect(passes(fixture, { rate, identifier: "a" })).toBe(true);
  });
});

describe("faults", () => {
  const cases: [string, Partial<SpikeArrestCall>, string, string][] = [
    [
      "no rate",
      { rate: null },
      "FailedToResolveSpikeArrestRate",
      "Failed to resolve Spike Arrest Rate reference my.rate in SpikeArrest policy SA",
    ],
    ["no unit", { rate: "5" }, "FailedToResolveSpikeArrestRate", ""],
    ["nothing a second", { rate: "0ps" }, "FailedToResolveSpikeArrestRate", ""],
    ["a weight of nothing", { weight: 0 }, "InvalidMessageWeight", "Invalid message weight value 0"],
    ["half a weight", { weight: "0.5" }, "InvalidMessageWeight", ""],
    ["no weight", { weight: null }, "InvalidMessageWeight", ""],
    ["a weight that is text", { weight: "heavy" }, "InvalidMessageWeight", ""],
  ];
  test.each(cases)("%s", async (_, call, code, text) => {
    const x = new PolicyFixture().exchange();
    const raised = await faultOf(() => runtimeStep(x, CONFIG, { ...CALL, ...call }));
    expect(raised).toMatchObject({ code: `policies.ratelimit.${code}`, status: 500, policy: "SA" });
    if (text !== "") expect(raised.text).toBe(text);
  });

  test("too soon is 429, with the rate and the variables", async () => {
    const fixture = new PolicyFixture();
    passes(fixture);
    const x = fixture.exchange();
    const raised = await faultOf(() => runtimeStep(x, { ...CONFIG, keep: true }, CALL));
    expect(raised).toMatchObject({ status: 429, text: "Spike arrest violation. Allowed rate : 5ps" });
    const names = ["allowed.count", "available.count", "exceed.count", "x"];
    expect(names.map((name) => rateVariable(x, "SA", name))).toEqual([
      1, 0, 1, null,
    ]);
  });
});

describe("SpikeArrest at compile time", () => {
  test("a constant rate", () => {
    expect(emitted(spikeArrest, { kind: "SpikeArrest", rate: "5ps" })).toEqual([
      'const spikeArrest = { name: "P-1", id: "P-1", rateVariable: "", effectiveCount: false, keep: false } as const',
      'spikeArrest(x, spikeArrest, { rate: "5ps", identifier: null, weight: 1 });',
    ]);
  });

  test("everything from variables", () => {
    const model = {
      kind: "SpikeArrest",
      rate: { ref: "my.rate", value: "3pm" },
      identifier: { ref: "client_id" },
      messageWeight: { ref: "request.header.weight" },
      useEffectiveCount: true,
    } as const;
    const [config, call] = emitted(spikeArrest, model, { read: ["ratelimit.P-1."] });
    expect(config).toContain('rateVariable: "my.rate", effectiveCount: true, keep: true');
    expect(call).toBe(
      'spikeArrest(x, spikeArrest, { rate: text("my.rate") ?? "3pm", identifier: get("client_id"), ' +
        'weight: get("request.header.weight") });',
    );
    expect(analyzed(spikeArrest, model).reads).toEqual(["my.rate", "client_id", "request.header.weight"]);
  });
});
