/**
 * A client that asked and never read held its exchange for ever once the whole answer was written: the target's deadline
 * was over by then, and no other ran.
 */
import { expect, it } from "vitest";
import { fakeClock } from "../support/fake-clock.ts";
import { startGatewayFromBundle } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { bundle } from "./bundle.ts";

/** As many as may be pipelined; with their answers far more than kernels buffer on loopback. */
const REQUESTS = 100;
const ANSWER_BYTES = 200_000;
const STALL_MS = 60_000;

const files = bundle("", {
  "proxies/large/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /large, webSocket: deny, routeRules: [{ name: none }], preFlow: { response: [AM-Large] } }]`,
  "proxies/large/policies/AM-Large.yaml": `kind: AssignMessage
actions: [{ set: { payload: "${"x".repeat(ANSWER_BYTES)}" } }]`,
});

it("one that reads nothing is gone after writeStallTimeout, one that reads stays", async () => {
  const clock = fakeClock();
  await using gateway = await startGatewayFromBundle(files, { clock, env: { TARGET_URL: "http://127.0.0.1:9" } });
  using reader = await rawClient(gateway.port);
  expect((await reader.send(plainRequest("/large")).answer()).body).toHaveLength(ANSWER_BYTES);
  using stalled = await rawClient(gateway.port);
  stalled.socket.pause();
  stalled.send(plainRequest("/large").repeat(REQUESTS));
  // Until nothing moves any more.
  const sent = (): number => gateway.metric("apigw_http_requests_total", 'proxy="large"');
  let before = -1;
  await until(() => {
    const isStill = sent() === before && gateway.gateway.exchanges > 0;
    before = sent();
    return isStill;
  }, () => `the answers to stop, ${sent()} were sent`);
  clock.advance(STALL_MS);
  clock.advance(STALL_MS);
  await gateway.calm(1);
  expect(reader.closed).toBe(false);
});

it("one that pipelines without end is refused", async () => {
  await using gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: "http://127.0.0.1:9" } });
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/nowhere").repeat(20));
  for (let n = 0; n < 20; n++) expect(await client.answer()).toMatchObject({ status: 404 });
  client.send(plainRequest("/nowhere").repeat(REQUESTS + 1));
  await client.end();
  expect(gateway.metric("apigw_bad_requests_total")).toBe(1);
});
