import { describe, expect, test } from "vitest";
import { accessControl as runtimeStep } from "#runtime/policies/access-control.ts";
import type { AccessControlConfig, AccessRule } from "#runtime/policies/access-control.ts";
import { ipRange } from "#runtime/language/ip-address.ts";
import { accessControl } from "#compiler/policies/access-control.ts";
import type { AccessControlModel } from "#compiler/policies/access-control.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";
import type { ExchangeOptions } from "../../support/policy-fixture.ts";

const CONFIG: AccessControlConfig = { name: "AC", noRuleMatchAction: "DENY", basedOn: null, variable: null };

function rule(action: "ALLOW" | "DENY", ...ranges: readonly [string, number][]): AccessRule {
  return {
    action,
    ranges: ranges.map(([text, bits]) => {
      const range = ipRange(text, bits);
      if (range === null) throw new Error(text);
      return range;
    }),
  };
}

const LAN = rule("ALLOW", ["10.0.0.0", 8], ["2001:db8::", 32]);
const BAD = rule("DENY", ["10.6.6.6", 32]);

async function denied(
  exchange: ExchangeOptions,
  rules: readonly AccessRule[],
  config: Partial<AccessControlConfig> = {},
  presented: string | null = null,
): Promise<string | null> {
  const x = new PolicyFixture().exchange(exchange);
  try {
    runtimeStep(x, { ...CONFIG, ...config }, rules, presented);
    return null;
  } catch (thrown) {
    const raised = await faultOf(() => {
      throw thrown;
    });
    expect(raised.policy).toBe("AC");
    return `${raised.code} ${raised.text}`;
  }
}

const DENIED = (address: string): string => `accesscontrol.IPDeniedAccess Access Denied for client ip : ${address}`;
const forwarded = (value: string): ExchangeOptions => ({ address: "10.0.0.9", headers: ["X-Forwarded-For", value] });

describe("the address of the connection", () => {
  const cases: [string, string, readonly AccessRule[], "ALLOW" | "DENY", string | null][] = [
    ["an allowed address", "10.1.2.3", [LAN], "DENY", null],
    ["IPv4 in IPv6", "::ffff:10.1.2.3", [LAN], "DENY", null],
    ["an allowed IPv6 address", "2001:db8::5", [LAN], "DENY", null],
    ["any other address", "192.0.2.1", [LAN], "DENY", DENIED("192.0.2.1")],
    ["any other address, when all are let in", "192.0.2.1", [LAN], "ALLOW", null],
    ["the first rule that matches decides: denied", "10.6.6.6", [BAD, LAN], "DENY", DENIED("10.6.6.6")],
    ["the first rule that matches decides: allowed", "10.6.6.6", [LAN, BAD], "DENY", null],
    ["IPv4 in IPv6 does not slip past a rule", "::ffff:10.6.6.6", [BAD], "ALLOW", DENIED("10.6.6.6")],
    ["a zone is not part of the address", "fe80::1%eth0", [rule("ALLOW", ["fe80::", 10])], "DENY", null],
    ["no address, the client has left", "", [], "ALLOW", DENIED("")],
  ];
  test.each(cases)("%s", async (_, address, rules, noRuleMatchAction, expected) => {
    expect(await denied({ address }, rules, { noRuleMatchAction })).toBe(expected);
  });

  test("X-Forwarded-For is not looked at unless asked for", async () => {
    const exchange = { address: "192.0.2.1", headers: ["X-Forwarded-For", "10.0.0.1"] };
    expect(await denied(exchange, [LAN])).toBe(DENIED("192.0.2.1"));
  });
});

test("the client's address counts where trusted proxies name it, not theirs", async () => {
  const exchange = { address: "10.0.0.9", clientAddress: "192.0.2.1" };
  expect(await denied(exchange, [LAN])).toBe(DENIED("192.0.2.1"));
  expect(await denied(exchange, [LAN], { basedOn: "ALL" })).toBe(DENIED("192.0.2.1"));
});

