/**
 * Draining with `refuse: 503` saw only sessions and cut plain exchanges that had been admitted; and a connection whose
 * upgrade had been refused never counted as idle, so that a drain waited for it until the end of its window.
 */
import { expect, it } from "vitest";
import { fakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { bundle } from "./bundle.ts";

const drained = (lines: string): string => `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
${lines}`;

it("an exchange that was admitted gets its answer while newcomers get 503", async () => {
  await using target = await fakeTarget({ "/slow": () => undefined });
  const files = { ...bundle(), "gateway.yaml": drained("drain: { preDrainDelay: 0s, window: 20s, spread: 0s, refuse: 503 }") };
  await using gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: target.url } });
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/slow"));
  const slow = await target.request("/slow");
  gateway.running.drain.signal("test");
  await until(() => gateway.gateway.refusing, () => "the gateway to refuse newcomers");
  using newcomer = await rawClient(gateway.port);
  expect(await newcomer.send(plainRequest("/open/slow")).answer()).toMatchObject({ status: 503 });
  expect(gateway.running.drain.state).toBe("draining");
  slow.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nslow");
  expect(await client.answer()).toMatchObject({ status: 200, body: "slow" });
  expect(await gateway.running.finished).toBe(0);
});

it("a connection whose upgrade was refused is idle, and closes", async () => {
  await using target = await fakeTarget();
  const files = { ...bundle(), "gateway.yaml": drained("drain: { preDrainDelay: 0s, window: 60s, spread: 0s }") };
  await using gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: target.url } });
  using client = await rawClient(gateway.port);
  expect(await client.send(upgradeRequest("/nowhere")).answer()).toMatchObject({ status: 404 });
  gateway.running.drain.signal("test");
  expect((await client.end()).length).toBe(0);
  expect(await gateway.running.finished).toBe(0);
});

it("nor is it told 408 when it stays silent", async () => {
  await using target = await fakeTarget();
  const files = bundle("limits: { requestHeadTimeout: 200ms }");
  await using gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: target.url } });
  using client = await rawClient(gateway.port);
  using slow = await rawClient(gateway.port);
  expect(await client.send(upgradeRequest("/nowhere")).answer()).toMatchObject({ status: 404 });
  // The control: one that began another request is told.
  expect(await slow.send(upgradeRequest("/nowhere")).answer()).toMatchObject({ status: 404 });
  slow.send("GET / HTTP/1.1\r\n");
  expect(await slow.answer()).toMatchObject({ status: 408 });
  expect((await client.end()).length).toBe(0);
});

it("a refused upgrade with Connection: close is the last request", async () => {
  await using target = await fakeTarget();
  await using gateway = await startGatewayFromBundle(bundle(), { env: { TARGET_URL: target.url } });
  using client = await rawClient(gateway.port);
  const answer = await client.send(upgradeRequest("/nowhere", { Connection: "Upgrade, close" })).answer();
  expect(answer.headers.get("connection")).toBe("close");
  expect((await client.end()).length).toBe(0);
});
