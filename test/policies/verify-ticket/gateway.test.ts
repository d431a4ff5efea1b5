/** Tickets on real sockets: who gets one, where it admits, how often, for how long, and what ends its sessions. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { setAppStatus } from "#runtime/access/change.ts";
import { subjectIdentity } from "#runtime/access/identity.ts";
import { revokeJwts } from "#runtime/access/jwt-revocation.ts";
import { HeldStore } from "../../e2e/held-store.ts";
import { cuttable } from "../../support/cuttable.ts";
import { fakeClock, type FakeClock } from "../../support/fake-clock.ts";
import { fakeTarget, type FakeTarget } from "../../support/fake-target.ts";
import { compileFiles, startModules, type TestGateway } from "../../support/gateway.ts";
import { hasChromium, inBrowser } from "../../support/browser-page.ts";
import { startRedis } from "../../support/redis-server.ts";
import { until } from "../../support/until.ts";
import { jwtOf, post, ticketBundle, ticketEnv, ticketFor, tokenOf, upgradeStatus } from "./ground.ts";
import { invalidateToken } from "../../support/access-records.ts";

let target: FakeTarget;
let modules: Awaited<ReturnType<typeof compileFiles>>;
let gateway: TestGateway;
let clock: FakeClock;
let held: HeldStore;
let secrets: string[] = [];

beforeAll(async () => {
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  modules = await compileFiles(ticketBundle("{ kind: memory }"));
});
afterAll(async () => target[Symbol.asyncDispose]());

async function started(): Promise<void> {
  clock = fakeClock();
  const wrapStore = (store: ConstructorParameters<typeof HeldStore>[0]): HeldStore => (held = new HeldStore(store));
  gateway = await startModules(modules, { env: ticketEnv(target.url), clock, wrapStore });
  secrets = [];
}

async function ended(): Promise<void> {
  await gateway.calm();
  const lines = JSON.stringify(gateway.lines());
  for (const secret of secrets) expect(lines).not.toContain(secret);
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
}

/** A token and a ticket for it. */
async function minted(wishes: Parameters<typeof tokenOf>[1] = {}) {
  const token = await tokenOf(gateway, wishes);
  const ticket = await ticketFor(gateway, token);
  secrets.push(token, ticket.ticket);
  return { token, ...ticket };
}

