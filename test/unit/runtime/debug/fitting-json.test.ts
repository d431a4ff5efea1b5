import { expect, it } from "vitest";
import { fittingJson } from "#runtime/debug/fitting-json.ts";
import type { Transaction } from "#runtime/debug/transaction.ts";

const headers = [{ name: "x-long", value: "h".repeat(2_000) }];
const request = { method: "GET", path: "/", query: null, version: "1.1", headers, body: "b".repeat(10_000) };
const step = {
  policy: "AM-One", type: "AssignMessage", file: "a.yaml", line: 1, flow: "PreFlow", condition: null, outcome: "ran",
  startMs: 0, durationMs: 0, fault: null, reads: [{ name: "a", value: "v".repeat(1_000) }], writes: [],
} as const;
const whole: Transaction = {
  id: "1", kind: "http", environment: "prod", proxy: "chat", endpoint: "default", startedAt: "", durationMs: 1, method: "GET",
  path: "/", status: 200, fault: null, client: { address: "", scheme: "http" }, host: "", basePath: "/", pathSuffix: "",
  route: null, target: null, sources: {},
  steps: Array.from({ length: 100 }, () => step), stepsDropped: 3,
  messages: { request, targetRequest: null, targetResponse: null, response: { status: 200, headers, body: null } },
};

function fitted(bytesMax: number): Transaction & { readonly isCut?: boolean } {
  const json = fittingJson(whole, bytesMax);
  expect(Buffer.byteLength(json)).toBeLessThanOrEqual(bytesMax);
  return JSON.parse(json);
}

it("keeps what fits", () => {
  expect(JSON.parse(fittingJson(whole, 1_000_000))).toEqual(whole);
});

it("lets bodies go first, then values of variables, headers, and at last steps", () => {
  const bodiless = fitted(128_000);
  expect(bodiless.isCut).toBe(true);
  expect(bodiless.messages.request).toEqual({ ...request, body: null });
  expect(bodiless.steps).toEqual(whole.steps);
  const silent = fitted(30_000);
  expect(silent.steps[0]).toEqual({ ...step, reads: [] });
  expect(silent.messages.response?.headers).toEqual(headers);
  expect(fitted(20_000).messages.response?.headers).toEqual([]);
  const short = fitted(12_000);
  expect(short.steps).toHaveLength(50);
  expect(short.stepsDropped).toBe(53);
});
