/**
 * HTTP/1.1 through a whole gateway on real sockets, for messages that nobody thought of, cut anywhere: both ends read with a reader
 * that shares nothing with the gateway. Bodies arrive as they were sent, answers in order, and of the gateway's own headers only its own.
 */
import { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { rawClient } from "../support/raw-client.ts";
import { StrictReader, values, type Fields, type StrictMessage } from "../support/strict-http.ts";
import { until } from "../support/until.ts";

type Framing = "none" | "length" | "chunked" | "close";

/** A message as one end sends it. */
interface Sent {
  readonly fields: Fields;
  readonly framing: Framing;
  readonly body: Buffer;
  /** Sizes of chunks, used again and again. */
  readonly sizes: readonly number[];
  readonly trailers: Fields;
  /** Where its bytes are cut, taken modulo their number. */
  readonly cuts: readonly number[];
}

interface Exchange {
  readonly verb: string;
  readonly base: string;
  readonly request: Sent;
  /** It asks for 100-continue, and does not wait for it. */
  readonly expects: boolean;
  /** An end-to-end header that Connection takes away. */
  readonly nominated: string | null;
  readonly informations: readonly Fields[];
  readonly status: number;
  readonly answer: Sent;
}

const EXPECT = "Expect: 100-continue\r\n";
const TOKEN_SIGNS = "abcXYZ019!#$%&'*+-.^_`|~";
const ownNames = ["x-user", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-thing", "x-real-ip", "x-apigee-flow", "proxy-connection"];
const framingNames = [
  "content-length", "transfer-encoding", "keep-alive", "proxy-authorization", "http2-settings", "sec-websocket-key", "content-type",
];

const token = fc.string({ unit: fc.constantFrom(...TOKEN_SIGNS), minLength: 1, maxLength: 12 });
const character = fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f && (code < 0x80 || code >= 0xa0));
const word = fc.array(character, { maxLength: 10 }).map((codes) => String.fromCharCode(...codes));
const value = fc.array(word, { maxLength: 3 }).map((words) => words.join(" ").trim());

/** A name in another spelling: letters in any case, and each "-" as any of what servers confuse with it. */
function respelled(names: readonly string[], signs: readonly string[]): fc.Arbitrary<string> {
  const change = fc.array(fc.record({ upper: fc.boolean(), sign: fc.constantFrom(...signs) }), { minLength: 24, maxLength: 24 });
  return fc.tuple(fc.constantFrom(...names), change).map(([name, changes]) => [...name].map((sign, at) => {
    if (sign === "-") return changes[at]?.sign ?? sign;
    return changes[at]?.upper === true ? sign.toUpperCase() : sign;
  }).join(""));
}

const requestName = fc.oneof(
  { weight: 3, arbitrary: token.map((name) => `x${name}`) },
  { weight: 2, arbitrary: respelled(ownNames, ["-", "_", "."]) },
  { weight: 1, arbitrary: respelled(framingNames, ["_", "."]) },
);
const answerName = token.map((name) => `y${name}`);
const trailerName = token.map((name) => `z${name}`);
const fieldsOf = (name: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<Fields> => fc.array(fc.tuple(name, value), { maxLength });

function sent(name: fc.Arbitrary<string>, framings: readonly Framing[]): fc.Arbitrary<Sent> {
  return fc.record({
    fields: fieldsOf(name, 6),
    framing: fc.constantFrom(...framings),
    body: fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.nat(40_000).map((size) => Buffer.alloc(size, "0\r\n\r\nGET / HTTP/1.1\r\n")))
      .map((bytes) => Buffer.from(bytes)),
    sizes: fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 5 }),
    trailers: fieldsOf(trailerName, 2),
    cuts: fc.array(fc.nat(), { maxLength: 6 }),
  });
}

const exchange: fc.Arbitrary<Exchange> = fc.record({
  verb: fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "QUERY"),
  base: fc.constantFrom("/streams", "/reads"),
  request: sent(requestName, ["none", "length", "chunked"]),
  expects: fc.boolean(),
  nominated: fc.option(token.map((name) => `n${name}`), { freq: 3 }),
  informations: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(fieldsOf(answerName, 2), { maxLength: 3 }) }),
  status: fc.constantFrom(200, 201, 204, 205, 304, 404, 500, 599),
  answer: sent(answerName, ["length", "chunked", "close"]),
});

