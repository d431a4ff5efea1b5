/** Where a request goes, and which of its headers pass (apigee-core section 1.4, docs/differences.md "Requests"). */
import type { Program, ProgramProxy } from "#compiler/ir/program.ts";
import type { Lines } from "../outcome.ts";
import { usageOf } from "./usage.ts";
import type { Place } from "./transaction.ts";

/** The longest base path that matches; of two as long the one whose first differing segment is literal. */
export function findPlace(program: Program, host: string, path: string): Place | null {
  const group =
    program.groups.find(({ hostnames }) => hostnames.some(({ name }) => name === host)) ??
    program.groups.find(({ hostnames }) => hostnames.some(({ name }) =>
      name === `*${host.slice(host.indexOf("."))}`)) ??
    program.groups.find(({ hostnames }) => hostnames.some(({ name }) => name === "*"));
  if (group === undefined) return null;
  const asked = path === "/" ? [] : path.slice(1).split("/");
  let best: { place: Place; segments: readonly string[] } | null = null;
  for (const { environment, proxy: name } of program.deployments) {
    const proxy = program.proxies.find((other) => other.name === name);
    if (!group.environments.includes(environment) || proxy === undefined) continue;
    for (const endpoint of proxy.endpoints) {
      const { segments } = endpoint;
      const fits = segments.length <= asked.length &&
        segments.every((segment, at) => segment === asked[at] || (segment === "*" && asked[at] !== ""));
      if (!fits || (best !== null && !beats(segments, best.segments))) continue;
      const rest = path === "/" ? [] : asked.slice(segments.length);
      const pathSuffix = segments.length === 0 ? path : rest.map((segment) => `/${segment}`).join("");
      best = { place: { environment, proxy, endpoint, pathSuffix }, segments };
    }
  }
  return best?.place ?? null;
}

function beats(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return one.length > other.length;
  const at = one.findIndex((segment, index) => segment !== other[index]);
  return at >= 0 && other[at] === "*";
}

const HOP_BY_HOP = [
  "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
  "proxy-authenticate", "proxy-authorization",
];
const PROTECTED = /^(host|content-length|origin|sec-websocket-.*)$/;
const FORWARDING = /^(x-forwarded-.*|x-real-ip|forwarded|x-apigee-.*)$/;
const GUARDED = [
  "host", "content-length", "content-type", "authorization", "origin", "sec-websocket-key", "sec-websocket-version",
  "sec-websocket-protocol", "sec-websocket-extensions", "sec-websocket-accept",
];

/** The client's header lines that pass. */
export function passing(lines: Lines, proxy: ProgramProxy, program: Program, upgrade: boolean): Lines {
  const { reads, writes } = usageOf(proxy, program);
  const gone = lines
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.toLowerCase().split(",").map((element) => element.trim()))
    .filter((name) => !PROTECTED.test(name));
  const owned = [...HOP_BY_HOP, ...GUARDED, ...reads, ...writes];
  const kept = lines.filter(([name]) => {
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.includes(lower) || gone.includes(lower) || FORWARDING.test(folded(lower))) return false;
    if (reads.includes(lower) || GUARDED.includes(lower)) return true;
    return !owned.some((other) => folded(other) === folded(lower));
  });
  // Conditions can read that it is an upgrade; the hop's own lines are written anew.
  return upgrade ? [...kept, ["Upgrade", "websocket"], ["Connection", "Upgrade"]] : kept;
}

/** The header lines of a request that pass from a proxy into one that it calls. */
export function passingOn(lines: Lines, proxy: ProgramProxy, program: Program): Lines {
  const { reads, writes } = usageOf(proxy, program);
  const owned = [...HOP_BY_HOP, ...GUARDED, ...reads, ...writes];
  return lines.filter(([name]) => {
    const lower = name.toLowerCase();
    // Of an upgrade, which passes itself.
    if (lower === "connection" || lower === "upgrade") return true;
    if (HOP_BY_HOP.includes(lower) || folded(lower).startsWith("x-apigee-")) return false;
    if (FORWARDING.test(folded(lower))) return FORWARDING.test(lower) && !writes.includes(lower);
    if (reads.includes(lower) || GUARDED.includes(lower)) return true;
    return !owned.some((other) => folded(other) === folded(lower));
  });
}

/** What some servers take for the same name. */
function folded(name: string): string {
  return name.replaceAll(/[_.]/g, "-");
}
