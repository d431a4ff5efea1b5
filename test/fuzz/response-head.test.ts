/**
 * Our reader of target heads against llhttp, the parser of node:http's client: whatever we accept, llhttp accepts
 * with the
 * same status and header lines. The other way round we may be stricter.
 */
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { ResponseMessage } from "#runtime/message/message.ts";
import { announcesBody, answerFraming } from "#runtime/target/answer-framing.ts";
import { ResponseHeadReader } from "#runtime/target/response-head.ts";

const limits = { ...defaultLimits, responseHeadBytesMax: 2_048, responseHeadersMax: 20 };

interface Head {
  readonly status: number;
  readonly reason: string;
  readonly lines: readonly string[];
}

type Reading = Head | "refused" | "incomplete";
type Reader = (bytes: Buffer, cuts?: readonly number[]) => Reading;

/** The gateway's reading: the head, and for ordinary answers the framing that goes with it. */
const readOurs: Reader = (bytes, cuts = []) => {
  const reader = new ResponseHeadReader(limits);
  const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    const read = reader.push(bytes.subarray(start, end));
    start = end;
    if (read === null) continue;
    if (read.kind === "problem") return "refused";
    const { status, reason, lines, version } = read;
    const head = new ResponseMessage(status, reason, lines);
    const sound = status < 200 ? !announcesBody(head) : typeof answerFraming(head, version) !== "string";
    return sound ? { status, reason, lines } : "refused";
  }
  return "incomplete";
};

/** What a careless reader would make of the bytes: it proves that the comparison can fail. */
const readCarelessly: Reader = (bytes) => {
  const text = bytes.toString("latin1");
  const end = text.search(/\r?\n\r?\n/);
  if (end < 0) return "incomplete";
  const [first = "", ...rest] = text.slice(0, end).split(/\r?\n/);
  const status = Number(/^\S+ (\d{3})/.exec(first)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) return "refused";
  const lines = rest.flatMap((line) => [line.slice(0, line.indexOf(":")).trim(),
    line.slice(line.indexOf(":") + 1).trim()]);
  return { status, reason: first.slice(13), lines };
};

/** llhttp's reading, through node's own client on a stream that holds the bytes. */
function readLlhttp(bytes: Buffer): Promise<Reading> {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  return new Promise((resolve) => {
    const done = (reading: Reading): void => {
      resolve(reading);
      client.destroy();
      stream.destroy();
    };
    const headOf = (message: IncomingMessage): Head => ({
      status: message.statusCode ?? 0, reason: message.statusMessage ?? "", lines: message.rawHeaders,
    });
    const client = request({ createConnection: () => stream, method: "GET", host: "t", maxHeaderSize: 65_536 });
    client.on("information", (info) => done({ status: info.statusCode, reason: info.statusMessage,
      lines: info.rawHeaders }));
    client.on("upgrade", (message) => done(headOf(message)));
    client.on("response", (message) => done(headOf(message.on("error", () => undefined))));
    client.on("error", () => done("refused"));
    client.end();
    stream.push(bytes);
    stream.push(null);
  });
}

const anyByte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const goodName = fc.constantFrom("A", "Upgrade", "Connection", "Sec-WebSocket-Accept", "Content-Length",
  "Transfer-Encoding", "x~!#");
const goodValue = fc.constantFrom("", "b", "websocket", "Upgrade", "close", "chunked", "gzip", "5", "0", "5, 5", "a:b",
  "caf\u00e9", "a\tb");
const separator = fc.constantFrom(":", ": ", ":\t ", " :", "", ": \t");
const eol = fc.oneof({ weight: 20, arbitrary: fc.constant("\r\n") }, fc.constantFrom("\n", "\r", "\r\r\n", "\r\n ",
  "\r\n\t", "\0\r\n"));
const line = fc.tuple(
  fc.oneof({ weight: 8, arbitrary: goodName }, fc.string({ unit: anyByte, maxLength: 4 })),
  fc.oneof({ weight: 6, arbitrary: fc.constant(": ") }, separator),
  fc.oneof({ weight: 8, arbitrary: goodValue }, fc.string({ unit: anyByte, maxLength: 6 })),
  eol,
).map((parts) => parts.join(""));
const status = fc.tuple(
  fc.oneof({ weight: 10, arbitrary: fc.constant("HTTP/1.1 ") }, fc.constantFrom("HTTP/1.0 ", "HTTP/1.2 ", "HTTP/2.0 ",
    "HTTP/1.1", "http/1.1 ", "\r\nHTTP/1.1 ")),
  fc.oneof({ weight: 8, arbitrary: fc.constantFrom("101", "200", "204", "304", "404", "103", "999") },
    fc.constantFrom("20", "2000", "2x0", "099", "")),
  fc.oneof({ weight: 4, arbitrary: fc.constant(" OK") }, fc.constantFrom("", " ", "  two  ", " caf\u00e9"),
    fc.string({ unit: anyByte, maxLength: 4 })),
  eol,
).map((parts) => parts.join(""));
const answer = fc.tuple(status, fc.array(line, { maxLength: 5 }), fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", ""))
  .map(([first, lines, end]) => Buffer.from(first + lines.join("") + end, "latin1"));
const cuts = fc.array(fc.nat(120), { maxLength: 6 });

/** Null when the readings agree as far as they must, else what differs. */
async function difference(read: Reader, bytes: Buffer): Promise<string | null> {
  const ours = read(bytes);
  if (ours === "refused" || ours === "incomplete") return null;
  const theirs = await readLlhttp(bytes);
  const [left, right] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return left === right ? null : `${left} is ${right} to llhttp`;
}

describe("heads of targets", () => {
  test("what we accept, llhttp accepts alike", async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(answer, async (bytes) => {
        if (typeof readOurs(bytes) === "object") accepted += 1;
        expect(await difference(readOurs, bytes)).toBeNull();
      }),
      { numRuns: 3_000 },
    );
    // Without this the property could hold because nothing is ever accepted.
    expect(accepted).toBeGreaterThan(300);
  });

  test("any cut of the same bytes is read alike", () => {
    fc.assert(
      fc.property(answer, cuts, (bytes, at) => {
        expect(readOurs(bytes, at)).toEqual(readOurs(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  test("canary: a careless reader is caught, by chance and by these", async () => {
    for (const text of ["HTTP/1.1 200 OK\nA: b\n\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n"]) {
      expect(await difference(readCarelessly, Buffer.from(text)), text).not.toBeNull();
    }
    const found = await fc.check(
      fc.asyncProperty(answer, async (bytes) => (await difference(readCarelessly, bytes)) === null),
      { numRuns: 1_000, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });
});
