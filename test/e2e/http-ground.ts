/** What the tests of plain HTTP stand on: a gateway, a target whose paths have handlers, one that says any bytes. */
import type { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, type RawClient } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { bundle, bundleEnv } from "./bundle.ts";

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  aborted: boolean;
  bytes: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse, seen: Seen) => void;

let server: Server;
/** A target that says bytes no HTTP server would. */
export let raw: FakeTarget;
export let gateway: TestGateway;
const handlers = new Map<string, Handler>();
/** What the target got. */
export const seen: Seen[] = [];
/** Connections that the target has had. */
export let connections = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = request.url ?? "";
    const entry: Seen = { method: request.method ?? "", url, headers: request.headers, rawHeaders: request.rawHeaders, aborted: false, bytes: 0 };
    seen.push(entry);
    request.on("data", (chunk: Buffer) => (entry.bytes += chunk.length));
    response.on("close", () => (entry.aborted = !response.writableFinished));
    const handler = handlers.get(url.split("?")[0] ?? "") ?? fallback;
    handler(request, response, entry);
  });
  server.on("connection", () => connections++);
  server.on("checkContinue", (request, response) => server.emit("request", request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  raw = await fakeTarget();
  const files = bundle("environmentGroups: [{ name: a, hostnames: [gateway.test, '*'], environments: [default] }, { name: b, hostnames: ['*.second.test'], environments: [second] }]\ndeployments: { default: [open, hasty, nobody, key, oauth, rules, only, denied, raw], second: [other] }", {
    "environments/default.yaml": "kind: Environment",
    "environments/second.yaml": "kind: Environment",
    "proxies/other/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /open, preFlow: { request: [RF-Other] } }]`,
    "proxies/other/policies/RF-Other.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 299, payload: \"{environment.name}\" } }]",
    "proxies/raw/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /raw }]
targetEndpoints: [{ url: { env: RAW_URL } }]`,
  });
  const env = { ...bundleEnv(`http://127.0.0.1:${port}`, await refusedPort()), RAW_URL: raw.url };
  gateway = await startGatewayFromBundle(files, { env });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await raw[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

export const fallback: Handler = (request, response) => {
  request.resume();
  request.on("end", () => response.end(`${request.method} ${request.url}`));
};

let serial = 0;
/** A path of its own for a handler. */
export function on(handler: Handler): string {
  const path = `/h${serial++}`;
  handlers.set(path, handler);
  return path;
}

export async function seenAt(path: string): Promise<Seen> {
  const found = (): Seen | undefined => seen.find(({ url }) => url.split("?")[0] === path);
  await until(() => found() !== undefined, () => `a request for ${path}`);
  const entry = found();
  if (entry === undefined) throw new Error("gone");
  return entry;
}

/** The client's connection is in a known state: another exchange goes well. */
export async function usable(client: RawClient): Promise<void> {
  expect(await client.send(plainRequest("/open/usable")).answer()).toMatchObject({ status: 200, body: "GET /usable" });
}
