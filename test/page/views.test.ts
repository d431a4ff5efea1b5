/** Traffic, routes and Debug of the admin page in a real Chromium. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { vi, afterAll, beforeAll, describe, expect, it } from "vitest";
import { pageGround, HOSTILE, type Ground } from "./ground.ts";
import { appEnv, keyOf, shop } from "./shop.ts";

const work = mkdtempSync(path.join(tmpdir(), "apigw-page-"));
/** A browser has its own pace, and other tests run beside it. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let ground: Ground;
beforeAll(async () => (ground = await pageGround(shop(path.join(work, "analytics.db")), appEnv)));
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
  rmSync(work, { recursive: true });
});

describe("routes", () => {
  it("are found, and their chains are read", async () => {
    const page = await ground.signedIn("#/routes");
    await page.shows("/legacy/*/stream");
    await page.type('input[type="search"]', "chat");
    await page.until(`!document.body.innerText.includes("/legacy")`);
    await page.click('a[href="#/routes/prod~chat~default"]');
    await page.shows("FC-Guard");
    await page.shows('request.header.x-batch != "yes"');
    await page.shows("shared-flows/guard/flow.yaml:4");
    await page.shows("→ backend");
    expect(page.problems).toEqual([]);
  });
});

describe("Debug", () => {
  it("is started, watched live and read step by step, to the close of the connection", async () => {
    const page = await ground.signedIn("#/debug");
    await page.until("document.querySelector('select[name=proxy]')?.value !== ''");
    await page.value("document.querySelector('select[name=proxy]').value = 'chat'");
    await page.press("Start");
    await page.shows("Waiting for the first exchange");
    const client = await ground.connect(`/v1/chat/rooms/7?apikey=${keyOf("web")}`, { "X-Evil": HOSTILE });
    await page.shows("/v1/chat/rooms/7");
    await page.click(".transactions a");
    await page.shows("VK-Key.yaml:1");
    await page.press("AM-Room");
    await page.shows("proxies/chat/policies/AM-Room.yaml:1");
    await page.until(`document.querySelector(".yaml")?.innerText.includes('template: "{proxy.pathsuffix}"')`);
    await page.until(`document.querySelector(".glance")?.innerText === "sharedFlowBundle: guard"`);
    await page.shows('request.header.x-room != "lobby"');
    await page.shows("proxy.pathsuffix");
    await page.until(`document.querySelector(".messages")?.innerText.includes(${JSON.stringify(HOSTILE)})`);
    expect(await page.text()).not.toContain(keyOf("web"));
    client.close(4001, HOSTILE);
    await page.shows(HOSTILE);
    await page.shows("4001");
    await page.press("End and delete");
    await page.shows("No Debug session yet");
    expect(await page.value("[typeof window.hacked, document.images.length]")).toEqual(["undefined", 0]);
    // What was just asked about a session that is gone now gets 404, which the browser notes.
    expect(page.problems.filter((problem) => !problem.includes("404"))).toEqual([]);
  });

  it("takes a filter, and says what is wrong with one", async () => {
    const page = await ground.signedIn("#/debug");
    await page.until("document.querySelector('select[name=proxy]')?.value !== ''");
    await page.type("input[name=filter]", 'request.header.x-room = = "7"');
    await page.press("Start");
    await page.until("/filter, column/.test(document.querySelector('.start-form .problem').innerText)");
    await page.type("input[name=filter]", 'request.header.x-room = "7"');
    await page.press("Start");
    await page.shows("Waiting for the first exchange");
    await page.press("End and delete");
  });

  it("says what was wrong with a wish", async () => {
    const page = await ground.signedIn("#/debug");
    await page.until("document.querySelector('select[name=proxy]')?.value !== ''");
    await page.value("document.querySelector('input[name=count]').max = ''");
    await page.type("input[name=count]", "100000");
    await page.press("Start");
    await page.until("/count/.test(document.querySelector('.start-form .problem').innerText)");
  });
});

describe("traffic", () => {
  it("shows what went through, and what was refused by which policy", async () => {
    await fetch(`http://127.0.0.1:${ground.gateway.port}/v1/orders/1?apikey=${keyOf("web")}`);
    await fetch(`http://127.0.0.1:${ground.gateway.port}/v1/orders/1?apikey=no-such-key`);
    const page = await ground.signedIn("#/traffic");
    await page.shows("oauth.v2.InvalidApiKey");
    await page.until("document.querySelectorAll('canvas').length === 3");
    await page.value(`(() => { const s = document.querySelector(".pick select"); s.value = "chat"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`);
    await page.until("location.hash === '#/traffic?proxy=chat'");
    await page.until(`!document.body.innerText.includes("oauth.v2.InvalidApiKey")`);
    expect(page.problems).toEqual([]);
  });

  it("shows what policies took, of handshakes and of plain exchanges", async () => {
    await ground.connect(`/v1/chat/rooms/7?apikey=${keyOf("web")}`);
    await fetch(`http://127.0.0.1:${ground.gateway.port}/v1/orders/1?apikey=${keyOf("web")}`);
    const page = await ground.signedIn("#/traffic");
    const table = "document.querySelector('.step-times').innerText";
    await page.until(`document.querySelector('.step-times') !== null && ${table}.includes("AM-Room")`);
    await page.shows("shared-flows/guard/policies/VK-Key.yaml:1");
    expect(await page.value(`${table}.includes("orders")`)).toBe(false);
    await page.value(`(() => { const s = document.querySelector(".wide select"); s.value = "http"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`);
    await page.until(`location.hash === "#/traffic?of=http" && document.querySelector('.step-times') !== null && ${table}.includes("orders")`);
    expect(await page.value(`${table}.includes("AM-Room")`)).toBe(false);
    expect(page.problems).toEqual([]);
  });

  it("says how to turn analytics and times of policies on where there are none, and asks once", async () => {
    await using plain = await pageGround();
    const page = await plain.signedIn("#/traffic");
    await page.shows("keeps no analytics");
    await page.shows("policyTimes: 100");
    expect(page.requests.filter((url) => url.includes("/v1/policyTimes"))).toHaveLength(1);
  });
});
