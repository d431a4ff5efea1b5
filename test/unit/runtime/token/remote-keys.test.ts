import type { KeyObject } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Log } from "#runtime/observe/log.ts";
import type { CounterId } from "#runtime/observe/metric-slots.ts";
import type { Metrics } from "#runtime/observe/metrics.ts";
import type { KeySource } from "#runtime/token/key-source.ts";
import type { KeyProblem } from "#runtime/token/keys.ts";
import { remoteKeys } from "#runtime/token/remote-keys.ts";
import { ecKey, edKey, jwks } from "../../../support/jwt-forge.ts";
import { keyServer, text, type KeyAnswer, type KeyServer } from "../../../support/key-server.ts";
import { PolicyFixture } from "../../../support/policy-fixture.ts";
import { until } from "../../../support/until.ts";

const one = ecKey("one");
const two = edKey("two");
const FORM = { form: "url", allowPrivateAddresses: false } as const;
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const LIMITS = { jwksFreshMs: 300_000, jwksKeptMaxMs: 3_600_000, jwksRetryMs: 10_000, jwksFetchTimeoutMs: 5_000 };

let server: KeyServer;
let fixture: PolicyFixture;
let events: { readonly name: string; readonly [field: string]: unknown }[];
let counts: CounterId[];

beforeEach(async () => {
  server = await keyServer(text(jwks(one.jwk)));
  fixture = new PolicyFixture({ limits: { ...LIMITS, jwksBytesMax: 10_000 } });
  events = [];
  counts = [];
  const log: Partial<Log> = { event: (name, fields) => void events.push({ ...fields, name }) };
  const metrics: Partial<Metrics> = { count: (id) => void counts.push(id) };
  Object.assign(fixture.gateway, { log, metrics });
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

function source(url = server.url): KeySource {
  return remoteKeys(fixture.gateway, FORM, url);
}

/** The kind of the key, or the problem. */
async function found(keys: KeySource, kid = "one", algorithm: "ES256" | "EdDSA" = "ES256"): Promise<string> {
  return shown(await keys.pick(algorithm, kid));
}

function shown(key: KeyObject | KeyProblem): string {
  return typeof key === "string" ? key : (key.asymmetricKeyType ?? "");
}

/** A key that was picked without waiting. */
function atOnce(keys: KeySource): string {
  const key = keys.pick("ES256", "one");
  if (key instanceof Promise) throw new Error("it waits");
  return shown(key);
}

describe("a set that is fetched", () => {
  test("is fetched once, for all who wait and for all policies that name it", async () => {
    const [first, second] = [source(), source()];
    expect(await Promise.all([found(first), found(second), found(first)])).toEqual(["ec", "ec", "ec"]);
    expect(server.requests).toBe(1);
    expect(atOnce(first)).toBe("ec");
    expect(counts).toEqual(["keySetFetches"]);
  });

  test("is logged without the query of its URL", async () => {
    await found(source());
    expect(events).toEqual([{ name: "key_set_read", url: server.url.replace(/\?.*/, ""), keys: 1 }]);
  });

  test("is fetched again ahead of need, and nobody waits for that", async () => {
    const keys = source();
    await found(keys);
    fixture.clock.advance(239_000);
    expect(atOnce(keys)).toBe("ec");
    expect(server.requests).toBe(1);
    fixture.clock.advance(2_000);
    expect(atOnce(keys)).toBe("ec");
    await until(() => counts.length === 2, () => counts.join());
    fixture.clock.advance(200_000);
    expect(atOnce(keys)).toBe("ec");
    expect(server.requests).toBe(2);
  });

  test("is waited for once it is too old", async () => {
    const keys = source();
    await found(keys);
    server.answer = text(jwks(two.jwk));
    fixture.clock.advance(300_000);
    expect(keys.pick("ES256", "one")).toBeInstanceOf(Promise);
    expect(await found(keys)).toBe("NoMatchingPublicKey");
    expect(await found(keys, "two", "EdDSA")).toBe("ed25519");
  });

  test("keeps the keys that stay, so that what they verified stays verified, and drops the others", async () => {
    server.answer = text(jwks(one.jwk, two.jwk));
    const keys = source();
    const [first, second] = [await keys.pick("ES256", "one"), await keys.pick("EdDSA", "two")];
    if (typeof first === "string" || typeof second === "string") throw new Error("no key");
    expect(keys.holds(first, "one")).toBe(true);
    server.answer = text(JSON.stringify({ keys: [{ ...one.jwk }] }, null, 1));
    fixture.clock.advance(300_000);
    expect(await keys.holds(first, "one")).toBe(true);
    expect(await keys.holds(second, "two")).toBe(false);
    server.answer = text(jwks({ ...ecKey("one").jwk }));
    fixture.clock.advance(300_000);
    expect(await keys.holds(first, "one")).toBe(false);
  });

  test("is looked at again for an unknown kid, once in a while", async () => {
    const keys = source();
    expect(await found(keys)).toBe("ec");
    fixture.clock.advance(10_000);
    server.answer = text(jwks(one.jwk, two.jwk));
    expect(await found(keys, "two", "EdDSA")).toBe("ed25519");
    expect(server.requests).toBe(2);
    for (const kid of ["x", "y", "__proto__", "../two"]) expect(await found(keys, kid)).toBe("NoMatchingPublicKey");
    expect(server.requests).toBe(2);
    fixture.clock.advance(10_000);
    await Promise.all(["x", "y", "z"].map((kid) => found(keys, kid)));
    expect(server.requests).toBe(3);
  });
});

describe("an issuer that does not answer", () => {
  const bad: [string, KeyAnswer, string][] = [
    ["an error", text("{}", 500), "status 500"],
    ["no content", text("", 204), "status 204"],
    ["a redirect", (r) => void r.writeHead(302, { Location: "/other" }).end(), "status 302"],
    ["no JSON", text("keys"), "the answer is no key set"],
    ["no set", text('{"keys":{}}'), "the answer is no key set"],
    ["too much", text(jwks(one.jwk).padEnd(10_001)), "more bytes than allowed"],
    ["a broken answer", (r) => void r.writeHead(200, { "Content-Length": "100" }).write("{", () => r.destroy()), "aborted"],
    ["a broken connection", (r) => void r.destroy(), "socket hang up"],
    ["a switch that nobody asked for", (r) => void r.socket?.write(SWITCHING), "status 101"],
  ];
  test.each(bad)("%s: the set stays as it was", async (_, answer, detail) => {
    const keys = source();
    await found(keys);
    server.answer = answer;
    fixture.clock.advance(300_000);
    expect(await found(keys)).toBe("ec");
    expect(server.requests).toBe(2);
    expect(events.at(-1)).toMatchObject({ name: "key_set_failed", detail, kept: true });
    expect(counts).toEqual(["keySetFetches", "keySetFetchFailures"]);
  });

  test("in time is given up", async () => {
    server.answer = () => undefined;
    const waiting = found(source());
    await until(() => server.requests === 1, () => "no request");
    fixture.clock.advance(5_000);
    expect(await waiting).toBe("KeySetUnavailable");
    expect(events).toMatchObject([{ name: "key_set_failed", detail: "no answer in time", kept: false }]);
  });

  test("is asked again now and then, while the last set serves at once, but not for ever", async () => {
    const keys = source();
    await found(keys);
    server.answer = text("", 503);
    fixture.clock.advance(300_000);
    await found(keys);
    expect(atOnce(keys)).toBe("ec");
    expect(server.requests).toBe(2);
    fixture.clock.advance(10_000);
    expect(atOnce(keys)).toBe("ec");
    await until(() => counts.length === 3, () => counts.join());
    fixture.clock.advance(3_600_000);
    expect(await found(keys)).toBe("KeySetUnavailable");
    server.answer = text(jwks(one.jwk));
    expect(await found(keys)).toBe("KeySetUnavailable");
    fixture.clock.advance(10_000);
    expect(await found(keys)).toBe("ec");
    expect(counts.at(-1)).toBe("keySetFetches");
  });

  test("and a URL that must not be fetched is not", async () => {
    expect(await found(source("http://192.0.2.1/keys"))).toBe("KeySetUnavailable");
    expect(events).toMatchObject([{ detail: "https is needed" }]);
  });
});
