/** The template function `randomLong`: integers of 64 bits, from the gateway's clock. */
import type { Clock } from "../clock.ts";

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/**
 * A random integer from `min` to `max`, both of them possible; null stands for the end of Java's long. Empty when a
 * bound is no such integer, or `min` is above `max`.
 */
export function randomLong(clock: Clock, min: string | null, max: string | null): string {
  const low = min === null ? LONG_MIN : longOf(min);
  const high = max === null ? LONG_MAX : longOf(max);
  if (low === null || high === null || low > high) return "";
  // 128 bits over at most 64: the lean towards small results is below 2^-64.
  const bits = BigInt(`0x${clock.randomBytes(16).toString("hex")}`);
  return String(low + (bits % (high - low + 1n)));
}

function longOf(text: string): bigint | null {
  if (!/^-?[0-9]{1,19}$/.test(text)) return null;
  const value = BigInt(text);
  return value < LONG_MIN || value > LONG_MAX ? null : value;
}
