/** A session with its real splice between real sockets, under a clock that stands still. */
import { Buffer } from "node:buffer";
import { beforeEach, expect, it } from "vitest";
import { mintToken } from "#runtime/access/tokens.ts";
import { credentialOf } from "#runtime/access/credential.ts";
import { resolveToken } from "#runtime/access/resolve.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { Revocations } from "#runtime/upgrade/revocation.ts";
import type { Session } from "#runtime/upgrade/session.ts";
import { Splice } from "#runtime/upgrade/splice.ts";
import { CALL, KEY_RECORD, fillStore, invalidateToken } from "../../../support/access-records.ts";
import { SessionFixture } from "../../../support/session-fixture.ts";
import { connectedPair, read } from "../../../support/socket-pair.ts";
import type { Reader } from "../../../support/socket-pair.ts";
import { until } from "../../../support/spliced.ts";

const NOTHING = Buffer.alloc(0);
/** A masked text frame of two bytes. */
const FROM_CLIENT = Buffer.from([0x81, 0x82, 1, 2, 3, 4, 0x69 ^ 1, 0x68 ^ 2]);
const FROM_TARGET = Buffer.from([0x81, 0x02, 0x6f, 0x6b]);

interface Connected {
  readonly session: Session;
  readonly token: string;
  readonly client: Reader;
  readonly target: Reader;
  sendClient(bytes: Buffer): void;
  endClient(): void;
  endTarget(): void;
}

let x: SessionFixture;
let store: MemoryStore;
beforeEach(async () => {
  x = new SessionFixture();
  store = new MemoryStore(x.clock, defaultLimits);
  await fillStore(store);
  new Revocations(store, x.sessions, defaultLimits, { isStillGood: () => true }).start();
});

async function connected(expiresInMs: number): Promise<Connected> {
  const services = { store, clock: x.clock, limits: defaultLimits };
  const wish = { scopes: [], expiresInMs, grantType: "client_credentials" };
  const issued = mintToken(services, KEY_RECORD, wish);
  if (issued instanceof Promise || typeof issued === "string") throw new Error("no token");
  const grant = resolveToken(store, x.clock, issued.token, CALL);
  if (grant instanceof Promise || typeof grant === "string") throw new Error("no grant");
  const session = x.begin();
  session.addCredential(credentialOf(grant, "OA-Verify", 0, CALL));
  const [client, target] = await Promise.all([connectedPair(), connectedPair()]);
  const splice = new Splice(client.near, target.near, session, defaultLimits, x.clock);
  session.opened(splice);
  const clientGot = read(client.far);
  const targetGot = read(target.far);
  splice.open(NOTHING, FROM_TARGET);
  client.far.write(FROM_CLIENT);
  await Promise.all([clientGot.received(FROM_TARGET.length), targetGot.received(FROM_CLIENT.length)]);
  return {
    session,
    token: issued.token,
    client: clientGot,
    target: targetGot,
    sendClient: (bytes) => void client.far.write(bytes),
    endClient: () => void client.far.end(),
    endTarget: () => void target.far.end(),
  };
}

function expectClose(bytes: Buffer, code: number, text: string): void {
  const frame = bytes.subarray(FROM_TARGET.length);
  expect(frame.readUInt8(0)).toBe(0x88);
  expect(frame.readUInt16BE(2)).toBe(code);
  expect(frame.subarray(4).toString()).toBe(text);
}

it("closes the client with 3003 and the target with a masked frame when its token is revoked", async () => {
  const one = await connected(60_000);
  const other = await connected(60_000);
  invalidateToken({ store, clock: x.clock, limits: defaultLimits }, one.token);
  expectClose(await one.client.received(FROM_TARGET.length + 4), 3003, "token revoked");
  expect((await one.target.received(FROM_CLIENT.length + 2)).readUInt8(FROM_CLIENT.length + 1) & 0x80).toBe(0x80);
  one.endClient();
  one.endTarget();
  await until(() => x.records.length > 0);
  expect(x.records).toMatchObject([{ reason: "tokenRevoked", code: 3003, bytesFromClient: 8, framesFromTarget: 1 }]);
  expect(x.sessions.count).toBe(1);
  expect(other.session.state).toBe("open");
  other.session.end("ended");
  x.clock.advance(10_000);
  await until(() => x.records.length === 2);
});

it("closes both sides when its token expires, destroys peers that do not answer, leaves nothing", async () => {
  const one = await connected(60_000);
  x.clock.advance(59_999);
  expect(one.session.state).toBe("open");
  x.clock.advance(50);
  expect(one.session.state).toBe("closing");
  expectClose(await one.client.received(FROM_TARGET.length + 4), 3000, "token expired");
  one.sendClient(FROM_CLIENT);
  x.clock.advance(defaultLimits.closeTimeoutMs + 50);
  await until(() => x.records.length > 0);
  expect(x.records).toMatchObject([{ reason: "tokenExpired", closedBy: "gateway", timer: "credential", forced: true }]);
  expect([x.sessions.count, x.sessions.identityCount, x.scheduler.size, x.clock.timers]).toEqual([0, 0, 0, 0]);
});
