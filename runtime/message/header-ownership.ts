/**
 * Which header names belong to the gateway, so that a client can neither send them nor spell them differently
 * (`X_User` for `x-user`). Built once for each proxy; it decides about names and touches no message.
 */

/** Passes, when it is spelled exactly so. */
export const NAME_KEPT = 0;
/** Never passes from a client. */
export const NAME_DROPPED = 1;
/** Passes only from peers whose forwarding headers are trusted. */
export const NAME_FORWARDED = 2;

/** Hop-by-hop (RFC 9110 section 7.6.1), credentials for a proxy included. Connection and Upgrade are rebuilt. */
const hopByHop = [
  "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
  "proxy-authenticate", "proxy-authorization", "http2-settings",
];

/** What tells a target where a request came from (RFC 7239 and its forerunners); so does all of `x-forwarded-*`. */
const forwarding = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip",
  "forwarded"];

/** Other spellings of these could be taken for them behind us; Connection may not nominate them either. */
const guarded = [
  "host", "content-length", "content-type", "authorization", "origin", "sec-websocket-key", "sec-websocket-version",
  "sec-websocket-protocol", "sec-websocket-extensions", "sec-websocket-accept",
];

const notNominated: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "host", "content-length", "origin", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol",
  "sec-websocket-extensions", "sec-websocket-accept",
]);

/** The names of one proxy; see {@link headerOwnership}. */
export interface HeaderOwnership {
  /** Fate of a name as it is spelled (lower-case). */
  readonly fates: ReadonlyMap<string, number>;
  /** Every owned name with `_` and `.` read as `-`. */
  readonly folded: ReadonlySet<string>;
  /** True when an owned name holds `_` or `.` itself, so that plain names have to be folded as well. */
  readonly foldsAll: boolean;
}

/**
 * Collects the names a proxy owns. `written`: headers that only the gateway may set, dropped from clients in every
 * spelling. `read`: headers that policies read as credentials or identity, dropped in every spelling but their own.
 */
export function headerOwnership(written: readonly string[], read: readonly string[]): HeaderOwnership {
  const fates = new Map<string, number>();
  for (const name of guarded) fates.set(name, NAME_KEPT);
  for (const name of read) fates.set(name.toLowerCase(), NAME_KEPT);
  for (const name of forwarding) fates.set(name, NAME_FORWARDED);
  for (const name of written) fates.set(name.toLowerCase(), NAME_DROPPED);
  for (const name of hopByHop) fates.set(name, NAME_DROPPED);
  const names = [...fates.keys()];
  return { fates, folded: new Set(names.map(fold)), foldsAll: names.some((name) => fold(name) !== name) };
}

/** What becomes of a client's header; `name` is lower-case. */
export function fateOf(name: string, ownership: HeaderOwnership): number {
  const fate = ownership.fates.get(name);
  if (fate !== undefined) return fate;
  if (ownership.foldsAll || name.indexOf("_") >= 0 || name.indexOf(".") >= 0) {
    const folded = fold(name);
    if (ownership.folded.has(folded)) return NAME_DROPPED;
    if (folded !== name) return fateOfFamily(folded) === NAME_KEPT ? NAME_KEPT : NAME_DROPPED;
  }
  return fateOfFamily(name);
}

/** Names that belong to the gateway, or to proxies in front of it, by how they begin. */
function fateOfFamily(name: string): number {
  if (name.charCodeAt(0) !== 0x78) return NAME_KEPT;
  if (name.startsWith("x-apigee-")) return NAME_DROPPED;
  return name.startsWith("x-forwarded-") ? NAME_FORWARDED : NAME_KEPT;
}

/** True when Connection may take this header away (lower-case): not what framing, routing or the handshake rest on. */
export function isNominable(name: string): boolean {
  return !notNominated.has(name);
}

/** One spelling for all that servers between us and an application are known to confuse. */
function fold(name: string): string {
  return name.replaceAll("_", "-").replaceAll(".", "-");
}
