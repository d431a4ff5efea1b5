/**
 * The certificates of one TLS listener, by server name. It owns reading and trying them: a pair that cannot be used
 * never takes the place of one that can. It refuses to know when files change.
 */
import type { SecureContext, SecureContextOptions } from "node:tls";

/** A certificate chain and its private key, as PEM files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsSettings extends CertificateFiles {
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** Client certificates: not asked for, asked for, or demanded. One that does not verify counts as none. */
  readonly clientAuth: "none" | "request" | "require";
  /** Authorities of client certificates, PEM; null: those of the system. */
  readonly clientCaFile: string | null;
  /** Further certificates. Hostnames are lower-case, exact or with `*.` for one leftmost label. */
  readonly sni: readonly (CertificateFiles & { readonly hostnames: readonly string[] })[];
}

interface Loaded {
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
}

export class Certificates {
  readonly #settings: TlsSettings;
  readonly #readFile: (path: string) => Buffer;
  #default: Loaded | null = null;
  /** By host name; wildcards as `.example.com`. As many as the configuration names. */
  readonly #byName = new Map<string, Loaded>();

  constructor(settings: TlsSettings, readFile: (path: string) => Buffer) {
    this.#settings = settings;
    this.#readFile = readFile;
  }

  /** Every file that a certificate comes from. */
  get files(): readonly string[] {
    const { certFile, clientCaFile, keyFile, sni } = this.#settings;
    const files = [certFile, keyFile, ...sni.flatMap((entry) => [entry.certFile, entry.keyFile])];
    return clientCaFile === null ? files : [...files, clientCaFile];
  }

  /** What the server's own context is made of; null before anything could be loaded. */
  get defaultOptions(): SecureContextOptions | null {
    return this.#default?.options ?? null;
  }

  /** Reads all files; the problems of those that cannot be used. */
  load(): string[] {
    const problems: string[] = [];
    const ca = this.#authorities(problems);
    this.#default = this.#pair(this.#settings, ca, problems) ?? this.#default;
    for (const entry of this.#settings.sni) {
      const loaded = this.#pair(entry, ca, problems);
      if (loaded === null) continue;
      for (const hostname of entry.hostnames) this.#byName.set(hostname.replace(/^\*\./, "."), loaded);
    }
    return problems;
  }

  /** The context for a server name, undefined for the listener's own. */
  contextFor(name: string): SecureContext | undefined {
    const host = name.toLowerCase().replace(/\.$/, "");
    const dot = host.indexOf(".");
    return (this.#byName.get(host) ?? (dot > 0 ? this.#byName.get(host.slice(dot)) : undefined))?.context;
  }

  /** Undefined: node's default authorities. When the file cannot be read, the ones that are in use stay. */
  #authorities(problems: string[]): SecureContextOptions["ca"] {
    const { clientAuth, clientCaFile } = this.#settings;
    if (clientAuth === "none" || clientCaFile === null) return undefined;
    const ca = this.#read(clientCaFile, problems);
    return ca ?? this.#default?.options.ca;
  }

  #pair(files: CertificateFiles, ca: SecureContextOptions["ca"], problems: string[]): Loaded | null {
    const cert = this.#read(files.certFile, problems);
    const key = this.#read(files.keyFile, problems);
    if (cert === null || key === null) return null;
    const { minVersion } = this.#settings;
    const options = ca === undefined ? { cert, key, minVersion } : { cert, key, ca, minVersion };
    try {
      return { options, context: process.getBuiltinModule("node:tls").createSecureContext(options) };
    } catch (error) {
      problems.push(`certificate ${files.certFile} with key ${files.keyFile} cannot be used (${reasonOf(error)})`);
      return null;
    }
  }

  #read(path: string, problems: string[]): Buffer | null {
    try {
      return this.#readFile(path);
    } catch (error) {
      problems.push(`file ${path} cannot be read (${reasonOf(error)})`);
      return null;
    }
  }
}

/** OpenSSL's reason or the system's code; messages could quote file contents. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  if ("reason" in error && typeof error.reason === "string") return error.reason;
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
