/** Event streams cut into events, at the moment their last byte comes. */
import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { splitter } from "../../../support/event-splitter.ts";

const events = (text: string): readonly string[] => splitter([Buffer.from(text)], (event) => event).events;

describe("where events begin and end", () => {
  it.each([
    ["LF", "data: a\n\ndata: b\n\n", ["data: a\n\n", "data: b\n\n"]],
    ["CR", "data: a\r\rdata: b\r\r", ["data: a\r\r", "data: b\r\r"]],
    ["CRLF; the last LF follows its event", "data: a\r\n\r\ndata: b\r\n\r\n", ["data: a\r\n\r", "data: b\r\n\r"]],
    ["mixed", "data: a\n\rdata: b\r\n\n", ["data: a\n\r", "data: b\r\n\n"]],
    ["a comment of its own is none", ": ping\n\ndata: a\n\n", ["data: a\n\n"]],
    ["a comment inside belongs to it", "data: a\n: c\ndata: b\n\n", ["data: a\n: c\ndata: b\n\n"]],
    ["a byte order mark is none", "\ufeffdata: a\n\n", ["data: a\n\n"]],
    ["only fields without data", "id: 7\n\n", ["id: 7\n\n"]],
    ["the end without an empty line", "data: a", ["data: a"]],
    ["empty lines and comments only", "\n\r\n:\n: x", []],
  ])("%s", (_, text, expected) => {
    expect(events(text)).toEqual(expected);
  });
});

describe("bounds", () => {
  const same = (event: Buffer): Buffer => event;
  it("an event as large as the bound passes, one byte more ends the stream", () => {
    const event = Buffer.from("data: 12\n\n");
    expect(splitter([event], same, event.length).failure).toBeNull();
    expect(splitter([event], same, event.length - 1)).toMatchObject({ failure: { code: "protocol.http.TooBigBody" } });
  });

  it("one that never ends does too, and what stood before it goes on", () => {
    const pieces = Array.from({ length: 20 }, () => Buffer.from("x"));
    const { sent, failure } = splitter([Buffer.from("data: a\n\ndata: "), ...pieces], same, 16);
    expect(failure).toMatchObject({ code: "protocol.http.TooBigBody" });
    expect(sent.toString()).toBe("data: a\n\n");
  });

  it("what an event throws ends the stream behind the events before it", () => {
    const all = [Buffer.from("data: a\n\n: c\ndata: b\n\ndata: c\n\n")];
    const { sent, failure, events: seen } = splitter(all, (event, count) => {
      if (count === 2) throw new Error("no");
      return event;
    });
    expect([sent.toString(), seen.length, failure]).toEqual(["data: a\n\n: c\n", 2, new Error("no")]);
  });
});
