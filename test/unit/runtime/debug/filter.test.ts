import { describe, expect, it } from "vitest";
import type { Exchange, ExchangeStart } from "#runtime/context.ts";
import { parseFilter, type DebugFilter } from "#runtime/debug/filter.ts";
import { accessFault } from "#runtime/fault/access.ts";
import { RequestMessage, ResponseMessage } from "#runtime/message/message.ts";
import type { Trace } from "#runtime/observe/trace.ts";
import type { ProxyProgram } from "#runtime/program.ts";

const program = {
  environment: "prod", endpoint: "default", basePath: "/chat",
  variables: [{ name: "room", read: () => "7" }, { name: "request.header.x-key", secret: true, read: () => "k" }],
} as unknown as ProxyProgram;

const start = {
  program,
  request: new RequestMessage("GET", "/chat/rooms/7", "a=1&apikey=k", "1.1", ["X-Kind", "vip"]),
  client: { address: "192.0.2.1", scheme: "http" },
  clientAddress: "192.0.2.1",
  pathSuffix: "/rooms/7",
} as unknown as ExchangeStart;

const x = {
  ...start, id: "1", route: "default", target: { name: "backend" }, fault: accessFault("oauth.v2.InvalidApiKey"),
  response: new ResponseMessage(401, "", ["X-Why", "no key"]),
} as unknown as Exchange;
const trace = {
  request: start.request,
  steps: [
    { reads: [], writes: [{ variable: 0, value: "6" }] },
    { reads: [{ variable: 0, value: "6" }], writes: [{ variable: 0, value: "7" }] },
  ],
} as unknown as Trace;

function filter(text: string): DebugFilter {
  const parsed = parseFilter(text, [program]);
  if (!("means" in parsed)) throw new Error(parsed.map(({ message }) => message).join("\n"));
  return parsed;
}

describe("what is known when the request comes decides at once", () => {
  it.each<[string, boolean]>([
    ['request.verb = "GET"', true],
    ['request.header.x-kind = "vip" and request.queryparam.a = "1"', true],
    ['proxy.pathsuffix MatchesPath "/rooms/*"', true],
    ['proxy.pathsuffix MatchesPath "/rooms/*/x"', false],
    ['request.path ~ "*rooms*"', true],
    ['request.path !~ "*rooms*"', false],
    ['not (request.verb is "GET") or client.ip =| "192."', true],
    ['request.header.absent != null', false],
    ['request.queryparam.a > 0', true],
    ['request.verb := "get"', true],
    ["true", true],
  ])("%s", (text, expected) => {
    expect(filter(text).mayMean(start)).toBe(expected);
    expect(filter(text).means(trace, x)).toBe(true);
  });
});

describe("everything else decides at the end", () => {
  it.each<[string, boolean]>([
    ["response.status.code = 401", true],
    ['response.status.code >= 500', false],
    ['response.header.x-why ~ "no *"', true],
    ['fault.name = "InvalidApiKey" and target.name = "backend"', true],
    ['room = "7"', true],
    ['room = "6" and request.verb = "GET"', false],
    ['is.error and request.header.x-kind = "vip"', true],
  ])("%s", (text, expected) => {
    expect(filter(text).mayMean(start)).toBe(true);
    expect(filter(text).means(trace, x)).toBe(expected);
  });
});

it("does not look at a whole query from which a policy takes a credential", () => {
  const variables = [{ name: "request.queryparam.room", secret: true as const, read: () => "k" }];
  for (const name of ["request.querystring", "request.uri"]) {
    const text = `${name} ~ "*room=a*"`;
    expect(parseFilter(text, [{ ...program, variables }])).toMatchObject([{ message: `${name} may hold a credential` }]);
    expect(filter(text).mayMean(start)).toBe(false);
  }
});

describe("a wrong filter is refused with its place", () => {
  it.each<[string, number, number, string]>([
    ['request.verb = = "GET"', 15, 16, "a value or a name is needed here"],
    ['request.verb = "GET', 15, 19, ""],
    ['request.verb = "GET" and nothing.known = 1', 25, 38, "nothing.known is not recorded"],
    ['request.path ~~ "(a+)+"', 0, 23, "JavaRegex cannot stand in a filter"],
    ['request.header.authorization = "x"', 0, 28, "may hold a credential"],
    ['request.queryparam.apikey = "x"', 0, 25, "may hold a credential"],
    ['request.header.x-key = "x"', 0, 20, "may hold a credential"],
    ['private.a = "x"', 0, 9, "may hold a credential"],
    ['constructor = "x"', 0, 11, "constructor is not recorded"],
    ["(".repeat(200), 64, 65, ""],
  ])("%s", (text, from, to, message) => {
    const problems = parseFilter(text, [program]);
    if ("means" in problems) throw new Error("it was taken");
    expect(problems[0]).toMatchObject({ start: from, end: to });
    expect(problems[0]?.message).toContain(message);
  });
});
