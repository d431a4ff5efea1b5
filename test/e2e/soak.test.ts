/**
 * One gateway under everything at once: plain HTTP, WebSockets, clients and targets that break off, tokens that expire and are revoked,
 * Debug, analytics and at the end a drain. Then nothing is left, and every connection has its row. APIGW_SOAK_SECONDS makes it longer.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { Agent, createServer, request as requestHttp, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { decodeRows } from "#runtime/observe/analytics-chunk.ts";
import { AnalyticsFile } from "#runtime/state/analytics-file.ts";
import { invalidateToken } from "../support/access-records.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { AdminClient, ADMIN_SECRET, adminBundle } from "./admin-client.ts";
import { API_KEY, API_SECRET, bundle, bundleEnv } from "./bundle.ts";
import { bearer, tokenFor } from "./session-ground.ts";

const LOAD_MS = 1_000 * Number(process.env["APIGW_SOAK_SECONDS"] ?? 3);
const HTTP_CLIENTS = 4;
const SOCKET_CLIENTS = 6;
/** Sessions that a drain finds. */
const DRAINED = 10;

let folder: string;
let server: Server;
let sockets: WebSocketServer;
let targetUrl: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "apigw-soak-"));
  sockets = new WebSocketServer({ noServer: true });
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (text) => {
      const said = String(text);
      if (said === "leave") socket.close(4001, "as you like");
      else if (said === "break") socket.terminate();
      else socket.send(said);
    });
  });
  server = createServer((request, response) => {
    request.resume();
    if (request.url === "/break") return void request.socket.destroy();
    if (request.url === "/begin") return void response.write("begun", () => request.socket.destroy());
    if (request.url === "/error") return void response.writeHead(503).end("no");
    response.end("x".repeat(request.url === "/large" ? 100_000 : 5));
  });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => undefined);
    if (request.url === "/refuse") return void socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    if (request.url === "/break") return void socket.destroy();
    sockets.handleUpgrade(request, socket, head, (webSocket) => sockets.emit("connection", webSocket, request));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  targetUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A plain exchange, whatever comes of it; `abortAfterMs`: the client leaves then. */
function exchange(agent: Agent, port: number, path: string, method: string, body: string, leavesAfterMs: number | null): Promise<void> {
  return new Promise((resolve) => {
    const sent = requestHttp({ agent, port, host: "127.0.0.1", path, method, headers: { "Content-Length": body.length } });
    const over = (): void => resolve();
    sent.on("error", over).on("close", over);
    sent.on("response", (answer) => answer.on("error", over).resume());
    if (leavesAfterMs !== null) setTimeout(() => sent.destroy(), leavesAfterMs);
    sent.end(body);
  });
}

/** A WebSocket that does what `use` says as soon as it is open, until it is closed or refused. */
function conversation(port: number, path: string, headers: Readonly<Record<string, string>>, use: (socket: WebSocket) => unknown): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    socket.on("error", () => undefined).on("close", () => resolve());
    socket.on("open", () => use(socket));
  });
}

async function httpClient(port: number, isOver: () => boolean, number: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const paths = ["/open/a", "/open/large", "/open/break", "/open/begin", "/open/error", "/nowhere", "/key/a", `/key/a?apikey=${API_KEY}`, "/denied/a"];
  for (let at = number; !isOver(); at++) {
    const leaves = at % 11 === 0 ? at % 5 : null;
    await exchange(agent, port, paths[at % paths.length] ?? "/", at % 3 === 0 ? "POST" : "GET", at % 3 === 0 ? "body" : "", leaves);
  }
  agent.destroy();
}

async function socketClient(gateway: TestGateway, isOver: () => boolean, number: number): Promise<void> {
  const { port } = gateway;
  const talk = (socket: WebSocket, last: () => unknown): void => {
    socket.send("one");
    socket.on("message", () => last());
  };
  const ways: readonly (() => Promise<void>)[] = [
    () => conversation(port, "/open/a", {}, (socket) => talk(socket, () => socket.close(1000))),
    () => conversation(port, "/open/a", {}, (socket) => talk(socket, () => socket.terminate())),
    () => conversation(port, "/open/a", {}, (socket) => socket.send("leave")),
    () => conversation(port, "/open/a", {}, (socket) => socket.send("break")),
    () => conversation(port, "/open/refuse", {}, () => undefined),
    () => conversation(port, "/open/break", {}, () => undefined),
    () => conversation(port, "/key/a", {}, () => undefined),
    async () => conversation(port, "/token/a", bearer(await tokenFor(gateway, 50)), (socket) => socket.send("one")),
    async () => {
      const token = await tokenFor(gateway);
      await conversation(port, "/token/a", bearer(token), (socket) => talk(socket, () => invalidateToken(gateway.gateway, token)));
    },
  ];
  for (let at = number; !isOver(); at++) await ways[at % ways.length]?.();
}

