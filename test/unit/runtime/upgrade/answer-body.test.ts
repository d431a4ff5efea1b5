import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { systemClock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { ignoreError } from "#runtime/target/connect.ts";
import type { AnswerFraming } from "#runtime/target/answer-framing.ts";
import { AnswerRelay } from "#runtime/upgrade/answer-body.ts";
import type { AnswerSink, RelaySettings } from "#runtime/upgrade/answer-body.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import { connectedPair } from "../../../support/socket-pair.ts";

const limits = { ...defaultLimits, refusalBodyBytesMax: 10 };
const settings: RelaySettings = { limits, clock: systemClock, ioTimeoutMs: 5_000 };
const untilClose: AnswerFraming = { kind: "close", bytes: null };
const chunked: AnswerFraming = { kind: "chunked", bytes: null };
const length = (bytes: number): AnswerFraming => ({ kind: "length", bytes });

interface Collected {
  readonly sink: AnswerSink;
  readonly ended: Promise<string | null>;
  text(): string;
  ends(): number;
}

function collect(accepts: () => boolean = () => true): Collected {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  let text = "";
  let ends = 0;
  return {
    sink: {
      content(bytes) {
        text += bytes.toString("latin1");
        return accepts();
      },
      end(problem) {
        ends += 1;
        resolve(problem);
      },
    },
    ended: promise,
    text: () => text,
    ends: () => ends,
  };
}

/** A paused socket as a handshake leaves it, and the target's end of it. */
async function paused(): Promise<{ socket: Socket; far: Socket }> {
  const { near, far } = await connectedPair();
  far.on("error", ignoreError);
  return { socket: near.on("error", ignoreError).pause(), far };
}

describe("bodies that end as they announced", () => {
  test.each<[string, AnswerFraming, string, string, string]>([
    ["by length", length(5), "", "hello", "hello"],
    ["by length, begun behind the head", length(5), "he", "llo", "hello"],
    ["by length, wholly behind the head, with more that is dropped", length(5), "helloHTTP/1.1 200", "", "hello"],
    ["in chunks", chunked, "3\r\nab", "c\r\n2\r\nde\r\n0\r\n\r\n", "abcde"],
    ["in chunks, wholly behind the head", chunked, "3\r\nabc\r\n0\r\n\r\n", "", "abc"],
    ["without a body", { kind: "none", bytes: 0 }, "ignored", "", ""],
    ["exactly at the limit", length(10), "", "0123456789", "0123456789"],
  ])("%s", async (_name, framing, rest, later, text) => {
    const { socket, far } = await paused();
    const { sink, ended, text: got } = collect();
    new AnswerRelay(socket, framing, settings, sink).start(Buffer.from(rest));
    if (later !== "") far.write(later);
    expect(await ended).toBeNull();
    expect(got()).toBe(text);
    expect(socket.destroyed).toBe(true);
    expect(socket.listenerCount("data") + socket.listenerCount("close")).toBe(0);
    far.destroy();
  });

  test("by the end of the connection", async () => {
    const { socket, far } = await paused();
    const { sink, ended, text } = collect();
    far.end("bye");
    new AnswerRelay(socket, untilClose, settings, sink).start(Buffer.from("good"));
    expect(await ended).toBeNull();
    expect(text()).toBe("goodbye");
    expect(socket.destroyed).toBe(true);
    far.destroy();
  });
});

describe("bodies that do not", () => {
  test.each<[string, AnswerFraming, (far: Socket) => void, string, string]>([
    ["shorter than its length", length(5), (far) => void far.end("hel"), "hel", "answer ended before its body did"],
    ["without its last chunk", chunked, (far) => void far.end("3\r\nabc\r\n"), "abc",
      "answer ended before its body did"],
    ["with broken chunks", chunked, (far) => void far.write("3\r\nabcd\r\n"), "abc",
      "chunked coding of the answer is broken"],
    ["longer than is relayed", untilClose, (far) => void far.write("0123456789abc"), "0123456789",
      "answer is larger than what is relayed"],
    ["in more chunks than are relayed", chunked, (far) => void far.write("8\r\n01234567\r\n8\r\n89abcdef\r\n"),
      "0123456789",
      "answer is larger than what is relayed"],
    ["reset", untilClose, (far) => void far.resetAndDestroy(), "", "connection broke inside the answer"],
  ])("%s", async (_name, framing, act, text, problem) => {
    const { socket, far } = await paused();
    const { sink, ended, text: got, ends } = collect();
    new AnswerRelay(socket, framing, settings, sink).start(Buffer.alloc(0));
    act(far);
    expect(await ended).toBe(problem);
    expect(got()).toBe(text);
    expect(ends()).toBe(1);
    expect(socket.destroyed).toBe(true);
    far.destroy();
  });

  test("on a connection that is gone already", async () => {
    const { socket, far } = await paused();
    socket.destroy();
    const { sink, ended } = collect();
    new AnswerRelay(socket, length(5), settings, sink).start(Buffer.alloc(0));
    expect(await ended).toBe("connection broke inside the answer");
    far.destroy();
  });

  test("silent for too long, however long it went on before", async () => {
    const clock = fakeClock();
    const { socket, far } = await paused();
    const first = Promise.withResolvers<void>();
    const { sink, ended, ends } = collect(() => (first.resolve(), true));
    new AnswerRelay(socket, length(5), { ...settings, clock }, sink).start(Buffer.alloc(0));
    clock.advance(4_000);
    far.write("he");
    await first.promise;
    clock.advance(4_999);
    expect(ends()).toBe(0);
    clock.advance(1);
    expect(await ended).toBe("answer stopped inside its body");
    expect(clock.timers).toBe(0);
    far.destroy();
  });
});

test("a sink that is full stops the target, and goes on where it was", async () => {
  const { socket, far } = await paused();
  let full = true;
  const stopped = Promise.withResolvers<void>();
  const { sink, ended, text } = collect(() => {
    stopped.resolve();
    return !full;
  });
  const relay = new AnswerRelay(socket, length(6), settings, sink);
  relay.start(Buffer.from("abc"));
  await stopped.promise;
  expect(socket.isPaused()).toBe(true);
  far.write("def");
  full = false;
  expect(text()).toBe("abc");
  relay.resume();
  expect(await ended).toBeNull();
  expect(text()).toBe("abcdef");
  far.destroy();
});

test("a sink that never goes on is bounded in time as well", async () => {
  const clock = fakeClock();
  const { socket, far } = await paused();
  const { sink, ended } = collect(() => false);
  new AnswerRelay(socket, length(6), { ...settings, clock }, sink).start(Buffer.from("abc"));
  clock.advance(5_000);
  expect(await ended).toBe("answer was not taken in time");
  far.destroy();
});

test("an aborted relay is silent and leaves nothing", async () => {
  const clock = fakeClock();
  const { socket, far } = await paused();
  const { sink, ends } = collect();
  const relay = new AnswerRelay(socket, length(6), { ...settings, clock }, sink);
  relay.start(Buffer.from("abc"));
  relay.abort();
  relay.abort();
  relay.resume();
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  expect(ends()).toBe(0);
  expect(clock.timers).toBe(0);
  far.destroy();
});
