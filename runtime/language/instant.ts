/** Times as policies write them: a span from now, or an instant. Pure; the compiler checks literals with it. */

const SPAN_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** RFC 3339 section 5.6, with a zone. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;
/** RFC 9110 section 5.6.7. */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Milliseconds of `250ms`, `30s`, `5m`, `12h`, `1d`; a bare number counts seconds. Null when it is none of these. */
export function spanMs(text: string): number | null {
  const [, digits, unit = "s"] = /^(\d{1,12})(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  return digits === undefined ? null : Number(digits) * (SPAN_MS[unit] ?? 0);
}

/** Milliseconds since 1970 of an instant as RFC 3339 or HTTP writes it; null when it is neither. */
export function instantMs(text: string): number | null {
  const written = text.trim();
  if (!RFC_3339.test(written) && !HTTP_DATE.test(written)) return null;
  const ms = Date.parse(written);
  return Number.isNaN(ms) ? null : ms;
}
