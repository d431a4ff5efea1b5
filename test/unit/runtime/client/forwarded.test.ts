import { describe, expect, test } from "vitest";
import type { Client } from "#runtime/client/client.ts";
import { clientIpFrom } from "#runtime/client/client-ip.ts";
import { trustedProxies } from "#runtime/client/forwarded.ts";
import { ipRanges } from "#runtime/client/ip-ranges.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { RequestMessage } from "#runtime/message/message.ts";

const TRUSTED = ipRanges("10.0.0.0/8, 2001:db8::/32");
const xff = trustedProxies({ header: "x-forwarded-for", trustedProxies: TRUSTED });
const rfc = trustedProxies({ header: "forwarded", trustedProxies: TRUSTED });
const PROXY = "10.0.0.1";

const lines = (name: string, ...values: readonly string[]): string[] => values.flatMap((value) => [name, value]);
const byXff = (...values: readonly string[]): string | undefined => xff.client(PROXY, lines("X-Forwarded-For", ...values))?.address;
const byRfc = (...values: readonly string[]): string | undefined => rfc.client(PROXY, lines("Forwarded", ...values))?.address;

describe("a peer that is not trusted", () => {
  test.each(["192.0.2.9", "2001:db9::1", "", "unix"])("%j says nothing about clients", (peer) => {
    expect(xff.client(peer, lines("X-Forwarded-For", "198.51.100.1"))).toBeNull();
    expect(rfc.client(peer, lines("Forwarded", "for=198.51.100.1"))).toBeNull();
  });

  test("the verdict on one peer is not that on the next", () => {
    expect(xff.client(PROXY, [])?.address).toBe(PROXY);
    expect(xff.client("192.0.2.9", [])).toBeNull();
    expect(xff.client("2001:db8::7", [])?.address).toBe("2001:db8::7");
  });
});

