/**
 * Node wraps the connection of an upgrade whose body has not come. When that connection broke under its refusal, the wrapper
 * emitted an error that nobody heard: an uncaught exception for each such client.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { refusedPort } from "../support/raw-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { rawClient, upgradeRequest } from "../support/raw-client.ts";
import { bundle } from "./bundle.ts";

let gateway: TestGateway;
const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);

beforeAll(async () => {
  gateway = await startGatewayFromBundle(bundle(), { env: { TARGET_URL: `http://127.0.0.1:${await refusedPort()}` } });
  process.prependListener("uncaughtException", note);
});

afterAll(async () => {
  process.off("uncaughtException", note);
  await gateway[Symbol.asyncDispose]();
});

it.each([{ "Content-Length": "50" }, { "Transfer-Encoding": "chunked" }])("%o", async (lines) => {
  for (let n = 0; n < 200; n++) {
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest("/open/x", lines));
    if (n % 2 === 0) await new Promise((resolve) => void setImmediate(resolve));
    client.socket.resetAndDestroy();
  }
  await gateway.calm();
  expect(uncaught).toEqual([]);
  expect(gateway.lines({ event: "defect" })).toEqual([]);
});
