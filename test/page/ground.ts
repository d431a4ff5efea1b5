/** What the tests of the admin page stand on: a gateway with real sessions, a target that echoes, a browser. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { Chromium, type Page } from "../support/chromium.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

export const ADMIN_SECRET = "an-admin-secret-of-some-length";
export const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';
export const KEYS = { chat: "the-key-of-the-chat-app", hostile: "the-key-of-a-hostile-app" } as const;

const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }
admin: { port: 0, secret: { env: ADMIN_SECRET } }`,
  "access/all.yaml": `kind: ApiProduct
name: all
---
kind: Developer
email: ann@example.com
userName: ann
---
kind: App
name: web
developer: ann@example.com
credentials: [{ key: { env: CHAT_KEY }, secret: { env: CHAT_SECRET }, products: [all] }]
---
kind: App
name: hostile
developer: ann@example.com
credentials: [{ key: { env: HOSTILE_KEY }, secret: { env: HOSTILE_SECRET }, products: [all] }]`,
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /v1/chat
    preFlow: { request: [VK-Key, AM-App] }
    flows:
      - { name: rooms, condition: 'proxy.pathsuffix MatchesPath "/rooms/**"', request: [{ name: AM-Room, condition: 'request.header.x-room != "lobby"' }] }
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/chat/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
  "proxies/chat/policies/AM-App.yaml": 'kind: AssignMessage\nactions: [{ set: { headers: { X-App: "{developer.app.name}" } } }]',
  "proxies/chat/policies/AM-Room.yaml": 'kind: AssignMessage\nactions: [{ set: { headers: { X-Room: "{proxy.pathsuffix}" } } }]',
  "proxies/ticker/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /ticker }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
};

export interface Ground extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly browser: Chromium;
  /** `http://127.0.0.1:port` of the admin listener. */
  readonly admin: string;
  /** A session, open. */
  connect(path: string, headers?: Readonly<Record<string, string>>): Promise<WebSocket>;
  /** Breaks all of them off and waits until the gateway has none left. */
  disconnect(): Promise<void>;
  /** The page with the secret typed. */
  signedIn(hash?: string): Promise<Page>;
}

/** Starts everything. `project`: another one than the tests' own; `more`: what it takes from the environment. */
export async function pageGround(project: BundleFiles = files, more: Readonly<Record<string, string>> = {}): Promise<Ground> {
  const target = await echoTarget();
  const { port } = target.address() as AddressInfo;
  const env = {
    ADMIN_SECRET,
    CHAT_KEY: KEYS.chat,
    CHAT_SECRET: "the-secret-of-the-chat-app",
    HOSTILE_KEY: KEYS.hostile,
    HOSTILE_SECRET: "the-secret-of-a-hostile-app",
    TARGET_URL: `http://127.0.0.1:${port}`,
    TARGET_PORT: String(port),
    ...more,
  };
  const gateway = await startGatewayFromBundle(project, { env });
  await renameApp(gateway, "hostile", HOSTILE);
  const listening = await gateway.line({ event: "listening", listener: "admin" });
  const admin = `http://${String(listening["address"])}`;
  const browser = await Chromium.start();
  const clients: WebSocket[] = [];
  return {
    gateway,
    browser,
    admin,
    connect: async (path, headers = {}) => {
      const client = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, { headers });
      clients.push(client);
      await new Promise((resolve, reject) => void client.once("open", resolve).once("error", reject));
      client.on("error", () => undefined);
      return client;
    },
    disconnect: async () => {
      for (const client of clients.splice(0)) client.terminate();
      await until(() => gateway.gateway.sessions.count === 0, () => `${gateway.gateway.sessions.count} sessions`);
    },
    signedIn: async (hash = "") => {
      const page = await browser.page();
      await page.open(`${admin}/${hash}`);
      await signIn(page);
      return page;
    },
    [Symbol.asyncDispose]: async () => {
      await browser[Symbol.asyncDispose]();
      for (const client of clients) client.terminate();
      await gateway[Symbol.asyncDispose]();
      target.closeAllConnections();
      target.close();
    },
  };
}

/** Types the secret. */
export async function signIn(page: Page, secret: string = ADMIN_SECRET): Promise<void> {
  await page.type("#secret", secret);
  await page.key("Enter");
  await page.until("document.querySelector('.sign-in') === null");
}

/** The compiler takes no such name; whoever writes to the store directly may have one. */
async function renameApp({ gateway: { store } }: TestGateway, from: string, to: string): Promise<void> {
  for (const { id, record } of await store.list("app", { after: "", limit: 10 })) {
    if (record.name === from) await store.put("app", id, { ...record, name: to });
  }
}

/** A WebSocket server that says everything back; it closes as the path asks: `/close/4001/text`. */
async function echoTarget(): Promise<Server> {
  const server = createServer((_request, response) => void response.end("hello"));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => {
    socket.on("error", () => undefined).on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    const [, code, text] = /\/close\/(\d+)\/([^?]*)/.exec(request.url ?? "") ?? [];
    if (code !== undefined) socket.once("message", () => socket.close(Number(code), decodeURIComponent(text ?? "")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
