import { describe, expect, it } from "vitest";
import { BadFilter, parseFilter, type RowValue } from "#runtime/observe/analytics-filter.ts";

const row: Readonly<Record<string, RowValue>> = {
  apiproxy: "chat", response_status_code: 401, target: null, developer_app: "it's", request_path: "/v1/rooms/7",
};
const isKnown = (name: string): boolean => Object.hasOwn(row, name);
const holds = (text: string): boolean => parseFilter(text, isKnown).holds((name) => row[name] ?? null);

describe("filters", () => {
  it.each([
    ["apiproxy eq 'chat'", true],
    ["apiproxy ne 'chat'", false],
    ["(apiproxy eq 'chat')", true],
    ["apiproxy eq 'Chat'", false],
    ["APIPROXY eq 'chat'", null],
    ["response_status_code ge 400 and response_status_code lt 500", true],
    ["response_status_code gt 401 or apiproxy eq 'chat'", true],
    ["response_status_code gt 401 or apiproxy eq 'x' and apiproxy eq 'chat'", false],
    ["(response_status_code gt 9 or apiproxy eq 'x') and apiproxy eq 'chat'", true],
    ["response_status_code eq '401'", true],
    ["response_status_code le 9", false],
    ["response_status_code eq 'abc'", false],
    ["apiproxy in ('a', 'chat')", true],
    ["apiproxy notin ('a', 'chat')", false],
    ["response_status_code in (400, 401)", true],
    ["target is null", true],
    ["target isnot null", false],
    ["target eq '(not set)'", true],
    ["target ne 'x'", true],
    ["developer_app eq 'it''s'", true],
    ["request_path like '/v1/%'", true],
    ["request_path like '/v1/rooms/_'", true],
    ["request_path like '%rooms'", false],
    ["request_path NOT LIKE '%rooms'", true],
    ["request_path like '%%%/7%'", true],
    ["target like '(not%'", true],
  ])("%s", (text, expected) => {
    if (expected === null) expect(() => holds(text)).toThrow(BadFilter);
    else expect(holds(text)).toBe(expected);
  });

  it.each([
    ["", "a dimension expected"],
    ["apiproxy", "one of eq"],
    ["apiproxy eq", "a text in single quotes"],
    ["apiproxy eq chat", "a text in single quotes"],
    ["apiproxy = 'chat'", "is not expected"],
    ['apiproxy eq "chat"', "is not expected"],
    ["apiproxy eq 'chat", "is not expected"],
    ["apiproxy similar to 'c.*'", "one of eq"],
    ["constructor eq 'x'", "is no dimension"],
    ["apiproxy eq 'chat' apiproxy eq 'x'", "and, or, or the end"],
    ["(apiproxy eq 'chat'", ") expected"],
    ["apiproxy in 'chat'", "( and a list"],
    ["apiproxy in ('a' 'b')", ") expected"],
    ["target is 'x'", "null expected"],
    ["apiproxy eq 'a'; drop table rollups", "is not expected"],
    [`${"(".repeat(40)}apiproxy eq 'a'${")".repeat(40)}`, "brackets inside"],
    [Array.from({ length: 80 }, () => "apiproxy eq 'a'").join(" or "), "at most 64"],
  ])("refuses %s", (text, message) => {
    expect(() => parseFilter(text, isKnown)).toThrow(message);
  });

  it("name what they ask for, once", () => {
    expect(parseFilter("apiproxy eq 'a' or apiproxy eq 'b' and target is null", isKnown).names).toEqual(["apiproxy", "target"]);
  });

  it("are never slow", () => {
    const pattern = `${"%a".repeat(100)}b`;
    const startMs = performance.now();
    parseFilter(`apiproxy like '${pattern}'`, isKnown).holds(() => "a".repeat(256));
    expect(performance.now() - startMs).toBeLessThan(200);
  });
});
