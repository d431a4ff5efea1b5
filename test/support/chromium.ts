/**
 * A real Chromium without a window, driven over the pipes of its DevTools protocol: no port, no library, gone with the
 * test. Only what the tests of the admin page need.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";

/** What a command answers, or an event tells. */
type Told = Readonly<Record<string, unknown>>;

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];
/** A browser beside everything else that a machine does is slow. */
const PATIENCE_MS = 40_000;
const LOOK_MS = 20;
const ENTER = { Enter: "\r", Space: " " } as const;

/** Path of the browser: CHROMIUM, or where distributions put it. */
function chromiumPath(): string {
  const found = [process.env["CHROMIUM"] ?? "", ...places].find((path) => path !== "" && existsSync(path));
  if (found === undefined) throw new Error("Chromium is needed: apt-get install chromium, or its path in CHROMIUM");
  return found;
}

/** A browser. */
export class Chromium implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #to: Writable;
  readonly #waiting = new Map<number, { resolve: (told: Told) => void; reject: (cause: Error) => void }>();
  readonly #listeners = new Map<string, (method: string, told: Told) => void>();
  #lastId = 0;
  #left = "";

  private constructor(child: ChildProcess, profile: string, to: Writable, from: Readable) {
    this.#child = child;
    this.#profile = profile;
    this.#to = to;
    from.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    to.on("error", () => undefined);
  }

  static async start(): Promise<Chromium> {
    const profile = mkdtempSync(join(tmpdir(), "apigw-chromium-"));
    const flags = ["--headless=new", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "--no-first-run", "--disable-gpu"];
    // Chromium's own sandbox cannot be had as root, nor in most containers; it only ever sees our own page.
    const calm = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--mute-audio"];
    const child = spawn(chromiumPath(), [...flags, ...calm, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    const [, , , to, from] = child.stdio;
    if (!(to instanceof Writable) || !(from instanceof Readable)) throw new Error("no pipes");
    const browser = new Chromium(child, profile, to, from);
    await browser.send("Browser.getVersion");
    return browser;
  }

  /** A page of its own profile: it shares no storage with another. */
  async page(): Promise<Page> {
    const { browserContextId } = await this.send("Target.createBrowserContext");
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, String(sessionId));
    this.#listeners.set(String(sessionId), (method, told) => page.heard(method, told));
    await page.begin();
    return page;
  }

  /** One command. Rejects with what the browser says against it. */
  send(method: string, params: Told = {}, sessionId?: string): Promise<Told> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  #read(text: string): void {
    const messages = (this.#left + text).split("\0");
    this.#left = messages.pop() ?? "";
    for (const message of messages) this.#take(JSON.parse(message) as Told);
  }

  #take(message: Told): void {
    const { id, error, method, params = {}, result = {}, sessionId } = message;
    if (typeof method === "string") {
      this.#listeners.get(String(sessionId))?.(method, params as Told);
      return;
    }
    const waiting = this.#waiting.get(Number(id));
    this.#waiting.delete(Number(id));
    if (error === undefined) waiting?.resolve(result as Told);
    else waiting?.reject(new Error((error as { message: string }).message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    await this.send("Browser.close").catch(() => this.#child.kill("SIGKILL"));
    await gone;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A page, and everything that went wrong in it. */
export class Page {
  /** Uncaught errors, broken security policies, error lines of the console. */
  readonly problems: string[] = [];
  /** Addresses that it asked for. */
  readonly requests: string[] = [];
  readonly #browser: Chromium;
  readonly #session: string;

  constructor(browser: Chromium, session: string) {
    this.#browser = browser;
    this.#session = session;
  }

  send(method: string, params: Told = {}): Promise<Told> {
    return this.#browser.send(method, params, this.#session);
  }

  async begin(): Promise<void> {
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.send(`${domain}.enable`);
    await this.look(1_280, 800, "light");
  }

  heard(method: string, told: Told): void {
    if (method === "Runtime.exceptionThrown") this.problems.push(JSON.stringify(told["exceptionDetails"]));
    if (method === "Log.entryAdded") {
      const { level, text } = told["entry"] as { level: string; text: string };
      if (level === "error") this.problems.push(text);
    }
    if (method === "Network.requestWillBeSent") this.requests.push((told["request"] as { url: string }).url);
  }

  /** Goes to an address and waits until it is there. */
  async open(url: string): Promise<void> {
    const { errorText } = await this.send("Page.navigate", { url });
    if (errorText !== undefined) throw new Error(`${url}: ${String(errorText)}`);
    await this.until("document.readyState === 'complete'");
  }

  /** The value of an expression; promises are waited for. */
  async value<T = unknown>(expression: string): Promise<T> {
    const { exceptionDetails, result } = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }

  /** Waits until an expression is true. */
  async until(expression: string): Promise<void> {
    const startMs = performance.now();
    for (;;) {
      // A page that is just being replaced answers with an error.
      if ((await this.value(`!!(${expression})`).catch(() => false)) === true) return;
      if (performance.now() - startMs > PATIENCE_MS) break;
      await new Promise((resolve) => void setTimeout(resolve, LOOK_MS));
    }
    const said = await this.text().catch(String);
    throw new Error(`waited in vain: ${expression}; the page says\n${said}\n${this.problems.join("\n")}`);
  }

  /** What can be read on it. */
  text(): Promise<string> {
    return this.value("document.body.innerText");
  }

  /** Waits until the text can be read. */
  shows(text: string): Promise<void> {
    return this.until(`document.body.innerText.includes(${JSON.stringify(text)})`);
  }

  /** Clicks the middle of the first element that fits, as a mouse does. */
  async click(selector: string): Promise<void> {
    const element = `document.querySelector(${JSON.stringify(selector)})`;
    await this.until(`${element} !== null && !${element}.disabled`);
    const [x, y] = await this.value<[number, number]>(
      `(() => { const e = ${element}; e.scrollIntoView({ block: "nearest" }); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`,
    );
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
  }

  /** Clicks the button or link whose name begins so, in the dialog where one is open. */
  async press(name: string): Promise<void> {
    const mark = `(() => { const found = [...(document.querySelector("dialog[open]") ?? document).querySelectorAll("button, a, summary, [role=tab]")].find((e) => (e.getAttribute("aria-label") ?? e.textContent).trim().startsWith(${JSON.stringify(name)}) && !e.disabled); document.querySelectorAll("[data-pressed]").forEach((e) => e.removeAttribute("data-pressed")); found?.setAttribute("data-pressed", ""); return found !== undefined; })()`;
    await this.until(mark);
    await this.click("[data-pressed]");
  }

  /** Writes into a field, in place of what stands there. */
  async type(selector: string, text: string): Promise<void> {
    await this.click(selector);
    await this.value(`document.querySelector(${JSON.stringify(selector)}).select?.()`);
    await this.send("Input.insertText", { text });
  }

  /** Presses a key. */
  async key(key: string): Promise<void> {
    const text = ENTER[key as keyof typeof ENTER];
    const codes: Readonly<Record<string, number>> = { Enter: 13, Tab: 9, Escape: 27, ArrowDown: 40, ArrowUp: 38, End: 35, Home: 36, PageDown: 34 };
    const event = { key, code: key, windowsVirtualKeyCode: codes[key] ?? 0, ...(text === undefined ? {} : { text }) };
    await this.send("Input.dispatchKeyEvent", { type: text === undefined ? "rawKeyDown" : "keyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** Width, height and colours of what follows. */
  async look(width: number, height: number, colours: "light" | "dark"): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: colours }] });
  }

  /** A picture of what can be seen, as PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Buffer.from(String(data), "base64");
  }
}
