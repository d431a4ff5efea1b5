/** Times of target endpoints on real sockets, and how they go together (apigee-core sections 2.5 and 2.6). */
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type Answer } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 200;
/** Less than the default of connect.timeout.millis: what comes after connecting has a deadline of its own. */
const LATE_MS = 2_500;

function proxy(name: string, url: string, ofProxy: string, ofTarget: string): BundleFiles {
  return {
    [`proxies/${name}/proxy.yaml`]: `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, properties: { ${ofProxy} } }]
targetEndpoints: [{ url: { env: ${url} }, properties: { ${ofTarget} } }]`,
  };
}

const files = {
  "gateway.yaml": "kind: Gateway\nlisteners: [{ name: public, host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }",
  ...proxy("mute", "MUTE_URL", "", `connect.timeout.millis: ${TIMEOUT_MS}`),
  ...proxy("connecting", "MUTE_URL", `api.timeout: ${TIMEOUT_MS}`, ""),
  ...proxy("silent", "TARGET_URL", "", `io.timeout.millis: ${TIMEOUT_MS}`),
  ...proxy("budget", "TARGET_URL", `api.timeout: ${TIMEOUT_MS}`, "io.timeout.millis: 30000"),
  ...proxy("idle", "TARGET_URL", "", `keepalive.timeout.millis: ${TIMEOUT_MS}`),
};

/** Accepts connections and says nothing, not even TLS. */
const mute = createServer((socket) => void muted.add(socket.on("error", () => undefined).resume()));
const muted = new Set<Socket>();
let connections = 0;
let open = 0;
const target = createHttpServer({ keepAliveTimeout: 60_000 }, ({ url }, response) => {
  if (url !== "/silent") response.end("here");
});
let gateway: TestGateway;

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: AddressInfo | string | null = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

beforeAll(async () => {
  target.on("upgrade", (_request, socket) => void socket.on("error", () => undefined).on("end", () => socket.end()).resume());
  target.on("connection", (socket) => {
    connections++;
    open++;
    socket.once("close", () => open--);
  });
  const [mutePort, targetPort] = await Promise.all([listening(mute), listening(target)]);
  const env = { MUTE_URL: `https://127.0.0.1:${mutePort}`, TARGET_URL: `http://127.0.0.1:${targetPort}` };
  gateway = await startGatewayFromBundle(files, { env });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  for (const socket of muted) socket.destroy();
  target.closeAllConnections();
  mute.close();
  target.close();
});

describe.each([["plain", plainRequest], ["upgrade", upgradeRequest]] as const)("%s: a target that", (_form, requestOf) => {
  async function timed(path: string): Promise<Answer> {
    using client = await rawClient(gateway.port);
    const startMs = performance.now();
    const answer = await client.send(requestOf(path)).answer();
    const waitedMs = performance.now() - startMs;
    expect(waitedMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 5);
    expect(waitedMs).toBeLessThan(LATE_MS);
    return answer;
  }

  it("takes longer to connect than connect.timeout.millis: 503", async () => {
    const { status, body } = await timed("/mute/x");
    expect([status, body]).toEqual([503, expect.stringContaining("messaging.adaptors.http.flow.ServiceUnavailable")]);
  });

  it("takes longer to connect than is left of api.timeout: 504", async () => {
    const { status, body } = await timed("/connecting/x");
    expect([status, body]).toEqual([504, expect.stringContaining("flow.APITimedOut")]);
  });

  it("is silent for io.timeout.millis: 504", async () => {
    const { status, body } = await timed("/silent/silent");
    expect([status, body]).toEqual([504, expect.stringContaining("messaging.adaptors.http.flow.GatewayTimeout")]);
  });

  it("is silent for less, but for what is left of api.timeout: 504 of the other kind", async () => {
    const { status, body } = await timed("/budget/silent");
    expect([status, body]).toEqual([504, expect.stringContaining("flow.APITimedOut")]);
  });
});

it("a connection is used again within keepalive.timeout.millis, and closed behind it", async () => {
  await until(() => open === 0, () => `${open} connections`);
  const before = connections;
  using client = await rawClient(gateway.port);
  for (let at = 0; at < 3; at++) expect((await client.send(plainRequest("/idle/x")).answer()).body).toBe("here");
  expect([connections - before, open]).toEqual([1, 1]);
  const idleMs = performance.now();
  await until(() => open === 0, () => "the idle connection to go");
  expect(performance.now() - idleMs).toBeGreaterThanOrEqual(TIMEOUT_MS / 2);
  expect((await client.send(plainRequest("/idle/x")).answer()).body).toBe("here");
  expect(connections - before).toBe(2);
});
