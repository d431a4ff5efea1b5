/** What generated routers call: where a path's segment ends, and which of two matches is the longer. */
import type { ProxyProgram } from "../program.ts";

/** Offset behind the segment that begins at `start`. */
export function segmentEnd(path: string, start: number): number {
  const slash = path.indexOf("/", start);
  return slash < 0 ? path.length : slash;
}

/** The match with more segments; of two equal ones the first, whose segment is literal (apigee-core section 1.4). */
export function longer(exact: ProxyProgram | null, any: ProxyProgram | null): ProxyProgram | null {
  if (exact === null) return any;
  if (any === null) return exact;
  return any.baseSegments > exact.baseSegments ? any : exact;
}

/** What remains of a path behind its first `segments` segments: "" or a text that begins with "/". */
export function pathSuffix(path: string, segments: number): string {
  if (segments === 0) return path;
  let at = 0;
  for (let count = 0; count < segments; count++) {
    at = path.indexOf("/", at + 1);
    if (at < 0) return "";
  }
  return path.slice(at);
}
