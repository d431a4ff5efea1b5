/** One server-sent event: what its variables say, and what changes become. */
import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { ServerEvent } from "#runtime/body/server-event.ts";

const event = (text: string): ServerEvent => new ServerEvent(Buffer.from(text), 1);

describe("reads", () => {
  it.each([
    ["data: a\n\n", "data: a", "a"],
    ["event: x\r\ndata:a\r\ndata:  b\r\ndata\r\n\r", "event: x\r\ndata:a\r\ndata:  b\r\ndata", "a\n b\n"],
    ["data: \u00e9\n\n", "data: \u00e9", "\u00e9"],
    ["database: a\n\n", "database: a", null],
  ])("%j", (text, content, data) => {
    expect([event(text).content, event(text).data]).toEqual([content, data]);
  });
});

describe("writes", () => {
  const changed = (text: string, change: (it: ServerEvent) => void): string => {
    const it = event(text);
    change(it);
    return it.bytes.toString();
  };
  it("data stands where it stood, a line for each of its lines", () => {
    expect(changed("event: x\ndata: a\ndata: b\nid: 1\n\n", (it) => (it.data = "1\r\n2"))).toBe("event: x\ndata: 1\ndata: 2\nid: 1\n\n");
    expect(changed("id: 1\n\n", (it) => (it.data = "a"))).toBe("id: 1\ndata: a\n\n");
    expect(changed("data: a\r\n\r", (it) => (it.data = ""))).toBe("data: \r\n\r");
  });
  it("content stays one event, and nothing drops it", () => {
    expect(changed("data: a\n\n", (it) => (it.content = "data: b\n\n\r\ndata: c\n"))).toBe("data: b\ndata: c\n\n");
    expect(changed("data: a\n\n", (it) => (it.content = ""))).toBe("");
    expect(changed("data: a\n\n", (it) => (it.content = "\n\r"))).toBe("");
  });
  it("the same again changes no byte", () => {
    const bytes = Buffer.from([...Buffer.from("data:"), 0xff, 0x0a, 0x0a]);
    const it = new ServerEvent(bytes, 1);
    it.data = String(it.data);
    it.content = String(it.content);
    expect(it.bytes).toBe(bytes);
  });
});
