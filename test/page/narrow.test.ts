/** The admin page in narrow windows: everything can be reached without scrolling the page sideways. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { Page } from "../support/chromium.ts";
import { pageGround, type Ground } from "./ground.ts";
import { appEnv, keyOf, shop } from "./shop.ts";

/** A browser has its own pace, and other tests run beside it. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let ground: Ground;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "apigw-narrow-"));
  ground = await pageGround(shop(path.join(folder, "rows.db")), appEnv);
});
afterAll(async () => {
  await ground[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** How much wider the page is than its window. */
const excess = (page: Page): Promise<number> =>
  page.value<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");

it.each([360, 600, 821])("at %d pixels every view fits, and what is opened in it", async (width) => {
  await ground.connect(`/v1/chat/rooms/7?apikey=${keyOf("web")}`);
  await fetch(`http://127.0.0.1:${ground.gateway.port}/v1/orders/1?apikey=no-such-key`);
  const page = await ground.signedIn();
  await page.look(width, 800, "light");
  await page.until("document.querySelector('tr[data-at]')?.innerText.includes('chat')");
  expect(await excess(page)).toBe(0);
  await page.click("tr[data-at='0'] td");
  await page.shows("101 sent");
  expect(await excess(page)).toBe(0);
  // What is opened stands in front of the list's head, which stays where it is while the list scrolls.
  const head = "document.querySelector('.panel .close').getBoundingClientRect()";
  const found = `document.elementFromPoint(${head}.x + 8, ${head}.y + 8)?.closest('.panel') !== null`;
  expect(await page.value(found)).toBe(true);
  await page.value("location.hash = '#/traffic'");
  await page.shows("oauth.v2.InvalidApiKey");
  await page.until("document.querySelector('.step-times') !== null");
  expect(await excess(page)).toBe(0);
  await page.value("location.hash = '#/routes'");
  await page.shows("/v2/prices");
  await page.click("a[href*='chat']");
  await page.shows("AM-Room");
  expect(await excess(page)).toBe(0);
  await page.value("location.hash = '#/debug'");
  await page.until("document.querySelector('select[name=proxy]')?.value !== ''");
  await page.value("document.querySelector('select[name=proxy]').value = 'chat'");
  await page.press("Start");
  await page.shows("Waiting for the first exchange");
  await ground.connect(`/v1/chat/rooms/${"7".repeat(200)}?apikey=${keyOf("web")}`, { "X-Long": "x".repeat(600) });
  await page.until("document.querySelector('.transactions a') !== null");
  await page.click(".transactions a");
  await page.shows("AM-Room");
  expect(await excess(page)).toBe(0);
  await page.press("End and delete");
  await ground.disconnect();
});
