/** Rows of analytics equal connections, whatever becomes of these, and the admin API tells what they add up to. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeRows } from "#runtime/observe/analytics-chunk.ts";
import type { AnalyticsRow } from "#runtime/observe/analytics-row.ts";
import { AnalyticsFile } from "#runtime/state/analytics-file.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { closing, MASK } from "../support/frames.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, rawSocket, upgradeRequest } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { API_KEY, bundle, bundleEnv } from "./bundle.ts";

const ADMIN_SECRET = "an-admin-secret-of-some-length";
const more = `admin: { port: 0, secret: { env: ADMIN_SECRET } }
observability:
  analytics: { file: { env: ANALYTICS_FILE } }
  dataCollectors:
    - { name: dc_room, type: STRING }
    - { name: dc_seats, type: INTEGER }
    - { name: dc_answered, type: INTEGER }
    - { name: dc_closed, type: STRING }
    - { name: dc_lasted, type: INTEGER }`;

const captures = {
  "proxies/captured/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /captured
    preFlow: { request: [DC-Room] }
    postFlow: { response: [DC-Seats] }
    postClientFlow: { response: [DC-Answered] }
    sessionFlow: { end: [DC-Ended] }
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/calling/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /calling, preFlow: { request: [DC-Room] } }]
targetEndpoints: [{ localTargetConnection: { apiProxy: captured } }]`,
  "proxies/calling/policies/DC-Room.yaml": `kind: DataCapture\ncaptures: [{ dataCollector: dc_room, collect: { ref: nothing, default: hall } }]`,
  "proxies/captured/policies/DC-Room.yaml": `kind: DataCapture
captures: [{ dataCollector: dc_room, collect: { queryParam: { name: room }, default: lobby } }]`,
  "proxies/captured/policies/DC-Seats.yaml": `kind: DataCapture
captures: [{ dataCollector: dc_seats, collect: { header: { name: x-seats, patterns: [{ value: "n={$}" }] } } }]
ignoreUnresolvedVariables: true`,
  "proxies/captured/policies/DC-Answered.yaml": `kind: DataCapture
captures: [{ dataCollector: dc_answered, collect: { ref: response.status.code } }]`,
  "proxies/captured/policies/DC-Ended.yaml": `kind: DataCapture
captures:
  - { dataCollector: dc_lasted, collect: { ref: websocket.close.text } }
  - { dataCollector: dc_closed, collect: { ref: websocket.close.reason } }
  - { dataCollector: dc_answered, collect: { ref: websocket.close.code } }`,
};

let modules: Awaited<ReturnType<typeof compileFiles>>;
let target: FakeTarget;
let folder: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "apigw-analytics-"));
  target = await fakeTarget({
    "/plain": ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    "/broken": ({ socket }) => void socket.end("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"),
    "/silent": () => undefined,
    "/seats": ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nX-Seats: n=12\r\nContent-Length: 0\r\n\r\n"),
    "*": (connection) => connection.accept("X-Seats: n=30\r\n"),
  });
  modules = await compileFiles(bundle(more, captures));
  env = { ...bundleEnv(target.url, await refusedPort()), ADMIN_SECRET };
});
afterAll(async () => {
  await target[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

let serial = 0;
async function started(): Promise<{ gateway: TestGateway; file: string }> {
  const file = join(folder, `a${serial++}.db`);
  return { gateway: await startModules(modules, { env: { ...env, ANALYTICS_FILE: file } }), file };
}

interface Stats {
  readonly unit: string;
  readonly times?: readonly string[];
  readonly groups: readonly {
    readonly dimensions: Readonly<Record<string, unknown>>;
    readonly totals: Readonly<Record<string, number | null>>;
    readonly series?: Readonly<Record<string, readonly (number | null)[]>>;
  }[];
  readonly total: Readonly<Record<string, number | null>>;
}

async function ask(gateway: TestGateway, path: string, secret = ADMIN_SECRET): Promise<{ status: number; body: unknown }> {
  const { address } = await gateway.line({ event: "listening", listener: "admin" });
  const response = await fetch(`http://${String(address)}${path}`, { headers: { authorization: `Bearer ${secret}` } });
  return { status: response.status, body: await response.json() };
}

async function stats(gateway: TestGateway, query: string): Promise<Stats> {
  const { status, body } = await ask(gateway, `/v1/stats?${query}`);
  expect([status, body]).toEqual([200, body]);
  return body as Stats;
}

function rowsIn(file: string): readonly AnalyticsRow[] {
  const opened = new AnalyticsFile({ file, bytesMax: 2 ** 30, busyMs: 1_000 });
  const rows = opened.chunks(0, 0, Infinity, 1_000).flatMap(({ rows }) => decodeRows(rows));
  opened.close();
  return JSON.parse(JSON.stringify(rows));
}

async function answer(gateway: TestGateway, text: string): Promise<number> {
  using client = await rawClient(gateway.port);
  return (await client.send(text).answer()).status;
}

describe("analytics", () => {
  it("have one row for each exchange and each session, with who, where and how it ended", async () => {
    const { gateway, file } = await started();
    expect(await answer(gateway, plainRequest("/open/plain?secret=hidden", { "User-Agent": "probe/1" }))).toBe(200);
    expect(await answer(gateway, plainRequest("/nowhere"))).toBe(404);
    expect(await answer(gateway, plainRequest("/key/plain"))).toBe(401);
    expect(await answer(gateway, upgradeRequest("/key/x?apikey=wrong"))).toBe(401);
    expect(await answer(gateway, upgradeRequest("/nobody/x"))).toBe(503);
    expect(await answer(gateway, plainRequest("/open/broken"))).toBe(503);
    const client = await rawSocket(gateway.port, `/key/room?apikey=${API_KEY}`, {});
    const connection = await target.request("/room");
    client.send(closing(1000, "bye", MASK));
    connection.socket.end(closing(1000, "", null));
    await client.end();
    client.socket.end();
    await gateway.calm();
    await gateway[Symbol.asyncDispose]();

    const rows = rowsIn(file);
    expect(rows.map((row) => [row.message_type, row.apiproxy, row.response_status_code, row.ax_edge_execution_fault_code])).toEqual([
      ["http", "open", 200, undefined],
      ["http", undefined, 404, "messaging.adaptors.http.flow.ApplicationNotFound"],
      ["http", "key", 401, "steps.oauth.v2.FailedToResolveAPIKey"],
      ["websocket", "key", 401, "oauth.v2.InvalidApiKey"],
      ["websocket", "nobody", 503, "messaging.adaptors.http.flow.ServiceUnavailable"],
      ["http", "open", 503, "messaging.adaptors.http.flow.ErrorResponseCode"],
      ["websocket", "key", 101, undefined],
    ]);
    expect(rows.map((row) => [row.is_error, row.policy_error, row.target_error])).toEqual([
      [0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 1], [0, 0, 0],
    ]);
    expect(rows[0]).toMatchObject({ request_path: "/open/plain", useragent: "probe/1", response_size: 5, target_response_code: 200 });
    expect(rows[6]).toMatchObject({
      request_path: "/key/room", proxy_basepath: "/key", developer_app: "web", developer: "apigw@@@ann@example.com", api_product: "all",
      close_reason: "client", closed_by: "client", close_code: 1000, frames_from_client: 1, frames_from_target: 1,
    });
    expect(JSON.stringify(rows)).not.toMatch(/hidden|apikey|wrong|bye/);
    for (const { request_processing_latency = 0, target_response_time = 0, total_response_time } of rows) {
      expect(request_processing_latency + target_response_time).toBeLessThanOrEqual(total_response_time + 0.01);
    }
  });

  it("answer by dimension and by time, the largest group first", async () => {
    const { gateway } = await started();
    for (let at = 0; at < 3; at++) await answer(gateway, plainRequest("/open/plain"));
    await answer(gateway, plainRequest("/nowhere"));
    await gateway.calm();
    const { groups, total } = await stats(gateway, "dimensions=apiproxy,response_status_code&select=sum(message_count),sum(is_error),avg(total_response_time)");
    expect(groups.map(({ dimensions, totals }) => [dimensions, totals["sum(message_count)"]])).toEqual([
      [{ apiproxy: "open", response_status_code: 200 }, 3],
      [{ apiproxy: "(not set)", response_status_code: 404 }, 1],
    ]);
    expect(total).toMatchObject({ "sum(message_count)": 4, "sum(is_error)": 1 });
    expect(total["avg(total_response_time)"]).toBeGreaterThan(0);
    const now = Date.now();
    const series = await stats(gateway, `unit=minute&from=${now - 600_000}&to=${now}&select=sum(message_count),max(session_duration)`);
    expect(series.times?.length).toBeGreaterThanOrEqual(10);
    const [group] = series.groups;
    expect(group?.series?.["sum(message_count)"]?.reduce((sum: number, value) => sum + (value ?? 0), 0)).toBe(4);
    expect(group?.series?.["sum(message_count)"]?.length).toBe(series.times?.length);
    expect(group?.totals["max(session_duration)"]).toBe(null);
    await gateway[Symbol.asyncDispose]();
  });

  it.each([
    ["filter=apiproxy%20=%20x", 400, "is not expected"],
    ["select=sum(nothing)", 400, "is no metric"],
    ["select=median(message_count)", 400, "select is a list"],
    ["select=", 400, "select must be text"],
    ["dimensions=gateway_flow_id", 400, "is no dimension"],
    ["dimensions=client_ip;drop", 400, "is no dimension"],
    ["dimensions=constructor", 400, "is no dimension"],
    ["unit=week", 400, "unit is one of"],
    ["unit=day&dimensions=ax_hour_of_day", 400, "needs unit hour or minute"],
    ["unit=day&filter=ax_hour_of_day%20eq%20'08'", 400, "needs unit hour or minute"],
    ["from=2020-01-01&to=2024-01-01&dimensions=ax_hour_of_day", 400, "ask for less time"],
    ["unit=minute&from=2020-01-01&to=2030-01-01", 400, "at most 1500 points"],
    ["from=yesterday", 400, "from and to are times"],
    ["from=2026-01-02&to=2026-01-01", 400, "from must lie before to"],
    ["limit=1000000", 400, "limit must be a whole number"],
    ["unknown=1", 400, "is not known here"],
  ])("refuse %s", async (query, status, text) => {
    const { gateway } = await started();
    const answered = await ask(gateway, `/v1/stats?${query}`);
    expect(answered.status).toBe(status);
    expect(JSON.stringify(answered.body)).toContain(text);
    await gateway[Symbol.asyncDispose]();
  });

  it("are behind the admin secret, and not there where nobody asked for them", async () => {
    const { gateway } = await started();
    expect((await ask(gateway, "/v1/stats", "another-secret-of-some-length")).status).toBe(401);
    await gateway[Symbol.asyncDispose]();
    const without = await startModules(await compileFiles(bundle("admin: { port: 0, secret: { env: ADMIN_SECRET } }")), { env });
    expect((await ask(without, "/v1/stats")).status).toBe(404);
    expect(without.gateway.analytics).toBe(null);
    expect(without.gateway.metrics.text("prometheus")).not.toContain("apigw_analytics");
    await without[Symbol.asyncDispose]();
  });

  it("export raw rows as JSON lines and as CSV that no spreadsheet takes for formulas", async () => {
    const { gateway } = await started();
    const hostile = '=HYPERLINK("http://evil.example","x")';
    await answer(gateway, plainRequest("/open/plain?q=1", { "User-Agent": hostile }));
    await answer(gateway, plainRequest("/open/a,b%22c", { "User-Agent": "+1-1" }));
    await answer(gateway, plainRequest("/nowhere"));
    await gateway.calm();
    const { address } = await gateway.line({ event: "listening", listener: "admin" });
    const fetched = async (query: string): Promise<Response> =>
      fetch(`http://${String(address)}/v1/stats/rows?${query}`, { headers: { authorization: `Bearer ${ADMIN_SECRET}` } });
    const jsonl = await fetched("filter=response_status_code%20ne%20404");
    expect([jsonl.status, jsonl.headers.get("content-type"), jsonl.headers.get("content-length")]).toEqual([
      200, "application/jsonl; charset=utf-8", null,
    ]);
    const lines = (await jsonl.text()).trimEnd().split("\n").map((line): AnalyticsRow => JSON.parse(line));
    expect(lines.map(({ useragent }) => useragent)).toEqual([hostile, "+1-1"]);
    const csv = (await (await fetched("format=csv")).text()).trimEnd().split("\r\n");
    expect(csv.length).toBe(4);
    expect(csv[0]).toContain("message_type,environment,apiproxy");
    expect(csv[1]).toContain(`"'=HYPERLINK(""http://evil.example"",""x"")"`);
    expect(csv[2]).toContain(`"/open/a,b%22c"`);
    expect(csv[2]).toContain(`"'+1-1"`);
    for (const line of csv) expect(line.match(/(?:^|,)"?[=+@-]/)).toBe(null);
    expect((await (await fetched("format=csv&limit=1")).text()).trimEnd().split("\r\n").length).toBe(2);
    for (const [query, text] of [["format=xml", "format is"], ["filter=x", "no dimension"], ["limit=0", "whole number"], ["to=1&from=2", "before"]]) {
      const refused = await fetched(query ?? "");
      expect([refused.status, (await refused.text()).includes(text ?? "")]).toEqual([400, true]);
    }
    const byAgent = await stats(gateway, "dimensions=useragent&filter=apiproxy%20eq%20'open'");
    expect(byAgent).toMatchObject({ source: "rows", total: { "sum(message_count)": 2 } });
    expect(await stats(gateway, "filter=apiproxy%20is%20null")).toMatchObject({ source: "rollups", total: { "sum(message_count)": 1 } });
    await gateway[Symbol.asyncDispose]();
  });

  it("count every connection, also those that clients, targets and the gateway's own stop cut", async () => {
    const { gateway, file } = await started();
    const sessions = 24;
    for (let at = 0; at < sessions; at++) {
      const path = `/count${serial}-${at}`;
      const client = await rawSocket(gateway.port, `/open${path}`, {});
      const connection = await target.request(path);
      if (at % 4 === 0) client.socket.resetAndDestroy();
      if (at % 4 === 1) connection.socket.resetAndDestroy();
      if (at % 4 === 2) client.socket.end();
    }
    // Handshakes and requests that nobody answers.
    const waiting = [await rawClient(gateway.port), await rawClient(gateway.port), await rawClient(gateway.port)];
    waiting[0]?.send(upgradeRequest("/open/silent"));
    waiting[1]?.send(plainRequest("/open/silent"));
    waiting[2]?.send(upgradeRequest("/open/silent"));
    await until(() => gateway.gateway.handshakes.count === 2 && gateway.gateway.exchanges === 1, () => "three that wait");
    waiting[2]?.socket.resetAndDestroy();
    await gateway[Symbol.asyncDispose]();
    const rows = rowsIn(file);
    expect(rows.length).toBe(sessions + waiting.length);
    expect(new Set(rows.map((row) => row.gateway_flow_id)).size).toBe(rows.length);
    expect(rows.filter((row) => row.close_reason === "shutdown").length).toBeGreaterThanOrEqual(sessions / 4);
    const { analytics } = gateway.gateway;
    expect([analytics?.written, analytics?.dropped, analytics?.pending]).toEqual([rows.length, 0, 0]);
    for (const { socket } of target.connections) socket.destroy();
  });

  it("hold what DataCapture captured, of sessions too, and answer by it", async () => {
    const { gateway, file } = await started();
    expect(await answer(gateway, plainRequest("/captured/seats?room=blue"))).toBe(200);
    expect(await answer(gateway, plainRequest("/captured/broken"))).toBe(503);
    const client = await rawSocket(gateway.port, "/captured/live?room=blue", {});
    client.socket.resetAndDestroy();
    await gateway.calm();
    // Whatever a session flow's policy could capture is in the row, although another value was none of its type.
    const failed = { fault: "steps.datacapture.DataCollectorTypeMismatch", policy: "DC-Ended" };
    expect(gateway.lines({ event: "session_flow_failed" })).toMatchObject([failed]);
    const query = "dimensions=dc_room&select=sum(message_count),sum(dc_seats),max(dc_answered)";
    const { groups } = await stats(gateway, query);
    expect(groups.map(({ dimensions, totals }) => [dimensions["dc_room"], ...Object.values(totals)])).toEqual([
      ["blue", 2, 42, 1006], ["lobby", 1, null, 503],
    ]);
    expect(await stats(gateway, `${query}&filter=dc_seats%20gt%2012`)).toMatchObject({ source: "rows", total: { "sum(message_count)": 1 } });
    expect((await ask(gateway, "/v1/stats?select=sum(dc_room)")).status).toBe(400);
    expect((await ask(gateway, "/v1/stats?dimensions=dc_seats")).status).toBe(400);
    await gateway[Symbol.asyncDispose]();
    expect(rowsIn(file)).toMatchObject([
      { dc_room: "blue", dc_seats: 12, dc_answered: 200 },
      { dc_room: "lobby", dc_answered: 503 },
      { dc_room: "blue", dc_seats: 30, dc_answered: 1006, dc_closed: "clientLost", response_status_code: 101 },
    ]);
    expect(rowsIn(file).filter((row) => "dc_lasted" in row)).toEqual([]);
  });

  it("hold what a called proxy captured, in the row of the one that the client asked", async () => {
    const { gateway, file } = await started();
    expect(await answer(gateway, plainRequest("/calling/seats"))).toBe(200);
    expect(await answer(gateway, plainRequest("/calling/seats?room=blue"))).toBe(200);
    await gateway.calm();
    await gateway[Symbol.asyncDispose]();
    expect(rowsIn(file)).toMatchObject([
      { apiproxy: "calling", dc_room: "lobby", dc_seats: 12, dc_answered: 200 },
      { apiproxy: "calling", dc_room: "blue", dc_seats: 12, dc_answered: 200 },
    ]);
  });

  it("are taken after the 101 was refused by a response flow as the refusal that the client saw", async () => {
    const { gateway, file } = await started();
    expect(await answer(gateway, upgradeRequest("/rules/x", { "X-Fault": "response" }))).toBe(451);
    await gateway.calm();
    await gateway[Symbol.asyncDispose]();
    expect(rowsIn(file)).toMatchObject([
      { message_type: "websocket", response_status_code: 451, target_response_code: 101, close_reason: "refused", ax_execution_fault_policy_name: "RF-Response" },
    ]);
  });
});
