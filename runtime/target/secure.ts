/** Targets reached over TLS. Linked only where a bundle has such targets. */
import { readFileSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import type { Limits } from "../limits.ts";
import { plainTarget, plainTransport, templateTarget, urlTarget, type EndpointSpec, type TargetSpec } from "./plain.ts";
import { ConnectionPool } from "./pool.ts";
import type { Target, Transport } from "./target.ts";
import { connectTls, targetTlsContext, TlsSessions, type TargetTls } from "./tls.ts";

/** TLS of a target: paths of PEM files, or null. */
export interface TargetTlsSpec {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Name expected in the certificate instead of the host. */
  readonly commonName: string | null;
  /** Sessions are not resumed. */
  readonly resumes?: false;
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  /** OpenSSL's list. */
  readonly ciphers?: string;
}

type SecureVersion = "TLSv1.2" | "TLSv1.3";

/** A target over https. Throws at start when its PEM files cannot be read or used. */
export function secureTarget(spec: TargetSpec, tls: TargetTlsSpec, limits: Limits): Target {
  return urlTarget(spec, tlsTransport(spec, tls, limits), 443);
}

/** A target whose scheme only the environment tells. */
export function anyTarget(spec: TargetSpec, tls: TargetTlsSpec, limits: Limits): Target {
  return /^https:/i.test(spec.url) ? secureTarget(spec, tls, limits) : plainTarget(spec, limits);
}

/** A target whose URL is a template that says https. */
export function secureTemplateTarget(spec: EndpointSpec, tls: TargetTlsSpec, limits: Limits): Target {
  return templateTarget(spec, tlsTransport(spec, tls, limits));
}

/** A target whose URL is a template, its scheme included. */
export function anyTemplateTarget(spec: EndpointSpec, tls: TargetTlsSpec, limits: Limits): Target {
  return { ...secureTemplateTarget(spec, tls, limits), otherTransport: plainTransport(spec, limits) };
}

/** For load balancers: TLS where there are settings for it. */
export function secureTransport(spec: EndpointSpec, limits: Limits, tls: TargetTlsSpec | null): Transport {
  return tls === null ? plainTransport(spec, limits) : tlsTransport(spec, tls, limits);
}

/** For health checks: TLS with the authorities that the runtime trusts. */
export function trustedTransport(limits: Limits): Transport {
  const nobody = { caFile: null, certFile: null, keyFile: null, commonName: null };
  const { connectTimeoutMs, ioTimeoutMs } = limits;
  return tlsTransport({ name: "", connectTimeoutMs, ioTimeoutMs, keepAliveTimeoutMs: 0, successCodes: [] }, nobody, limits);
}

function tlsTransport(spec: EndpointSpec, tls: TargetTlsSpec, limits: Limits): Transport {
  const { tcpKeepAliveMs } = limits;
  const { commonName, resumes = true, minVersion, maxVersion, ciphers } = tls;
  const files = { ca: pem(tls.caFile), cert: pem(tls.certFile), key: pem(tls.keyFile) };
  const context = targetTlsContext(files, { minVersion, maxVersion, ciphers });
  const settings: TargetTls = { context, expectedName: commonName, sessions: resumes ? new TlsSessions() : null };
  const { keepAliveTimeoutMs } = spec;
  const connect = (host: string, port: number): TLSSocket => connectTls({ host, port, tcpKeepAliveMs }, settings);
  const pool = new ConnectionPool({ limits, connect, isTls: true, keepAliveTimeoutMs });
  return { scheme: "https", connect, pool, expectedName: commonName };
}

function pem(path: string | null): string | null {
  return path === null ? null : readFileSync(path, "utf8");
}
