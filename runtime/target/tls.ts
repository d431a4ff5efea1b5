/**
 * Opens TLS connections to targets. Linked only into artifacts that have such targets. A certificate that does not
 * stand
 * for the expected name is never accepted.
 */
import type { ConnectionOptions, PeerCertificate, SecureContext, SecureContextOptions, TLSSocket } from "node:tls";
import { ignoreError } from "./connect.ts";
import type { TargetAddress } from "./connect.ts";

/** Trust and identity towards one target; made once (see {@link targetTlsContext}) and shared by its connections. */
export interface TargetTls {
  readonly context: SecureContext;
  /** Name sent as SNI and expected in the certificate; null: the host of the address. */
  readonly serverName: string | null;
  /** Name expected in the certificate instead of the server name (Apigee: CommonName); null: the server name. */
  readonly expectedName: string | null;
}

/** PEM texts of one target's trust and of the gateway's own identity towards it; null where the bundle gives none. */
export interface TargetTlsFiles {
  /** Trusted roots; null: those of the runtime. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

/** Checks and prepares a target's PEM texts. Throws when they are unusable: that is for start-up to report. */
export function targetTlsContext(files: TargetTlsFiles): SecureContext {
  const options: SecureContextOptions = { minVersion: "TLSv1.2" };
  if (files.ca !== null) options.ca = files.ca;
  if (files.cert !== null) options.cert = files.cert;
  if (files.key !== null) options.key = files.key;
  return process.getBuiltinModule("node:tls").createSecureContext(options);
}

/**
 * As {@link connectTcp}, then TLS with HTTP/1.1 as the only protocol. It is usable at `secureConnect`.
 */
export function connectTls(address: TargetAddress, tls: TargetTls): TLSSocket {
  const { checkServerIdentity, connect } = process.getBuiltinModule("node:tls");
  const serverName = tls.serverName ?? address.host;
  const { expectedName } = tls;
  const options: ConnectionOptions & { allowHalfOpen: boolean } = {
    host: address.host,
    port: address.port,
    secureContext: tls.context,
    // An address cannot stand in SNI (RFC 6066 section 3); its certificate is checked all the same.
    servername: isAddress(serverName) ? "" : serverName,
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      checkServerIdentity(expectedName ?? serverName, certificate),
    ALPNProtocols: ["http/1.1"],
    allowHalfOpen: true,
  };
  const socket = connect(options);
  socket.on("error", ignoreError);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, address.tcpKeepAliveMs);
  return socket;
}

function isAddress(name: string): boolean {
  return name.indexOf(":") >= 0 || /^[0-9.]+$/.test(name);
}
