/**
 * Opens TLS connections to targets. Linked only into artifacts that have such targets. A certificate that does not
 * stand for the expected name is never accepted.
 */
import type { ConnectionOptions, PeerCertificate, SecureContext, SecureContextOptions, TLSSocket } from "node:tls";
import { ignoreError } from "./connect.ts";
import type { TargetAddress } from "./connect.ts";

/** Trust and identity towards one target; made once (see {@link targetTlsContext}) and shared by its connections. */
export interface TargetTls {
  readonly context: SecureContext;
  /** Name expected in the certificate instead of the host (Apigee: CommonName); null: the host. */
  readonly expectedName: string | null;
  /** What is remembered of its last session; null: nothing. */
  readonly sessions: TlsSessions | null;
}

/** The last TLS session with an address, to be resumed. Another address takes its place: a transport has one server. */
export class TlsSessions {
  #address = "";
  #session: Buffer | undefined;

  /** The session to resume, which was verified when it began. */
  for(address: string): Buffer | undefined {
    return address === this.#address ? this.#session : undefined;
  }

  keep(address: string, session: Buffer): void {
    this.#address = address;
    this.#session = session;
  }
}

/** What a bundle says of versions and ciphers; what it leaves out is the runtime's choice, TLS 1.2 and up. */
export interface TargetTlsChoice {
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  readonly maxVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  readonly ciphers?: string | undefined;
}

/** PEM texts of one target's trust and of the gateway's own identity towards it; null where the bundle gives none. */
export interface TargetTlsFiles {
  /** Trusted roots; null: those of the runtime. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

/** Checks and prepares a target's PEM texts. Throws when they are unusable: that is for start-up to report. */
export function targetTlsContext(files: TargetTlsFiles, choice: TargetTlsChoice = {}): SecureContext {
  const options: SecureContextOptions = { minVersion: choice.minVersion ?? "TLSv1.2" };
  if (choice.maxVersion !== undefined) options.maxVersion = choice.maxVersion;
  if (choice.ciphers !== undefined) options.ciphers = choice.ciphers;
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
  const { expectedName, sessions } = tls;
  const { host, port } = address;
  // An address cannot stand in SNI (RFC 6066 section 3): the expected name does where there is one.
  const serverName = isAddress(host) ? (expectedName ?? "") : host;
  const key = `${host} ${port}`;
  const session = sessions?.for(key);
  const options: ConnectionOptions & { allowHalfOpen: boolean } = {
    host,
    port,
    secureContext: tls.context,
    servername: isAddress(serverName) ? "" : serverName,
    ...(session === undefined ? {} : { session }),
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      checkServerIdentity(expectedName ?? host, certificate),
    ALPNProtocols: ["http/1.1"],
    allowHalfOpen: true,
  };
  const socket = connect(options);
  socket.on("error", ignoreError);
  if (sessions !== null) socket.on("session", (bytes: Buffer) => sessions.keep(key, bytes));
  socket.setNoDelay(true);
  socket.setKeepAlive(true, address.tcpKeepAliveMs);
  return socket;
}

function isAddress(name: string): boolean {
  return name.indexOf(":") >= 0 || /^[0-9.]+$/.test(name);
}
