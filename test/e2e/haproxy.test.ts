/** The gateway behind a real HAProxy, which says in three ways whose connections it relays. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { testAuthority, type TestAuthority } from "../support/certificates.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, RawClient, upgradeRequest } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";

/** What HAProxy is told to do, by the listener of the gateway behind it. */
const WAYS = {
  v1: "send-proxy",
  v2: "send-proxy-v2",
  extended: "send-proxy-v2 proxy-v2-options unique-id,crc32c",
  tls: "send-proxy-v2",
  forwarded: "",
} as const;
type Way = keyof typeof WAYS;
const ways: readonly Way[] = ["v1", "v2", "extended", "tls", "forwarded"];

/** Where clients are, so that they can be told from HAProxy. */
const CLIENT = "127.0.0.2";
const ATTEMPTS_MAX = 400;

let authority: TestAuthority;
let target: FakeTarget;
let gateway: TestGateway;
let haproxy: ChildProcess;
let directory: string;
let errors = "";
const ports = new Map<Way, number>();

beforeAll(async () => {
  authority = testAuthority();
  const { certFile, keyFile } = authority.issue("server", { commonName: "gateway", names: ["127.0.0.1"] });
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  const listener = (name: Way, more: string): string => `  - { name: ${name}, host: 127.0.0.1, port: 0, ${more} }`;
  gateway = await startGatewayFromBundle({
    "gateway.yaml": `kind: Gateway
listeners:
${listener("v1", "proxyProtocol: v1")}
${listener("v2", "proxyProtocol: { version: v2, trustedProxies: [127.0.0.1] }")}
${listener("extended", "proxyProtocol: any")}
${listener("tls", "proxyProtocol: v2, tls: { certFile: { env: CERT }, keyFile: { env: KEY } }")}
${listener("forwarded", "forwarded: { trustedProxies: [127.0.0.1] }")}
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "proxies/show/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /show, webSocket: deny, postFlow: { response: [AM-Show] }, routeRules: [{ name: none }] }]`,
    "proxies/show/policies/AM-Show.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions: [{ set: { payload: "{client.ip} {client.port} {client.scheme}" } }]`,
    "proxies/open/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /open }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  }, { env: { CERT: certFile, KEY: keyFile, TARGET_URL: target.url } });
  for (const way of ways) ports.set(way, await refusedPort());
  directory = mkdtempSync(join(tmpdir(), "apigw-haproxy-"));
  const file = join(directory, "haproxy.cfg");
  writeFileSync(file, configuration());
  // Debian keeps it where only root looks.
  const env = { PATH: `${process.env["PATH"]}:/usr/sbin` };
  haproxy = spawn("haproxy", ["-db", "-f", file], { stdio: ["ignore", "ignore", "pipe"], env });
  haproxy.stderr?.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  await new Promise<void>((resolve, reject) => haproxy.once("spawn", resolve).once("error", reject));
  for (const way of ways) (await connected(way)).socket.destroy();
});

afterAll(async () => {
  haproxy.kill();
  rmSync(directory, { recursive: true, force: true });
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  authority.remove();
});

function configuration(): string {
  const sections = ways.map((way, at) => `listen ${way}
  mode ${way === "forwarded" ? "http\n  option forwardfor" : "tcp"}
  unique-id-format %[uuid]
  bind 127.0.0.1:${ports.get(way)}
  server gateway 127.0.0.1:${gateway.listeners[at]?.port} ${WAYS[way]}
`);
  return `defaults
  timeout connect 2s
  timeout client 10s
  timeout server 10s
${sections.join("")}`;
}

/** A client at another address than HAProxy's; HAProxy needs a moment until it listens. */
async function connected(way: Way): Promise<RawClient> {
  const at = { port: ports.get(way) ?? 0, host: "127.0.0.1", localAddress: CLIENT, allowHalfOpen: true };
  for (let attempt = 0; ; attempt++) {
    const socket = connect(at);
    const client = new RawClient(way === "tls" ? connectTls({ socket, ca: authority.ca, host: at.host }) : socket);
    try {
      await once(client.socket, way === "tls" ? "secureConnect" : "connect");
      return client;
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || haproxy.exitCode !== null) {
        throw new Error(`haproxy does not listen: ${errors}`, { cause: error });
      }
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
  }
}

it.each(ways)("%s: the client's own address and port arrive, and upgrades pass", async (way) => {
  using client = await connected(way);
  // Forwarding headers have no port.
  const port = way === "forwarded" ? "" : client.socket.localPort;
  const body = `${CLIENT} ${port} ${way === "tls" ? "https" : "http"}`;
  expect(await client.send(plainRequest("/show")).answer()).toMatchObject({ status: 200, body });
  using socket = await connected(way);
  expect((await socket.send(upgradeRequest(`/open/${way}`)).answer()).status).toBe(101);
  const connection = await target.request(`/${way}`);
  expect(connection.header("x-forwarded-for")).toBe(way === "forwarded" ? `${CLIENT}, 127.0.0.1` : CLIENT);
});
