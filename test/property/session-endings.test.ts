/**
 * Sessions of a whole gateway that end by revocation, expiry or drain while frames of any size come in pieces of any size: what each peer
 * got is a beginning of what the other sent, and the gateway's close frame, if there is one, stands behind a whole frame.
 */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "#runtime/clock.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import type { TargetConnection } from "../support/fake-target.ts";
import { frame, MASK, wholeFrames } from "../support/frames.ts";
import { startModules, type TestGateway } from "../support/gateway.ts";
import type { RawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { invalidateToken } from "../support/access-records.ts";
import { atRest, bearer, env, modules, open, tokenFor } from "../e2e/session-ground.ts";

const LIFETIME_MS = 60_000;
const CLOSE_GRACE_MS = 1_000;
const CLOSE_TIMEOUT_MS = 5_000;

const sizes = fc.oneof(fc.nat(200), fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536), fc.nat(30_000));
const sentFrame = fc.oneof(
  fc.record({ opcode: fc.constantFrom(0, 1, 2), fin: fc.boolean(), size: sizes }),
  fc.record({ opcode: fc.constantFrom(9, 10), fin: fc.constant(true), size: fc.nat(125) }),
);
/** What one peer sends: its bytes are cut there, and the pieces leave one in a turn. */
const traffic = fc.record({ frames: fc.array(sentFrame, { maxLength: 6 }), cuts: fc.array(fc.nat(), { maxLength: 12 }) });
/** How many pieces have left when the end is decided; whether the client answers close frames. */
const session = fc.record({ up: traffic, down: traffic, endAfter: fc.nat(14), answers: fc.boolean() });
type Session = typeof session extends fc.Arbitrary<infer S> ? S : never;

interface Running {
  readonly plan: Session;
  readonly client: RawClient;
  readonly connection: TargetConnection;
  readonly up: readonly Buffer[];
  readonly down: readonly Buffer[];
}

function pieces({ frames, cuts }: Session["up"], mask: Buffer | null): Buffer[] {
  const bytes = Buffer.concat(frames.map(({ opcode, fin, size }) => frame({ opcode, fin, mask, payload: Buffer.alloc(size, opcode + 1) })));
  const places = [0, ...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, two) => one - two);
  return places.map((from, at) => bytes.subarray(from, places[at + 1] ?? bytes.length));
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Lets both peers send, decides the end in the middle, and waits until nothing is left. */
async function endInTheMiddle(plans: readonly Session[], gateway: TestGateway, clock: FakeClock, end: (token: string) => unknown): Promise<readonly Running[]> {
  const token = await tokenFor(gateway, LIFETIME_MS);
  const all: Running[] = [];
  for (const plan of plans) {
    const { client, connection } = await open(gateway, "/token", bearer(token));
    all.push({ plan, client, connection, up: pieces(plan.up, MASK), down: pieces(plan.down, null) });
  }
  const endAfter = plans[0]?.endAfter ?? 0;
  for (let at = 0; at <= 14; at++) {
    if (at === endAfter) await end(token);
    for (const { client, connection, up, down } of all) {
      const [fromClient, fromTarget] = [up[at], down[at]];
      if (fromClient !== undefined && client.socket.writable) client.send(fromClient);
      if (fromTarget !== undefined && connection.socket.writable) connection.socket.write(fromTarget);
    }
    await turn();
  }
  for (let waited = 0; waited < 20; waited++) await turn();
  for (const { plan, client } of all) if (plan.answers && client.ended) client.socket.end();
  for (const ms of [CLOSE_GRACE_MS, CLOSE_TIMEOUT_MS]) {
    clock.advance(ms);
    for (let waited = 0; waited < 20; waited++) await turn();
  }
  for (const { client, connection } of all) {
    await until(() => client.ended || client.closed, () => "the client's connection to end");
    await connection.gone();
    client.socket.destroy();
  }
  return all;
}

/** Code of the close frame behind whole frames that were relayed; null when the connection broke off instead. */
function closeBehind(got: Buffer, sent: Buffer, mask: boolean): number | null {
  const { ends, close } = wholeFrames(got);
  const relayed = close === null ? got : got.subarray(0, close.at);
  expect(relayed.equals(sent.subarray(0, relayed.length))).toBe(true);
  if (close === null) return null;
  expect([close.at === 0 || ends.includes(close.at), close.masked, close.end]).toEqual([true, mask, got.length]);
  return close.code;
}

/** How many of the peers were told by a close frame. */
function expectOrder(all: readonly Running[], code: number): number {
  let told = 0;
  for (const { client, connection, up, down } of all) {
    const codes = [closeBehind(client.take(), Buffer.concat(down), false), closeBehind(connection.received, Buffer.concat(up), true)];
    expect([code, null]).toContain(codes[0]);
    expect([1001, null]).toContain(codes[1]);
    told += codes.filter((one) => one !== null).length;
  }
  return told;
}

const plans = fc.array(session, { minLength: 1, maxLength: 3 });

test("by a revocation, or when the token expires", async () => {
  // More tokens than a fixed sequence of bytes has.
  const clock: FakeClock = { ...fakeClock(), randomBytes: systemClock.randomBytes };
  const gateway = await startModules(modules, { env, clock });
  let told = 0;
  await fc.assert(fc.asyncProperty(plans, fc.boolean(), async (sessions, expires) => {
    const all = await endInTheMiddle(sessions, gateway, clock, (token) => {
      return expires ? clock.advance(LIFETIME_MS + 30) : invalidateToken(gateway.gateway, token);
    });
    told += expectOrder(all, expires ? 3000 : 3003);
    await gateway.calm();
  }), { numRuns: 60 });
  expect(told).toBeGreaterThan(60);
  await atRest(gateway);
  await gateway[Symbol.asyncDispose]();
}, 120_000);

test("by a drain", async () => {
  await fc.assert(fc.asyncProperty(plans, async (sessions) => {
    const clock = fakeClock();
    const gateway = await startModules(modules, { env, clock });
    const all = await endInTheMiddle(sessions, gateway, clock, () => gateway.running.drain.signal("test"));
    expectOrder(all, 1001);
    await atRest(gateway);
    await gateway.running.finished;
  }), { numRuns: 10 });
}, 120_000);
