/** Numbers, sizes and times as people read them. Pure. */

const whole = new Intl.NumberFormat("en");
const KIB = 1024;
const sizes = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `12,345` */
export function count(value: number): string {
  return whole.format(value);
}

/** `1 session`, `12,345 sessions` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `812 B`, `1.4 MiB` */
export function size(bytes: number): string {
  let value = bytes;
  let at = 0;
  while (value >= KIB && at < sizes.length - 1) {
    value /= KIB;
    at += 1;
  }
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${sizes[at] ?? ""}`;
}

/** `840 ms`, `12 s`, `5 m 12 s`, `3 h 4 m`, `2 d 5 h` */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(Math.round(ms), 0)} ms`;
  const s = Math.floor(ms / 1_000);
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 === 0 ? `${m} m` : `${m} m ${s % 60} s`;
  const h = Math.floor(m / 60);
  if (h < 24) return m % 60 === 0 ? `${h} h` : `${h} h ${m % 60} m`;
  return h % 24 === 0 ? `${Math.floor(h / 24)} d` : `${Math.floor(h / 24)} d ${h % 24} h`;
}

/** A duration of a step: `40 µs`, `1.3 ms`, `240 ms`, `1.2 s` */
export function fineDuration(ms: number): string {
  if (ms >= 10_000) return duration(ms);
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms >= 1) return `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`;
  return ms === 0 ? "0" : `${Math.round(ms * 1_000)} µs`;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** `14:03:07` of the reader's own day. */
export function clock(iso: string | number): string {
  const at = new Date(iso);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** `2026-11-23 14:03:07` of the reader's own clock. */
export function moment(iso: string | number): string {
  const at = new Date(iso);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(iso)}`;
}
