/**
 * Syslog over TLS (RFC 5425); the receiver's certificate is always verified. Linked only where a policy asks for it.
 */
import { readFileSync } from "node:fs";
import type { PeerCertificate } from "node:tls";
import type { OpenLink, SyslogReceiver } from "./sender.ts";
import { streamLink, type SyslogAddress } from "./tcp.ts";

/** Paths of PEM files, null for none; and the name expected in the certificate, null for the host. */
export interface SyslogTls {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly commonName: string | null;
}

/** A receiver of TLS connections. */
export function tlsReceiver(address: SyslogAddress, tls: SyslogTls): SyslogReceiver {
  const { host, port } = address;
  // Another trust or identity is another connection.
  const files = [tls.caFile, tls.certFile, tls.keyFile, tls.commonName].map((part) => part ?? "-").join(" ");
  return { name: `tls ${host} ${port} ${files}`, open: overTls(address, tls) };
}

/** Files are read for each connection, so that new ones are used when they are there. */
function overTls({ host, port }: SyslogAddress, { caFile, certFile, keyFile, commonName }: SyslogTls): OpenLink {
  return (owner) => {
    const { checkServerIdentity, connect } = process.getBuiltinModule("node:tls");
    const isAddress = /^[0-9.]+$|:/.test(host);
    const options = {
      host,
      port,
      minVersion: "TLSv1.2",
      servername: commonName ?? (isAddress ? "" : host),
      checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
        checkServerIdentity(commonName ?? host, certificate),
    } as const;
    const files = { ...pem("ca", caFile), ...pem("cert", certFile), ...pem("key", keyFile) };
    return streamLink(connect({ ...options, ...files }), "secureConnect", owner);
  };
}

function pem(name: "ca" | "cert" | "key", path: string | null): { readonly [name: string]: string } {
  return path === null ? {} : { [name]: readFileSync(path, "utf8") };
}
