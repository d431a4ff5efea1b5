/** Targets reached over TLS. Linked only where a bundle has such targets. */
import { readFileSync } from "node:fs";
import type { Limits } from "../limits.ts";
import { agentOptions, plainTarget, targetParts, type TargetSpec } from "./plain.ts";
import type { Target } from "./target.ts";
import { connectTls, targetTlsContext, type TargetTls } from "./tls.ts";

/** TLS of a target: paths of PEM files, or null. */
export interface TargetTlsSpec {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Name expected in the certificate instead of the host. */
  readonly commonName: string | null;
}

/** A target over https. Throws at start when its PEM files cannot be read or used. */
export function secureTarget(spec: TargetSpec, tls: TargetTlsSpec, limits: Limits): Target {
  const { tcpKeepAliveMs } = limits;
  const context = targetTlsContext({ ca: pem(tls.caFile), cert: pem(tls.certFile), key: pem(tls.keyFile) });
  const settings: TargetTls = { context, serverName: null, expectedName: tls.commonName };
  // Loaded here and not at the top: where the environment says http, none of TLS is needed.
  const { Agent } = process.getBuiltinModule("node:https");
  const agent = new Agent({ ...agentOptions(spec, limits), secureContext: context });
  agent.createConnection = ({ host, port }) =>
    connectTls({ host: String(host), port: Number(port), tcpKeepAliveMs }, settings, false);
  return {
    ...targetParts(spec, 443),
    scheme: "https",
    agent,
    connect: (server) => connectTls({ ...server, tcpKeepAliveMs }, settings),
  };
}

/** A target whose scheme only the environment tells. */
export function anyTarget(spec: TargetSpec, tls: TargetTlsSpec, limits: Limits): Target {
  const isSecure = spec.url !== null && /^https:/i.test(spec.url);
  return isSecure ? secureTarget(spec, tls, limits) : plainTarget(spec, limits);
}

function pem(path: string | null): string | null {
  return path === null ? null : readFileSync(path, "utf8");
}
