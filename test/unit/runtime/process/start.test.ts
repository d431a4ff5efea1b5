/** A start that fails, and the end of a gateway: what cannot be closed does not keep the process. */
import { expect, it } from "vitest";
import type { Store } from "#runtime/state/store.ts";
import { startGatewayFromBundle } from "../../../support/gateway.ts";

const bundle = {
  "gateway.yaml": "kind: Gateway\nlisteners: [{ host: 127.0.0.1, port: 0 }]\nops: { port: 0 }\nstore: { kind: memory }\n",
  "proxies/p/proxy.yaml": "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, routeRules: [{ name: none }] }]\n",
};

/** The same store, with another end. */
function ending(store: Store, close: () => void): Store {
  return new Proxy(store, {
    get: (target, name) => {
      if (name === "close") return close;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

it("stops although its store cannot be closed, and says so", async () => {
  const close = (): void => {
    throw new TypeError("no such file");
  };
  await using gateway = await startGatewayFromBundle(bundle, { wrapStore: (store) => ending(store, close) });
  gateway.running.drain.signal("test");
  gateway.running.drain.signal("test");
  expect(await gateway.running.finished).toBe(143);
  expect(gateway.lines({ event: "defect" })).toMatchObject([{ detail: "no such file" }]);
});

it("stops once everything is closed", async () => {
  let closed = 0;
  await using gateway = await startGatewayFromBundle(bundle, { wrapStore: (store) => ending(store, () => void closed++) });
  gateway.running.drain.signal("test");
  gateway.running.drain.signal("test");
  await gateway.running.finished;
  expect([closed, gateway.lines({ event: "defect" })]).toEqual([1, []]);
});

it("does not start with a log level that nobody knows", async () => {
  const env = { APIGW_LOG_LEVEL: "loud" };
  await expect(startGatewayFromBundle(bundle, { env })).rejects.toThrow("APIGW_LOG_LEVEL must be one of debug, info, warn, error, off");
});
