import { describe, expect, it } from "vitest";
import { FlightRecorder, NO_FLIGHT } from "#runtime/observe/flight-recorder.ts";

const passed = (bytesFromClient: number, bytesFromTarget: number) => ({ bytesFromClient, bytesFromTarget });

describe("the flight recorder", () => {
  it("tells what happened, when, and what had passed by then", () => {
    const flight = new FlightRecorder(10);
    const place = flight.take();
    flight.note(place, "open", null, 0, passed(0, 0));
    flight.note(place, "pauseTarget", null, 1_500.4, passed(10, 65_536));
    flight.note(place, "closing", "writeStall", 61_500, passed(20, 9_000_000_000));
    const event = { reason: null, count: 1 };
    expect(flight.read(place)).toEqual([
      { ...event, event: "open", atMs: 0, ...passed(0, 0) },
      { ...event, event: "pauseTarget", atMs: 1_500, ...passed(10, 65_536) },
      { ...event, event: "closing", reason: "write_stall", atMs: 61_500, ...passed(20, 8_999_999_488) },
    ]);
  });

  it("keeps the last seven, and counts what comes again and again", () => {
    const flight = new FlightRecorder(1);
    const place = flight.take();
    flight.note(place, "open", null, 0, passed(0, 0));
    for (let at = 1; at <= 100_000; at++) flight.note(place, at % 2 === 1 ? "pauseClient" : "resumeClient", null, at, passed(at, 0));
    expect(flight.read(place).map(({ event, count, atMs }) => [event, count, atMs])).toEqual([
      ["open", 1, 0], ["pauseClient", 50_000, 99_999], ["resumeClient", 50_000, 100_000],
    ]);
    const kinds = ["finClient", "pauseTarget", "resumeTarget", "finTarget", "closing", "closeGrace", "lostClient"] as const;
    kinds.forEach((kind, at) => flight.note(place, kind, null, 200_000 + at, passed(0, 0)));
    expect(flight.read(place).map(({ event }) => event)).toEqual(kinds);
  });

  it("gives each session a place of 128 bytes, once, and takes it back", () => {
    const flight = new FlightRecorder(3_000);
    const places = Array.from({ length: 3_000 }, () => flight.take());
    expect(new Set(places).size).toBe(3_000);
    expect(flight.bytes).toBe(3 * 1_024 * 128);
    expect(flight.take()).toBe(NO_FLIGHT);
    places.forEach((place) => flight.note(place, "open", null, place, passed(place, 0)));
    for (const place of [7, 2_999, 1_024]) flight.release(place);
    expect([flight.take(), flight.take(), flight.take(), flight.take()]).toEqual([1_024, 2_999, 7, NO_FLIGHT]);
    expect(flight.read(1_024)).toEqual([]);
    expect(flight.read(1_025)).toMatchObject([{ atMs: 1_025 }]);
  });

  it("does nothing for a session without a place", () => {
    const flight = new FlightRecorder(0);
    const place = flight.take();
    flight.note(place, "open", null, 0, passed(0, 0));
    flight.release(place);
    expect([place, flight.read(place), flight.bytes]).toEqual([NO_FLIGHT, [], 0]);
  });

  it("keeps numbers within their places", () => {
    const flight = new FlightRecorder(1);
    const place = flight.take();
    flight.note(place, "closing", "internal", 1e15, passed(Number.MAX_SAFE_INTEGER, 0));
    for (let at = 0; at < 70_000; at++) flight.note(place, "finClient", null, -5, passed(0, 0));
    expect(flight.read(place)).toMatchObject([
      { event: "finClient", count: 65_535, atMs: 0 }, { event: "closing", reason: "error", atMs: 4_294_967_295 },
    ]);
  });
});
