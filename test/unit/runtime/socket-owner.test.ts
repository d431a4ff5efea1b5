import { describe, expect, test } from "vitest";
import { disown, HeldSocket, own, ownerOf, type SocketOwner } from "#runtime/socket-owner.ts";
import { connectedPair } from "../../support/socket-pair.ts";
import { until } from "../../support/spliced.ts";

const EVENTS = ["data", "end", "drain", "close"];

/** Writes down what it hears. */
class Listener implements SocketOwner {
  readonly heard: string[] = [];

  socketData(bytes: Buffer): void {
    this.heard.push(bytes.toString("latin1"));
  }

  socketEnd(): void {
    this.heard.push("end");
  }

  socketClose(): void {
    this.heard.push("close");
  }

  socketDrain(): void {
    this.heard.push("drain");
  }
}

describe("an owned socket", () => {
  test("tells its owner, and only its present one", async () => {
    const { near, far } = await connectedPair();
    const counts = (): number[] => EVENTS.map((event) => near.listenerCount(event));
    const before = counts();
    const [first, second] = [new Listener(), new Listener()];
    own(near, first);
    near.resume();
    const owned = counts();
    far.write("one");
    await until(() => first.heard.length === 1);
    own(near, second);
    expect(ownerOf(near)).toBe(second);
    expect(counts()).toEqual(owned);
    far.end("two");
    await until(() => second.heard.length === 2);
    near.destroy();
    await until(() => second.heard.length === 3);
    expect(first.heard).toEqual(["one"]);
    expect(second.heard).toEqual(["two", "end", "close"]);
    // Node takes its own listener for the end off when it has come.
    expect(counts().map((count, at) => count - (before[at] ?? 0)).every((more) => more <= 0)).toBe(true);
    expect(owned.map((count, at) => count - (before[at] ?? 0))).toEqual([1, 1, 1, 1]);
    expect(ownerOf(near)).toBe(undefined);
    far.destroy();
  });

  test("tells nobody once it is disowned", async () => {
    const { near, far } = await connectedPair();
    const owner = new Listener();
    own(near, owner);
    disown(near);
    disown(near);
    far.end("x");
    near.resume();
    await until(() => near.readableEnded);
    expect(owner.heard).toEqual([]);
    near.destroy();
    far.destroy();
  });

  test("has a listener for errors, its own only where nobody else has one", async () => {
    const [bare, guarded] = await Promise.all([connectedPair(), connectedPair()]);
    const guard = (): void => undefined;
    guarded.near.on("error", guard);
    for (const { near } of [bare, guarded]) own(near, new Listener());
    expect(bare.near.listenerCount("error")).toBe(1);
    expect(guarded.near.listeners("error")).toEqual([guard]);
    for (const { near, far } of [bare, guarded]) {
      near.destroy(new Error("on purpose"));
      far.destroy();
      await until(() => near.closed);
    }
  });
});

test("a held socket tells of its end and of nothing else", async () => {
  const { near, far } = await connectedPair();
  let lost = 0;
  near.pause();
  own(near, new HeldSocket(() => void (lost += 1)));
  far.write("early");
  far.destroy();
  near.destroy();
  await until(() => lost > 0);
  expect(lost).toBe(1);
});
