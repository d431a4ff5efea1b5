/** The admin page in a real Chromium: its door, its live sessions, what stands in its way. */
import { once } from "node:events";
import { vi, afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Session } from "#runtime/upgrade/session.ts";
import type { Page } from "../support/chromium.ts";
import { ADMIN_SECRET, HOSTILE, KEYS, pageGround, signIn, type Ground } from "./ground.ts";

/** A browser has its own pace, and other tests run beside it. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let ground: Ground;
beforeAll(async () => (ground = await pageGround()));
afterEach(() => ground.disconnect());
afterAll(() => ground[Symbol.asyncDispose]());

const rows = (text: string): string =>
  `[...document.querySelectorAll("tr[data-at]")].filter((row) => row.innerText.includes(${JSON.stringify(text)}))`;

describe("the door of the page", () => {
  it("asks for the secret, and says when it is wrong", async () => {
    const page = await ground.browser.page();
    await page.open(`${ground.admin}/`);
    await page.type("#secret", "wrong-wrong-wrong-wrong");
    await page.key("Enter");
    await page.shows("does not take this secret");
    expect(ground.gateway.metric("apigw_admin_unauthorized_total")).toBe(1);
    await signIn(page);
    await page.shows("Live sessions");
    // The refusal is a line of the browser's console; nothing else went wrong.
    expect(page.problems.filter((problem) => !problem.includes("401"))).toEqual([]);
  });

  it("loads nothing but itself, and keeps the secret in the tab alone", async () => {
    const page = await ground.signedIn();
    await page.shows("Live sessions");
    expect(page.requests.every((url) => url.startsWith(`${ground.admin}/`) || url.startsWith("data:"))).toBe(true);
    expect(await page.value("[localStorage.length, document.cookie, location.href.includes('secret')]")).toEqual([1, "", false]);
    expect(await page.value("Object.keys(localStorage)")).toEqual(["apigw-theme"]);
    expect(await page.value("sessionStorage.getItem('apigw-secret')")).toBe(ADMIN_SECRET);
    await page.open(`${ground.admin}/?again`);
    await page.shows("Live sessions");
    await page.press("Forget secret");
    await page.until("document.querySelector('#secret') !== null && sessionStorage.length === 0");
    expect(page.problems).toEqual([]);
  });

  it("lets no script run that is not its own", async () => {
    const page = await ground.signedIn();
    await page.value(`document.body.append(Object.assign(document.createElement("script"), { src: "data:text/javascript,window.hacked=1" }))`).catch(() => undefined);
    await page.value(`document.body.innerHTML += "<p>"`).catch(() => undefined);
    await page.until("true");
    expect(await page.value("window.hacked")).toBeUndefined();
    expect(page.problems.join("\n")).toMatch(/Content Security Policy|TrustedScript|TrustedHTML/);
  });
});

describe("live sessions", () => {
  it("are listed, found, looked at and ended with a code", async () => {
    const [one, other] = [await ground.connect(`/v1/chat/rooms/1?apikey=${KEYS.chat}`), await ground.connect("/ticker")];
    one.send("hello there");
    const page = await ground.signedIn();
    await page.until(`${rows("chat")}.length === 1 && ${rows("ticker")}.length === 1`);
    await page.type('input[name="app"]', "web");
    await page.until(`${rows("ticker")}.length === 0 && ${rows("web")}.length === 1`);
    expect(await page.value("location.hash")).toBe("#/sessions?app=web");
    await page.click("tr[data-at='0']");
    await page.shows("ann@example.com");
    await page.shows("VK-Key");
    await page.shows("101 sent");
    await page.press("End session");
    await page.shows("1 session fits now. Nothing has ended yet.");
    await page.value(`(() => { const s = document.querySelector("dialog select"); s.value = "own"; s.dispatchEvent(new Event("change", { bubbles: true })); })()`);
    await page.type('dialog input[type="number"]', "4321");
    await page.type('dialog input[maxlength="123"]', "tidying up");
    const closed = once(one, "close");
    await page.press("End 1 session");
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([4321, "tidying up"]);
    await page.shows("1 session told to end.");
    expect(ground.gateway.lines({ event: "audit", action: "sessions.end" })).toHaveLength(1);
    expect(other.readyState).toBe(other.OPEN);
    expect(page.problems).toEqual([]);
  });

  it("are ended by filter after their number was typed, and the others stay", async () => {
    const many = await Promise.all(Array.from({ length: 12 }, () => ground.connect("/ticker")));
    const other = await ground.connect(`/v1/chat/1?apikey=${KEYS.chat}`);
    const page = await ground.signedIn("#/sessions?proxy=ticker");
    await page.press("End 12 sessions …");
    await page.shows("12 sessions fit now");
    expect(await page.value('document.querySelector("dialog button[type=submit]").disabled')).toBe(true);
    await page.type('dialog input[inputmode="numeric"]', "12");
    const closed = Promise.all(many.map((client) => once(client, "close")));
    await page.press("End 12 sessions");
    expect(new Set((await closed).map(([code]) => code))).toEqual(new Set([3003]));
    await page.shows("12 sessions told to end.");
    expect(other.readyState).toBe(other.OPEN);
  });

  it("are walked through with the keyboard alone", async () => {
    await Promise.all(Array.from({ length: 40 }, () => ground.connect("/ticker")));
    const page = await ground.signedIn("#/sessions?proxy=ticker");
    await page.until(`${rows("ticker")}.length > 5`);
    await page.value("document.querySelector('tr[data-at=\"0\"]').focus()");
    await page.key("End");
    await page.until("document.activeElement?.dataset.at === '39'");
    await page.key("ArrowUp");
    await page.until("document.activeElement?.dataset.at === '38'");
    await page.key("Enter");
    await page.until("document.querySelector('.panel h2') === document.activeElement");
    await page.key("Escape");
    await page.until("document.querySelector('.panel') === null");
  });

  it("are 50,000, of which only those in view are drawn and asked for", async () => {
    const { deployed, sessionServices } = ground.gateway.gateway;
    const [first] = deployed.values();
    if (first === undefined) throw new Error("nothing is deployed");
    const begin = (): Session | null => Session.begin(sessionServices, first.session, "192.0.2.1", { onAbort: () => undefined });
    const many = Array.from({ length: 50_000 }, begin);
    const page = await ground.signedIn();
    await page.shows("50,000");
    await page.value("document.querySelector('tr[data-at=\"0\"]').focus()");
    await page.key("End");
    await page.until("document.activeElement?.dataset.at === '49999' && document.activeElement.innerText.includes('handshake')");
    expect(await page.value("document.querySelector('table').getAttribute('aria-rowcount')")).toBe("50001");
    expect(await page.value<number>("document.querySelectorAll('tr[data-at]').length")).toBeLessThan(60);
    expect(page.requests.filter((url) => url.includes("/v1/sessions?")).length).toBeLessThan(20);
    for (const session of many) session?.abandon(false);
    expect(page.problems).toEqual([]);
  });

  it("with hostile names are text", async () => {
    await ground.connect(`/v1/chat/x?apikey=${KEYS.hostile}`);
    const page = await ground.signedIn();
    await page.shows(HOSTILE);
    await page.click("tr[data-at='0']");
    await page.until(`document.querySelector(".facts")?.innerText.includes(${JSON.stringify(HOSTILE)})`);
    expect(await page.value("[typeof window.hacked, document.images.length]")).toEqual(["undefined", 0]);
    expect(page.problems).toEqual([]);
  });
});

describe("what stands in its way", () => {
  async function refused(page: Page, status: number): Promise<void> {
    await page.value(`(() => { const before = window.fetch; window.realFetch ??= before; window.fetch = () => ${
      status === 0 ? 'Promise.reject(new TypeError("gone"))' : `Promise.resolve(new Response("{}", { status: ${status} }))`
    }; })()`);
  }

  it("a secret that is no longer taken is asked for again, and the view stays", async () => {
    const page = await ground.signedIn("#/sessions?proxy=ticker");
    await page.shows("Live sessions");
    await refused(page, 401);
    await page.shows("no longer takes this secret");
    await page.value("window.fetch = window.realFetch");
    await signIn(page);
    await page.shows("Live sessions");
    expect(await page.value("location.hash")).toBe("#/sessions?proxy=ticker");
  });

  it("a gateway that is gone is told calmly, and found again when it is back", async () => {
    const page = await ground.signedIn();
    await page.shows("Live sessions");
    await refused(page, 0);
    await page.shows("The gateway does not answer");
    await page.value("window.fetch = window.realFetch");
    await page.press("Try now");
    await page.until("document.querySelector('.banner') === null");
    await page.shows("Nobody is connected.");
    expect(page.problems).toEqual([]);
  });
});