describe("X-Forwarded-For", () => {
  const cases: [string, string[], string][] = [
    ["one hop", ["192.0.2.1"], "192.0.2.1"],
    ["what the client wrote is not looked at", ["10.6.6.6, 198.51.100.9, 192.0.2.1"], "192.0.2.1"],
    ["trusted hops are passed over", ["198.51.100.9, 192.0.2.1, 10.0.0.2, 10.0.0.3"], "192.0.2.1"],
    ["all trusted: the furthest", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"],
    ["nothing", [], PROXY],
    ["an empty line", [""], PROXY],
    ["empty elements", [" , 192.0.2.1 ,, 10.0.0.2,"], "192.0.2.1"],
    ["several lines are one list, the last is nearest", ["198.51.100.9", "192.0.2.1", "10.0.0.2"], "192.0.2.1"],
    ["nonsense ends the chain at who wrote it", ["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"],
    ["nonsense at once", ["192.0.2.1, <script>"], PROXY],
    ["a number that is no address", ["192.0.2.1, 2130706433"], PROXY],
    ["leading zeros", ["192.0.2.1, 010.0.0.1"], PROXY],
    ["a port", ["192.0.2.1:4711"], "192.0.2.1"],
    ["IPv6", ["2001:DB9:0:0::0001"], "2001:db9::1"],
    ["IPv6 in brackets", ["[2001:db9::1]"], "2001:db9::1"],
    ["IPv6 in brackets with a port", ["[2001:db9::1]:80"], "2001:db9::1"],
    ["IPv4 in brackets is none", ["192.0.2.1, [192.0.2.1]"], PROXY],
    ["a zone", ["fe80::1%eth0"], "fe80::1"],
    ["a zone in brackets", ["[fe80::1%eth0]:80"], "fe80::1"],
    ["IPv4 in IPv6 is IPv4", ["::ffff:192.0.2.1"], "192.0.2.1"],
    ["IPv4 in IPv6 is trusted as IPv4", ["192.0.2.1, ::ffff:10.0.0.2"], "192.0.2.1"],
    ["quotes are of Forwarded", ['192.0.2.1, "192.0.2.2"'], PROXY],
  ];
  test.each(cases)("%s", (_, values, expected) => {
    expect(byXff(...values)).toBe(expected);
  });

  test("a chain is followed for so many hops and no further", () => {
    const max = defaultLimits.forwardedHopsMax;
    const trusted = Array.from({ length: max }, (_, at) => `10.0.1.${at}`);
    expect(byXff(["192.0.2.1", ...trusted.slice(1)].join(", "))).toBe("192.0.2.1");
    expect(byXff(["192.0.2.1", ...trusted].join(", "))).toBe("10.0.1.0");
  });

  test("Forwarded is not looked at", () => {
    expect(xff.client(PROXY, ["Forwarded", "for=192.0.2.1"])?.address).toBe(PROXY);
  });

  test.each([
    [["https"], "https"],
    [["HTTP"], "http"],
    [["wss"], "https"],
    [["https, http"], null],
    [["gopher"], null],
    [["https", "https"], null],
    [[], null],
  ])("X-Forwarded-Proto %j means %s", (values, expected) => {
    expect(xff.client(PROXY, lines("X-Forwarded-Proto", ...values))?.scheme).toBe(expected);
  });
});

describe("Forwarded", () => {
  const cases: [string, string[], string][] = [
    ["one element", ["for=192.0.2.1"], "192.0.2.1"],
    ["parameters in any case and order", ["Proto=https; FOR=192.0.2.1 ;by=10.0.0.1"], "192.0.2.1"],
    ["IPv6 is quoted", ['for="[2001:db9::1]:4711"'], "2001:db9::1"],
    ["an obfuscated port", ['for="192.0.2.1:_p1"'], "192.0.2.1"],
    ["an escaped character", ['for="192.0.2\\.1"'], "192.0.2.1"],
    ["trusted hops are passed over", ["for=198.51.100.9, for=192.0.2.1", 'for="[2001:db8::2]", for=10.0.0.3'], "192.0.2.1"],
    ["unknown ends the chain", ["for=192.0.2.1, for=unknown, for=10.0.0.2"], "10.0.0.2"],
    ["so does an obfuscated name", ["for=_hidden"], PROXY],
    ["and an element without for", ["for=192.0.2.1, proto=https"], PROXY],
    ["and for twice", ["for=192.0.2.1;for=192.0.2.2"], PROXY],
    ["and no grammar", ["for=192.0.2.1 for=192.0.2.2"], PROXY],
    ["a comma in quotes parts nothing", ['for=192.0.2.1;x="a,b"'], "192.0.2.1"],
    ["an open quote of the client's swallows nothing", ['for="x, for=192.0.2.1'], "192.0.2.1"],
    ["an open quote with quotes behind it", ['x="y, for="[2001:db9::1]"'], "2001:db9::1"],
    ["a backslash before the comma", ["for=\\, for=192.0.2.1"], "192.0.2.1"],
    ["empty elements", [",for=192.0.2.1, ,"], "192.0.2.1"],
  ];
  test.each(cases)("%s", (_, values, expected) => {
    expect(byRfc(...values)).toBe(expected);
  });

  test("blanks cost no more than their number", () => {
    const blanks = " \t".repeat(8_000);
    for (let n = 0; n < 200; n++) expect(byRfc(`for=192.0.2.1, ${blanks}x`, "for=10.0.0.9")).toBe("10.0.0.9");
  });

  test("the scheme is that of the client's own element", () => {
    const value = ["for=198.51.100.9;proto=http", "for=192.0.2.1;proto=https", "for=10.0.0.2;proto=http"];
    expect(rfc.client(PROXY, lines("Forwarded", ...value))).toEqual({ address: "192.0.2.1", scheme: "https" });
    expect(rfc.client(PROXY, lines("X-Forwarded-Proto", "https"))?.scheme).toBeNull();
  });
});

describe("what goes on to the target", () => {
  const sent = (forwarding: typeof xff, given: readonly string[], peer = PROXY): string[] => {
    const request = new RequestMessage("GET", "/", null, "1.1", [...given]);
    const client: Client = { address: "", port: null, scheme: "http", peer, forwarding };
    forwarding.tidy(request, client);
    return request.lines;
  };

  test("X-Forwarded-For stays, Forwarded goes, and so does a scheme that is none", () => {
    const kept = ["X-Forwarded-For", "6.6.6.6, 192.0.2.1", "X-Forwarded-Host", "a.test", "X-Forwarded-Proto", "https"];
    expect(sent(xff, [...kept, "Forwarded", "for=6.6.6.6"])).toEqual(kept);
    expect(sent(xff, ["X-Forwarded-Proto", "https, http", "A", "b"])).toEqual(["A", "b"]);
    expect(sent(xff, ["X-Forwarded-Proto", "https", "x-forwarded-proto", "http"])).toEqual([]);
  });

  test("Forwarded gets the peer, X-Forwarded-For what was believed of it", () => {
    const given = ["X-Forwarded-For", "6.6.6.6", "X-Real-IP", "6.6.6.6", "Forwarded", "for=6.6.6.6, for=192.0.2.1, for=10.0.0.2"];
    expect(sent(rfc, given)).toEqual([
      "Forwarded", "for=6.6.6.6, for=192.0.2.1, for=10.0.0.2, for=10.0.0.1",
      "X-Forwarded-For", "192.0.2.1, 10.0.0.2",
    ]);
    expect(sent(rfc, [], "2001:db8::1")).toEqual(["Forwarded", 'for="[2001:db8::1]"']);
  });
});

describe("ranges from a setting", () => {
  test("commas, spaces, single addresses, none", () => {
    expect(ipRanges(" 10.0.0.0/8,192.0.2.1  ::1 ").map(({ family, bits }) => [family, bits])).toEqual([[4, 8], [4, 32], [6, 128]]);
    expect(ipRanges("none")).toEqual([]);
  });

  test.each(["10.0.0.0/33", "10.0.0/8", "localhost", "10.0.0.0/8;::1", "::1/", "1.2.3.4/08"])("%j is refused", (text) => {
    expect(() => ipRanges(text)).toThrow(/is no IP address or range/);
  });
});

describe("clientIpResolution", () => {
  const given = ["X-Fwd", "192.0.2.1, [2001:db9::1]:80", "Other", "1.1.1.1", "x-fwd", " 10.0.0.1:8080 ,nonsense"];
  test.each([
    [0, "192.0.2.1"],
    [1, "2001:db9::1"],
    [2, "10.0.0.1"],
    [-2, "10.0.0.1"],
    [-4, "192.0.2.1"],
    [-1, null],
    [3, null],
    [4, null],
    [-5, null],
  ])("entry %i is %s", (index, expected) => {
    expect(clientIpFrom("x-fwd", index)(given)).toBe(expected);
  });

  test("without the header there is no address", () => {
    expect(clientIpFrom("true-client-ip", 0)(given)).toBeNull();
  });
});