describe("True-Client-IP", () => {
  const headers = ["True-Client-IP", " 192.0.2.1", "X-Forwarded-For", "10.0.0.1"];
  const config = { trueClientIp: true, basedOn: "ALL" } as const;

  test("goes before X-Forwarded-For where a trusted proxy sends it", async () => {
    expect(await denied({ address: "10.0.0.9", trusted: true, headers }, [LAN], config)).toBe(DENIED("192.0.2.1"));
    const inside = ["True-Client-IP", "10.0.0.1", "X-Forwarded-For", "192.0.2.1"];
    expect(await denied({ address: "10.0.0.9", trusted: true, headers: inside }, [LAN], config)).toBeNull();
  });

  test.each([
    ["a client's own is not looked at", { address: "10.0.0.9", headers }, config, null],
    ["nor a trusted one, unless asked for", { address: "10.0.0.9", trusted: true, headers }, { basedOn: "ALL" }, null],
    ["two of them are no address", { trusted: true, headers: [...headers, "true-client-ip", "10.0.0.1"] }, config,
      DENIED("192.0.2.1??10.0.0.1")],
  ] as const)("%s", async (_, exchange, more, expected) => {
    expect(await denied(exchange, [LAN], more)).toBe(expected);
  });
});

describe("X-Forwarded-For", () => {
  const cases: [string, "ALL" | "FIRST" | "LAST", string, string | null][] = [
    ["all are allowed", "ALL", "10.0.0.1, 10.0.0.2", null],
    ["one of all is not", "ALL", "10.0.0.1, 192.0.2.1", DENIED("192.0.2.1")],
    ["the first is allowed", "FIRST", "10.0.0.1, 192.0.2.1", null],
    ["the first is not", "FIRST", "192.0.2.1, 10.0.0.1", DENIED("192.0.2.1")],
    ["the last is allowed", "LAST", "192.0.2.1,10.0.0.1", null],
    ["the last is not", "LAST", "10.0.0.1,192.0.2.1", DENIED("192.0.2.1")],
    ["what is no address is kept out", "ALL", "10.0.0.1, unknown", DENIED("???????")],
    ["an empty part is kept out", "ALL", "10.0.0.1,,10.0.0.2", DENIED("")],
    ["a port makes it no address", "FIRST", "10.0.0.1:80", DENIED("10.0.0.1:80")],
    ["nothing of it becomes markup", "FIRST", "<script>", DENIED("??c?????")],
  ];
  test.each(cases)("%s", async (_, basedOn, value, expected) => {
    const config = { basedOn, noRuleMatchAction: "DENY" as const };
    expect(await denied(forwarded(value), [LAN], config)).toBe(expected);
  });

  test("without it the connection's address counts; a second line is read too", async () => {
    expect(await denied({ address: "192.0.2.1" }, [LAN], { basedOn: "ALL" })).toBe(DENIED("192.0.2.1"));
    const twice = { address: "10.0.0.9", headers: ["X-Forwarded-For", "10.0.0.1", "x-forwarded-for", "192.0.2.1"] };
    expect(await denied(twice, [LAN], { basedOn: "ALL" })).toBe(DENIED("192.0.2.1"));
  });

  test("what is no address is kept out even when all others are let in", async () => {
    const config = { basedOn: "ALL", noRuleMatchAction: "ALLOW" } as const;
    expect(await denied(forwarded("unknown"), [], config)).toBe(DENIED("???????"));
  });
});

describe("variables", () => {
  const config = { variable: "client.resolved.ip" };
  const invalid = "accesscontrol.InvalidIPAddressInVariable Invalid IP address in variable client.resolved.ip";
  test.each([
    ["10.0.0.1", null],
    ["192.0.2.1", DENIED("192.0.2.1")],
    ["x", invalid],
    ["", invalid],
    [null, invalid],
  ])("%j as the client's address", async (value, expected) => {
    expect(await denied(forwarded("192.0.2.1"), [LAN], config, value)).toBe(expected);
  });

  test("rules from variables", async () => {
    const dynamic = (address: string, bits: string | number): readonly AccessRule[] => [
      { action: "ALLOW", ranges: [{ address, bits }] },
    ];
    expect(await denied({ address: "10.1.1.1" }, dynamic(" 10.1.0.0 ", "16"))).toBeNull();
    expect(await denied({ address: "10.2.1.1" }, dynamic("10.1.0.0", 16))).toBe(DENIED("10.2.1.1"));
    for (const [address, bits] of [["", 16], ["10.1.0.0", ""], ["10.1.0.0", "x"], ["10.1.0.0", 64]] as const) {
      expect(await denied({ address: "10.1.1.1" }, dynamic(address, bits))).toBe(
        `accesscontrol.InvalidRulePattern Invalid IP rule pattern ${address}/${bits}`,
      );
    }
  });
});

