/**
 * Where key sets may be fetched from. https anywhere but in private networks; http only from this machine; private
 * networks only where the policy allows them. A name is judged by the addresses that it resolves to, when it is
 * connected to, so that a change of DNS between the two leads nowhere else.
 */
import { lookup, type LookupOptions } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Not of the public internet (RFC 6890 and the registries it founds). */
const PRIVATE_4 = [
  ["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["169.254.0.0", 16], ["172.16.0.0", 12],
  ["192.0.0.0", 24], ["192.0.2.0", 24], ["192.88.99.0", 24], ["192.168.0.0", 16], ["198.18.0.0", 15],
  ["198.51.100.0", 24], ["203.0.113.0", 24], ["224.0.0.0", 4], ["240.0.0.0", 4],
] as const;
const PRIVATE_6 = [
  ["::", 96], ["64:ff9b::", 96], ["64:ff9b:1::", 48], ["100::", 64], ["2001::", 23], ["2001:db8::", 32], ["2002::", 16],
  ["3fff::", 20], ["5f00::", 16], ["fc00::", 7], ["fe80::", 10], ["fec0::", 10], ["ff00::", 8],
] as const;

/** Why a URL is not fetched. */
export type UrlProblem = "no absolute URL" | "https is needed" | "credentials in the URL" | "a private address";

/** A URL that may be fetched. */
export interface KeySetUrl {
  readonly url: URL;
  /** Resolves names for the connection; refuses those that lead to where the URL may not. */
  readonly lookup: LookupFunction;
}

/** Checks a URL as far as it tells by itself. */
export function keySetUrl(text: string, allowPrivateAddresses: boolean): KeySetUrl | UrlProblem {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return "no absolute URL";
  if (url.username !== "" || url.password !== "") return "credentials in the URL";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isOwn = isLoopback(host);
  if (url.protocol === "http:" && !isOwn) return "https is needed";
  const refused = allowPrivateAddresses || isOwn ? null : privateAddresses();
  if (refused !== null && isIP(host) !== 0 && isIn(refused, host)) return "a private address";
  return { url, lookup: (name, options, done) => resolve(name, options, refused, done) };
}

/** This machine, by a name or number that cannot mean another. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function resolve(
  name: string,
  options: LookupOptions,
  refused: BlockList | null,
  done: Parameters<LookupFunction>[2],
): void {
  lookup(name, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return done(error, []);
    const allowed = addresses.filter(({ address }) => refused === null || !isIn(refused, address));
    const [first] = allowed;
    if (first === undefined) return done(new Error("the name leads to a private address only"), []);
    if (options.all === true) return done(null, allowed);
    done(null, first.address, first.family);
  });
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
}

function privateAddresses(): BlockList {
  const list = new BlockList();
  for (const [network, bits] of PRIVATE_4) list.addSubnet(network, bits, "ipv4");
  for (const [network, bits] of PRIVATE_6) list.addSubnet(network, bits, "ipv6");
  return list;
}
