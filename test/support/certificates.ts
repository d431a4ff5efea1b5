/**
 * Certificates for tests: an authority, and certificates that it signs. Needs the `openssl` command (node cannot make X.509
 * certificates); .ci/run installs it where it is missing. Everything lies in a folder that the test removes.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface CertificatePair {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** DNS names or IP addresses of a server; none for a client. */
  readonly names?: readonly string[];
  /** Days until notAfter; negative: already expired. */
  readonly days?: number;
}

export interface TestAuthority {
  readonly directory: string;
  readonly caFile: string;
  readonly ca: string;
  /** Makes a key and a certificate for it; files are named after `file`. */
  issue(file: string, request: CertificateRequest): CertificatePair;
  /** Removes everything. */
  remove(): void;
}

/** A new authority in a folder of its own. */
export function testAuthority(commonName = "apigw test authority"): TestAuthority {
  const directory = mkdtempSync(join(tmpdir(), "apigw-certificates-"));
  const path = (name: string): string => join(directory, name);
  const caFile = path("ca.pem");
  openssl("req", "-x509", ...newKey, "-keyout", path("ca.key"), "-out", caFile, "-days", "2", "-subj", `/CN=${commonName}`,
    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign");
  writeFileSync(path("ca.conf"), authorityConfig(directory));
  writeFileSync(path("index.txt"), "");
  return {
    directory,
    caFile,
    ca: readFileSync(caFile, "utf8"),
    issue(file, { commonName: name, names = [], days = 1 }) {
      const certFile = path(`${file}.pem`);
      const keyFile = path(`${file}.key`);
      const alternatives = names.map((alternative) => `${/^[\d.]+$|:/.test(alternative) ? "IP" : "DNS"}:${alternative}`);
      const usage = names.length > 0 ? "serverAuth" : "clientAuth";
      const extensions = [`extendedKeyUsage=${usage}`, ...(names.length > 0 ? [`subjectAltName=${alternatives.join(",")}`] : [])];
      writeFileSync(path(`${file}.ext`), `${extensions.join("\n")}\n`);
      openssl("req", "-new", ...newKey, "-keyout", keyFile, "-out", path(`${file}.csr`), "-subj", `/O=apigw/CN=${name}`);
      const now = Date.now();
      openssl("ca", "-batch", "-config", path("ca.conf"), "-in", path(`${file}.csr`), "-extfile", path(`${file}.ext`),
        "-out", certFile, "-startdate", asn1Time(now - 2 * DAY_MS), "-enddate", asn1Time(now + days * DAY_MS));
      return { certFile, keyFile, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

const DAY_MS = 86_400_000;
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** The least that `openssl ca` wants; unlike `openssl x509` it takes any validity. */
function authorityConfig(directory: string): string {
  return `[ca]
default_ca = test
[test]
dir = ${directory}
database = $dir/index.txt
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
organizationName = optional
commonName = supplied
`;
}

function asn1Time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, "")}Z`;
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}