/** Where a message has no body, it has none of what belongs to one. */
function bodyOf({ framing, body, sizes, trailers }: Sent, hasBody: boolean): { readonly head: string; readonly bytes: Buffer } {
  if (framing === "none" || framing === "close") return { head: "", bytes: hasBody && framing === "close" ? body : Buffer.alloc(0) };
  if (framing === "length") return { head: `Content-Length: ${body.length}\r\n`, bytes: hasBody ? body : Buffer.alloc(0) };
  const parts: Buffer[] = [];
  for (let at = 0, chunk = 0; at < body.length; chunk++) {
    const piece = body.subarray(at, at + (sizes[chunk % sizes.length] ?? 1));
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n"));
    at += piece.length;
  }
  const last = Buffer.from(`0\r\n${linesOf(body.length > 0 ? trailers : [])}\r\n`, "latin1");
  return { head: "Transfer-Encoding: chunked\r\n", bytes: hasBody ? Buffer.concat([...parts, last]) : Buffer.alloc(0) };
}

function linesOf(fields: Fields): string {
  return fields.map(([name, text]) => `${name}: ${text}\r\n`).join("");
}

function requestBytes({ verb, base, request, nominated, expects }: Exchange, id: number): Buffer {
  const { head, bytes } = bodyOf(request, true);
  const taken = nominated === null ? "" : `Connection: ${nominated}\r\n${nominated}: taken away\r\n`;
  const text = `${verb} ${base}/${id} HTTP/1.1\r\nHost: gateway.test\r\n${expects ? EXPECT : ""}${taken}${linesOf(request.fields)}${head}\r\n`;
  return Buffer.concat([Buffer.from(text, "latin1"), bytes]);
}

function hasAnswerBody({ verb, status }: Exchange): boolean {
  return verb !== "HEAD" && status !== 204 && status !== 304;
}

function answerBytes(planned: Exchange): Buffer {
  const { informations, status, answer } = planned;
  const { head, bytes } = bodyOf(answer, hasAnswerBody(planned));
  const before = informations.map((fields) => `HTTP/1.1 103 Early\r\n${linesOf(fields)}\r\n`).join("");
  const text = `${before}HTTP/1.1 ${status} Planned\r\n${linesOf(answer.fields)}${status === 204 ? "" : head}\r\n`;
  return Buffer.concat([Buffer.from(text, "latin1"), bytes]);
}

