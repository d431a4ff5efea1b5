/**
 * Wall-clock times as log lines show them. It owns the calendar of days since 1970, because a Date's own text goes
 * through the C library's printf and costs as much as the rest of a line.
 */

const DAY_MS = 86_400_000;
/** 0001-01-01 and 9999-12-31: what four digits can say. */
const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_799_999;
const pairs: readonly string[] = /* @__PURE__ */ Array.from({ length: 100 }, (_, at) => String(at).padStart(2, "0"));

/**
 * ISO 8601 in UTC with milliseconds, which are cut off, not rounded. A time beyond the years 1 to 9999 is shown as the
 * nearest that is not; NaN as the first.
 */
export function isoTime(wallMs: number): string {
  const wholeMs = Math.floor(Math.max(FIRST_MS, Math.min(LAST_MS, Number.isNaN(wallMs) ? FIRST_MS : wallMs)));
  const days = Math.floor(wholeMs / DAY_MS);
  const ms = wholeMs - days * DAY_MS;
  // Years begin with March here, so that the day that leap years add is their last. An era is 400 years.
  const sinceEra = days + 719_468;
  const era = Math.floor(sinceEra / 146_097);
  const dayOfEra = sinceEra - era * 146_097;
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = era * 400 + yearOfEra + (month < 3 ? 1 : 0);
  const date = `${two(year / 100)}${two(year)}-${two(month)}-${two(day)}`;
  const time = `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1_000) % 60)}`;
  return `${date}T${time}.${Math.floor(ms / 100) % 10}${two(ms)}Z`;
}

/** The last two digits before the point. */
function two(value: number): string {
  return pairs[Math.floor(value) % 100] ?? "";
}
