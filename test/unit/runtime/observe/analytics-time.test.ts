/** When something ended, as a dimension. */
import { expect, it } from "vitest";
import { isTimeDimension, timeDimension, timeDimensionNames } from "#runtime/observe/analytics-time.ts";

it.each([
  ["2026-11-23T00:00:00.000Z", ["00", "Mon", "4", "11"]],
  ["2026-03-01T23:59:59.999Z", ["23", "Sun", "1", "03"]],
  ["2024-02-29T12:00:00.000Z", ["12", "Thu", "5", "02"]],
  ["2026-01-07T09:30:00.000Z", ["09", "Wed", "1", "01"]],
  ["2026-01-08T09:30:00.000Z", ["09", "Thu", "2", "01"]],
])("%s is %j", (iso, values) => {
  expect(timeDimensionNames.map((name) => timeDimension(name, Date.parse(iso)))).toEqual(values);
});

it("no other name is one", () => {
  expect(["apiproxy", "ax_geo_city", "constructor"].filter(isTimeDimension)).toEqual([]);
});
