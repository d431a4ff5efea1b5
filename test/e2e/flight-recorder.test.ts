/** What is remembered of a session: live over the admin API, and in its record when it ends otherwise than it should. */
import { Buffer } from "node:buffer";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { closing, frame, MASK } from "../support/frames.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { rawSocket, type RawClient } from "../support/raw-client.ts";
import { PATIENCE_MS, until } from "../support/until.ts";
import { AdminClient, ADMIN_SECRET, adminBundle } from "./admin-client.ts";
import { bundle, bundleEnv } from "./bundle.ts";

let modules: Awaited<ReturnType<typeof compileFiles>>;
let target: FakeTarget;
let gateway: TestGateway;
let admin: AdminClient;

beforeAll(async () => {
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  modules = await compileFiles(bundle(adminBundle));
});
afterAll(() => target[Symbol.asyncDispose]());
beforeEach(async () => {
  gateway = await startModules(modules, { env: { ...bundleEnv(target.url, 9), ADMIN_SECRET } });
  admin = new AdminClient(gateway);
});
afterEach(() => gateway[Symbol.asyncDispose]());

const secret = "a-payload-that-is-nobodys-business";

async function open(path: string): Promise<{ readonly client: RawClient; readonly id: string }> {
  const client = await rawSocket(gateway.port, `/open${path}`);
  await target.request(path);
  return { client, id: String((await gateway.line({ event: "upgrade" }))["apigw.session_id"]) };
}

/** Waits until a live session's events hold one of that kind. */
async function happened(id: string, kind: string): Promise<void> {
  const startMs = performance.now();
  for (let seen: readonly string[] = []; !seen.includes(kind); ) {
    if (performance.now() - startMs > PATIENCE_MS) throw new Error(`no ${kind} among ${seen.join()}`);
    const { body } = await admin.get(`/v1/sessions/${id}`);
    seen = (body["events"] as readonly { readonly event: string }[]).map(({ event }) => event);
  }
}

it("tells of a target that does not take what the client sends, while that lasts and when it is lost", async () => {
  const { client, id } = await open("/slow");
  expect((await admin.get(`/v1/sessions/${id}`)).body).toMatchObject({
    events: [{ event: "open", reason: null, count: 1, bytesFromClient: 0, bytesFromTarget: 0 }],
  });
  const { socket } = await target.request("/slow");
  socket.pause();
  const payload = Buffer.alloc(1024 * 1024, secret);
  for (let at = 0; at < 16; at++) client.send(frame({ opcode: 2, payload, mask: MASK }));
  await happened(id, "pauseClient");
  socket.resetAndDestroy();
  await happened(id, "lostTarget");
  client.socket.destroy();
  const line = await gateway.line({ event: "session", "apigw.session_id": id });
  expect(line).toMatchObject({ "apigw.ws.close_reason": "upstream_lost" });
  const events = line["apigw.ws.events"] as readonly Record<string, unknown>[];
  const told = events.map(({ event }) => event);
  expect(told.slice(0, 2)).toEqual(["open", "pauseClient"]);
  expect(told).toContain("lostTarget");
  expect(events.find(({ event }) => event === "closing")).toMatchObject({ reason: "upstream_lost" });
  expect(Number(events.find(({ event }) => event === "pauseClient")?.["bytes_in"])).toBeGreaterThan(0);
  expect(JSON.stringify(line)).not.toContain(secret);
  await gateway.calm();
});

it("says nothing in the record of a session that ended as its peers wanted", async () => {
  const { client, id } = await open("/fine");
  const connection = await target.request("/fine");
  client.send(closing(1000, "", MASK));
  connection.socket.write(closing(1000, "", null));
  connection.socket.end();
  await client.end();
  client.socket.end();
  const line = await gateway.line({ event: "session", "apigw.session_id": id });
  expect(line).toMatchObject({ "apigw.ws.close_reason": "client" });
  expect("apigw.ws.events" in line).toBe(false);
});

it("gives its places back", async () => {
  const before = gateway.gateway.sessionServices.flight?.bytes;
  for (let at = 0; at < 20; at++) {
    const { client } = await open(`/again${at}`);
    client.socket.resetAndDestroy();
    await gateway.line({ event: "session" }, at + 1);
  }
  await until(() => gateway.gateway.sessions.count === 0, () => `${gateway.gateway.sessions.count} sessions`);
  expect(before).toBe(0);
  expect(gateway.gateway.sessionServices.flight?.bytes).toBe(128 * 1_024);
});
