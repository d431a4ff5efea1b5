/** The bounds of Debug sessions: how many, how long, how much, and what they pass over under load. */
import type { Socket } from "node:net";
import { beforeEach, expect, it } from "vitest";
import { directClient } from "#runtime/client/client.ts";
import { Exchange, type ExchangeStart } from "#runtime/context.ts";
import { Debug } from "#runtime/debug/debug.ts";
import { DebugSession, type DebugRequest } from "#runtime/debug/debug-session.ts";
import type { Gateway } from "#runtime/gateway.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { RequestMessage, ResponseMessage } from "#runtime/message/message.ts";
import { Tracing } from "#runtime/observe/tracing.ts";
import type { Chains, ProxyProgram } from "#runtime/program.ts";
import { fakeClock, type FakeClock } from "../../../support/fake-clock.ts";

const chains: Chains = { request: () => undefined, response: () => undefined, fault: () => undefined };
const limits = { ...defaultLimits, debugSessionsMax: 3, debugUnderWayMax: 2, debugPerSecondMax: 3, debugBytesMax: 4_000 };

let clock: FakeClock;
let tracing: Tracing;
let program: ProxyProgram;
let debug: Debug;

beforeEach(() => {
  clock = fakeClock();
  tracing = new Tracing(clock);
  const parts: Partial<ProxyProgram> = {
    proxy: "chat", environment: "prod", endpoint: "default", basePath: "/chat", positions: [], plain: chains, traced: chains,
  };
  program = parts as ProxyProgram;
  const deployed: Partial<Gateway> = { deployed: new Map([[program, {} as never]]) };
  debug = new Debug({ clock, limits, deployed: deployed.deployed ?? new Map() }, tracing, { secrets: [] });
});

function session(more: Partial<DebugRequest> = {}): DebugSession {
  const made = debug.create({ proxy: "chat", environment: null, filter: null, count: 10, timeoutMs: 60_000, ...more });
  if (!(made instanceof DebugSession)) throw new Error(JSON.stringify(made));
  return made;
}

function begin(path = "/chat/a"): Exchange {
  const socket = { remoteAddress: "192.0.2.1" } as Socket;
  const gateway: Partial<Gateway> = { clock, tracing, spans: null };
  const start: ExchangeStart = {
    gateway: gateway as Gateway, program, request: new RequestMessage("GET", path, null, "1.1", []), socket,
    client: directClient(socket, "http"), clientAddress: "192.0.2.1", host: "a", pathSuffix: path.slice(5), session: null,
  };
  return new Exchange(start);
}

function end(x: Exchange): void {
  x.response = new ResponseMessage(200, "", []);
  x.trace?.finish(x, 200);
}

it("ends with its count, and then nobody is watched", () => {
  const one = session({ count: 2 });
  end(begin());
  end(begin());
  expect(one.state).toBe("completed");
  expect(tracing.watches(program)).toBe(false);
  expect(begin().trace).toBeNull();
  expect(begin().chains).toBe(program.plain);
});

it("ends with its time, forgets what then comes to an end, and is forgotten an hour later", () => {
  const one = session();
  const late = begin();
  end(begin());
  clock.advance(60_000);
  end(late);
  expect(one).toMatchObject({ state: "timedOut", dropped: 0 });
  expect(one.entries.size).toBe(1);
  expect(tracing.watches(program)).toBe(false);
  clock.advance(limits.debugKeptMs - 1);
  expect(debug.get(one.id)).toBe(one);
  clock.advance(1);
  expect(debug.get(one.id)).toBeNull();
});

it("takes as many at once, and in one second, as it may", () => {
  const one = session();
  const [first, second] = [begin(), begin()];
  expect(begin().trace).toBeNull();
  expect(one.sampledOut).toBe(1);
  end(first);
  const third = begin();
  expect(third.trace).not.toBeNull();
  end(second);
  end(third);
  expect(begin().trace).toBeNull();
  clock.advance(1_000);
  expect(begin().trace).not.toBeNull();
  expect(one.sampledOut).toBe(2);
});

it("counts what its filter does not mean, and records nothing of it", () => {
  const one = session({ filter: 'proxy.pathsuffix = "/b"' });
  expect(begin("/chat/a").trace).toBeNull();
  end(begin("/chat/b"));
  expect([one.filteredOut, one.sampledOut, one.entries.size]).toEqual([1, 0, 1]);
  const late = session({ filter: "response.status.code = 500" });
  end(begin("/chat/c"));
  expect([late.filteredOut, late.entries.size]).toEqual([1, 0]);
});

it("makes room among those that are over, and for nobody while all record", () => {
  const [first, second] = [session({ count: 1 }), session(), session()];
  const wish = { proxy: "chat", environment: null, filter: null, count: 1, timeoutMs: 1_000 };
  expect(debug.create(wish)).toBe("full");
  first?.end("completed");
  expect(debug.create(wish)).toBeInstanceOf(DebugSession);
  expect(debug.list().map(({ id }) => id)).not.toContain(first?.id);
  expect(debug.remove(second?.id ?? "")).toBe(true);
  expect(debug.remove(second?.id ?? "")).toBe(false);
});

it("keeps as many bytes as it may, and has them back when a session is forgotten", () => {
  const one = session();
  for (let at = 0; at < 10; at++) {
    end(begin());
    clock.advance(1_000);
  }
  expect(one.dropped).toBeGreaterThan(0);
  expect(one.entries.size + one.dropped).toBe(10);
  expect(one.bytes).toBeLessThanOrEqual(limits.debugBytesMax);
  debug.remove(one.id);
  const other = session();
  end(begin());
  expect(other.dropped).toBe(0);
});

it("knows what is deployed, and what has no twins", () => {
  const wish = { filter: null, count: 1, timeoutMs: 1_000 };
  expect(debug.create({ ...wish, proxy: "other", environment: null })).toBe("unknown");
  expect(debug.create({ ...wish, proxy: "chat", environment: "test" })).toBe("unknown");
  Object.assign(program, { traced: null });
  expect(debug.create({ ...wish, proxy: "chat", environment: "prod" })).toBe("off");
});
