import { describe, expect, test } from "vitest";
import { leastConnections, roundRobin, weighted } from "#runtime/target/algorithm.ts";
import { Rotation, rotationState, type Algorithm, type RotationServer, type RotationSettings } from "#runtime/target/rotation.ts";
import type { TargetServer, Transport } from "#runtime/target/target.ts";

const TRIAL_AFTER_MS = 300_000;

const transport: Transport = {
  scheme: "http",
  expectedName: null,
  get pool(): never {
    throw new Error("a rotation sends nothing");
  },
  connect: () => {
    throw new Error("a rotation connects to nothing");
  },
};

interface Fixture {
  readonly rotation: Rotation;
  server(name: string): RotationServer;
  /** Names of the next servers, `-` for none. */
  turns(count: number, nowMs?: number, tried?: readonly TargetServer[]): string;
}

/** Servers `a`, `b`, ... by their weights; the last one is the fallback where that is asked for. */
function fixture(algorithm: Algorithm, weights: readonly number[], settings: Partial<RotationSettings> = {}, hasFallback = false): Fixture {
  const servers = weights.map((weight, at): RotationServer => ({
    name: String.fromCharCode(97 + at),
    host: "h",
    port: 1,
    transport,
    isFallback: hasFallback && at === weights.length - 1,
    state: rotationState(weight),
  }));
  const rotation = new Rotation(servers, {
    algorithm, maxFailures: 0, retryEnabled: true, unhealthyStatuses: [], isMonitored: false, trialAfterMs: TRIAL_AFTER_MS, ...settings,
  });
  const server = (name: string): RotationServer => {
    const found = servers.find((other) => other.name === name);
    if (found === undefined) throw new Error(`no server ${name}`);
    return found;
  };
  const turns = (count: number, nowMs = 0, tried: readonly TargetServer[] = []): string =>
    Array.from({ length: count }, () => rotation.pick(tried, nowMs)?.name ?? "-").join("");
  return { rotation, server, turns };
}

describe("turns", () => {
  test.each<[title: string, algorithm: Algorithm, weights: readonly number[], expected: string]>([
    ["in the order of the list", roundRobin(), [1, 1, 1], "abcabc"],
    ["of one server", roundRobin(), [1], "aaaaaa"],
    ["in proportion to weights, spread", weighted(), [3, 1], "aabaaabaaaba"],
    ["of equal weights", weighted(), [2, 2], "abab"],
    ["of three weights", weighted(), [5, 1, 1], "aabacaa"],
    ["of the fewest connections, when none ends", leastConnections(), [1, 1, 1], "abcabc"],
  ])("%s", (_, algorithm, weights, expected) => {
    expect(fixture(algorithm, weights).turns(expected.length)).toBe(expected);
  });

  test("weights hold exactly over each round", () => {
    const { turns } = fixture(weighted(), [7, 2, 1]);
    for (let round = 0; round < 20; round++) {
      const names = turns(10);
      expect([names.split("a").length, names.split("b").length, names.split("c").length]).toEqual([8, 3, 2]);
    }
  });

  test("fewest connections follow what is left again", () => {
    const { turns, server } = fixture(leastConnections(), [1, 1, 1]);
    expect(turns(3)).toBe("abc");
    server("b").state.leave();
    server("b").state.leave();
    expect(turns(2)).toBe("bb");
    expect(turns(3)).toBe("cab");
  });

  test("skip what was tried, and come to an end", () => {
    for (const algorithm of [roundRobin(), weighted(), leastConnections()]) {
      const { turns, server } = fixture(algorithm, [1, 1]);
      expect(turns(2, 0, [server("a")])).toBe("bb");
      expect(turns(1, 0, [server("a"), server("b")])).toBe("-");
    }
  });

  test("without servers there is none", () => {
    for (const algorithm of [roundRobin(), weighted(), leastConnections()]) expect(fixture(algorithm, []).turns(1)).toBe("-");
  });
});

