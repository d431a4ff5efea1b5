/**
 * Who may speak to the admin listener: a client with the secret or a verified certificate, and of browsers only the
 * listener's own page, never one on behalf of another. It decides before anything else of the request is looked at.
 */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { matches } from "../access/digest.ts";
import { clientCertificate } from "../client/certificate.ts";
import { errorAnswer, type Answer } from "./answer.ts";

/** What admits a request. At least one of the two is set. */
export interface AdminAuth {
  /** Digest of the bearer secret (access/digest); null: only certificates count. */
  readonly secretDigest: string | null;
  /** True on TLS listeners that verify client certificates. */
  readonly certificates: boolean;
  /** Lower-case names that Host may have besides loopback and IP addresses. */
  readonly hostnames: readonly string[];
}

/** Who was let in, for the audit line. */
export interface Actor {
  /** `secret`, or `certificate` with its name. */
  readonly actor: string;
}

/** The answer that refuses a request by where it comes from; null when it may go on. It asks for no secret. */
export function guardSite({ headers }: IncomingMessage, { hostnames }: Pick<AdminAuth, "hostnames">): Answer | null {
  const { host, origin } = headers;
  if (!isOwnHost(host, hostnames)) {
    return errorAnswer(403, "host_not_allowed", "Host must be loopback, an IP address or a configured name");
  }
  const site = headers["sec-fetch-site"];
  const isForeign = site !== undefined && site !== "none" && site !== "same-origin";
  if (isForeign || (origin !== undefined && !isOwnOrigin(origin, host ?? ""))) {
    return errorAnswer(403, "cross_site", "The admin API does not answer to other web pages");
  }
  return null;
}

/** The actor, or the answer that refuses. */
export function guardActor(request: IncomingMessage, auth: AdminAuth): Actor | Answer {
  const actor = actorOf(request, auth);
  if (actor !== null) return { actor };
  return errorAnswer(401, "unauthorized", "A valid bearer secret or client certificate is needed", {
    "WWW-Authenticate": 'Bearer realm="apigw admin"',
  });
}

/** True when the connection itself says who it is, so that no secret has to be typed. */
export function hasCertificate(request: IncomingMessage, { certificates }: AdminAuth): boolean {
  return certificates && clientCertificate(request.socket) !== null;
}

function actorOf(request: IncomingMessage, { certificates, secretDigest }: AdminAuth): string | null {
  if (certificates) {
    const certificate = clientCertificate(request.socket);
    if (certificate !== null) return `certificate ${certificate.commonName ?? certificate.fingerprint}`;
  }
  const presented = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (secretDigest === null || presented === undefined) return null;
  return matches(presented, secretDigest) ? "secret" : null;
}

/** The page's own requests: host and port are those that were asked for. A proxy may have taken TLS off. */
function isOwnOrigin(origin: string, host: string): boolean {
  return /^https?:\/\/(.+)$/.exec(origin.toLowerCase())?.[1] === host.toLowerCase();
}

/** Names resolve to whatever their owner likes; loopback names and addresses do not (DNS rebinding). */
function isOwnHost(host: string | undefined, hostnames: readonly string[]): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@/?#\s]+))(?::\d{1,5})?$/.exec((host ?? "").toLowerCase());
  if (match === null) return false;
  const [, ipv6, name = ""] = match;
  if (ipv6 !== undefined) return isIP(ipv6) === 6;
  return name === "localhost" || isIP(name) === 4 || hostnames.includes(name);
}
