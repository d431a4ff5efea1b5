import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import type { Listener } from "#runtime/listen/listen.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import { openOps } from "#runtime/side/ops.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

let listener: Listener;
let ready = true;

beforeEach(async () => {
  ready = true;
  const clock = fakeClock();
  const metrics = new Metrics({ version: "1", build: "b", node: "n" }, clock, []);
  const gateway = { clock, limits: defaultLimits, metrics };
  listener = await openOps({ host: "127.0.0.1", port: 0, reusePort: false }, gateway, { isReady: () => ready });
});
afterEach(async () => {
  listener.destroyAll();
  await listener.stopAccepting();
  await listener.closed;
});

const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`http://${listener.address}${path}`, init);

describe("the ops listener", () => {
  it("tells health always and readiness as it is", async () => {
    expect(await (await ask("/healthz")).text()).toBe("ok\n");
    expect((await ask("/readyz")).status).toBe(200);
    ready = false;
    const response = await ask("/readyz");
    expect([response.status, await response.text()]).toEqual([503, "not ready\n"]);
    expect((await ask("/healthz")).status).toBe(200);
  });

  it("tells metrics in the form asked for", async () => {
    const plain = await ask("/metrics");
    expect(plain.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await plain.text()).toContain('apigw_build_info{version="1",build="b",node="n"} 1\n');
    const open = await ask("/metrics?x=1", { headers: { accept: "application/openmetrics-text; version=1.0.0" } });
    expect(open.headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect((await open.text()).endsWith("# EOF\n")).toBe(true);
  });

  it("answers HEAD without a body", async () => {
    const response = await ask("/metrics", { method: "HEAD" });
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(1_000);
    expect(await response.text()).toBe("");
  });

  it.each(["POST", "PUT", "DELETE"])("refuses %s", async (method) => {
    const response = await ask("/healthz", { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  it.each(["/", "/v1/sessions", "/healthz/", "/debug"])("does not know %s", async (path) => {
    expect((await ask(path)).status).toBe(404);
  });
});
