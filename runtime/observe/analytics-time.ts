/**
 * When something ended, as a dimension of queries: Apigee's four (apigee-core section 8.6), in UTC. They follow from
 * the time of a row or of a roll-up, and are stored nowhere.
 */

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;

export const timeDimensionNames = [
  "ax_hour_of_day", "ax_day_of_week", "ax_week_of_month", "ax_month_of_year",
] as const;
export type TimeDimension = (typeof timeDimensionNames)[number];

export function isTimeDimension(name: string): name is TimeDimension {
  return timeDimensionNames.some((one) => one === name);
}

/** `00` to `23`; `Mon`; weeks of seven days from the first of the month on, `1` to `5`; `01` to `12`. */
export function timeDimension(name: TimeDimension, atMs: number): string {
  const at = new Date(atMs);
  if (name === "ax_hour_of_day") return twoDigits(at.getUTCHours());
  if (name === "ax_day_of_week") return DAYS[at.getUTCDay()] ?? "";
  if (name === "ax_month_of_year") return twoDigits(at.getUTCMonth() + 1);
  return String(Math.ceil(at.getUTCDate() / 7));
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
