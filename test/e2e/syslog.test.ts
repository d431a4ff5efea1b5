/** MessageLogging to syslog receivers on real sockets (apigee-policies section 3.25). */
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, expect, it } from "vitest";
import { testAuthority } from "../support/certificates.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

/** A bundle that tells each request's path to one receiver. */
function files(syslog: string, limits = ""): Record<string, string> {
  return {
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }
${limits}`,
    "proxies/p/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /p, preFlow: { request: [ML-Tell] }, postClientFlow: { response: [ML-Tell] }, routeRules: [{ name: none }] }]`,
    "proxies/p/policies/ML-Tell.yaml": `kind: MessageLogging
logLevel: ALERT
syslog: { message: "told {request.queryparam.text} {request.header.authorization}", host: { env: LOG_HOST }, port: { env: LOG_PORT }, ${syslog} }`,
  };
}

let gateway: TestGateway | null = null;

afterEach(async () => {
  expect(gateway?.lines({ event: "defect" }) ?? []).toEqual([]);
  await gateway?.[Symbol.asyncDispose]();
  gateway = null;
});

async function start(syslog: string, port: number, limits = ""): Promise<TestGateway> {
  gateway = await startGatewayFromBundle(files(syslog, limits), { env: { LOG_HOST: "127.0.0.1", LOG_PORT: String(port) } });
  return gateway;
}

async function ask(port: number, text: string): Promise<void> {
  using client = await rawClient(port);
  expect((await client.send(plainRequest(`/p/x?text=${text}`, { Authorization: "Bearer secret" })).answer()).status).toBe(200);
}

/** A receiver of connections: everything that came, in one text. */
class Receiver implements AsyncDisposable {
  text = "";
  connections = 0;
  readonly server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server, event: "connection" | "secureConnection" = "connection") {
    this.server = server;
    server.on(event, (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("data", (bytes: Buffer) => (this.text += bytes.toString("utf8")));
    });
  }

  async listen(port = 0): Promise<number> {
    this.server.listen(port, "127.0.0.1");
    await once(this.server, "listening");
    return (this.server.address() as AddressInfo).port;
  }

  async has(text: string, count = 1): Promise<void> {
    await until(() => this.text.split(text).length > count, () => `${text} in ${this.text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }
}

const RFC3164 = /^<129>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123]\d \d\d:\d\d:\d\d \S+ apigw\[\w+\]: told a b \(redacted\)$/;

it("UDP: a datagram for each message, in the form of RFC 3164", async () => {
  const socket = createSocket("udp4");
  const datagrams: string[] = [];
  socket.on("message", (bytes) => datagrams.push(bytes.toString("utf8")));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = await start("protocol: UDP", socket.address().port);
  await ask(port, "a%0Ab");
  await until(() => datagrams.length === 2, () => `two datagrams among ${JSON.stringify(datagrams)}`);
  for (const datagram of datagrams) expect(datagram).toMatch(RFC3164);
  await ask(port, "x".repeat(9_000));
  await until(() => datagrams.length === 4, () => `four datagrams`);
  expect(Buffer.byteLength(datagrams[3] ?? "")).toBe(8192);
  await until(() => gateway?.metric("apigw_syslog_messages_total") === 4, () => "four counted");
  socket.close();
});

it("TCP: one connection, a line for each message", async () => {
  await using receiver = new Receiver(createServer());
  const { port } = await start("protocol: TCP", await receiver.listen());
  await ask(port, "a%0Ab");
  await ask(port, "second");
  await receiver.has("told second", 2);
  const lines = receiver.text.trimEnd().split("\n");
  expect(lines.length).toBe(4);
  expect(lines[0]).toMatch(RFC3164);
  expect(receiver.connections).toBe(1);
});

it("TCP: RFC 5424 with its length in front, and the text alone", async () => {
  await using receiver = new Receiver(createServer());
  const { port } = await start("protocol: TCP, formatMessage: true", await receiver.listen());
  await ask(port, "%C3%A9");
  await receiver.has("told é", 2);
  const [, length = "", rest = ""] = /^(\d+) ([^]*)$/.exec(receiver.text) ?? [];
  const first = Buffer.from(rest).subarray(0, Number(length)).toString("utf8");
  expect(first).toMatch(/^<129>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ apigw \w+ ML-Tell - told é \(redacted\)$/);
  await gateway?.[Symbol.asyncDispose]();
  await using other = new Receiver(createServer());
  const bare = await start("protocol: TCP, payloadOnly: true", await other.listen());
  await ask(bare.port, "bare");
  await other.has("told bare (redacted)\n", 2);
  expect(other.text).toBe("told bare (redacted)\ntold bare (redacted)\n");
});

it("TLS: verified by the authority that is named, and by no other", async () => {
  const authority = testAuthority();
  const { cert, key } = authority.issue("logs", { commonName: "logs", names: ["127.0.0.1"] });
  await using receiver = new Receiver(createTlsServer({ cert, key }), "secureConnection");
  const logPort = await receiver.listen();
  const { port } = await start(`protocol: TCP, sslInfo: { enabled: true, caFile: "${authority.caFile}" }`, logPort);
  await ask(port, "secret");
  await receiver.has("told secret", 2);
  await gateway?.[Symbol.asyncDispose]();
  const wary = await start("protocol: TCP, sslInfo: { enabled: true }", logPort);
  await ask(wary.port, "unheard");
  await wary.line({ event: "syslog_failed" });
  await wary[Symbol.asyncDispose]();
  gateway = null;
  expect(receiver.text).not.toContain("unheard");
  authority.remove();
});

it("a receiver that comes later, or again, gets what waited", async () => {
  const first = new Receiver(createServer());
  const logPort = await first.listen();
  await first[Symbol.asyncDispose]();
  const { port } = await start("protocol: TCP", logPort);
  await ask(port, "early");
  const { receiver: name, level } = await gateway!.line({ event: "syslog_failed" });
  expect([name, level]).toEqual([`tcp 127.0.0.1 ${logPort}`, "warn"]);
  await using second = new Receiver(createServer());
  await second.listen(logPort);
  await second.has("told early", 2);
  await gateway!.line({ event: "syslog_recovered" });
  await second[Symbol.asyncDispose]();
  await using third = new Receiver(createServer());
  await third.listen(logPort);
  // What the system had taken for the second connection is lost.
  for (let count = 0; count < 100 && !third.text.includes("told again"); count++) await ask(port, "again");
  await third.has("told again");
});

it("a receiver that reads nothing delays nobody; what does not fit is dropped and counted", { timeout: 60_000 }, async () => {
  await using receiver = new Receiver(createServer());
  receiver.server.removeAllListeners("connection");
  const sockets: Socket[] = [];
  receiver.server.on("connection", (socket) => {
    socket.pause();
    sockets.push(socket);
  });
  const { port } = await start("protocol: TCP", await receiver.listen());
  using client = await rawClient(port);
  const request = plainRequest(`/p/x?text=${"y".repeat(7_000)}`);
  for (let count = 0; count < 5_000 && gateway!.metric("apigw_syslog_dropped_total") === 0; count++) {
    expect((await client.send(request).answer()).status).toBe(200);
  }
  expect(gateway!.metric("apigw_syslog_dropped_total")).toBeGreaterThan(0);
  for (const socket of sockets) socket.destroy();
});

it("what waits when the gateway stops is sent, or counted", async () => {
  await using receiver = new Receiver(createServer());
  const { port } = await start("protocol: TCP", await receiver.listen());
  await ask(port, "last");
  await gateway?.[Symbol.asyncDispose]();
  gateway = null;
  await receiver.has("told last", 2);
});