/** Writes bytes cut at those places, each piece in a turn of its own. */
async function write(socket: Socket, bytes: Buffer, cuts: readonly number[]): Promise<void> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, two) => one - two), bytes.length];
  for (const [at, from] of places.entries()) {
    if (socket.destroyed) return;
    socket.write(bytes.subarray(from, places[at + 1] ?? bytes.length));
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

let plan: readonly Exchange[] = [];
/** What came to the target, by the exchange's number; and what it could not read. */
let arrived = new Map<number, StrictMessage>();
const problems: unknown[] = [];
const targetSockets = new Set<Socket>();
let server: Server;
let gateway: TestGateway;

function serve(socket: Socket): void {
  const reader = new StrictReader("request");
  targetSockets.add(socket);
  socket.on("close", () => targetSockets.delete(socket)).on("error", () => undefined).on("end", () => socket.end());
  socket.on("data", (bytes: Buffer) => {
    try {
      reader.push(bytes);
      const request = reader.next();
      if (request === null) return;
      if (reader.left > 0) throw new Error("bytes behind a request that waits for its answer");
      const id = Number(request.start[1].slice(1));
      const planned = plan[id];
      if (planned === undefined || arrived.has(id)) throw new Error(`request ${request.start.join(" ")}`);
      arrived.set(id, request);
      void write(socket, answerBytes(planned), planned.answer.cuts).then(() => {
        if (planned.answer.framing === "close" && hasAnswerBody(planned)) socket.end();
      });
    } catch (problem) {
      problems.push(problem);
      socket.destroy();
    }
  });
}

const set = "kind: AssignMessage\nactions: [{ set: { headers: { X-User: gateway } } }]";
const look = "kind: AssignMessage\nactions: [{ set: { headers: { x-found: \"yes\" } } }]";
const proxy = (name: string, request: string, response: string): Record<string, string> => ({
  [`proxies/${name}/proxy.yaml`]: `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, preFlow: { request: [${request}], response: [${response}] } }]
targetEndpoints: [{ url: { env: TARGET_URL }, properties: { success.codes: "2xx, 3xx, 4xx, 5xx" } }]`,
  [`proxies/${name}/policies/AM-User.yaml`]: set,
  ...(request === "AM-User" ? {} : { [`proxies/${name}/policies/AM-Found.yaml`]: look }),
});

beforeAll(async () => {
  server = createServer({ allowHalfOpen: true, noDelay: true }, serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  gateway = await startGatewayFromBundle({
    "gateway.yaml": "kind: Gateway\nlisteners: [{ host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }\ndrain: { preDrainDelay: 0s, window: 0s, spread: 0s }",
    ...proxy("streams", "AM-User", ""),
    ...proxy("reads", `AM-User, { name: AM-Found, condition: 'request.content = "never"' }`, `{ name: AM-Found, condition: 'response.content = "never"' }`),
  }, { env: { TARGET_URL: `http://127.0.0.1:${port}` } });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const socket of targetSockets) socket.destroy();
  await new Promise((resolve) => void server.close(resolve));
});

const fold = (name: string): string => name.toLowerCase().replaceAll(/[_.]/g, "-");
const isOwn = (name: string): boolean =>
  ownNames.includes(fold(name)) || /^x-(?:forwarded|apigee)-/.test(fold(name));
/** Framing and credentials pass under their own names only, which are not generated here. */
const isConfusable = (name: string): boolean => framingNames.includes(fold(name));
const writtenToTarget = ["host", "x-user", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "content-length", "transfer-encoding", "expect"];
const writtenToClient = ["date", "connection", "keep-alive", "content-length", "transfer-encoding"];
const without = (fields: Fields, names: readonly string[]): Fields => fields.filter(([name]) => !names.includes(name.toLowerCase()));

function expectRequest(got: StrictMessage, { verb, request, nominated }: Exchange): void {
  expect(got.start[0]).toBe(verb);
  const kept = request.fields.filter(([name]) => !isOwn(name) && !isConfusable(name) && name.toLowerCase() !== nominated?.toLowerCase());
  expect(without(got.fields, writtenToTarget)).toEqual(kept);
  expect(values(got.fields, "x-user")).toEqual(["gateway"]);
  expect(values(got.fields, "x-forwarded-for")).toEqual(["127.0.0.1"]);
  expect(got.body.equals(request.framing === "none" ? Buffer.alloc(0) : request.body)).toBe(true);
  const trails = request.framing === "chunked" && request.body.length > 0;
  expect(got.trailers).toEqual(trails ? request.trailers : []);
}

function expectAnswer(got: StrictMessage, planned: Exchange): void {
  const { status, answer } = planned;
  expect(got.start[1]).toBe(String(status));
  expect(without(got.fields, writtenToClient)).toEqual(answer.fields);
  expect(got.body.equals(hasAnswerBody(planned) ? answer.body : Buffer.alloc(0))).toBe(true);
  const trails = answer.framing === "chunked" && hasAnswerBody(planned) && answer.body.length > 0;
  expect(got.trailers).toEqual(trails ? answer.trailers : []);
}

test("what is sent arrives, in order, and nothing else does", async () => {
  await fc.assert(fc.asyncProperty(fc.array(exchange, { minLength: 1, maxLength: 4 }), fc.boolean(), async (planned, isPipelined) => {
    // Behind an answer that came before its 100 nothing follows.
    const exchanges = planned.map((one) => ({ ...one, expects: one.expects && !isPipelined }));
    plan = exchanges;
    arrived = new Map();
    using client = await rawClient(gateway.port);
    const reader = new StrictReader("response");
    const answered = async ({ verb, informations }: Exchange): Promise<StrictMessage> => {
      const informed: Fields[] = [];
      for (;;) {
        let message: StrictMessage | null = null;
        await until(() => {
          reader.push(client.take());
          message ??= reader.next(verb, client.ended);
          return message !== null || client.closed || problems.length > 0;
        }, () => `an answer, behind ${reader.left} bytes`);
        expect(problems).toEqual([]);
        if (message === null) throw new Error("the connection ended");
        const { start, fields } = message as StrictMessage;
        if (start[1] === "103") informed.push(fields);
        else if (start[1] !== "100") {
          // One that waits for its turn is told nothing until then.
          expect(informed).toEqual(informations.slice(isPipelined ? informations.length - informed.length : 0));
          return message;
        }
      }
    };
    const sending = isPipelined
      ? write(client.socket, Buffer.concat(exchanges.map(requestBytes)), exchanges.flatMap(({ request }) => request.cuts))
      : null;
    for (const [id, planned] of exchanges.entries()) {
      if (sending === null) await write(client.socket, requestBytes(planned, id), planned.request.cuts);
      expectAnswer(await answered(planned), planned);
      const request = arrived.get(id);
      if (request === undefined) throw new Error("an answer to a request that did not arrive");
      expectRequest(request, planned);
    }
    await sending;
    reader.push(client.take());
    expect([reader.left, client.ended]).toEqual([0, false]);
  }), { numRuns: 150 });
  expect(gateway.lines({ event: "defect" })).toEqual([]);
}, 120_000);
