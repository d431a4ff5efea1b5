/**
 * A script in a real browser: Chromium loads a page of a server of the test's own, whose origin is therefore known, and the
 * page posts what the script returns. Without Chromium there is nothing to ask; `hasChromium` tells.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** True where a browser can be asked. */
export const hasChromium = existsSync(CHROMIUM);

/** Longest time for a browser to start and a script to end. */
const SCRIPT_MS = 30_000;

/**
 * Runs the body of an async function in a page and gives back what it returns (JSON). `open(url, protocols)` of the page
 * tells how a WebSocket fared: `{ opened, protocol, code, reason, messages }`. `cookies` are set by the page's server.
 */
export async function inBrowser(script: string, cookies: readonly string[] = []): Promise<unknown> {
  const profile = mkdtempSync(join(tmpdir(), "apigw-chromium-"));
  const answered = Promise.withResolvers<unknown>();
  const server = createServer((request, response) => serve(request, response, page(script), cookies, answered.resolve));
  const port = await listening(server);
  const browser = start(profile, `http://127.0.0.1:${port}/`);
  browser.on("exit", () => answered.reject(new Error("the browser ended before its script did")));
  const timer = setTimeout(() => answered.reject(new Error("the script did not end in time")), SCRIPT_MS);
  try {
    return await answered.promise;
  } finally {
    clearTimeout(timer);
    await stop(browser);
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  html: string,
  cookies: readonly string[],
  answer: (value: unknown) => void,
): void {
  if (request.method !== "POST") {
    response.writeHead(200, { "Content-Type": "text/html", "Set-Cookie": [...cookies] }).end(html);
    return;
  }
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    response.writeHead(204).end();
    answer(JSON.parse(Buffer.concat(parts).toString("utf8")));
  });
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function start(profile: string, url: string): ChildProcess {
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--disable-extensions"];
  return spawn(CHROMIUM, [...flags, `--user-data-dir=${profile}`, url], { stdio: "ignore", detached: true });
}

/** The browser and all the processes of its own. */
async function stop(browser: ChildProcess): Promise<void> {
  browser.removeAllListeners("exit");
  if (browser.pid === undefined || browser.exitCode !== null || browser.signalCode !== null) return;
  const gone = once(browser, "exit");
  process.kill(-browser.pid, "SIGKILL");
  await gone;
}

function page(script: string): string {
  return `<!doctype html><script>
    const open = (url, protocols, say = null) => new Promise((resolve) => {
      const found = { opened: false, protocol: null, code: null, reason: null, messages: [] };
      const socket = new WebSocket(url, protocols);
      socket.onopen = () => { found.opened = true; found.protocol = socket.protocol; if (say === null) socket.close(1000); else socket.send(say); };
      socket.onmessage = ({ data }) => { found.messages.push(data); socket.close(1000); };
      socket.onclose = ({ code, reason }) => resolve({ ...found, code, reason });
    });
    const work = async () => { ${script} };
    work()
      .catch((error) => ({ error: String(error) }))
      .then((value) => fetch("/answer", { method: "POST", body: JSON.stringify(value ?? null) }));
  </script>`;
}
