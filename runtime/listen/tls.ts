/**
 * Listeners with TLS. Linked only when a bundle has one. It owns the server's TLS options and what happens when
 * certificate files change; listen.ts owns the connections, certificates.ts which certificate is shown.
 */
import type { Server as HttpsServer } from "node:https";
import { Certificates, type TlsSettings } from "./certificates.ts";
import { FileWatch } from "./file-watch.ts";
import { Connections } from "./connections.ts";
import { HttpListener, serverOptions, type Listener, type ListenerOptions } from "./listen.ts";

export interface TlsEvents {
  /** Certificates were read again and are in use. */
  readonly onReloaded?: () => void;
  /** Some could not be used; the old ones stay. Problems name files, never their contents. */
  readonly onReloadFailed?: (problems: readonly string[]) => void;
}

export interface TlsListenerOptions extends ListenerOptions, TlsEvents {
  readonly tls: TlsSettings;
  readonly readFile: (path: string) => Buffer;
}

/** Certificates cannot be used when a listener opens. The caller lists the problems and ends with exit code 78. */
export class CertificateProblem extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.name = "CertificateProblem";
    this.problems = problems;
  }
}

/** Quiet time after a change before files are read: a renewal writes several. */
const SETTLE_MS = 250;

/** Opens a TLS listener. Rejects with a CertificateProblem, or with the system's error when it cannot listen. */
export async function openTlsListener(options: TlsListenerOptions): Promise<Listener> {
  const certificates = new Certificates(options.tls, options.readFile);
  const problems = certificates.load();
  const context = certificates.defaultOptions;
  if (problems.length > 0 || context === null) throw new CertificateProblem(problems);
  const connections = new Connections();
  const server: HttpsServer = process.getBuiltinModule("node:https").createServer({
    ...serverOptions(options, connections),
    ...context,
    requestCert: options.tls.clientAuth !== "none",
    rejectUnauthorized: options.tls.clientAuth === "require",
    handshakeTimeout: options.limits.tlsHandshakeTimeoutMs,
    ALPNProtocols: ["http/1.1"],
    SNICallback: (name, done) => done(null, certificates.contextFor(name)),
  });
  const listener = new HttpListener(server, options, "https", connections);
  await listener.listen();
  const watch = new FileWatch({
    files: certificates.files,
    clock: options.clock,
    settleMs: SETTLE_MS,
    onChange: () => reload(certificates, server, options),
  });
  void listener.closed.then(() => watch.close());
  return listener;
}

function reload(certificates: Certificates, server: HttpsServer, events: TlsEvents): void {
  const problems = certificates.load();
  if (certificates.defaultOptions !== null) server.setSecureContext(certificates.defaultOptions);
  if (problems.length > 0) events.onReloadFailed?.(problems);
  else events.onReloaded?.();
}
