/** What must hold of an event stream for any bytes and any cuts of them. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { splitter } from "../support/event-splitter.ts";

const piece = fc.constantFrom("\r", "\n", "\r\n", "\n\n", "\r\n\r\n", ":", ": ping", "data: a", "data", "event: b", "id:1", "\u00e9", "\ufeff", " ");
const stream = fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 40 }).map((parts) => Buffer.from(parts.join("")));
const noisy = fc.oneof(stream, fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)));
const cuts = fc.array(fc.nat(), { maxLength: 12 });

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

test("what nobody changes goes out byte for byte", () => {
  fc.assert(fc.property(noisy, cuts, (bytes, at) => {
    const { sent } = splitter(cut(bytes, at), (event) => event);
    expect(sent).toEqual(bytes);
  }));
});

test("cuts decide nothing: events and output are those of the whole input", () => {
  const change = (event: Buffer, count: number): Buffer => [Buffer.alloc(0), Buffer.from("data: new\n\n"), event][count % 3] ?? event;
  fc.assert(fc.property(noisy, cuts, (bytes, at) => {
    expect(splitter(cut(bytes, at), change)).toEqual(splitter([bytes], change));
    expect(splitter([...bytes].map((byte) => Buffer.of(byte)), change)).toEqual(splitter([bytes], change));
  }));
});

test("when every event is dropped, no field of one is left", () => {
  fc.assert(fc.property(stream, cuts, (bytes, at) => {
    const { sent } = splitter(cut(bytes, at), () => Buffer.alloc(0));
    const lines = sent.toString().replace(/^\ufeff/, "").split(/\r\n|\r|\n/);
    expect(lines.filter((line) => line !== "" && !line.startsWith(":"))).toEqual([]);
  }));
});