describe("AccessControl at compile time", () => {
  const model = (value: string, mask: number | string): AccessControlModel => ({
    kind: "AccessControl",
    ipRules: { noRuleMatchAction: "DENY", matchRules: [{ action: "ALLOW", sourceAddresses: [{ mask, value }] }] },
  });

  test("literal ranges become numbers", () => {
    expect(emitted(accessControl, model("192.0.2.0", 24))).toEqual([
      'const accessControl = { name: "P-1", noRuleMatchAction: "DENY", basedOn: null, variable: null } as const',
      'const accessRules = [{ action: "ALLOW", ranges: [{ family: 4, words: [3221225984], bits: 24 }] }] as const',
      "accessControl(x, accessControl, accessRules, null);",
    ]);
  });

  test("those from variables stay text", () => {
    const [, call] = emitted(accessControl, {
      ...model("{net}", "{bits}"),
      validateBasedOn: "X_FORWARDED_FOR_LAST_IP",
      clientIPVariable: "my.ip",
    });
    expect(call).toBe(
      'accessControl(x, accessControl, [{ action: "ALLOW", ranges: [' +
        '{ address: template("{net}"), bits: template("{bits}") }] }], get("my.ip"));',
    );
    expect(analyzed(accessControl, model("{net}", "{bits}")).reads).toEqual(["net", "bits"]);
  });

  test("without rules nothing is done, and said so", () => {
    expect(emitted(accessControl, { kind: "AccessControl" })).toEqual([]);
    expect(analyzed(accessControl, { kind: "AccessControl" }).reports).toEqual([expect.stringMatching(/^AGW3103/)]);
  });

  const at = "ipRules.matchRules.0.sourceAddresses.0";
  test.each([
    ["192.0.2.0", 33, `AGW3105 ${at}.mask`],
    ["192.0.2.0", 64, `AGW3105 ${at}.mask`],
    ["192.0.2.0", 0, `AGW3105 ${at}.mask`],
    ["2001:db8::", 129, `AGW3105 ${at}.mask`],
    ["1.2.3.999", 8, `AGW3105 ${at}.value`],
  ])("%s/%i is reported", (value, mask, expected) => {
    const { reports } = analyzed(accessControl, model(value, mask));
    expect(reports.map((report) => report.split(" {")[0])).toEqual([expected]);
  });

  const rules = { noRuleMatchAction: "DENY", matchRules: [] } as const;
  const open = { noRuleMatchAction: "ALLOW", matchRules: [] } as const;
  const first = "X_FORWARDED_FOR_FIRST_IP";
  const last = "X_FORWARDED_FOR_LAST_IP";
  const every = "X_FORWARDED_FOR_ALL_IP";
  test.each<[string, Partial<AccessControlModel>, boolean, RegExp[]]>([
    ["the first address, even where nobody else is let in", { ipRules: rules, validateBasedOn: first }, true, [/^AGW4103/]],
    ["all of them, where everybody else is let in", { ipRules: open, validateBasedOn: every }, true, [/^AGW4103/]],
    ["not all of them, where nobody else is", { ipRules: rules, validateBasedOn: every }, true, []],
    ["not the last, which a trusted proxy wrote", { ipRules: open, validateBasedOn: last }, true, []],
    ["not a variable", { ipRules: open, validateBasedOn: first, clientIPVariable: "x" }, true, []],
    ["True-Client-IP", { ipRules: rules, ignoreTrueClientIPHeader: false }, true, [/^AGW4103 ignoreTrueClientIPHeader/]],
    ["nothing where nobody is trusted, only that it has no effect", { ipRules: open, validateBasedOn: first,
      ignoreTrueClientIPHeader: false }, false, [/^AGW3103 ignoreTrue/, /^AGW3103 validateBasedOn/]],
  ])("addresses that a client can choose are reported: %s", (_, parts, isTrusting, expected) => {
    const options = isTrusting ? { forwardedHeader: "x-forwarded-for" } as const : {};
    const { reports } = analyzed(accessControl, { kind: "AccessControl", ...parts }, options);
    expect(reports).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  test("True-Client-IP is in the emitted code only where it counts", () => {
    const config = (ignoreTrueClientIPHeader: boolean): string =>
      emitted(accessControl, { ...model("192.0.2.0", 24), ignoreTrueClientIPHeader })[0] ?? "";
    expect(config(false)).toContain("trueClientIp: true");
    expect(config(true)).not.toContain("trueClientIp");
  });
});
