/** Trace Context: what is read and written, with OpenTelemetry's own propagator as the judge. */
import { ROOT_CONTEXT, defaultTextMapGetter, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "#runtime/clock.ts";
import { RequestMessage } from "#runtime/message/message.ts";
import {
  isInShare, isTraceState, newSpanId, newTraceId, readTraceParent, writeTraceParent,
} from "#runtime/otlp/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

function request(...lines: string[]): RequestMessage {
  return new RequestMessage("GET", "/", null, "1.1", lines);
}

/** What OpenTelemetry makes of a header. */
function judged(traceparent: string): { traceId: string; spanId: string; isSampled: boolean } | null {
  const context = new W3CTraceContextPropagator().extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter);
  const span = trace.getSpanContext(context);
  return span === undefined ? null : { traceId: span.traceId, spanId: span.spanId, isSampled: (span.traceFlags & 1) === 1 };
}

describe("traceparent", () => {
  it.each([
    [`00-${TRACE}-${SPAN}-01`, { traceId: TRACE, spanId: SPAN, isSampled: true, isRandom: false }],
    [`00-${TRACE}-${SPAN}-00`, { traceId: TRACE, spanId: SPAN, isSampled: false, isRandom: false }],
    [`00-${TRACE}-${SPAN}-03`, { traceId: TRACE, spanId: SPAN, isSampled: true, isRandom: true }],
    [`cc-${TRACE}-${SPAN}-01-what-will-be`, { traceId: TRACE, spanId: SPAN, isSampled: true, isRandom: false }],
    [`00-${TRACE}-${SPAN}-01-more`, null],
    [`ff-${TRACE}-${SPAN}-01`, null],
    [`00-${"0".repeat(32)}-${SPAN}-01`, null],
    [`00-${TRACE}-${"0".repeat(16)}-01`, null],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, null],
    [`00-${TRACE}-${SPAN}-1`, null],
    [`00-${TRACE}-${SPAN}`, null],
    ["", null],
  ])("reads %s", (text, expected) => {
    expect(readTraceParent(request("TraceParent", text))).toEqual(expected);
  });

  it("is not taken from a message that has two", () => {
    const line = `00-${TRACE}-${SPAN}-01`;
    expect(readTraceParent(request("traceparent", line, "Traceparent", line))).toBeNull();
    expect(readTraceParent(request())).toBeNull();
  });

  it("means what it means to OpenTelemetry", () => {
    const hex = (length: number) => fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
    const part = (length: number) => fc.oneof({ weight: 8, arbitrary: hex(length) }, fc.constant("0".repeat(length)), hex(length - 1));
    const header = fc.tuple(fc.constantFrom("00", "01", "fe", "ff"), part(32), part(16), part(2), fc.constantFrom("", "-x"))
      .map(([version, traceId, spanId, flags, more]) => `${version}-${traceId}-${spanId}-${flags}${more}`);
    fc.assert(fc.property(header, (text) => {
      const { isRandom: _, ...own } = readTraceParent(request("traceparent", text)) ?? { isRandom: null };
      expect("traceId" in own ? own : null).toEqual(judged(text));
    }), { numRuns: 2_000 });
  });

  it("is written so that OpenTelemetry reads it back, in place of what was there", () => {
    const message = request("Traceparent", "rubbish", "tracestate", "a=1", "traceparent", "more rubbish");
    const traceId = newTraceId(systemClock);
    const spanId = newSpanId(systemClock);
    writeTraceParent(message, { traceId, spanId, isSampled: true, isRandom: true }, true);
    expect(message.names.filter((name) => name === "traceparent")).toHaveLength(1);
    expect(message.headerLine("traceparent")).toBe(`00-${traceId}-${spanId}-03`);
    expect(judged(message.headerLine("traceparent") ?? "")).toEqual({ traceId, spanId, isSampled: true });
    expect(message.headerLine("tracestate")).toBe("a=1");
  });
});

describe("tracestate", () => {
  it.each([
    ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true],
    ["fw529a3039@dt=FfAAAA , , x=1", true],
    ["", true],
    ["a=1,a=2", false],
    ["A=1", false],
    ["a=b=c", false],
    ["a", false],
    ["a=caf\u00e9", false],
    [Array.from({ length: 33 }, (_, at) => `k${at}=1`).join(","), false],
  ])("%s can be passed on: %s", (text, expected) => {
    expect(isTraceState(text)).toBe(expected);
  });

  it.each([
    ["without a valid parent", "a=1", false],
    ["when a member is bad", "a=1,B=2", true],
  ])("goes no further %s", (_, state, keepsState) => {
    const message = request("tracestate", state);
    writeTraceParent(message, { traceId: TRACE, spanId: SPAN, isSampled: false, isRandom: false }, keepsState);
    expect(message.headerLine("tracestate")).toBeNull();
    expect(message.headerLine("traceparent")).toBe(`00-${TRACE}-${SPAN}-00`);
  });
});

describe("a share of all traces", () => {
  it("is decided by the id alone", () => {
    expect(isInShare(`${"f".repeat(19)}${"0".repeat(13)}`, 0.000_001)).toBe(true);
    expect(isInShare(`${"0".repeat(19)}${"f".repeat(13)}`, 0.999_999)).toBe(false);
    expect(isInShare(`${"0".repeat(19)}8${"0".repeat(12)}`, 0.5)).toBe(false);
    expect(isInShare(`${"0".repeat(19)}7${"f".repeat(12)}`, 0.5)).toBe(true);
  });

  it("has ends: none and all", () => {
    expect(isInShare("0".repeat(32), 0)).toBe(false);
    expect(isInShare("f".repeat(32), 1)).toBe(true);
  });

  it("is as large as it says", () => {
    const taken = Array.from({ length: 20_000 }, () => newTraceId(systemClock)).filter((id) => isInShare(id, 0.25)).length;
    // Six standard deviations.
    expect(Math.abs(taken - 5_000)).toBeLessThan(6 * Math.sqrt(20_000 * 0.25 * 0.75));
  });
});
