/** Durations and sizes as users write them. The schema has checked the form; this gives the number. */

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
};

/** Milliseconds of `250ms`, `30s`, `5m`, `12h`, `1d`; null when it is none of these. */
export function durationMs(text: string): number | null {
  return measure(text, DURATION_MS);
}

/** Bytes of `512B`, `64KiB`, `10MB`; null when it is none of these. */
export function sizeBytes(text: string): number | null {
  return measure(text, SIZE_BYTES);
}

function measure(text: string, units: Readonly<Record<string, number>>): number | null {
  const [, digits, unit] = /^(\d{1,12})([A-Za-z]{1,3})$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined || !Object.hasOwn(units, unit)) return null;
  return Number(digits) * (units[unit] ?? 0);
}
