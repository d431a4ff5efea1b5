/**
 * Takes the pictures of docs/images/ in a real Chromium: `npm run page:pictures`. The sessions in them are real ones, and
 * everything that they show is made up. It needs pngquant, and fonts-inter to look as on most desks.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "../support/chromium.ts";
import { pageGround, type Ground } from "./ground.ts";
import { appEnv, apps, keyOf, shop } from "./shop.ts";

const folder = path.join(import.meta.dirname, "../../docs/images");
const WIDTH = 1280;
const HEIGHT = 800;
const SESSIONS = Number(process.env["SESSIONS"] ?? 260);
const only = process.argv[2] ?? "";

async function connectMany({ connect }: Ground): Promise<void> {
  for (let at = 0; at < SESSIONS; at++) {
    const app = apps[(at * at + (at % 3)) % apps.length] ?? "web";
    const bytes = "x".repeat((at * 7919) % 3_000);
    const client =
      at % 5 === 3
        ? await connect("/v2/prices/eur", { "x-api-key": keyOf(app) })
        : at % 17 === 5
          ? await connect("/legacy/eu/stream")
          : await connect(`/v1/chat/rooms/${at % 9}?apikey=${keyOf(app)}`);
    for (let message = 0; message < at % 7; message++) client.send(bytes);
  }
}

async function take(page: Page, name: string, colours: "light" | "dark"): Promise<void> {
  if (!name.includes(only)) return;
  await page.look(WIDTH, HEIGHT, colours);
  await page.value("document.documentElement.style.fontFamily = 'Inter, system-ui, sans-serif'");
  await page.value("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 300)))");
  const file = path.join(folder, `${name}.png`);
  writeFileSync(file, await page.picture());
  execFileSync("pngquant", ["--force", "--strip", "--speed", "1", "--quality", "60-95", "--output", file, file]);
  process.stdout.write(`${name}.png\n`);
}

const work = mkdtempSync(path.join(tmpdir(), "apigw-pictures-"));
mkdirSync(folder, { recursive: true });
{
  await using ground = await pageGround(shop(path.join(work, "analytics.db")), appEnv);
  await connectMany(ground);
  const page = await ground.signedIn();
  await page.look(WIDTH, HEIGHT, "light");
  await page.shows("kiosk");
  await page.click("tr[data-at='2']");
  await page.shows("VK-Key");
  await take(page, "page-sessions", "light");
  for (let at = 0; at < 60; at++) {
    await fetch(`http://127.0.0.1:${ground.gateway.port}/v1/orders/${at}?apikey=${at % 9 === 4 ? "no-such-key" : keyOf("web")}`);
    await fetch(`http://127.0.0.1:${ground.gateway.port}/v1/chat/direct/${at}?apikey=${keyOf("ios")}`);
  }
  await page.open(`${ground.admin}/?traffic#/traffic`);
  await page.shows("Refused, by fault and policy");
  await page.shows("InvalidApiKey");
  await take(page, "page-traffic-dark", "dark");
  await page.open(`${ground.admin}/?routes#/routes`);
  await page.shows("/v1/chat");
  await page.click('a[href*="prod~chat~default"], a[href*="prod%7Echat"]').catch(() => undefined);
  await page.shows("FC-Guard");
  await take(page, "page-routes", "light");
  await page.open(`${ground.admin}/?debug#/debug`);
  await page.until("document.querySelector('select[name=proxy]')?.value !== ''");
  await page.value("document.querySelector('select[name=proxy]').value = 'chat'");
  await page.press("Start");
  await page.shows("Waiting for the first exchange");
  const client = await ground.connect(`/v1/chat/rooms/7?apikey=${keyOf("web")}`, { "X-Room": "7" });
  client.send("hello");
  await ground.connect(`/v1/chat/rooms/8?apikey=no-such-key`).catch(() => undefined);
  await ground.connect(`/v1/chat/direct/8?apikey=${keyOf("ios")}`).catch(() => undefined);
  await page.shows("/v1/chat/direct/8");
  await page.click(".transactions a");
  await page.shows("AM-Room");
  client.close(4001, "done for today");
  await page.shows("done for today");
  await page.press("AM-Room");
  await page.shows("AM-Room.yaml");
  await take(page, "page-debug-dark", "dark");
  if (page.problems.length > 0) process.stderr.write(`${page.problems.join("\n")}\n`);
}
rmSync(work, { recursive: true });