/** Watches what goes on, as an operator would. */
async function operator(gateway: TestGateway, isOver: () => boolean): Promise<void> {
  const admin = new AdminClient(gateway);
  while (!isOver()) {
    const { body } = await admin.post("/v1/debugSessions", { proxy: "open", count: 50 });
    expect((await admin.get("/v1/sessions?limit=10")).status).toBe(200);
    expect((await admin.get("/v1/stats?timeRange=last1h&dimensions=proxy")).status).toBeLessThan(500);
    await admin.delete(`/v1/debugSessions/${String(body["id"])}`);
  }
}

/** What this process holds, by kind. */
function held(): Readonly<Record<string, number>> {
  const kinds: Record<string, number> = { fds: readdirSync("/proc/self/fd").length };
  for (const kind of process.getActiveResourcesInfo()) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return { fds: kinds["fds"] ?? 0, connections: kinds["TCPSocketWrap"] ?? 0, servers: kinds["TCPServerWrap"] ?? 0, timers: kinds["Timeout"] ?? 0 };
}

it("leaves nothing behind, and a row for each connection", async () => {
  const before = held();
  const file = join(folder, "rows.db");
  const env = { ...bundleEnv(targetUrl, await refusedPort()), API_KEY, API_SECRET, ADMIN_SECRET, ANALYTICS_FILE: file };
  const gateway = await startGatewayFromBundle(bundle(`${adminBundle}observability: { analytics: { file: { env: ANALYTICS_FILE } } }`), { env });
  const endMs = performance.now() + LOAD_MS;
  const isOver = (): boolean => performance.now() > endMs;
  const clients = Array.from({ length: HTTP_CLIENTS }, (_, number) => httpClient(gateway.port, isOver, number));
  const talkers = Array.from({ length: SOCKET_CLIENTS }, (_, number) => socketClient(gateway, isOver, number));
  await Promise.all([...clients, ...talkers, operator(gateway, isOver)]);
  await gateway.calm();
  expect(gateway.gateway.heldBytes).toBe(0);

  const drained = Array.from({ length: DRAINED }, () => conversation(gateway.port, "/open/a", {}, (socket) => socket.send("one")));
  await until(() => gateway.metric("apigw_ws_connections_active") === DRAINED, () => `${gateway.metric("apigw_ws_connections_active")} sessions`);
  gateway.running.drain.signal("test");
  await Promise.all(drained);
  await gateway.running.finished;

  const exchanges = gateway.metric("apigw_http_requests_total");
  const handshakes = gateway.metric("apigw_ws_handshakes_total");
  const opened = gateway.metric("apigw_ws_connections_opened_total");
  expect(gateway.metric("apigw_ws_connections_closed_total")).toBe(opened);
  const idsOf = (event: string): readonly unknown[] => gateway.lines({ event }).map((line) => line["apigw.session_id"]);
  const [began, ended] = [idsOf("upgrade"), idsOf("session")];
  expect(began).toHaveLength(opened);
  expect(new Set(ended).size).toBe(ended.length);
  // One that was refused when its target had accepted has a record as well.
  expect(ended.filter((id) => began.includes(id))).toHaveLength(opened);
  // A refused handshake is answered as HTTP.
  expect(gateway.lines({ event: "http" })).toHaveLength(exchanges + handshakes - opened);
  const kept = new AnalyticsFile({ file, bytesMax: 2 ** 30, busyMs: 1_000 });
  const rows = kept.chunks(0, 0, Infinity, 100_000).flatMap((chunk) => decodeRows(chunk.rows));
  kept.close();
  expect(rows).toHaveLength(exchanges + handshakes);
  expect(new Set(rows.map((row) => row["gateway_flow_id"])).size).toBe(rows.length);
  expect(gateway.lines({ event: "defect" })).toEqual([]);

  server.closeAllConnections();
  await until(() => held()["connections"] === before["connections"], () => JSON.stringify([before, held()]));
  const after = held();
  expect(after["servers"]).toBeLessThanOrEqual(before["servers"] ?? 0);
  expect(after["fds"]).toBeLessThanOrEqual((before["fds"] ?? 0) + 2);
  expect(after["timers"]).toBeLessThanOrEqual((before["timers"] ?? 0) + 1);
}, LOAD_MS + 60_000);
