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
/** Times of policies stand below the charts. */
const TRAFFIC_HEIGHT = 1_180;
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

async function take(page: Page, name: string, colours: "light" | "dark", height = HEIGHT): Promise<void> {
  if (!name.includes(only)) return;
  await page.look(WIDTH, height, colours);
  await page.value("document.documentElement.style.fontFamily = 'Inter, system-ui, sans-serif'");
  await page.value("new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 300)))");
  const file = path.join(folder, `${name}.png`);
  writeFileSync(file, await page.picture());
  execFileSync("pngquant", ["--force", "--strip", "--speed", "1", "--quality", "60-95", "--output", file, file]);
  process.stdout.write(`${name}.png\n`);
}

/** Runs in the page: answers for its questions to the analytics, because nobody waits an hour for a picture. */
function madeUpHour(): void {
  const real = globalThis.fetch;
  const begin = Math.floor(Date.now() / 60_000 - 60) * 60_000;
  const times = Array.from({ length: 60 }, (_, at) => new Date(begin + at * 60_000).toISOString());
  const wave = (mean: number, swing: number, seed: number): number[] =>
    times.map((_, at) => Math.max(mean + swing * Math.sin(at / 9 + seed) + swing * 0.35 * Math.sin(at * 1.7 + seed * 3), 0));
  const whole = (values: number[]): number[] => values.map(Math.round);
  const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);
  const COUNT = "sum(message_count)";
  const group = (dimensions: object, series: Record<string, number[]>): object => ({
    dimensions,
    series,
    totals: Object.fromEntries(Object.entries(series).map(([name, values]) => [name, name.startsWith("avg") ? sum(values) / 60 : sum(values)])),
  });
  const answer = (query: URLSearchParams): object => {
    const dimensions = query.get("dimensions") ?? "";
    if (dimensions === "message_type") {
      const [http, errors, ws] = [whole(wave(820, 190, 1)), whole(wave(21, 16, 2)), whole(wave(240, 90, 4))];
      const groups = [group({ message_type: "http" }, { [COUNT]: http, "sum(is_error)": errors }), group({ message_type: "websocket" }, { [COUNT]: ws, "sum(is_error)": whole(wave(3, 3, 6)) })];
      return { times, groups, total: { [COUNT]: sum(http) + sum(ws), "sum(is_error)": sum(errors), "avg(total_response_time)": 11.4 } };
    }
    if (dimensions.startsWith("close_reason")) {
      const rows = [["client", "client", 150, 50, 1], ["idle", "gateway", 42, 18, 3], ["upstream", "target", 30, 14, 5], ["token_expired", "gateway", 22, 12, 2], ["access_revoked", "gateway", 2, 7, 4]] as const;
      return { times, groups: rows.map(([reason, by, mean, swing, seed]) => group({ close_reason: reason, closed_by: by }, { [COUNT]: whole(wave(mean, swing, seed)) })), total: {} };
    }
    if (dimensions === "") {
      const parts = { "avg(request_processing_latency)": wave(1.3, 0.3, 2), "avg(target_response_time)": wave(8.6, 2.6, 1), "avg(response_processing_latency)": wave(0.9, 0.2, 3) };
      return { times, groups: [group({}, parts)], total: Object.fromEntries(Object.entries(parts).map(([name, values]) => [name, sum(values) / 60])) };
    }
    const rows = [["401", "oauth.v2.InvalidApiKey", "VK-Key", "chat", 731], ["429", "policies.ratelimit.SpikeArrestViolation", "SA-Burst", "chat", 287], ["503", "(not set)", "(not set)", "orders", 96], ["403", "steps.raisefault.RaiseFault", "RF-Closed", "chat", 64], ["404", "(not set)", "(not set)", "(not set)", 41], ["426", "gateway.UpgradeRequired", "(not set)", "prices", 12]] as const;
    const groups = rows.map(([status, fault, policy, proxy, count]) => ({
      dimensions: { response_status_code: status, ax_edge_execution_fault_code: fault, ax_execution_fault_policy_name: policy, apiproxy: proxy },
      totals: { [COUNT]: count },
    }));
    return { groups, total: { [COUNT]: 1_231 } };
  };
  globalThis.fetch = (input, init) => {
    const url = new URL(String(input), "http://page");
    return url.pathname === "/v1/stats" ? Promise.resolve(Response.json(answer(url.searchParams))) : real(input, init);
  };
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
  await page.open(`${ground.admin}/?traffic#/routes`);
  await page.value(`(${madeUpHour.toString()})()`);
  await page.value("location.hash = '#/traffic'");
  await page.shows("Refused, by fault and policy");
  await page.shows("token_expired");
  await page.shows("handshakes timed");
  await take(page, "page-traffic-dark", "dark", TRAFFIC_HEIGHT);
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
