/**
 * Who a client is by its TLS certificate. It reads what node verified and refuses what it did not; policies decide
 * what a name may do.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { noLabels, type Credential } from "../access/credential.ts";

/** Fields of a client certificate that chains to the listener's authorities. */
export interface ClientCertificate {
  /** Subject as `O=b, CN=a`, in the certificate's order, control characters escaped. */
  readonly subject: string;
  /** Null when there is none, or more than one. */
  readonly commonName: string | null;
  readonly issuer: string;
  readonly serialNumber: string;
  /** SHA-256 of the certificate, upper-case hexadecimal with colons. */
  readonly fingerprint: string;
  readonly subjectAltName: string | null;
  /** Wall clock. */
  readonly notBeforeMs: number;
  /** Wall clock; a session that this certificate admitted ends then. */
  readonly notAfterMs: number;
}

/** The verified certificate of a client; null on plain sockets, without one, and when it did not verify. */
export function clientCertificate(socket: Socket): ClientCertificate | null {
  if (!isTls(socket) || !socket.authorized) return null;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return null;
  const commonName: unknown = socket.getPeerCertificate().subject?.CN;
  return {
    subject: certificate.subject.replaceAll("\n", ", "),
    commonName: typeof commonName === "string" ? commonName : null,
    issuer: certificate.issuer.replaceAll("\n", ", "),
    serialNumber: certificate.serialNumber,
    fingerprint: certificate.fingerprint256,
    subjectAltName: certificate.subjectAltName ?? null,
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
  };
}

/** A verified certificate admits like any credential: the session ends when it expires. Null without one. */
export function certificateCredential(socket: Socket, epoch: number): Credential | null {
  const certificate = clientCertificate(socket);
  if (certificate === null) return null;
  return {
    kind: "certificate",
    policy: "",
    epoch,
    expiresAtMs: certificate.notAfterMs,
    identities: [`certificate:${certificate.fingerprint}`],
    labels: noLabels,
    basis: null,
  };
}

function isTls(socket: Socket): socket is TLSSocket {
  return "encrypted" in socket && socket.encrypted === true;
}
