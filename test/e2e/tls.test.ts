import { Buffer } from "node:buffer";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket as WsClient, WebSocketServer } from "ws";
import { testAuthority, type CertificatePair, type TestAuthority } from "../support/certificates.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { endless, fromClient, fromTarget, MASK, readClose } from "../support/frames.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawTlsClient, upgradeRequest, type RawClient } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { bundle, bundleEnv } from "./bundle.ts";

const DAY_MS = 86_400_000;
let authority: TestAuthority;
let stranger: TestAuthority;
let pairs: Record<"server" | "renewed" | "sni" | "target" | "wrong" | "client" | "foreign", CertificatePair>;
/** Plain, trusted TLS, TLS for another name, TLS of an authority that nobody trusts. */
let targets: Record<"trusted" | "wrong" | "foreign", FakeTarget>;
let wss: { readonly url: string; close(): void };
let gateway: TestGateway;
let modules: Awaited<ReturnType<typeof compileFiles>>;
let env: Readonly<Record<string, string>>;

/** Listeners, in their order. */
const [OPEN, ASKING, DEMANDING] = [0, 1, 2];

const endpoint = (name: string, setting: string): readonly [string, string] => [
  `proxies/${name}/proxy.yaml`,
  `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name} }]
targetEndpoints: [{ url: { env: ${setting} }, sslInfo: { enabled: true, trustStore: "ref://corp" } }]`,
];

beforeAll(async () => {
  authority = testAuthority();
  stranger = testAuthority("somebody else");
  pairs = {
    server: authority.issue("server", { commonName: "first", names: ["gateway.test", "127.0.0.1"] }),
    renewed: authority.issue("renewed", { commonName: "second", names: ["gateway.test"] }),
    sni: authority.issue("sni", { commonName: "by-name", names: ["other.test"] }),
    target: authority.issue("target", { commonName: "target", names: ["127.0.0.1"] }),
    wrong: authority.issue("wrong", { commonName: "wrong", names: ["elsewhere.test"] }),
    client: authority.issue("client", { commonName: "device-7" }),
    foreign: stranger.issue("foreign", { commonName: "device-7", names: ["127.0.0.1"] }),
  };
  copyFileSync(pairs.server.certFile, join(authority.directory, "live.pem"));
  copyFileSync(pairs.server.keyFile, join(authority.directory, "live.key"));
  const scripts = { "*": (connection: Parameters<Parameters<typeof fakeTarget>[0] & object extends never ? never : (c: never) => void>[0] extends never ? never : never) => connection };
  void scripts;
  targets = {
    trusted: await fakeTarget({ "*": (connection) => connection.accept() }, { cert: pairs.target.cert, key: pairs.target.key }),
    wrong: await fakeTarget({ "*": (connection) => connection.accept() }, { cert: pairs.wrong.cert, key: pairs.wrong.key }),
    foreign: await fakeTarget({ "*": (connection) => connection.accept() }, { cert: pairs.foreign.cert, key: pairs.foreign.key }),
  };
});
