import { Buffer } from "node:buffer";
import { expect, it } from "vitest";
import { SyslogSender, type LinkOwner, type SyslogLink } from "#runtime/syslog/sender.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

const LIMITS = { syslogQueueBytesMax: 10, syslogRetryMinMs: 100, syslogRetryMaxMs: 350, syslogConnectTimeoutMs: 1_000 };

function setUp() {
  const clock = fakeClock();
  const links: { owner: LinkOwner; written: string[]; takes: boolean; ended: string[] }[] = [];
  const told: string[] = [];
  const sender = new SyslogSender((owner): SyslogLink => {
    const link = { owner, written: [] as string[], takes: true, ended: [] as string[] };
    links.push(link);
    return {
      write: (message) => {
        link.written.push(message.toString());
        return link.takes;
      },
      end: () => void link.ended.push("end"),
      destroy: () => void link.ended.push("destroy"),
    };
  }, clock, LIMITS, {
    sent: () => void told.push("sent"),
    dropped: (messages) => void told.push(`dropped ${messages}`),
    failed: (detail) => void told.push(`failed ${detail}`),
    recovered: () => void told.push("recovered"),
  });
  const send = (text: string): void => sender.send(Buffer.from(text));
  return { clock, links, told, sender, send };
}

it("connects for the first message, and holds no more than its bound", () => {
  const { links, told, send } = setUp();
  expect(links.length).toBe(0);
  send("one");
  send("two");
  send("three");
  send("four");
  expect([links.length, told]).toEqual([1, ["dropped 1"]]);
  links[0]?.owner.ready();
  expect(links[0]?.written).toEqual(["one", "two", "four"]);
  expect(told).toEqual(["dropped 1", "sent", "sent", "sent"]);
});

it("waits while the link takes no more", () => {
  const { links, send } = setUp();
  send("a");
  const [link] = links;
  if (link === undefined) throw new Error("no link");
  link.takes = false;
  link.owner.ready();
  send("b");
  expect(link.written).toEqual(["a"]);
  link.takes = true;
  link.owner.drained();
  expect(link.written).toEqual(["a", "b"]);
});

it("tries again later and later, tells once, and begins anew after a success", () => {
  const { clock, links, told, send } = setUp();
  send("a");
  for (const [at, waitMs] of [100, 200, 350, 350].entries()) {
    links[at]?.owner.lost("ECONNREFUSED");
    links[at]?.owner.lost("again");
    clock.advance(waitMs - 1);
    expect(links.length).toBe(at + 1);
    clock.advance(1);
    expect(links.length).toBe(at + 2);
  }
  expect(told).toEqual(["failed ECONNREFUSED"]);
  links[4]?.owner.ready();
  expect(told).toEqual(["failed ECONNREFUSED", "sent", "recovered"]);
  links[4]?.owner.lost("reset");
  clock.advance(1_000);
  expect(links.length).toBe(5);
  send("b");
  expect(links.length).toBe(6);
  links[5]?.owner.lost("reset");
  clock.advance(100);
  expect(links.length).toBe(7);
});

it("gives up a connection that does not stand in time", () => {
  const { clock, links, send } = setUp();
  send("a");
  clock.advance(1_000);
  expect(links[0]?.ended).toEqual(["destroy"]);
});

it("when it is closed, ends behind what waits, or drops it in time", async () => {
  const { links, sender, send } = setUp();
  send("a");
  links[0]?.owner.ready();
  const closed = sender.close();
  expect(links[0]?.ended).toEqual(["end"]);
  links[0]?.owner.lost("closed");
  await closed;
  const late = setUp();
  late.send("a");
  const dropped = late.sender.close();
  late.clock.advance(1_000);
  await dropped;
  late.send("b");
  expect(late.told).toEqual(["dropped 1", "dropped 1"]);
});
