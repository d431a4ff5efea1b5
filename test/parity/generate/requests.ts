/** Random requests that touch what generated projects look at, and the answers of their targets. */
import fc from "fast-check";
import type { Lines, ParityRequest, TargetAnswer } from "../outcome.ts";
import { word } from "./conditions.ts";
import { KEYS } from "./project.ts";

/** Mostly a base path of the project, its wildcards filled in; and something behind it. */
function pathIn(basePaths: readonly string[]): fc.Arbitrary<string> {
  const filled = basePaths.flatMap((path) => [path.replaceAll("*", "a"), path.replaceAll("*", "b")]);
  return fc
    .tuple(
      fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...filled) },
        { weight: 1, arbitrary: fc.constantFrom("/", "/v1", "/v1/a", "/v1/a/rooms", "/team/b/members", "/team",
          "/v1x") },
      ),
      fc.constantFrom("", "", "/rooms", "/rooms/1", "/rooms/1/x", "/rooms/", "/a", "/x/a/rooms"),
    )
    .map(([base, rest]) => (base === "/" && rest !== "" ? rest : base + rest));
}

const key = fc.oneof(
  { weight: 8, arbitrary: fc.constant("good") },
  { weight: 4, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 1, arbitrary: fc.constantFrom("unknown", "") },
);

const pair = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom("q", "p", "%71", "r"), word)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`) },
  { weight: 1, arbitrary: key.map((value) => `apikey=${value}`) },
  { weight: 1, arbitrary: fc.constantFrom("q", "q=", "", "q=a+b", "q=%ff", "q=a%2Cb", "p=a=b", "new%20param=1",
    "q=%0d%0aX-Evil:1", "p=%E2%82%AC", "q=101") },
);

const query = fc.option(
  fc.tuple(fc.array(pair, { maxLength: 3 }), fc.option(key, { nil: null, freq: 6 }))
    .map(([pairs, own]) => [...pairs, ...(own === null ? [] : [`apikey=${own}`])].join("&")),
  { freq: 6, nil: null },
);

const header = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom("x-a", "X-A", "x-b"), fc.oneof(word, fc.constantFrom("a, b",
    "b,a", "x1, ,y", ""))) },
  { weight: 2, arbitrary: key.map((value): [string, string] => ["x-key", value]) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<[string, string]>(
      ["X-W1", "client"], ["x-w2", "client"], ["X_A", "folded"], ["x.w1", "folded"], ["x_other", "b"], ["x-rate",
        "3ps"], ["x-rate", "fast"],
      ["x-ip", "192.0.2.7"], ["x-ip", "2001:db8::1"], ["x-ip", "nobody"], ["X-Forwarded-For", "1.2.3.4"],
        ["x_forwarded_for", "1.2.3.4"],
      ["X-Apigee-Y", "1"], ["Keep-Alive", "timeout=5"], ["x-other", "1"], ["Te", "trailers"], ["Cookie", "a=b"],
    ),
  },
);

/** At most one line for what may stand once. */
const headers: fc.Arbitrary<Lines> = fc.tuple(fc.array(header, { maxLength: 5 }), fc.constantFrom(null, null, null,
  "x-b", "x-other, keep-alive"))
  .map(([lines, nominated]) => (nominated === null ? lines : [...lines, ["Connection", nominated] as const]));

const answerHeaders: fc.Arbitrary<Lines> = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom("x-r", "X-R", "x-a"), word),
    fc.constantFrom<[string, string]>(["Content-Type", "text/plain"], ["Connection", "x-a"], ["Keep-Alive", "1"],
      ["Set-Cookie", "c=1"]),
  ),
  { maxLength: 3 },
);

const answer: fc.Arbitrary<TargetAnswer> = fc.record({
  status: fc.oneof(
    { weight: 9, arbitrary: fc.constant(200) },
    { weight: 4, arbitrary: fc.constantFrom(201, 204, 302, 400, 404, 500, 503) },
  ),
  reason: fc.constantFrom("", "", "Fine"),
  headers: answerHeaders,
  body: fc.constantFrom("", "of a target", "é{v1}"),
});

/** Events and what stands between them, with every line end. */
const eventParts = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(word, fc.constantFrom("\n\n", "\r\n\r\n", "\r\r"))
    .map(([text, end]) => `data: ${text}${end}`) },
  { weight: 2, arbitrary: fc.constantFrom("event: note\ndata: ab\nid: 1\n\n", "data: a\ndata:b\n\n", "id: 7\r\n\r\n",
    "data\n\n", "data: é€\r\nretry: 9\r\n\r\n", "dataset: a\n\n") },
  { weight: 1, arbitrary: fc.constantFrom("\n", ": ping\n", ":\r\n", "\r\n\r\n") },
);

const eventStream = fc
  .tuple(fc.constantFrom("", "", "", "\ufeff"), fc.array(eventParts, { minLength: 1, maxLength: 6, size: "max" }), fc.constantFrom("", "", "data: last", "data: a\n", ": end"))
  .map(([mark, parts, last]) => `${mark}${parts.join("")}${last}`);

const streamType = fc.constantFrom<Lines>(
  [["Content-Type", "text/event-stream"]], [["content-type", "Text/Event-Stream; charset=utf-8"]],
  [["Content-Type", "text/event-stream"], ["Content-Encoding", "identity"]],
);

/** An answer that is an event stream, mostly. */
const streamed: fc.Arbitrary<TargetAnswer> = fc
  .record({
    answer,
    status: fc.constantFrom(200, 200, 200, 200, 200, 201, 204, 302, 404),
    body: eventStream,
    type: streamType,
    isEncoded: fc.integer({ min: 0, max: 15 }),
  })
  .map(({ answer: plain, status, body, type, isEncoded }) => {
    const others = plain.headers.filter(([name]) => name !== "Content-Type");
    const coding: Lines = isEncoded === 0 ? [["Content-Encoding", "gzip"]] : [];
    return { ...plain, status, headers: [...others, ...type, ...coding], body };
  });

/** One request for a project with these base paths. `isStreaming`: its targets answer with event streams, too. */
export const requestFor = (basePaths: readonly string[], isStreaming: boolean): fc.Arbitrary<ParityRequest> => fc
  .record({
    advanceMs: fc.constantFrom(0, 0, 50, 200, 400, 1_000, 2_000, 30_000),
    upgrade: isStreaming ? fc.constantFrom(false, false, false, true) : fc.boolean(),
    verb: fc.constantFrom("GET", "GET", "POST", "DELETE"),
    host: fc.constantFrom("api.example.com", "api.example.com", "API.example.com:8080", "other.example.com",
      "a.b.example.com", "api.example.com."),
    path: pathIn(basePaths),
    query,
    headers,
    body: fc.constantFrom("", "", "x1", "q=a&p=b+c&q=%61", "{v1}é"),
    isForm: fc.boolean(),
    clientAddress: fc.constantFrom("192.0.2.7", "192.0.2.8", "10.1.2.3", "::ffff:192.0.2.9", "2001:db8::7",
      "198.51.100.1"),
    answer: isStreaming ? fc.oneof({ weight: 3, arbitrary: streamed }, { weight: 1, arbitrary: answer }) : answer,
    isSwitched: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ isSwitched, isForm, ...given }) => {
    const type: Lines = isForm ? [["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"]] : [];
    const rest = { ...given, headers: [...given.headers, ...type] };
    if (!rest.upgrade) return rest;
    const switched = isSwitched > 0 ? { ...rest.answer, status: 101 } : rest.answer;
    return { ...rest, verb: "GET", answer: switched };
  });