describe("failures", () => {
  test("in a row take a server out", () => {
    const { rotation, server, turns } = fixture(roundRobin(), [1, 1], { maxFailures: 3 });
    const { state } = server("a");
    expect([rotation.failed(state, 0), rotation.failed(state, 0)]).toEqual([false, false]);
    expect(rotation.answered(state)).toBe(false);
    expect([rotation.failed(state, 0), rotation.failed(state, 0), rotation.failed(state, 0)]).toEqual([false, false, true]);
    expect(turns(3)).toBe("bbb");
    expect(state).toMatchObject({ isUp: false, failuresTotal: 5 });
    // Those that were under way already.
    expect(rotation.failed(state, 0)).toBe(false);
  });

  test("never do with maxFailures 0", () => {
    const { rotation, server, turns } = fixture(roundRobin(), [1, 1]);
    for (let count = 0; count < 50; count++) expect(rotation.failed(server("a").state, 0)).toBe(false);
    expect(turns(2)).toBe("ab");
  });

  test("one request tries a server again after its time, and one alone", () => {
    const { rotation, server, turns } = fixture(roundRobin(), [1, 1], { maxFailures: 1 });
    const { state } = server("a");
    rotation.failed(state, 1_000);
    expect(turns(3, TRIAL_AFTER_MS + 999)).toBe("bbb");
    expect(turns(4, TRIAL_AFTER_MS + 1_000)).toBe("abbb");
    rotation.failed(state, TRIAL_AFTER_MS + 2_000);
    expect(turns(3, TRIAL_AFTER_MS * 2 + 1_999)).toBe("bbb");
    expect(turns(1, TRIAL_AFTER_MS * 2 + 2_000)).toBe("a");
    expect(rotation.answered(state)).toBe(true);
    expect(turns(4, TRIAL_AFTER_MS * 2 + 2_000)).toBe("baba");
  });

  test("a trial that its client left is repeated", () => {
    const { rotation, server, turns } = fixture(roundRobin(), [1, 1], { maxFailures: 1 });
    rotation.failed(server("a").state, 0);
    expect(turns(2, TRIAL_AFTER_MS)).toBe("ab");
    server("a").state.leave();
    expect(turns(2, TRIAL_AFTER_MS)).toBe("ab");
  });

  test("where a monitor looks after the servers, only it brings one back", () => {
    const { rotation, server, turns } = fixture(roundRobin(), [1, 1], { maxFailures: 1, isMonitored: true });
    const { state } = server("a");
    rotation.failed(state, 0);
    expect(turns(2, 10 * TRIAL_AFTER_MS)).toBe("bb");
    expect(rotation.answered(state)).toBe(false);
    expect(turns(2)).toBe("bb");
    expect(rotation.recovered(state)).toBe(true);
    expect(turns(2)).toBe("ab");
  });
});

describe("a fallback", () => {
  test("is used when all others are out, and no longer", () => {
    const { rotation, server, turns } = fixture(roundRobin(), [1, 1, 1], { maxFailures: 1 }, true);
    expect(turns(4)).toBe("abab");
    rotation.failed(server("a").state, 0);
    expect(turns(2)).toBe("bb");
    // Tried in vain, but in rotation: nobody falls back.
    expect(turns(1, 0, [server("b")])).toBe("-");
    rotation.failed(server("b").state, 0);
    expect(turns(2)).toBe("cc");
    rotation.failed(server("c").state, 0);
    expect(turns(1)).toBe("-");
    rotation.recovered(server("b").state);
    expect(turns(2)).toBe("bb");
  });

  test("stands in for a server that fails the request, once all are out", () => {
    const { rotation, server, turns } = fixture(weighted(), [1, 1], { maxFailures: 1 }, true);
    expect(turns(1)).toBe("a");
    rotation.failed(server("a").state, 0);
    expect(turns(1, 0, [server("a")])).toBe("b");
  });
});

test("retries need a second server", () => {
  expect(fixture(roundRobin(), [1]).rotation.retryEnabled).toBe(false);
  expect(fixture(roundRobin(), [1, 1]).rotation.retryEnabled).toBe(true);
  expect(fixture(roundRobin(), [1, 1], { retryEnabled: false }).rotation.retryEnabled).toBe(false);
});
