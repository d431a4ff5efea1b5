import { expect, test } from "vitest";
import { spender } from "#runtime/body/spent-bytes.ts";

test("a large piece that has left takes no memory any more", () => {
  const bytes = Buffer.alloc(64 * 1024, 1);
  const { buffer } = bytes;
  const spend = spender(bytes);
  spend?.();
  expect([bytes.length, buffer.byteLength]).toEqual([0, 0]);
  // A write that fails calls back once more than one that does not.
  expect(() => spend?.()).not.toThrow();
});

test.each([
  ["small", Buffer.alloc(16 * 1024 - 1)],
  ["in a block with others", Buffer.alloc(64 * 1024).subarray(0, 32 * 1024)],
  ["in a block that is shared", Buffer.from(new SharedArrayBuffer(64 * 1024)).subarray(0, 32 * 1024)],
])("a piece that is %s stays", (_what, bytes) => {
  expect(spender(bytes)).toBeUndefined();
});