async function connected(path: string, protocols: string[] = []): Promise<WsClient> {
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}${path}`, protocols);
  await once(client, "open");
  return client;
}

async function closeOf(client: WsClient): Promise<unknown> {
  const [code, reason] = await once(client, "close");
  return `${String(code)} ${String(reason)}`;
}

describe("a ticket", () => {
  beforeAll(started);
  afterEach(async () => gateway.calm());
  afterAll(ended);

  it("admits once, reaches no target, and brings its app and scopes along", async () => {
    const { ticket, expires_in } = await minted();
    expect(expires_in).toBe(20);
    const client = await connected(`/socket/first?ticket=${ticket}&room=1`);
    const { head } = await target.request("/first");
    expect(head).toMatch(/^GET \/first\?room=1 HTTP/);
    expect(head).toContain("X-App: web\r\n");
    expect(head).not.toContain(ticket);
    client.terminate();
    expect(await upgradeStatus(gateway, `/socket/again?ticket=${ticket}`)).toBe(401);
  });

  it("admits from a subprotocol as well", async () => {
    const { ticket } = await minted();
    const client = await connected("/socket/protocol", ["bearer", `bearer.${ticket}`]);
    expect(client.protocol).toBe("bearer");
    client.terminate();
  });

  it("is for one of many who come at once", async () => {
    const { ticket } = await minted();
    const statuses = await Promise.all(Array.from({ length: 8 }, () => upgradeStatus(gateway, `/socket/race?ticket=${ticket}`)));
    expect(statuses.sort()).toEqual([101, 401, 401, 401, 401, 401, 401, 401]);
  });

  it("is no good for another proxy, and spent by the attempt", async () => {
    const { ticket } = await minted();
    expect(await upgradeStatus(gateway, `/other/x?ticket=${ticket}`)).toBe(401);
    expect(await upgradeStatus(gateway, `/socket/x?ticket=${ticket}`)).toBe(401);
  });

  it("is no good beside a key of another app, and good beside one of its own", async () => {
    const [foreign, own] = [await minted(), await minted()];
    expect(await upgradeStatus(gateway, `/keyed/x?ticket=${foreign.ticket}`, { "X-Api-Key": "another-key" })).toBe(401);
    expect(await upgradeStatus(gateway, `/keyed/x?ticket=${own.ticket}`, { "X-Api-Key": "the-key-of-the-app" })).toBe(101);
  });

  it("opens nothing that its products do not cover", async () => {
    const { ticket } = await minted({ key: "a-narrow-key", secret: "a-narrow-secret" });
    expect(await upgradeStatus(gateway, `/socket/x?ticket=${ticket}`)).toBe(401);
  });

  it("that is missing, made up, too long or no text admits nobody", async () => {
    for (const query of ["", "?ticket=", "?ticket=wrong", `?ticket=${"x".repeat(5000)}`, "?ticket=%00", "?ticket=__proto__"]) {
      expect(await upgradeStatus(gateway, `/socket/x${query}`)).toBe(401);
    }
  });

  it("can be handed out by other means than the policy's own answer", async () => {
    const { body } = await post(gateway, "/http/key", null, { "X-Api-Key": "the-key-of-the-app" });
    const [ticket = "", seconds] = body.split(" ");
    secrets.push(ticket);
    expect(seconds).toBe("30");
    expect(await upgradeStatus(gateway, `/socket/x?ticket=${ticket}`)).toBe(101);
  });

  it("is for nobody who has proven nothing", async () => {
    expect(await post(gateway, "/http/nobody", null)).toMatchObject({ status: 401 });
    expect(await post(gateway, "/http/mint", "wrong")).toMatchObject({ status: 401 });
  });

  it("is gone when its time is over, and never outlives its token", async () => {
    const [late, brief] = [await minted(), await minted({ expiresInMs: 5_000 })];
    expect(brief.expires_in).toBe(5);
    clock.advance(5_000);
    expect(await upgradeStatus(gateway, `/socket/x?ticket=${brief.ticket}`)).toBe(401);
    clock.advance(15_000);
    expect(await upgradeStatus(gateway, `/socket/x?ticket=${late.ticket}`)).toBe(401);
  });
});

describe("the session of a ticket", () => {
  beforeAll(started);
  afterAll(ended);

  it("ends when the token expires, or is revoked, or its app is", async () => {
    const [brief, revoked, ofApp] = [await minted({ expiresInMs: 60_000 }), await minted(), await minted()];
    const clients = await Promise.all([brief, revoked, ofApp].map(({ ticket }) => connected(`/socket/x?ticket=${ticket}`)));
    const closes = clients.map(closeOf);
    clock.advance(60_000);
    expect(await closes[0]).toBe("3000 token expired");
    await invalidateToken(gateway.gateway, revoked.token);
    expect(await closes[1]).toBe("3003 token revoked");
    await setAppStatus(gateway.gateway, "web", "revoked");
    expect(await closes[2]).toBe("3003 access revoked");
    await setAppStatus(gateway.gateway, "web", "approved");
  });

  it("never begins when the token was revoked before", async () => {
    const { token, ticket } = await minted();
    await invalidateToken(gateway.gateway, token);
    expect(await upgradeStatus(gateway, `/socket/x?ticket=${ticket}`)).toBe(401);
  });

  it("of a JWT knows its subject, which a revocation can name before and after", async () => {
    const exp = Math.floor(clock.wallMs() / 1000) + 600;
    const jwt = (sub: string): string => jwtOf({ sub, exp, iat: Math.floor(clock.wallMs() / 1000), jti: sub });
    const [ann, bob] = [await ticketFor(gateway, jwt("ann"), "/http/jwt"), await ticketFor(gateway, jwt("bob"), "/http/jwt")];
    const client = await connected(`/socket/x?ticket=${ann.ticket}`);
    const closed = closeOf(client);
    for (const sub of ["ann", "bob"]) await revokeJwts(gateway.gateway, subjectIdentity("https://id.example", sub), null);
    expect(await closed).toMatch(/^3003 /);
    expect(await upgradeStatus(gateway, `/socket/x?ticket=${bob.ticket}`)).toBe(401);
  });

  it("is not opened by a store that fails in the midst of it", async () => {
    const { ticket } = await minted();
    held.hold("ticket");
    const status = upgradeStatus(gateway, `/socket/held?ticket=${ticket}`);
    await until(() => held.waiting === 1, () => "nobody takes the ticket");
    const { StoreFailure } = await import("#runtime/state/store.ts");
    held.release(new StoreFailure("unavailable", "gone"));
    expect(await status).toBe(503);
    // What became of the ticket is the store's: nothing was taken from this one.
    expect(await upgradeStatus(gateway, `/socket/held?ticket=${ticket}`)).toBe(101);
  });

  it("ends in the handshake when the token is revoked while the ticket is looked up", async () => {
    const { token, ticket } = await minted();
    held.hold("ticket");
    const status = upgradeStatus(gateway, `/socket/gap?ticket=${ticket}`);
    await until(() => held.waiting === 1, () => "nobody takes the ticket");
    await invalidateToken(gateway.gateway, token);
    held.release();
    expect(await status).toBe(401);
  });
});

describe("tickets of two gateways on one Redis", () => {
  it("are minted by one, redeemed by the other, once, and by neither while Redis is gone", async () => {
    const server = await startRedis();
    const link = await cuttable(server.port);
    const shared = await compileFiles(ticketBundle("{ kind: redis, url: { env: REDIS_URL }, commandTimeout: 1s, connectTimeout: 5s }"));
    const env = (port: number) => ({ ...ticketEnv(target.url), REDIS_URL: `redis://127.0.0.1:${port}/0` });
    const here = await startModules(shared, { env: env(server.port) });
    const there = await startModules(shared, { env: env(link.port) });
    try {
      const token = await tokenOf(here);
      const [first, second] = [await ticketFor(here, token), await ticketFor(here, token)];
      const tries = [here, there, here, there].map((each) => upgradeStatus(each, `/socket/r?ticket=${first.ticket}`));
      expect((await Promise.all(tries)).sort()).toEqual([101, 401, 401, 401]);
      expect(await server.run("--raw", "DUMP", "{apigw}:ticket")).not.toContain(second.ticket);
      link.cut();
      await there.line({ event: "store_lost" });
      expect(await upgradeStatus(there, `/socket/r?ticket=${second.ticket}`)).toBe(503);
      expect((await post(there, "/http/mint", token)).status).toBe(503);
      link.mend();
      expect(await upgradeStatus(here, `/socket/r?ticket=${second.ticket}`)).toBe(101);
    } finally {
      await Promise.all([here, there].map((each) => each[Symbol.asyncDispose]()));
      await link[Symbol.asyncDispose]();
      await server.remove();
    }
  });
});

describe.runIf(hasChromium)("in Chromium", () => {
  beforeAll(started);
  afterAll(ended);

  it("a page connects with a ticket in the query", async () => {
    const { ticket } = await minted();
    const script = `
      const meet = () => new Promise((resolve) => {
        const socket = new WebSocket("ws://127.0.0.1:${gateway.port}/socket/page?ticket=${ticket}");
        socket.onopen = () => resolve("open");
        socket.onclose = ({ code }) => resolve(code);
      });
      return [await meet(), await meet()];`;
    expect(await inBrowser(script)).toEqual(["open", 1006]);
  });
});
